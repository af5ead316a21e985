import type { Context } from "../identity/context.ts";
import { reachOf } from "../identity/ownership.ts";
import { edited } from "./edit.ts";
import { getApp } from "./get-app.ts";
import { deleteAppRow } from "./store.ts";
import type { Which } from "./update-app.ts";

/** Removes an app for good: its client id, its secrets and its tokens are void. */
export async function deleteApp(ctx: Context, { id, ifMatch }: Which): Promise<void> {
  await edited({
    noun: "app",
    ifMatch,
    find: () => getApp(ctx, id),
    write: async (row) => ((await deleteAppRow(ctx.db, row, reachOf(ctx.actor))) ? true : undefined),
  });
}
