import type { Database } from "../db/client.ts";
import { stateOf } from "../flows/answer.ts";
import { findFlow } from "../flows/store.ts";
import type { StreamEvent } from "../platform/event-stream.ts";

/** How a flow stands, if it has moved behind a transition. One that is gone says so. */
export async function statusSince(db: Database, flowId: string, statusSeq: number): Promise<StreamEvent[]> {
  const row = await findFlow(db, flowId, null);
  if (row === undefined) return [{ id: statusSeq + 1, event: "deleted", data: { id: flowId } }];
  if (row.statusSeq <= statusSeq) return [];
  const { status, startedBy, startedAt, lastError, revision } = stateOf(row);
  const data = { id: flowId, status, statusSeq: row.statusSeq, revision, startedBy, startedAt, lastError };
  return [{ id: row.statusSeq, event: "flow", data }];
}
