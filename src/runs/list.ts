import { inStorage, type Database } from "../db/client.ts";
import { boundAt } from "./begin.ts";
import type { RunEntry } from "./history.ts";
import { runStatuses, type RunFault, type RunStatus } from "./model.ts";
import type { RunSummary } from "./view.ts";

export interface RunQuery {
  readonly flowId: string;
  readonly statuses: readonly RunStatus[];
  /** Runs that began at this millisecond or later, and before that one. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** Only runs that began before this one. */
  readonly after?: string | undefined;
  readonly size: number;
}

const COLUMNS = `flow_id AS "flowId", status, id, trigger, revision, request_id AS "requestId", replay_of AS "replayOf", started_at AS "startedAt", ended_at AS "endedAt", fault`;

/** Runs of one flow, the newest first. The statuses are merged as they stand: a page costs its own length. */
export async function listRuns(db: Database, query: RunQuery): Promise<RunEntry[]> {
  const { flowId, statuses, from, to, after, size } = query;
  // Ids begin with the flow and the time, so that a bound of time is a bound of ids.
  const low = boundAt(flowId, from ?? 0);
  const ends = [after, to === undefined ? undefined : boundAt(flowId, to), `run_${flowId}_g`];
  const high = ends.filter((end) => end !== undefined).toSorted()[0]!;
  const asked = runStatuses.filter((status) => statuses.includes(status));
  if (asked.length === 0) return [];
  const arms = asked.map(
    (status) => `SELECT ${COLUMNS} FROM runs WHERE flow_id = ?1 AND status = '${status}' AND id >= ?2 AND id < ?3`,
  );
  const text = `${arms.join(" UNION ALL ")} ORDER BY id DESC LIMIT ?4`;
  return (await inStorage(() => db.sql(text, flowId, low, high, size).all<RunEntry>())).results;
}

export function summaryOf(entry: RunEntry): RunSummary {
  const { flowId, status, id, trigger, revision, requestId, replayOf, startedAt, endedAt, fault } = entry;
  return {
    id,
    flowId,
    status,
    trigger,
    revision,
    requestId,
    replayOf,
    startedAt: new Date(startedAt).toISOString(),
    endedAt: endedAt === null ? null : new Date(endedAt).toISOString(),
    error: fault === null ? null : (JSON.parse(fault) as RunFault),
  };
}
