import { byId, type Entry, type Lists, type Stage, stages } from "./entry.ts";

/** Why a flow does not get the changes of its parent any more. */
export const breakCauses = {
  reordered: "The inherited interceptors stand in another order than the parent's.",
  own_before: "An interceptor of this flow's own stands before the inherited ones.",
  own_among: "An interceptor of this flow's own stands among the inherited ones.",
  inherited_removed: "An interceptor of the parent's is missing. To switch one off without a break, disable it.",
  inherited_moved: "An interceptor of the parent's stands on the other list.",
  orphan_kept: "An interceptor that the parent has no longer stands before or among the inherited ones.",
} as const;
export type BreakCause = keyof typeof breakCauses;

export interface Break {
  readonly cause: BreakCause;
  readonly message: string;
  readonly list: Stage;
  /** The entry where it begins: the one that stands where it should not, or the parent's that is not there. */
  readonly entry: string;
}

/** Where each list stops beginning with the parent's sequence. A break in either breaks the flow. */
export const breaksOf = (parent: Lists, child: Lists): Break[] =>
  stages.flatMap((list) => {
    const at = parent[list].findIndex(({ id }, index) => child[list][index]?.id !== id);
    if (at === -1) return [];
    const [cause, entry] = causeOf(parent, child, list, at);
    return [{ cause, message: breakCauses[cause], list, entry }];
  });

export const isBroken = (parent: Lists, child: Lists): boolean => breaksOf(parent, child).length > 0;

function causeOf(parent: Lists, child: Lists, list: Stage, at: number): readonly [BreakCause, string] {
  const ids = new Set(parent[list].map(({ id }) => id));
  const [inTheWay, ...behind] = child[list].slice(at);
  if (inTheWay === undefined || !behind.concat(inTheWay).some(({ id }) => ids.has(id))) {
    return missing(child, parent[list][at]!.id);
  }
  if (ids.has(inTheWay.id)) {
    const expected = parent[list][at]!.id;
    return behind.some(({ id }) => id === expected) ? ["reordered", inTheWay.id] : missing(child, expected);
  }
  return [causeOfStranger(parent, inTheWay, at), inTheWay.id];
}

/** Not on this list at all: gone, or on the other one. */
function missing(child: Lists, id: string): readonly [BreakCause, string] {
  return [byId(child).has(id) ? "inherited_moved" : "inherited_removed", id];
}

/** An entry before or among the inherited ones that the parent does not have on this list. */
function causeOfStranger(parent: Lists, entry: Entry, at: number): BreakCause {
  if (byId(parent).has(entry.id)) return "inherited_moved";
  if (entry.base !== undefined) return "orphan_kept";
  return at === 0 ? "own_before" : "own_among";
}
