import { sql, type SQL } from "drizzle-orm";

import { flowOwners, flows } from "../db/schema.ts";
import type { Actor } from "./actor.ts";

/** The owner ids through which somebody reaches flows; null reaches every flow. */
export type Reach = readonly string[] | null;

/** An admin reaches everything, anybody else what they or their tenant own. The owner's type is never compared. */
export function reachOf(actor: Actor): Reach {
  if (actor.isAdmin) return null;
  return actor.tenant === null ? [actor.sub] : [actor.sub, actor.tenant];
}

/** Condition on `flows`: the row is within reach. */
export function within(reach: Reach): SQL | undefined {
  if (reach === null) return undefined;
  const owners = sql.join(
    reach.map((id) => sql`${id}`),
    sql`, `,
  );
  return sql`EXISTS (SELECT 1 FROM ${flowOwners} WHERE ${flowOwners.ownerId} IN (${owners}) AND ${flowOwners.flowId} = ${flows.id})`;
}
