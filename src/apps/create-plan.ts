import type { Context } from "../identity/context.ts";
import { newObjectId } from "../platform/ids.ts";
import { faultsOfShape, isRecord } from "../platform/shape.ts";
import { storedForm, type Checked } from "./check-plan.ts";
import { ownersOfNew } from "../identity/owners.ts";
import { PlanOwners } from "./plan-model.ts";
import { insertPlan, type PlanRow } from "./plan-store.ts";

export interface WrittenPlan extends Pick<Checked, "warnings"> {
  readonly row: PlanRow;
}

/** Stores a new plan. */
export async function createPlan(ctx: Context, body: unknown): Promise<WrittenPlan> {
  const { owners, ...plan } = isRecord(body) ? body : {};
  const owned = PlanOwners.safeParse({ owners });
  const faults = owned.success ? [] : faultsOfShape(owned.error.issues, { owners }, { schema: PlanOwners, noun: "" });
  const { document, warnings } = storedForm(isRecord(body) ? plan : body, faults);
  const now = ctx.now();
  const id = `plan_${newObjectId(now)}`;
  const row = await insertPlan(ctx.db, { id, owners: ownersOfNew(ctx.actor, owned.data?.owners ?? []), document }, now);
  return { row, warnings };
}
