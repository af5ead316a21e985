import type { Context } from "../identity/context.ts";
import { reachOf } from "../identity/ownership.ts";
import { AppError } from "../platform/errors.ts";
import { toObjectId } from "../platform/ids.ts";
import { findFlow, type FlowRow } from "./store.ts";

/** One flow that the actor owns. A flow that is not theirs is as unknown as one that does not exist. */
export async function getFlow(ctx: Context, id: string, notFound = "No flow found"): Promise<FlowRow> {
  const flowId = toObjectId(id);
  if (flowId === undefined) throw new AppError("INVALID_ID");
  const row = await findFlow(ctx.db, flowId, reachOf(ctx.actor));
  if (row === undefined) throw new AppError("FLOW_NOT_FOUND", { message: notFound });
  return row;
}
