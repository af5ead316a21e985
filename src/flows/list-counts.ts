import type { Reach } from "../identity/ownership.ts";
import { conditionsOf, matchOf, MOST_STATUSES, orderedArms, ownedArm, searchArm } from "./list-arms.ts";
import type { Order, P, Portion, Selection } from "./list-selection.ts";

/** The one facet for which there are counters, if nothing else is asked. */
function countedFacet({ facets, term, created, updated }: Selection) {
  const [facet, ...others] = facets;
  const plain =
    term === undefined &&
    Object.values({ ...created })
      .concat(Object.values(updated))
      .every((end) => end === undefined);
  const isCounted = facet === undefined || facet[0] === "type" || facet[0] === "fromTemplate";
  return plain && others.length === 0 && isCounted ? { facet } : undefined;
}

/** The empty name is that of all flows, and nobody's. */
const scopesOf = (reach: Reach, p: P): string =>
  reach === null ? "''" : reach.map((home) => (home === "" ? "NULL" : p(home))).join(", ");

const countOfStatuses = ({ reach, statuses }: Selection, p: P): string =>
  `(SELECT coalesce(sum(${statuses.join(" + ") || "0"}), 0) FROM flow_counts WHERE scope IN (${scopesOf(reach, p)}))`;

function countOfFacet(reach: Reach, [facet, value]: readonly [string, string], p: P): string {
  return `(SELECT coalesce(sum(flows), 0) FROM facet_counts WHERE facet = ${p(facet)} AND value = ${p(value)} AND scope IN (${scopesOf(reach, p)}))`;
}

export function countOf(selection: Selection, p: P): string {
  const anyOrder: Order = { by: "created", descending: false };
  const counted = selection.alsoOwnedBy === undefined ? countedFacet(selection) : undefined;
  if (counted?.facet === undefined && counted !== undefined) return countOfStatuses(selection, p);
  if (counted?.facet !== undefined && selection.statuses.length === MOST_STATUSES) {
    return countOfFacet(selection.reach, counted.facet, p);
  }
  const conditions = conditionsOf(selection, p);
  const match = matchOf(selection);
  const arms =
    selection.alsoOwnedBy !== undefined
      ? [ownedArm(selection, anyOrder, conditions, p)]
      : match !== undefined
        ? [searchArm(selection, anyOrder, conditions, match, p)]
        : orderedArms(selection, anyOrder, conditions, p);
  return arms.map((arm) => `(SELECT count(*) FROM (${arm}))`).join(" + ");
}

/**
 * Where two ways are possible: going through all flows in order until the page is full, or fetching all that match and
 * sorting them. The counters tell which reads fewer rows: `wanted × all ÷ matching`, or three times those that match.
 */
export function choiceOf(selection: Selection, order: Order, portion: Portion, p: P): string | undefined {
  const counted = countedFacet(selection);
  if (counted === undefined || (order.by === "created" && counted.facet !== undefined)) return undefined;
  const all = countOfStatuses({ ...selection, statuses: ["inactive", "starting", "active", "stopping"] }, p);
  const wanted = p(portion.most + portion.offset);
  const better = (matching: string) =>
    `SELECT ${wanted} * every <= 3 * matching * matching AS scan FROM (SELECT ${all} AS every, ${matching} AS matching)`;
  if (counted.facet !== undefined) return better(countOfFacet(selection.reach, counted.facet, p));
  const narrowed = selection.reach === null && order.by !== "updated" && selection.statuses.length < MOST_STATUSES;
  return narrowed ? better(countOfStatuses(selection, p)) : undefined;
}
