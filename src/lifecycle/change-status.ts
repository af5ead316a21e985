import { tagOf } from "../flows/answer.ts";
import { refusalsOfStart } from "../flows/references.ts";
import { findFlow } from "../flows/store.ts";
import type { Context } from "../identity/context.ts";
import { reachOf } from "../identity/ownership.ts";
import { isMatch, preconditionFailed } from "../platform/conditional.ts";
import { AppError } from "../platform/errors.ts";
import type { Answer } from "../platform/http.ts";
import { toObjectId } from "../platform/ids.ts";
import { stateAnswer } from "./apply.ts";
import type { LifecycleInput } from "./model.ts";
import { sendInput } from "./send-input.ts";

export interface Change {
  readonly id: string;
  readonly trigger: Extract<LifecycleInput["trigger"], "start" | "stop" | "forceStop">;
  /** ETag that the flow must have. */
  readonly ifMatch?: string | undefined;
}

/**
 * Starts or stops a flow. To start one that starts or runs, or to stop one that is inactive, changes nothing; one that
 * is stopping cannot be started (FLOW_STOPPING). By force it is inactive at once, whatever the orchestrator says.
 */
export async function changeStatus(ctx: Context, { id, trigger, ifMatch }: Change): Promise<Answer> {
  const flowId = toObjectId(id);
  if (flowId === undefined) throw new AppError("INVALID_ID");
  if (trigger === "start") await requireVisible(ctx, flowId, ifMatch);
  const { actor, objects, requestId, repeat } = ctx;
  const input = {
    flowId,
    trigger,
    reach: reachOf(actor),
    by: actor.sub,
    byTenant: actor.tenant,
    requestId,
    ifMatch,
    repeat,
  };
  const outcome = await sendInput(objects, input);
  ctx.db.learn(outcome.bookmark);
  if (outcome.usage !== undefined) ctx.db.usage?.add(outcome.usage);
  if (outcome.ok) return stateAnswer({ id: flowId, status: outcome.status }, outcome.etag);
  if (outcome.error === "FLOW_NOT_FOUND") {
    throw new AppError("FLOW_NOT_FOUND", { message: "No flow with this ID found" });
  }
  if (outcome.error === "PRECONDITION_FAILED") throw preconditionFailed(outcome.etag ?? "");
  throw new AppError(outcome.error, outcome.detail === undefined ? {} : { detail: outcome.detail });
}

/**
 * Refuses to start what refers to something that the caller cannot see. Only where the object is going to start it; an
 * edit that comes between has it start a newer document, which was judged when its editor saved it.
 */
async function requireVisible(ctx: Context, flowId: string, ifMatch: string | undefined): Promise<void> {
  if (ctx.neighbours === undefined) return;
  const row = await findFlow(ctx.db, flowId, reachOf(ctx.actor));
  if (row?.status !== "inactive" || !isMatch(ifMatch, tagOf(row))) return;
  const [refusal] = await refusalsOfStart(ctx, [row]);
  if (refusal !== undefined) throw refusal;
}
