import type { Reach } from "../identity/ownership.ts";
import type { Order, P, Place, Selection } from "./list-selection.ts";
import { markOf, SEARCH_SEPARATOR } from "./search-text.ts";

const keys = { created: "flows.pos", updated: "flows.updated_at", name: "flows.name" } as const;
const homeIndexes = { created: "flows_home_created", updated: "flows_home_updated", name: "flows_home_name" } as const;
export const MOST_STATUSES = 4;

const columnsFor = (order: Order): string => `${keys[order.by]} AS k, flows.pos AS p`;

/** Conditions on a row, but for its status and its owners. */
export function conditionsOf({ facets, term, created, updated }: Selection, p: P): string[] {
  const conditions = facets.map(([facet, value]) => {
    if (facet === "type") return `flows.type = ${p(value)}`;
    if (facet === "fromTemplate") return `flows.from_template = ${p(value)}`;
    return `instr(flows.search_text, ${p(markOf(facet, value))}) > 0`;
  });
  // A term across the border between name and description is in neither.
  if (term !== undefined) {
    conditions.push(term.includes(SEARCH_SEPARATOR) ? "0" : `instr(flows.search_text, ${p(term)}) > 0`);
  }
  if (created.from !== undefined) conditions.push(`flows.pos >= CAST(${p(created.from * 1024)} AS INTEGER)`);
  if (created.to !== undefined) conditions.push(`flows.pos < CAST(${p(created.to * 1024)} AS INTEGER)`);
  if (updated.from !== undefined) conditions.push(`flows.updated_at >= ${p(updated.from)}`);
  if (updated.to !== undefined) conditions.push(`flows.updated_at < ${p(updated.to)}`);
  return conditions;
}

export function behindCondition({ by, descending }: Order, place: Place | undefined, p: P): string[] {
  if (place === undefined) return [];
  const sign = descending ? "<" : ">";
  if (by === "created") return [`flows.pos ${sign} CAST(${p(place.pos)} AS INTEGER)`];
  return [`(${keys[by]}, flows.pos) ${sign} (${p(place.key)}, ${p(place.pos)})`];
}

export const statusCondition = ({ statuses }: Selection, p: P): string[] =>
  statuses.length === MOST_STATUSES ? [] : [`flows.status IN (${statuses.map(p).join(", ")})`];

const and = (conditions: readonly string[]): string => conditions.map((condition) => ` AND ${condition}`).join("");

/** Per home the statuses are merged, each in the order of an index: a page costs its own length. */
export function orderedArms(selection: Selection, order: Order, extra: readonly string[], p: P): string[] {
  const { reach, statuses } = selection;
  const byStatus = (index: string, home: string) =>
    statuses
      .map(
        (status) =>
          `SELECT ${columnsFor(order)} FROM flows INDEXED BY ${index} WHERE ${home}flows.status = ${p(status)}${and(extra)}`,
      )
      .join(" UNION ALL ");
  if (reach !== null) return reach.map((home) => byStatus(homeIndexes[order.by], `flows.home = ${p(home)} AND `));
  if (order.by === "updated") return [byStatus("flows_updated", "")];
  const how = order.by === "created" ? "NOT INDEXED" : "INDEXED BY flows_name";
  return [`SELECT ${columnsFor(order)} FROM flows ${how} WHERE 1${and([...statusCondition(selection, p), ...extra])}`];
}

/** All flows of some statuses, for an admin, to be sorted. */
export const adminStatusArm = (selection: Selection, order: Order, extra: readonly string[], p: P): string =>
  `SELECT ${columnsFor(order)} FROM flows INDEXED BY flows_updated WHERE 1${and([...statusCondition(selection, p), ...extra])}`;

/** By the search index: in the order of creation as they come, in any other order sorted. */
export function searchArm(selection: Selection, order: Order, extra: readonly string[], match: string, p: P): string {
  const { reach } = selection;
  const home = reach === null ? [] : [`flows.home IN (${reach.map(p).join(", ")})`];
  const conditions = [...home, ...statusCondition(selection, p), ...extra].map((condition) =>
    order.by === "created" ? condition.replace(/^flows\.pos /, "flow_search.rowid ") : condition,
  );
  const columns = order.by === "created" ? "flow_search.rowid AS k, flow_search.rowid AS p" : columnsFor(order);
  return `SELECT ${columns} FROM flow_search CROSS JOIN flows ON flows.pos = flow_search.rowid WHERE flow_search MATCH ${p(match)}${and(conditions)}`;
}

/** Flows that are listed under a home outside of the reach and shared with somebody in it. */
export const outsideArm = (selection: Selection, order: Order, extra: readonly string[], p: P): string =>
  `SELECT DISTINCT ${columnsFor(order)} FROM ${outside(selection.reach!, p)} CROSS JOIN flows ON flows.pos = shared.pos WHERE 1${and([...statusCondition(selection, p), ...extra])}`;

/** Of each owner in the reach the shares below, between and above the homes that the reach covers anyway. */
export function outside(reach: NonNullable<Reach>, p: P): string {
  const [first, second = first] = reach.map(p) as [string, string?];
  const low = `min(${first}, ${second})`;
  const high = `max(${first}, ${second})`;
  // Any text sorts before a blob.
  const spans = [
    ["''", low],
    [low, high],
    [high, "x''"],
  ].filter(([from, to]) => from !== to);
  const values = reach.flatMap((owner) => spans.map(([from, to]) => `(${p(owner)}, ${from}, ${to})`));
  return `(VALUES ${values.join(", ")}) AS span CROSS JOIN flow_shares AS shared ON shared.owner_id = span.column1 AND shared.home > span.column2 AND shared.home < span.column3`;
}

/** Flows of an owner outside of the reach that are also within it; found from the reach, not from what is foreign. */
export function ownedArm(selection: Selection, order: Order, extra: readonly string[], p: P): string {
  const owner = p(selection.alsoOwnedBy);
  const reach = selection.reach!.map(p).join(", ");
  const owned = `SELECT pos FROM flow_shares WHERE owner_id = ${owner} AND home IN (${reach})
    UNION SELECT pos FROM flow_shares WHERE owner_id IN (${reach}) AND home = ${owner}
    UNION SELECT mine.pos FROM flow_shares AS mine CROSS JOIN flow_shares AS also
      ON also.owner_id = ${owner} AND also.home = mine.home AND also.pos = mine.pos WHERE mine.owner_id IN (${reach})`;
  const conditions = [...statusCondition(selection, p), ...extra];
  return `SELECT ${columnsFor(order)} FROM (${owned}) AS owned CROSS JOIN flows ON flows.pos = owned.pos WHERE 1${and(conditions)}`;
}

/** What the search index is asked; undefined if it cannot help. It knows nothing shorter than three characters. */
export function matchOf({ reach, facets, term }: Selection): string | undefined {
  const asked = facets.map(([facet, value]) => quoted(markOf(facet, value)));
  if (term !== undefined && Array.from(term).length >= 3) asked.push(quoted(term));
  if (asked.length === 0) return undefined;
  const homes = reach === null ? [] : [`(${reach.map((home) => quoted(markOf("home", home))).join(" OR ")})`];
  return [...homes, ...asked].join(" AND ");
}

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
