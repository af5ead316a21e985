import type { Context } from "../identity/context.ts";
import { reachOf } from "../identity/ownership.ts";
import { AppError } from "../platform/errors.ts";
import { toObjectId } from "../platform/ids.ts";
import { findApp, type AppRow } from "./store.ts";

/** One app that the actor owns. One that is not theirs is as unknown as one that does not exist. */
export async function getApp(ctx: Context, sent: string): Promise<AppRow> {
  const id = toObjectId(sent);
  if (id === undefined) throw new AppError("INVALID_ID");
  const found = await findApp(ctx.db, id, reachOf(ctx.actor));
  if (found === undefined) throw new AppError("APP_NOT_FOUND");
  return found;
}
