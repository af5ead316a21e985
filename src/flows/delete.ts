import { inStorage } from "../db/client.ts";
import type { Context } from "../identity/context.ts";
import { reachOf, reachParameters, within, type Reach } from "../identity/ownership.ts";
import { cancelRunsOf, endExecutionsOf } from "../messages/model.ts";
import { notice } from "../messages/notices.ts";
import { insertIfChanged } from "../messages/outbox.ts";
import { demandMatch } from "../platform/conditional.ts";
import { AppError } from "../platform/errors.ts";
import { toObjectId } from "../platform/ids.ts";
import { tagOf } from "./answer.ts";
import { wakeCouriers } from "./courier.ts";
import { documentOf, findFlow, type FlowRow } from "./store.ts";

const TRIES = 5;

/** Removes an inactive flow for good, with all that it was before. */
export async function deleteFlow(ctx: Context, id: string, ifMatch?: string): Promise<void> {
  const flowId = toObjectId(id);
  if (flowId === undefined) throw new AppError("INVALID_ID");
  const reach = reachOf(ctx.actor);
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const present = await findFlow(ctx.db, flowId, reach);
    if (present === undefined) throw new AppError("FLOW_NOT_FOUND");
    demandMatch(ifMatch, tagOf(present));
    if (present.status !== "inactive") {
      throw new AppError("FLOW_NOT_INACTIVE", { message: `Flow is not inactive. Current status: ${present.status}` });
    }
    if (await remove(ctx, present, reach)) {
      wakeCouriers(ctx, [flowId]);
      return;
    }
  }
  throw new AppError("REVISION_CONFLICT");
}

const REMOVE = `DELETE FROM flows WHERE id = ?1 AND revision = ?2 AND status_seq = ?3 AND status = 'inactive' AND ${within(4)} RETURNING id`;

async function remove(ctx: Context, row: FlowRow, reach: Reach): Promise<boolean> {
  const { id, revision, statusSeq } = row;
  const now = ctx.now();
  const taken = { flowId: id, after: "", before: now + 1 };
  const cancelled = documentOf(row).kind === "workflow" ? endExecutionsOf(taken, now) : cancelRunsOf(taken, now);
  const [deleted] = await inStorage(() =>
    ctx.db.batch([
      ctx.db.sql(REMOVE, id, revision, statusSeq, ...reachParameters(reach)),
      insertIfChanged(ctx.db, notice("flowrepo.flow.deleted", ctx.actor, id, now), now),
      insertIfChanged(ctx.db, { flowId: id, queue: "chores", envelope: cancelled }, now),
    ]),
  );
  return deleted!.results.length > 0;
}
