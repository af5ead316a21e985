import { inStorage, type Database } from "../db/client.ts";

/** What the steps of one flow remember from message to message. Whoever writes last is right. */
export interface Snapshots {
  /** An empty object if there is nothing yet. */
  readonly get: (step: string) => Promise<unknown>;
  readonly put: (step: string, value: unknown) => Promise<void>;
}

// A flow that was deleted meanwhile leaves nothing behind.
const PUT = `INSERT INTO snapshots (flow_id, step, updated_at, body)
  SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM flows WHERE id = ?1)
  ON CONFLICT (flow_id, step) DO UPDATE SET updated_at = ?3, body = ?4`;

export function snapshotsOf(db: Database, flowId: string, now: () => number): Snapshots {
  return {
    get: async (step) => {
      const find = db.sql("SELECT body FROM snapshots WHERE flow_id = ? AND step = ?", flowId, step);
      const body = await inStorage(() => find.first<string>("body"));
      return body === null ? {} : (JSON.parse(body) as unknown);
    },
    put: async (step, value) => {
      await inStorage(() => db.sql(PUT, flowId, step, now(), JSON.stringify(value)).run());
    },
  };
}
