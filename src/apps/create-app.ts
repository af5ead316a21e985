import type { Context } from "../identity/context.ts";
import { reachOf } from "../identity/ownership.ts";
import { AppError } from "../platform/errors.ts";
import { newObjectId } from "../platform/ids.ts";
import { parsed } from "./findings.ts";
import { refuseForeignPlans } from "./give-plans.ts";
import { AppInput } from "./model.ts";
import { ownersOfNew } from "../identity/owners.ts";
import { hashOfSecret, newClientId, newSecret } from "./secret.ts";
import { insertApp, type AppRow } from "./store.ts";

/** A row, and the secret that nothing but the answer ever tells. */
export interface Told {
  readonly row: AppRow;
  readonly clientSecret: string;
}

/** Stores a new app with a client id and a secret of its own. */
export async function createApp(ctx: Context, body: unknown): Promise<Told> {
  const { owners, ...input } = parsed(AppInput, body, "The app");
  const owned = ownersOfNew(ctx.actor, owners ?? []);
  const now = ctx.now();
  const clientSecret = newSecret();
  const made = { id: newObjectId(now), clientId: newClientId(), secretHashes: [await hashOfSecret(clientSecret)] };
  const row = await insertApp(ctx.db, { ...input, ...made, owners: owned }, reachOf(ctx.actor), now);
  if (row !== undefined) return { row, clientSecret };
  await refuseForeignPlans(ctx, input.plans, []);
  // Between the two looks the plan came within reach.
  throw new AppError("REVISION_CONFLICT", { message: "A plan was changed at the same time. Repeat the request." });
}
