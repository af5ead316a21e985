import { columnsOf, inStorage, type Database } from "../db/client.ts";
import { flows } from "../db/schema.ts";
import { reachParameters, within, type Reach } from "../identity/ownership.ts";
import { ADDED_BYTES, tellInstances } from "./instance.ts";
import type { FlowDocument } from "./model.ts";
import type { TemplateForm } from "./variables.ts";

/** A flow as it is read. What the search index holds of it is only written. */
export type FlowRow = Omit<WholeRow, "searchText">;
export type WholeRow = typeof flows.$inferSelect & {
  /** Of an instance: what it has from its template. */
  readonly template?: TemplateForm;
};

/** After so many unanswered commands to stop, a flow counts as stalled. */
export const STALLED_TRIES = 3;

export const flowColumns = columnsOf(flows, "flows", ["searchText"]);

const FIND = `SELECT ${flowColumns} FROM flows WHERE id = ?1 AND ${within(2)}`;

/** Reads one flow that is within reach. */
export async function findFlow(db: Database, id: string, reach: Reach): Promise<FlowRow | undefined> {
  const found = await inStorage(() => db.sql(FIND, id, ...reachParameters(reach)).all<FlowRow>());
  return (await tellInstances(db, found.results))[0];
}

const FIND_SEVERAL = `SELECT ${flowColumns} FROM flows WHERE id IN (SELECT value FROM json_each(?1)) AND ${within(2)}`;

/** Reads those of the flows that are within reach, by id. */
export async function findFlows(db: Database, ids: readonly string[], reach: Reach): Promise<Map<string, FlowRow>> {
  const parameters = [JSON.stringify(ids), ...reachParameters(reach)];
  const found = await inStorage(() => db.sql(FIND_SEVERAL, ...parameters).all<FlowRow>());
  return new Map((await tellInstances(db, found.results)).map((row) => [row.id, row]));
}

export const documentOf = (row: Pick<FlowRow, "document">): FlowDocument => JSON.parse(row.document) as FlowDocument;

export const timeOf = (milliseconds: number): string => new Date(milliseconds).toISOString();

const MOST_IN_A_GROUP = 250;
/** Bytes of documents that are worked on at a time. */
const MOST_BYTES_OF_A_GROUP = 8 * 1024 * 1024;

const WEIGH = `SELECT id, octet_length(document) + ${ADDED_BYTES} AS bytes FROM flows WHERE id IN (SELECT value FROM json_each(?1)) AND ${within(2)}`;

/** Divides flows into groups that fit into the memory of an isolate. Ids without a flow within reach count as well. */
export async function groupsOf(db: Database, ids: readonly string[], reach: Reach): Promise<string[][]> {
  if (ids.length === 1) return [[...ids]];
  const weigh = db.sql(WEIGH, JSON.stringify(ids), ...reachParameters(reach));
  const weighed = await inStorage(() => weigh.all<{ id: string; bytes: number }>());
  const weights = new Map(weighed.results.map(({ id, bytes }) => [id, bytes]));
  const groups: string[][] = [];
  let bytes = Infinity;
  for (const id of ids) {
    const more = weights.get(id) ?? 0;
    if (bytes + more > MOST_BYTES_OF_A_GROUP || groups.at(-1)!.length === MOST_IN_A_GROUP) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)!.push(id);
    bytes += more;
  }
  return groups;
}
