import type { Context } from "../identity/context.ts";
import { reachOf } from "../identity/ownership.ts";
import { edited } from "./edit.ts";
import { parsed } from "./findings.ts";
import { getApp } from "./get-app.ts";
import { refuseForeignPlans } from "./give-plans.ts";
import { AppPatch } from "./model.ts";
import { updateAppRow, type AppChange, type AppRow } from "./store.ts";

export interface Which {
  readonly id: string;
  /** ETag that it must have. */
  readonly ifMatch?: string | undefined;
}

/** Replaces what the body names, each as a whole. */
export async function updateApp(ctx: Context, which: Which, body: unknown): Promise<AppRow> {
  const change = parsed(AppPatch, body, "The edit") as AppChange;
  return changeApp(ctx, which, () => change);
}

/** Makes a change of an app as it is now. */
export const changeApp = (
  ctx: Context,
  { id, ifMatch }: Which,
  changeOf: (row: AppRow) => AppChange,
): Promise<AppRow> =>
  edited({
    noun: "app",
    ifMatch,
    find: () => getApp(ctx, id),
    write: async (row) => {
      const change = changeOf(row);
      const written = await updateAppRow(ctx.db, row, reachOf(ctx.actor), { ...change, now: ctx.now() });
      if (written === undefined) await refuseForeignPlans(ctx, change.plans ?? [], JSON.parse(row.plans) as string[]);
      return written;
    },
  });
