import type { Context } from "../identity/context.ts";
import { reachOf } from "../identity/ownership.ts";
import { AppError } from "../platform/errors.ts";
import { getTemplate } from "./get.ts";
import { deleteTemplateRow } from "./store.ts";

/** Removes a template that has no instances for good, with all that it was before. */
export async function deleteTemplate(ctx: Context, id: string): Promise<void> {
  const { id: templateId } = await getTemplate(ctx, id, "write");
  const { instances, isDeleted } = await deleteTemplateRow(ctx.db, templateId, reachOf(ctx.actor));
  if (isDeleted) return;
  if (instances === 0) throw new AppError("TEMPLATE_NOT_FOUND");
  const message = `The template has ${instances} instance${instances === 1 ? "" : "s"}. Delete or detach them first.`;
  throw new AppError("TEMPLATE_IN_USE", { message });
}
