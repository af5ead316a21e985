import type { Context } from "../identity/context.ts";
import { reachOf } from "../identity/ownership.ts";
import { AppError, errorItem } from "../platform/errors.ts";
import { foreignPlans } from "./plan-store.ts";

/** Says which plans the actor may not give to an app: a plan of others is as unknown as one that does not exist. */
export async function refuseForeignPlans(
  ctx: Context,
  given: readonly string[],
  had: readonly string[],
): Promise<void> {
  const places = given.length === 0 ? [] : await foreignPlans(ctx.db, reachOf(ctx.actor), given, had);
  if (places.length === 0) return;
  const detail = "Use the id of a plan that you or your tenant own.";
  const items = places.map((place) => errorItem("PLAN_NOT_FOUND", { pointer: `/plans/${place}`, detail }));
  throw new AppError("PLAN_NOT_FOUND", { items });
}
