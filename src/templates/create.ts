import { inStorage } from "../db/client.ts";
import { isRecord } from "../platform/shape.ts";
import { textOf } from "../flows/check.ts";
import { ownersOfNew } from "../flows/owners.ts";
import { foldForSearch, SEARCH_SEPARATOR } from "../flows/search-text.ts";
import type { Actor } from "../identity/actor.ts";
import type { Context } from "../identity/context.ts";
import { AppError } from "../platform/errors.ts";
import type { Answer } from "../platform/http.ts";
import { newObjectId } from "../platform/ids.ts";
import { checkTemplate } from "./check.ts";
import type { TemplateDocument } from "./model.ts";
import { insertion, templateAnswer, type WrittenTemplate } from "./store.ts";

/** Stores a new template. Whoever makes it owns it, and its tenant is theirs whatever the body says. */
export async function createTemplate(ctx: Context, input: unknown): Promise<Answer> {
  const { actor } = ctx;
  const completed = isRecord(input) ? { ...input, tenant: actor.tenant, owners: ownersOf(actor, input) } : input;
  const checked = checkTemplate(completed, ctx.config.FLOW_VALIDATION);
  if (!checked.ok) throw new AppError("INVALID_TEMPLATE", { items: checked.findings });
  const now = ctx.now();
  const row: WrittenTemplate = {
    id: newObjectId(now),
    status: checked.status ?? "draft",
    tenant: actor.tenant,
    revision: 1,
    revisedBy: actor.sub,
    revisionNote: "Created.",
    createdAt: now,
    updatedAt: now,
    ...storedForm(checked.document),
  };
  await inStorage(() => insertion(ctx.db, row).run());
  return templateAnswer(row, 201);
}

/** Unlike a flow, a template is its maker's alone unless they say otherwise. */
function ownersOf(actor: Actor, input: Record<string, unknown>): unknown {
  const { owners: asked } = input;
  const owners = ownersOfNew(actor, { owners: asked });
  if (!Array.isArray(owners)) return owners;
  const named = Array.isArray(asked) && asked.some((owner) => isRecord(owner) && owner["id"] === actor.tenant);
  return named
    ? owners
    : owners.filter((owner: unknown) => !isRecord(owner) || owner["id"] !== actor.tenant || owner["id"] === actor.sub);
}

const MOST_SEARCHED = 10_000;

/** The columns that follow from a document. */
export function storedForm(document: TemplateDocument) {
  const told = [document.name, document.description].map((text) =>
    (text ?? "").replaceAll(SEARCH_SEPARATOR, " ").replaceAll("\0", " "),
  );
  return {
    document: textOf(document),
    searchText: foldForSearch(told.join(SEARCH_SEPARATOR)).slice(0, MOST_SEARCHED),
  };
}
