import { eq, sql } from "drizzle-orm";

import { inStorage, type Database } from "../db/client.ts";
import { flowOwners, flows } from "../db/schema.ts";
import type { Context } from "../identity/context.ts";
import { within } from "../identity/ownership.ts";
import { AppError } from "../platform/errors.ts";
import { sendInput } from "./send-input.ts";

/** Flows that one step handles; a step must fit into one invocation. */
export const STEP = 50;

/**
 * Takes an account or tenant that was deleted off its flows, one bounded step at a time; flows that nobody owns then
 * are stopped first, so that an interruption never leaves one running unseen. Answers whether more are left.
 */
export async function removeOwnerStep(
  by: { readonly db: Database; readonly objects: Context["objects"]; readonly now: () => number },
  ownerId: string,
): Promise<{ more: boolean; removed: number; stopped: number }> {
  const owned = await inStorage(() =>
    by.db
      .select({ id: flows.id, status: flows.status, others: othersThan(ownerId).as("others") })
      .from(flowOwners)
      .innerJoin(flows, eq(flows.id, flowOwners.flowId))
      .where(eq(flowOwners.ownerId, ownerId))
      .orderBy(flowOwners.flowId)
      .limit(STEP),
  );
  const orphans = owned.filter((flow) => flow.others === 0 && flow.status !== "inactive");
  for (const { id } of orphans) await stopOrphan(by.objects, id);
  const ids = owned.map((flow) => flow.id);
  const released = ids.length === 0 ? 0 : await release(by, ids, ownerId);
  return { more: owned.length === STEP || released < ids.length, removed: released, stopped: orphans.length };
}

async function stopOrphan(objects: Context["objects"], flowId: string): Promise<void> {
  const outcome = await sendInput(objects, { flowId, trigger: "stop", reach: null });
  if (!outcome.ok && outcome.error !== "FLOW_NOT_FOUND") throw new AppError(outcome.error);
}

/** Takes the owner off, but not off a flow that nobody would own while it runs: one may have been started meanwhile. */
async function release(by: Parameters<typeof removeOwnerStep>[0], ids: string[], ownerId: string): Promise<number> {
  const withoutOwner = sql`json_set(${flows.document}, '$.owners', (SELECT json_group_array(json(value)) FROM json_each(${flows.document}, '$.owners') WHERE value ->> '$.id' <> ${ownerId}))`;
  const released = by.db
    .update(flows)
    .set({
      document: withoutOwner,
      revision: sql`revision + 1`,
      updatedAt: sql`max(updated_at, CAST(${by.now()} AS INTEGER))`,
    })
    .where(
      sql`${flows.id} IN (SELECT value FROM json_each(${JSON.stringify(ids)})) AND ${within([ownerId])} AND (${flows.status} IN ('inactive', 'stopping') OR ${othersThan(ownerId)} > 0)`,
    )
    .returning({ id: flows.id });
  return (await inStorage(() => released)).length;
}

const othersThan = (ownerId: string) =>
  sql<number>`(SELECT count(*) FROM json_each(${flows.document}, '$.owners') WHERE value ->> '$.id' <> ${ownerId})`;
