import { inStorage } from "../db/client.ts";
import type { Context } from "../identity/context.ts";
import { reachOf } from "../identity/ownership.ts";
import { notice } from "../messages/notices.ts";
import { demandMatch } from "../platform/conditional.ts";
import { AppError, type ErrorItem } from "../platform/errors.ts";
import type { Answer } from "../platform/http.ts";
import { toObjectId } from "../platform/ids.ts";
import { flowAnswer, tagOf } from "./answer.ts";
import { isRecord } from "../platform/shape.ts";
import { checkFlow } from "./check.ts";
import { wakeCouriers } from "./courier.ts";
import { changesBetween } from "./diff.ts";
import { wordsFor } from "./diff-words.ts";
import { editOfInstance } from "./instance-edit.ts";
import type { FlowDocument } from "./model.ts";
import { ownersOfEdited } from "./owners.ts";
import { warningsOnSave } from "./references.ts";
import { documentOf, findFlow, type FlowRow } from "./store.ts";
import { edits, storedForm, type Edited } from "./write.ts";

/** Of edits at the same time one wins each round. */
const TRIES = 25;

export interface Edit {
  readonly id: string;
  readonly body: unknown;
  /** ETag that the flow must have. */
  readonly ifMatch?: string | undefined;
}

/**
 * Replaces the top-level keys that the body names. An edit that another one overtook is made again on what the other
 * left; one that a start or a delete overtook gets the answer that it would have got had it come later.
 */
export async function updateFlow(ctx: Context, { body, ...which }: Edit): Promise<Answer> {
  let warnings: readonly ErrorItem[] = [];
  const row = await editRow(ctx, which, async (found) => {
    const edit = editOf(ctx, found, body);
    warnings = await warningsOnSave(ctx, edit.row);
    return edit;
  });
  return flowAnswer(row, 200, warnings);
}

/** Makes an edit of an inactive flow, again as long as others come between. */
export async function editRow(
  ctx: Context,
  { id, ifMatch }: Omit<Edit, "body">,
  edited: (row: FlowRow) => Edited | Promise<Edited>,
): Promise<FlowRow> {
  const flowId = toObjectId(id);
  if (flowId === undefined) throw new AppError("INVALID_ID");
  const reach = reachOf(ctx.actor);
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const row = await findFlow(ctx.db, flowId, reach);
    if (row === undefined) throw new AppError("FLOW_NOT_FOUND");
    demandMatch(ifMatch, tagOf(row));
    const edit = await edited(row);
    const [written] = await inStorage(() => ctx.db.batch(edits(ctx.db, [edit], reach, ctx.config.REVISION_LIMIT)));
    if (written!.results.length > 0) {
      wakeCouriers(ctx, [flowId]);
      return edit.row;
    }
  }
  throw new AppError("REVISION_CONFLICT");
}

/** What an edit makes of a flow, and the notice of it. What is restored may be an instance, or none. */
export function editOf(ctx: Context, row: FlowRow, body: unknown, how: "edit" | "restore" = "edit"): Edited {
  requireInactive(row);
  const present = documentOf(row);
  const document = merged(ctx, row, present, body, how);
  return replaced(ctx, row, document, wordsFor(changesBetween(present, document)));
}

function requireInactive(row: FlowRow): void {
  if (row.status !== "inactive") {
    const isApi = documentOf(row).kind === "api";
    const detail = `An API is changed while it is active by its draft: PUT /apis/${row.id}/draft, then POST /apis/${row.id}/save.`;
    const message = `Flow is not inactive. Current status: ${row.status}`;
    throw new AppError("FLOW_NOT_INACTIVE", { message, ...(isApi ? { detail } : {}) });
  }
}

/** What another document makes of a flow. */
export function replaced(ctx: Context, row: FlowRow, document: FlowDocument, note: string): Edited {
  requireInactive(row);
  const now = Math.max(ctx.now(), row.updatedAt);
  return {
    revision: row.revision,
    message: notice("flowrepo.flow.modified", ctx.actor, row.id, now),
    row: {
      ...row,
      ...storedForm(document),
      revision: row.revision + 1,
      revisedAt: now,
      revisedBy: ctx.actor.sub,
      revisionNote: note,
      updatedAt: now,
    },
  };
}

function merged(
  ctx: Context,
  row: FlowRow,
  present: FlowDocument,
  body: unknown,
  how: "edit" | "restore",
): FlowDocument {
  if (!isRecord(body)) throw new AppError("INVALID_BODY", { message: "An edit must be a JSON object." });
  const { id: bodyId, owners, ...sent } = body;
  if (bodyId !== undefined && toObjectId(bodyId) !== row.id) throw new AppError("ID_MISMATCH", { pointer: "/id" });
  const asked = how === "restore" ? sent : askedOf(row, present, sent);
  const edited = { ...present, ...asked, owners: ownersOfEdited(ctx.actor, present.owners, owners) };
  const checked = checkFlow(edited, ctx.config.FLOW_VALIDATION);
  if (!checked.ok) throw new AppError("INVALID_FLOW", { items: checked.findings });
  return checked.document;
}

function askedOf({ template }: FlowRow, present: FlowDocument, sent: Record<string, unknown>) {
  if (template !== undefined) return editOfInstance(present, template, sent);
  const { instance: _, ...asked } = sent;
  return asked;
}
