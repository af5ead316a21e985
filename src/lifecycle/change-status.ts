import type { Context } from "../identity/context.ts";
import { reachOf } from "../identity/ownership.ts";
import type { FlowStatus } from "../flows/model.ts";
import { AppError } from "../platform/errors.ts";
import { toObjectId } from "../platform/ids.ts";
import type { LifecycleInput } from "./model.ts";
import { sendInput } from "./send-input.ts";

export interface FlowState {
  readonly id: string;
  readonly status: FlowStatus;
}

/** Starts a flow. One that is starting or active stays as it is; one that is stopping is refused with FLOW_STOPPING. */
export const startFlow = (ctx: Context, id: string): Promise<FlowState> => changeStatus(ctx, id, "start");

/** Stops a flow. By force it is inactive at once, whatever the orchestrator says. */
export const stopFlow = (ctx: Context, id: string, force: boolean): Promise<FlowState> =>
  changeStatus(ctx, id, force ? "forceStop" : "stop");

async function changeStatus(ctx: Context, id: string, trigger: LifecycleInput["trigger"]): Promise<FlowState> {
  const flowId = toObjectId(id);
  if (flowId === undefined) throw new AppError("INVALID_ID");
  const { actor, objects, requestId } = ctx;
  const outcome = await sendInput(objects, { flowId, trigger, reach: reachOf(actor), by: actor.sub, requestId });
  if (outcome.ok) return { id: flowId, status: outcome.status };
  if (outcome.error === "FLOW_NOT_FOUND") {
    throw new AppError("FLOW_NOT_FOUND", { message: "No flow with this ID found" });
  }
  throw new AppError(outcome.error);
}
