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
import type { LifecycleInput, Outcome } from "./model.ts";
import { sendInput } from "./send-input.ts";

/** How often a start is judged that edits come between. */
const TRIES = 3;

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
  const { actor, requestId, repeat } = ctx;
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
  const isJudged = trigger === "start" && ctx.neighbours !== undefined;
  const outcome = isJudged ? await startJudged(ctx, input) : await send(ctx, input);
  if (outcome.ok) return stateAnswer({ id: flowId, status: outcome.status }, outcome.etag);
  if (outcome.error === "FLOW_NOT_FOUND") {
    throw new AppError("FLOW_NOT_FOUND", { message: "No flow with this ID found" });
  }
  if (outcome.error === "PRECONDITION_FAILED") throw preconditionFailed(outcome.etag ?? "");
  throw new AppError(outcome.error, outcome.detail === undefined ? {} : { detail: outcome.detail });
}

async function send(ctx: Context, input: LifecycleInput): Promise<Outcome> {
  const outcome = await sendInput(ctx.objects, input);
  ctx.db.learn(outcome.bookmark);
  if (outcome.usage !== undefined) ctx.db.usage?.add(outcome.usage);
  return outcome;
}

/** Has the object start nothing but the revision that was judged; if there is another by then, that one is judged. */
async function startJudged(ctx: Context, input: LifecycleInput): Promise<Outcome> {
  for (let tried = 1; ; tried += 1) {
    const outcome = await send(ctx, { ...input, revision: await judgedRevision(ctx, input) });
    if (outcome.ok || outcome.error !== "REVISION_CONFLICT" || tried === TRIES) return outcome;
  }
}

/**
 * Refuses to start what refers to something that the caller cannot see. Answers which revision may be started: none (0)
 * where the flow is not to be started as it stands.
 */
async function judgedRevision(ctx: Context, { flowId, reach, ifMatch }: LifecycleInput): Promise<number> {
  const row = await findFlow(ctx.db, flowId, reach);
  if (row?.status !== "inactive" || !isMatch(ifMatch, tagOf(row))) return 0;
  const [refusal] = await refusalsOfStart(ctx, [row], "Start it again: what was checked is remembered for a while.");
  if (refusal !== undefined) throw refusal;
  return row.revision;
}
