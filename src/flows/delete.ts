import { and, eq } from "drizzle-orm";

import { inStorage } from "../db/client.ts";
import { flows } from "../db/schema.ts";
import type { Context } from "../identity/context.ts";
import { reachOf, within, type Reach } from "../identity/ownership.ts";
import { notice } from "../messages/notices.ts";
import { insertIfChanged } from "../messages/outbox.ts";
import { AppError } from "../platform/errors.ts";
import { toObjectId } from "../platform/ids.ts";
import { wakeCourier } from "./courier.ts";
import { findFlow } from "./store.ts";

const TRIES = 5;

/** Removes an inactive flow for good. */
export async function deleteFlow(ctx: Context, id: string): Promise<void> {
  const flowId = toObjectId(id);
  if (flowId === undefined) throw new AppError("INVALID_ID");
  const reach = reachOf(ctx.actor);
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    if (await remove(ctx, flowId, reach)) return wakeCourier(ctx, flowId);
    const present = await findFlow(ctx.db, flowId, reach);
    if (present === undefined) throw new AppError("FLOW_NOT_FOUND");
    if (present.status === "inactive") continue;
    throw new AppError("FLOW_NOT_INACTIVE", { message: `Flow is not inactive. Current status: ${present.status}` });
  }
  throw new AppError("REVISION_CONFLICT");
}

async function remove(ctx: Context, flowId: string, reach: Reach): Promise<boolean> {
  const deletable = and(eq(flows.id, flowId), eq(flows.status, "inactive"), within(reach));
  const now = ctx.now();
  const [deleted] = await inStorage(() =>
    ctx.db.batch([
      ctx.db.delete(flows).where(deletable).returning({ id: flows.id }),
      insertIfChanged(ctx.db, notice("flowrepo.flow.deleted", ctx.actor, flowId, now), now),
    ]),
  );
  return deleted.length > 0;
}
