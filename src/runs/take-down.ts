import { databaseOf, inStorage } from "../db/client.ts";
import type { CancelRuns } from "../messages/model.ts";
import { boundAt } from "./begin.ts";

/** Runs that one message cancels. */
const STEP = 200;

const RUNNING = `SELECT id FROM runs WHERE flow_id = ?1 AND status = 'running' AND id > ?2 AND id < ?3 ORDER BY id LIMIT ?4`;

/**
 * Cancels the runs of a flow, so many at a time; answers behind which one the next step goes on, if there is one. Runs
 * of a later start are not among them, however late this comes.
 */
export async function cancelRuns(
  env: Env,
  { flowId, after, before }: CancelRuns,
): Promise<{ cancelled: number; next?: string }> {
  const bound = boundAt(flowId, before);
  const found = await inStorage(() =>
    databaseOf(env.DB).sql(RUNNING, flowId, after, bound, STEP).all<{ id: string }>(),
  );
  const ids = found.results.map(({ id }) => id);
  await Promise.all(ids.map((id) => env.RUN.getByName(id).cancel()));
  const last = ids.at(-1);
  return { cancelled: ids.length, ...(ids.length === STEP && last !== undefined ? { next: last } : {}) };
}
