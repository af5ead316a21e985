import type { Context } from "../identity/context.ts";
import { reachOf } from "../identity/ownership.ts";
import { AppError } from "../platform/errors.ts";
import { toObjectId } from "../platform/ids.ts";
import { findTemplate, type TemplateRow } from "./store.ts";

/** One template that the actor may read, or also write. Any other is as unknown as one that does not exist. */
export async function getTemplate(ctx: Context, id: string, how: "read" | "write" = "read"): Promise<TemplateRow> {
  const templateId = toObjectId(id);
  if (templateId === undefined) throw new AppError("INVALID_ID");
  const row = await findTemplate(ctx.db, templateId, reachOf(ctx.actor), how);
  if (row === undefined) throw new AppError("TEMPLATE_NOT_FOUND");
  return row;
}
