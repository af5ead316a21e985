import { isRecord } from "../platform/shape.ts";
import { changesBetween, isSame } from "../flows/diff.ts";
import { wordsFor } from "../flows/diff-words.ts";
import { ownersOfEdited } from "../flows/owners.ts";
import type { Context } from "../identity/context.ts";
import { reachOf } from "../identity/ownership.ts";
import { AppError } from "../platform/errors.ts";
import type { Answer } from "../platform/http.ts";
import { toObjectId } from "../platform/ids.ts";
import { checkTemplate } from "./check.ts";
import { storedForm } from "./create.ts";
import { getTemplate } from "./get.ts";
import type { TemplateDocument } from "./model.ts";
import { templateAnswer, templateOf, updateTemplateRow, type TemplateRow, type WrittenTemplate } from "./store.ts";

const TRIES = 25;

/** Replaces the top-level keys that the body names, as a new revision. Instances stay at theirs until they are upgraded. */
export async function updateTemplate(ctx: Context, id: string, body: unknown): Promise<Answer> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const row = await getTemplate(ctx, id, "write");
    const next = edited(ctx, row, body);
    if (await updateTemplateRow(ctx.db, next, row, reachOf(ctx.actor))) return templateAnswer(next);
  }
  const message = "The template was changed by somebody else at the same time. Read it again and repeat.";
  throw new AppError("REVISION_CONFLICT", { message });
}

function edited(ctx: Context, row: TemplateRow, body: unknown): WrittenTemplate {
  if (!isRecord(body)) throw new AppError("INVALID_BODY", { message: "An edit must be a JSON object." });
  const { id: bodyId, owners, tenant: _, ...asked } = body;
  if (bodyId !== undefined && toObjectId(bodyId) !== row.id) throw new AppError("ID_MISMATCH", { pointer: "/id" });
  const present = templateOf(row);
  const merged = { ...present, ...asked, owners: ownersOfEdited(ctx.actor, present.owners, owners) };
  const checked = checkTemplate(merged, ctx.config.FLOW_VALIDATION);
  if (!checked.ok) throw new AppError("INVALID_TEMPLATE", { items: checked.findings });
  const status = checked.status ?? row.status;
  return {
    ...row,
    status,
    revision: row.revision + 1,
    revisedBy: ctx.actor.sub,
    revisionNote: noteOf(present, checked.document, row.status === status ? undefined : status),
    updatedAt: Math.max(ctx.now(), row.updatedAt),
    ...storedForm(checked.document),
  };
}

function noteOf(before: TemplateDocument, after: TemplateDocument, status: string | undefined): string {
  const changes = changesBetween(before, after);
  const words = [
    ...(status === undefined ? [] : [status === "published" ? "Published." : "Made a draft."]),
    ...(isSame(before.variables ?? {}, after.variables ?? {}) ? [] : ["Variables changed."]),
    ...(changes.length === 0 ? [] : [wordsFor(changes)]),
  ];
  return words.length === 0 ? "No change." : words.join(" ").slice(0, 500);
}
