import { constraintIn, inStorage } from "../db/client.ts";
import { wakeCouriers } from "../flows/courier.ts";
import { refusedItem, requireFew, unlessAllFailed } from "../flows/many.ts";
import { refusalsOfStart } from "../flows/references.ts";
import { findFlows, groupsOf, type FlowRow } from "../flows/store.ts";
import type { Context } from "../identity/context.ts";
import { recordOf, settleRecord, unlessTaken } from "../identity/idempotency.ts";
import { reachOf } from "../identity/ownership.ts";
import { AppError, errorItem, redelivery, type ErrorCode, type ErrorItem } from "../platform/errors.ts";
import type { Answer } from "../platform/http.ts";
import { toObjectId } from "../platform/ids.ts";
import { decide, refusal } from "./apply.ts";
import { commitTransitions, doneBefore, type Move } from "./store-many.ts";
import type { Status } from "./transition.ts";

const TRIES = 5;

export type Verdict = { readonly status: Status } | { readonly errors: readonly ErrorItem[] };

/**
 * Starts or stops several flows, each decided by the same table, and answers each in its place. They are read and
 * committed in groups, not through their objects; each commit names the state that it was decided on, and the objects
 * are woken afterwards to hand over the commands and to watch the deadlines.
 */
export async function changeFlows(ctx: Context, body: unknown, trigger: "start" | "stop"): Promise<Answer> {
  if (!Array.isArray(body)) throw new AppError("FLOW_IDS_REQUIRED");
  requireFew(body);
  await begin(ctx);
  const ids = (body as unknown[]).map((id) => toObjectId(id));
  const wanted = [...new Set(ids.filter((id) => id !== undefined))];
  const verdicts = await changeEach(ctx, wanted, trigger, await doneBefore(ctx));
  const results = body.map((id: unknown, at) => resultOf(ids[at], id, verdicts));
  const answer: Answer = { status: 200, body: JSON.stringify(unlessAllFailed(results)) };
  // A request that is not through is gone on with when it is sent again.
  return [...verdicts.values()].some(mayStillSucceed) ? answer : settleRecord(ctx, answer);
}

/** Starts or stops the flows that have no verdict yet, and adds what became of each. */
export async function changeEach(
  ctx: Context,
  flowIds: readonly string[],
  trigger: "start" | "stop",
  verdicts = new Map<string, Verdict>(),
): Promise<Map<string, Verdict>> {
  const moved: string[] = [];
  const left = flowIds.filter((id) => !verdicts.has(id));
  try {
    for (const group of await groupsOf(ctx.db, left, reachOf(ctx.actor))) {
      await changeGroup(ctx, group, trigger, verdicts, moved);
    }
  } finally {
    wakeCouriers(ctx, moved);
  }
  return verdicts;
}

const mayStillSucceed = (verdict: Verdict): boolean =>
  "errors" in verdict && verdict.errors.some(({ error }) => redelivery[error as ErrorCode] === "retry");

/** Takes the key of the request, unless the request was begun before and broke off. */
async function begin(ctx: Context): Promise<void> {
  const record = recordOf(ctx, null);
  if (record.length === 0 || ctx.resumed) return;
  await unlessTaken(() => inStorage(() => ctx.db.batch(record)));
}

/** What is no id may be anything; it must not swell the answer. */
const shortened = (sent: unknown): unknown => {
  const text = typeof sent === "string" ? sent : (JSON.stringify(sent) ?? "");
  return text.length > 100 ? text.slice(0, 100) : sent;
};

function resultOf(flowId: string | undefined, sent: unknown, verdicts: ReadonlyMap<string, Verdict>) {
  if (flowId === undefined) return { errors: [errorItem("INVALID_ID", { flowId: shortened(sent) })] };
  const verdict = verdicts.get(flowId)!;
  if ("errors" in verdict) return { errors: verdict.errors.map((item) => ({ ...item, flowId: sent })) };
  return { data: { id: flowId, status: verdict.status }, meta: {} };
}

async function changeGroup(
  ctx: Context,
  group: readonly string[],
  trigger: "start" | "stop",
  verdicts: Map<string, Verdict>,
  moved: string[],
): Promise<void> {
  let waiting = group;
  try {
    for (let attempt = 0; attempt < TRIES && waiting.length > 0; attempt += 1) {
      const rows = await findFlows(ctx.db, waiting, reachOf(ctx.actor));
      const moves = await visible(
        ctx,
        waiting.flatMap((id) => judged(ctx, rows.get(id), id, trigger, verdicts)),
        verdicts,
      );
      const done = await commitUnlessTwin(ctx, moves, verdicts);
      for (const { row, change } of moves.filter((move) => done.has(move.row.id))) {
        verdicts.set(row.id, { status: change.status });
        moved.push(row.id);
      }
      waiting = moves.map((move) => move.row.id).filter((id) => !verdicts.has(id));
    }
    for (const id of waiting) verdicts.set(id, { errors: [errorItem("REVISION_CONFLICT")] });
  } catch (error) {
    // What was committed before its answer was lost is delivered all the same.
    moved.push(...waiting);
    for (const id of waiting) if (!verdicts.has(id)) verdicts.set(id, refusedItem(ctx.config, error, id));
  }
}

/** Those that may go on; whoever would start what refers to something that they cannot see is told so. */
async function visible(ctx: Context, moves: readonly Move[], verdicts: Map<string, Verdict>): Promise<readonly Move[]> {
  const starting = moves.filter(({ change }) => change.status === "starting").map(({ row }) => row);
  const refusals = await refusalsOfStart(ctx, starting, "Start fewer flows at once.");
  const refused = new Map(starting.flatMap(({ id }, at) => (refusals[at] === undefined ? [] : [[id, refusals[at]]])));
  for (const [id, { items }] of refused) verdicts.set(id, { errors: items });
  return moves.filter(({ row }) => !refused.has(row.id));
}

/** Commits; if a twin of the request has been at one of the flows, only what the twin did is learned. */
async function commitUnlessTwin(ctx: Context, moves: readonly Move[], verdicts: Map<string, Verdict>) {
  if (moves.length === 0) return new Set<string>();
  try {
    return await commitTransitions(ctx, moves);
  } catch (error) {
    if (constraintIn(error) !== "idempotency.key") throw error;
    for (const [id, verdict] of await doneBefore({ ...ctx, resumed: true })) verdicts.set(id, verdict);
    return new Set<string>();
  }
}

/** What is to be committed for a flow; if nothing is, its verdict is known. */
function judged(
  ctx: Context,
  row: FlowRow | undefined,
  id: string,
  trigger: "start" | "stop",
  verdicts: Map<string, Verdict>,
): Move[] {
  if (row === undefined) {
    verdicts.set(id, { errors: [errorItem("FLOW_NOT_FOUND", { message: "No flow with this ID found" })] });
    return [];
  }
  const decided = decide(row, { trigger, by: ctx.actor.sub, byTenant: ctx.actor.tenant }, ctx.config, ctx.now());
  if (decided.kind === "move") return [{ row, change: decided.change, command: decided.command }];
  if (decided.kind === "keep") verdicts.set(id, { status: row.status });
  else {
    const { error, ...hints } = refusal(decided);
    verdicts.set(id, { errors: [errorItem(error, hints)] });
  }
  return [];
}
