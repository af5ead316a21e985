import { flowStatuses } from "../db/schema.ts";
import { inStorage } from "../db/client.ts";
import { pagePlan } from "../flows/list-plan.ts";
import type { LastError } from "../flows/model.ts";
import { timeOf, type FlowRow } from "../flows/store.ts";
import type { Context } from "../identity/context.ts";
import { reachOf } from "../identity/ownership.ts";

const COLUMNS = [
  ["pos", "pos"],
  ["id", "id"],
  ["status", "status"],
  ["created_at", "createdAt"],
  ["updated_at", "updatedAt"],
  ["revision", "revision"],
  ["revised_at", "revisedAt"],
  ["revision_note", "revisionNote"],
  ["status_seq", "statusSeq"],
  ["start_id", "startId"],
  ["started_by", "startedBy"],
  ["started_in", "startedIn"],
  ["started_at", "startedAt"],
  ["last_error", "lastError"],
  ["document", "document"],
] as const;
const columns = COLUMNS.map(([column, name]) => `flows.${column} AS "${name}"`).join(", ");
type ExportRow = Pick<FlowRow, (typeof COLUMNS)[number][1]> & { readonly found: number };

const MOST_IN_A_PAGE = 1000;
const MOST_BYTES_OF_A_PAGE = 4 * 1024 * 1024;

/** Of a page the first flows that fit together, the very first in any case; and how many flows the page has. */
const fitting = (page: string): string => `SELECT ${columns}, weighed.found AS found
  FROM (SELECT place, bytes, sum(bytes) OVER (ORDER BY place) AS running, count(*) OVER () AS found FROM (${page})) AS weighed
  CROSS JOIN flows ON flows.pos = weighed.place
  WHERE running <= ${MOST_BYTES_OF_A_PAGE} OR running = bytes ORDER BY weighed.place`;

/** Every flow within the actor's reach in the order of creation, a line for each, in pieces of many lines. */
export async function* exportedFlows(ctx: Context): AsyncGenerator<string> {
  const reach = reachOf(ctx.actor);
  const selection = { reach, statuses: flowStatuses, facets: [], created: {}, updated: {} };
  const order = { by: "created", descending: false } as const;
  let behind: { key: number; pos: number } | undefined;
  for (;;) {
    const portion = { most: MOST_IN_A_PAGE, offset: 0, behind };
    const plan = pagePlan(selection, order, portion, "flows.pos AS place, octet_length(flows.document) AS bytes");
    const page = ctx.db.sql(fitting(plan.text), ...plan.parameters);
    const { results: rows } = await inStorage(() => page.all<ExportRow>());
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows.map((row) => `${lineOf(row, reach === null)}\n`).join("");
    if (last.found < MOST_IN_A_PAGE && rows.length === last.found) return;
    behind = { key: last.pos, pos: last.pos };
  }
}

/**
 * The document goes out as it is kept, never parsed; an instance without the graph of its template. Which start it is,
 * and in which tenant, is nothing that co-owners are told elsewhere.
 */
function lineOf(row: ExportRow, tellsAll: boolean): string {
  const { document, createdAt, updatedAt, revisedAt, startedAt, lastError } = row;
  const { id, status, revision, revisionNote, statusSeq, startId, startedBy, startedIn } = row;
  const state = {
    id,
    status,
    createdAt: timeOf(createdAt),
    updatedAt: timeOf(updatedAt),
    revision,
    revisedAt: timeOf(revisedAt),
    revisionNote,
    statusSeq,
    ...(tellsAll ? { startId } : {}),
    startedBy,
    ...(tellsAll ? { startedIn } : {}),
    startedAt: startedAt === null ? null : timeOf(startedAt),
    lastError: lastError === null ? null : (JSON.parse(lastError) as LastError),
  };
  return `${JSON.stringify(state).slice(0, -1)},${document.slice(1)}`;
}
