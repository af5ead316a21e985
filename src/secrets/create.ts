import type { Actor } from "../identity/actor.ts";
import type { Context } from "../identity/context.ts";
import { AppError, errorItem } from "../platform/errors.ts";
import { newObjectId } from "../platform/ids.ts";
import { parsed, refuseLargeValue } from "./check.ts";
import { sealed } from "./keep.ts";
import { SecretInput, type Owner, type SecretEntry } from "./model.ts";
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

/** What was asked for, and the caller and the caller's tenant in any case. */
function ownersOfNew(actor: Actor, asked: readonly Owner[]): Owner[] {
  const { sub, tenant } = actor;
  const strangers = asked.flatMap(({ id }, index) =>
    actor.isAdmin || id === sub || id === tenant
      ? []
      : [errorItem("OWNER_NOT_ALLOWED", { pointer: `/owners/${index}/id` })],
  );
  if (strangers.length > 0) throw new AppError("OWNER_NOT_ALLOWED", { items: strangers });
  const own = [{ id: sub, type: "user" }, ...(tenant === null ? [] : [{ id: tenant, type: "tenant" }])];
  return [...asked, ...own.filter(({ id }) => asked.every((owner) => owner.id !== id))];
}
