import { inStorage } from "../db/client.ts";
import { flows } from "../db/schema.ts";
import type { Context } from "../identity/context.ts";
import { reachOf, type Reach } from "../identity/ownership.ts";
import { notice } from "../messages/notices.ts";
import { insertIfChanged } from "../messages/outbox.ts";
import { AppError } from "../platform/errors.ts";
import { toObjectId } from "../platform/ids.ts";
import { isRecord } from "./cast.ts";
import { checkFlow, textOf } from "./check.ts";
import { wakeCourier } from "./courier.ts";
import type { Flow, FlowDocument } from "./model.ts";
import { ownersOfEdited } from "./owners.ts";
import { searchTextOf } from "./search-text.ts";
import { documentOf, findFlow, flowOf, unchanged, type FlowRow } from "./store.ts";

/** Of edits at the same time one wins each round. */
const TRIES = 25;

export interface Edit {
  readonly id: string;
  readonly body: unknown;
}

/**
 * Replaces the top-level keys that the body names. An edit that another one overtook is made again on what the other
 * left; one that a start or a delete overtook gets the answer that it would have got had it come later.
 */
export async function updateFlow(ctx: Context, { id, body }: Edit): Promise<Flow> {
  const flowId = toObjectId(id);
  if (flowId === undefined) throw new AppError("INVALID_ID");
  const reach = reachOf(ctx.actor);
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const row = await findFlow(ctx.db, flowId, reach);
    if (row === undefined) throw new AppError("FLOW_NOT_FOUND");
    if (row.status !== "inactive") {
      throw new AppError("FLOW_NOT_INACTIVE", { message: `Flow is not inactive. Current status: ${row.status}` });
    }
    const written = await write(ctx, row, merged(ctx, row, body), reach);
    if (written !== undefined) {
      wakeCourier(ctx, flowId);
      return flowOf(written);
    }
  }
  throw new AppError("REVISION_CONFLICT");
}

function merged(ctx: Context, row: FlowRow, body: unknown): FlowDocument {
  if (!isRecord(body)) throw new AppError("INVALID_BODY", { message: "An edit must be a JSON object." });
  const { id: bodyId, owners, ...asked } = body;
  if (bodyId !== undefined && toObjectId(bodyId) !== row.id) throw new AppError("ID_MISMATCH", { pointer: "/id" });
  const present = documentOf(row);
  const edited = { ...present, ...asked, owners: ownersOfEdited(ctx.actor, present.owners, owners) };
  const checked = checkFlow(edited, ctx.config.FLOW_VALIDATION);
  if (!checked.ok) throw new AppError("INVALID_FLOW", { items: checked.findings });
  return checked.document;
}

async function write(ctx: Context, row: FlowRow, document: FlowDocument, reach: Reach): Promise<FlowRow | undefined> {
  const now = Math.max(ctx.now(), row.updatedAt);
  const message = notice("flowrepo.flow.modified", ctx.actor, row.id, now);
  const change = {
    document: textOf(document),
    searchText: searchTextOf(document),
    revision: row.revision + 1,
    updatedAt: now,
  };
  const [written] = await inStorage(() =>
    ctx.db.batch([
      ctx.db.update(flows).set(change).where(unchanged(row, reach)).returning({ revision: flows.revision }),
      insertIfChanged(ctx.db, message, now),
    ]),
  );
  return written.length === 0 ? undefined : { ...row, ...change };
}
