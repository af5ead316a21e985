import type { Actor } from "./actor.ts";

/** The owner ids through which somebody reaches flows; null reaches every flow. */
export type Reach = readonly [string] | readonly [string, string] | null;

/** An admin reaches everything, anybody else what they or their tenant own. The owner's type is never compared. */
export function reachOf(actor: Actor): Reach {
  if (actor.isAdmin) return null;
  return actor.tenant === null || actor.tenant === actor.sub ? [actor.sub] : [actor.sub, actor.tenant];
}

/** Condition on `flows`: the row is within reach. It refers to the parameters by their numbers. */
export const within = (first: number): string =>
  `(?${first} IS NULL OR flows.home IN (?${first}, ?${first + 1}) OR EXISTS (SELECT 1 FROM flow_shares WHERE owner_id IN (?${first}, ?${first + 1}) AND flow_shares.home = flows.home AND flow_shares.pos = flows.pos))`;

/** The two parameters of `within`. */
export const reachParameters = (reach: Reach): [string | null, string | null] =>
  reach === null ? [null, null] : [reach[0], reach[1] ?? reach[0]];
