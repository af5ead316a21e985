import type { Context } from "../identity/context.ts";
import { reachOf } from "../identity/ownership.ts";
import { AppError } from "../platform/errors.ts";
import { parsed, refuseLargeValue } from "./check.ts";
import { getSecret, idOfSecret } from "./get.ts";
import { sealed } from "./keep.ts";
import { SecretPatch, values, type SecretEntry } from "./model.ts";
import { updateSecretRow } from "./store.ts";

/** Renames a secret or replaces its value as a whole; of two at once the later one stays. */
export async function updateSecret(ctx: Context, sent: string, body: unknown): Promise<SecretEntry> {
  const { name, value } = parsed(SecretPatch, body);
  const id = idOfSecret(sent);
  const change = { name, sealed: value && (await resealed(ctx, id, value)), now: ctx.now() };
  const updated = await updateSecretRow(ctx.db, id, reachOf(ctx.actor), change);
  if (updated === undefined) throw new AppError("SECRET_NOT_FOUND");
  return updated;
}

/** The type of a secret never changes, so what it demands of a value holds until the value is written. */
async function resealed(ctx: Context, id: string, value: Record<string, unknown>) {
  const { type } = await getSecret(ctx, id);
  const checked: unknown = parsed(values[type], value, ["value"]);
  refuseLargeValue(checked);
  return sealed(ctx.config, id, checked);
}
