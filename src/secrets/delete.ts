import type { Context } from "../identity/context.ts";
import { reachOf } from "../identity/ownership.ts";
import { AppError } from "../platform/errors.ts";
import { idOfSecret } from "./get.ts";
import { deleteSecretRow } from "./store.ts";

/** Removes a secret for good, whoever uses it. */
export async function deleteSecret(ctx: Context, id: string): Promise<void> {
  const deleted = await deleteSecretRow(ctx.db, idOfSecret(id), reachOf(ctx.actor));
  if (!deleted) throw new AppError("SECRET_NOT_FOUND");
}
