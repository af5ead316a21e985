import { and, eq, type SQL } from "drizzle-orm";

import { inStorage, type Database } from "../db/client.ts";
import { flows } from "../db/schema.ts";
import { within, type Reach } from "../identity/ownership.ts";
import type { Flow, FlowDocument, LastError } from "./model.ts";

export type FlowRow = typeof flows.$inferSelect;

/** After so many unanswered commands to stop, a flow counts as stalled. */
export const STALLED_TRIES = 3;

/** Reads one flow that is within reach. */
export async function findFlow(db: Database, id: string, reach: Reach): Promise<FlowRow | undefined> {
  const rows = await inStorage(() =>
    db
      .select()
      .from(flows)
      .where(and(eq(flows.id, id), within(reach)))
      .limit(1),
  );
  return rows[0];
}

/** Condition of every write to a document: still the revision that was read, still inactive, still within reach. */
export const unchanged = (row: Pick<FlowRow, "id" | "revision">, reach: Reach): SQL | undefined =>
  and(eq(flows.id, row.id), eq(flows.revision, row.revision), eq(flows.status, "inactive"), within(reach));

export const documentOf = (row: Pick<FlowRow, "document">): FlowDocument => JSON.parse(row.document) as FlowDocument;

export const timeOf = (milliseconds: number): string => new Date(milliseconds).toISOString();

/** The flow as it is answered: the document's keys first, in the order of the original. */
export function flowOf(row: FlowRow): Flow {
  const { cron, fromTemplate, flowSettings, ...first } = documentOf(row);
  return {
    ...first,
    status: row.status,
    ...(cron === undefined ? {} : { cron }),
    ...(fromTemplate === undefined ? {} : { fromTemplate }),
    ...(flowSettings === undefined ? {} : { flowSettings }),
    createdAt: timeOf(row.createdAt),
    updatedAt: timeOf(row.updatedAt),
    id: row.id,
    revision: row.revision,
    statusSeq: row.statusSeq,
    startedBy: row.startedBy,
    startedAt: row.startedAt === null ? null : timeOf(row.startedAt),
    lastError: row.lastError === null ? null : (JSON.parse(row.lastError) as LastError),
    stalled: row.status === "stopping" && row.tries >= STALLED_TRIES,
  };
}
