import { inStorage } from "../db/client.ts";
import type { Context } from "../identity/context.ts";
import { reachOf } from "../identity/ownership.ts";
import { notice } from "../messages/notices.ts";
import { demandMatch } from "../platform/conditional.ts";
import { AppError } from "../platform/errors.ts";
import { toObjectId } from "../platform/ids.ts";
import { tagOf } from "./answer.ts";
import { isRecord } from "./cast.ts";
import { checkFlow } from "./check.ts";
import { wakeCouriers } from "./courier.ts";
import { changesBetween } from "./diff.ts";
import { wordsFor } from "./diff-words.ts";
import type { FlowDocument } from "./model.ts";
import { ownersOfEdited } from "./owners.ts";
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
export async function updateFlow(ctx: Context, { id, body, ifMatch }: Edit): Promise<FlowRow> {
  const flowId = toObjectId(id);
  if (flowId === undefined) throw new AppError("INVALID_ID");
  const reach = reachOf(ctx.actor);
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const row = await findFlow(ctx.db, flowId, reach);
    if (row === undefined) throw new AppError("FLOW_NOT_FOUND");
    demandMatch(ifMatch, tagOf(row));
    const edit = editOf(ctx, row, body);
    const [written] = await inStorage(() => ctx.db.batch(edits(ctx.db, [edit], reach, ctx.config.REVISION_LIMIT)));
    if (written!.results.length > 0) {
      wakeCouriers(ctx, [flowId]);
      return edit.row;
    }
  }
  throw new AppError("REVISION_CONFLICT");
}

/** What an edit makes of a flow, and the notice of it. */
export function editOf(ctx: Context, row: FlowRow, body: unknown): Edited {
  if (row.status !== "inactive") {
    throw new AppError("FLOW_NOT_INACTIVE", { message: `Flow is not inactive. Current status: ${row.status}` });
  }
  const present = documentOf(row);
  const document = merged(ctx, row.id, present, body);
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
      revisionNote: wordsFor(changesBetween(present, document)),
      updatedAt: now,
    },
  };
}

function merged(ctx: Context, flowId: string, present: FlowDocument, body: unknown): FlowDocument {
  if (!isRecord(body)) throw new AppError("INVALID_BODY", { message: "An edit must be a JSON object." });
  const { id: bodyId, owners, ...asked } = body;
  if (bodyId !== undefined && toObjectId(bodyId) !== flowId) throw new AppError("ID_MISMATCH", { pointer: "/id" });
  const edited = { ...present, ...asked, owners: ownersOfEdited(ctx.actor, present.owners, owners) };
  const checked = checkFlow(edited, ctx.config.FLOW_VALIDATION);
  if (!checked.ok) throw new AppError("INVALID_FLOW", { items: checked.findings });
  return checked.document;
}
