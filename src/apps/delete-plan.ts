import type { Context } from "../identity/context.ts";
import { reachOf } from "../identity/ownership.ts";
import { AppError } from "../platform/errors.ts";
import { edited } from "./edit.ts";
import { getPlan } from "./get-plan.ts";
import { deletePlanRow } from "./plan-store.ts";
import type { Which } from "./update-app.ts";

/** Removes a plan that no app has, for good. */
export async function deletePlan(ctx: Context, { id, ifMatch }: Which): Promise<void> {
  await edited({
    noun: "plan",
    ifMatch,
    find: () => getPlan(ctx, id),
    write: async (row) => {
      const outcome = await deletePlanRow(ctx.db, row, reachOf(ctx.actor));
      if (outcome === "used") throw new AppError("PLAN_IN_USE", { detail: "Take it from its apps first." });
      return outcome === "deleted" ? true : undefined;
    },
  });
}
