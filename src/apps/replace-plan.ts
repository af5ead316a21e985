import type { Context } from "../identity/context.ts";
import { reachOf } from "../identity/ownership.ts";
import { storedForm } from "./check-plan.ts";
import type { WrittenPlan } from "./create-plan.ts";
import { edited } from "./edit.ts";
import { getPlan } from "./get-plan.ts";
import { updatePlanRow } from "./plan-store.ts";
import type { Which } from "./update-app.ts";

/** Replaces a plan as a whole; its owners stay. */
export async function replacePlan(ctx: Context, { id, ifMatch }: Which, body: unknown): Promise<WrittenPlan> {
  const { document, warnings } = storedForm(body);
  const row = await edited({
    noun: "plan",
    ifMatch,
    find: () => getPlan(ctx, id),
    write: (present) => updatePlanRow(ctx.db, present, reachOf(ctx.actor), { document, now: ctx.now() }),
  });
  return { row, warnings };
}
