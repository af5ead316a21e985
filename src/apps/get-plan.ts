import type { Context } from "../identity/context.ts";
import { reachOf } from "../identity/ownership.ts";
import { AppError } from "../platform/errors.ts";
import { findPlan, type PlanRow } from "./plan-store.ts";

const idPattern = /^plan_[\w-]{1,64}$/;

/** One plan that the actor owns. One that is not theirs is as unknown as one that does not exist. */
export async function getPlan(ctx: Context, id: string): Promise<PlanRow> {
  if (!idPattern.test(id)) {
    throw new AppError("INVALID_ID", { parameter: "id", detail: "Expected is plan_ and 24 hexadecimal digits." });
  }
  const found = await findPlan(ctx.db, id, reachOf(ctx.actor));
  if (found === undefined) throw new AppError("PLAN_NOT_FOUND");
  return found;
}
