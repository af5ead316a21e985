import type { Context } from "../identity/context.ts";
import { ownersOfNew } from "../identity/owners.ts";
import { newObjectId } from "../platform/ids.ts";
import { parsed, refuseLargeValue } from "./check.ts";
import { sealed } from "./keep.ts";
import { SecretInput, type SecretEntry } from "./model.ts";
import { insertSecret } from "./store.ts";

/** Stores a new secret; its value is never told again. */
export async function createSecret(ctx: Context, body: unknown): Promise<SecretEntry> {
  const { name, type, value, owners } = parsed(SecretInput, body);
  refuseLargeValue(value);
  const owned = ownersOfNew(ctx.actor, owners ?? []);
  const now = ctx.now();
  const id = newObjectId(now);
  return insertSecret(ctx.db, { id, name, type, owners: owned, sealed: await sealed(ctx.config, id, value) }, now);
}
