import type { Context } from "../identity/context.ts";
import { reachOf } from "../identity/ownership.ts";
import { AppError } from "../platform/errors.ts";
import { toObjectId } from "../platform/ids.ts";
import type { SecretEntry } from "./model.ts";
import { findSecret } from "./store.ts";

/** One secret that the actor owns, without its value. One that is not theirs is as unknown as one that does not exist. */
export async function getSecret(ctx: Context, id: string): Promise<SecretEntry> {
  const found = await findSecret(ctx.db, idOfSecret(id), reachOf(ctx.actor));
  if (found === undefined) throw new AppError("SECRET_NOT_FOUND");
  return found;
}

export function idOfSecret(sent: string): string {
  const id = toObjectId(sent);
  if (id === undefined) throw new AppError("INVALID_ID");
  return id;
}
