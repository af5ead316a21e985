import { inStorage, type Database } from "../db/client.ts";
import { reachParameters, within, type Reach } from "../identity/ownership.ts";
import type { ExecutionEntry, ExecutionStatus } from "./store.ts";
import { boundOf } from "./uuid.ts";

export interface ExecutionQuery {
  readonly reach: Reach;
  /** Id of the flow, or name of the workflow. */
  readonly flowId?: string | undefined;
  readonly workflow?: string | undefined;
  readonly statuses?: readonly ExecutionStatus[] | undefined;
  /** Began at this millisecond or later, and before that one. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** Only executions that began before this one. */
  readonly after?: string | undefined;
  readonly size: number;
}

/** Executions that one request looks through: what is rare among many is found over several pages. */
const MOST_SEEN = 1000;

const COLUMNS = `uuid, flow_id AS "flowId", workflow, revision, status, started_at AS "startedAt", ended_at AS "endedAt", outcome`;

/**
 * A page of executions, the newest first, and behind which one the next page begins. Without a flow they are those of
 * flows that are listed under the actor or their tenant; of none whose flow is not theirs any more.
 */
export async function listExecutions(
  db: Database,
  query: ExecutionQuery,
): Promise<{ found: ExecutionEntry[]; next: string | null }> {
  const { reach, flowId, workflow, statuses, from = 0, to, after, size } = query;
  const low = boundOf(from);
  const high = [to === undefined ? undefined : boundOf(to), after, "g"]
    .filter((end) => end !== undefined)
    .toSorted()[0]!;
  const [owner, other] = reachParameters(reach);
  const text = `WITH seen AS MATERIALIZED (${seenBy(reach, flowId)} ORDER BY uuid DESC LIMIT ${MOST_SEEN})
    SELECT ${COLUMNS} FROM seen
    WHERE (?6 IS NULL OR workflow = ?6) AND (?7 IS NULL OR status IN (SELECT value FROM json_each(?7)))
      AND (?1 IS NULL OR EXISTS (SELECT 1 FROM flows WHERE flows.id = seen.flow_id AND ${within(1)})) LIMIT ?8`;
  const names = statuses === undefined ? null : JSON.stringify(statuses);
  const bound = [owner ?? null, other ?? null, flowId ?? null, low, high, workflow ?? null, names, size + 1];
  const { results } = await inStorage(() => db.sql(text, ...bound).all<ExecutionEntry>());
  const found = results.slice(0, size);
  if (results.length > size) return { found, next: found.at(-1)!.uuid };
  return { found, next: await restOf(db, query, bound.slice(0, 5)) };
}

/** Fewer than a page may only mean that all that was looked through is of another kind. */
async function restOf(
  db: Database,
  { reach, flowId, workflow, statuses }: ExecutionQuery,
  bound: readonly (string | number | null)[],
): Promise<string | null> {
  if (reach === null && workflow === undefined && statuses === undefined) return null;
  const text = `SELECT count(*) AS n, min(uuid) AS low FROM (${seenBy(reach, flowId)} ORDER BY uuid DESC LIMIT ${MOST_SEEN})`;
  const { results } = await inStorage(() => db.sql(text, ...bound).all<{ n: number; low: string | null }>());
  const { n, low } = results[0]!;
  return n < MOST_SEEN ? null : low;
}

/** The executions that are looked through, in the order of an index. Every parameter is named, so that all are bound. */
function seenBy(reach: Reach, flowId: string | undefined): string {
  const bounds = "uuid >= ?4 AND uuid < ?5 AND (?1 IS NULL OR ?2 IS NULL OR ?3 IS NULL OR 1)";
  const arm = (condition: string) => `SELECT * FROM executions WHERE ${condition} AND ${bounds}`;
  if (flowId !== undefined) return arm("flow_id = ?3");
  if (reach === null) return arm("1");
  return `${arm("home = ?1")} UNION ALL ${arm("home = ?2 AND ?2 <> ?1")}`;
}
