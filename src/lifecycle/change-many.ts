import { refusedItem, requireFew, unlessAllFailed } from "../flows/many.ts";
import type { Context } from "../identity/context.ts";
import { AppError, errorItem, type ErrorItem } from "../platform/errors.ts";
import { toObjectId } from "../platform/ids.ts";
import type { FlowState } from "./change-status.ts";

export type Changed = { data: FlowState; meta: Record<string, never> } | { errors: ErrorItem[] };

/** Starts or stops several flows at the same time and answers each in its place. */
export async function changeFlows(
  ctx: Context,
  body: unknown,
  change: (id: string) => Promise<FlowState>,
): Promise<Changed[]> {
  if (!Array.isArray(body)) throw new AppError("FLOW_IDS_REQUIRED");
  requireFew(body);
  return unlessAllFailed(await Promise.all((body as unknown[]).map((id) => changeOne(ctx, id, change))));
}

async function changeOne(ctx: Context, id: unknown, change: (id: string) => Promise<FlowState>): Promise<Changed> {
  if (typeof id !== "string" || toObjectId(id) === undefined) {
    return { errors: [errorItem("INVALID_ID", { flowId: id })] };
  }
  try {
    return { data: await change(id), meta: {} };
  } catch (error) {
    return refusedItem(ctx.config, error, id);
  }
}
