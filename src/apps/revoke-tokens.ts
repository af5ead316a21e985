import type { Context } from "../identity/context.ts";
import type { AppRow } from "./store.ts";
import { changeApp } from "./update-app.ts";

/** Makes void all tokens that were issued to an app until now; its secrets stay good. */
export const revokeTokens = (ctx: Context, id: string): Promise<AppRow> =>
  changeApp(ctx, { id }, () => ({ tokensFrom: ctx.now() }));
