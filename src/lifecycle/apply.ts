import { constraintIn, inStorage, type Database } from "../db/client.ts";
import { tagOf } from "../flows/answer.ts";
import type { LastError } from "../flows/model.ts";
import { documentOf, findFlow, STALLED_TRIES, type FlowRow } from "../flows/store.ts";
import { recordIfChanged, recordOf } from "../identity/idempotency.ts";
import type { Envelope } from "../messages/model.ts";
import { isMatch } from "../platform/conditional.ts";
import type { Config } from "../platform/config.ts";
import type { Answer } from "../platform/http.ts";
import { commandOf } from "./command.ts";
import type { LifecycleInput, Result } from "./model.ts";
import { commitTransition, type LifecycleChange } from "./store.ts";
import { patience, transition, type Decision, type Failure } from "./transition.ts";

const ATTEMPTS = 5;
const MOST_REASON = 2000;

export interface Surroundings {
  readonly db: Database;
  readonly config: Config;
  readonly now: () => number;
  /** Called before anything is committed, with the time by which the courier must look again. */
  readonly beforeCommit: () => Promise<void>;
}

/** Reads the flow, decides by the table, and commits the decision if nothing came between; otherwise begins anew. */
export async function applyInput(around: Surroundings, input: LifecycleInput): Promise<Result> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const row = await findFlow(around.db, input.flowId, input.reach);
    if (row === undefined) return { ok: false, error: "FLOW_NOT_FOUND" };
    const etag = tagOf(row);
    if (!isMatch(input.ifMatch, etag)) return { ok: false, error: "PRECONDITION_FAILED", etag };
    const decided = decide(row, input, around.config, around.now());
    if (decided.kind === "refuse") return { ok: false, ...refusal(decided) };
    if (isStart(decided) && isUnjudged(row, input)) return { ok: false, error: "REVISION_CONFLICT" };
    try {
      const done =
        decided.kind === "keep" ? await keep(around, row, decided, input) : await move(around, row, decided, input);
      if (done !== undefined) return done;
    } catch (error) {
      if (constraintIn(error) === "idempotency.key") return { ok: false, error: "REQUEST_UNDER_WAY" };
      throw error;
    }
  }
  return { ok: false, error: "REVISION_CONFLICT" };
}

/** What an input makes of a row: nothing, or a change with its command. */
export type Decided =
  | { readonly kind: "refuse"; readonly error: "FLOW_STOPPING" }
  | { readonly kind: "refuse"; readonly error: "INSTANCE_INCOMPLETE"; readonly detail: string }
  | { readonly kind: "keep"; readonly result: "same" | "stale" }
  | {
      readonly kind: "move";
      readonly result: "move" | "resend";
      readonly change: LifecycleChange;
      readonly command: Envelope | undefined;
    };

export function decide(row: FlowRow, input: Asked, config: Config, now: number): Decided {
  if (isOfEarlierStart(row, input)) return { kind: "keep", result: "stale" };
  const overdue = row.deadlineAt !== null && row.deadlineAt <= now;
  const limits = { startTries: config.START_TRIES, stalledTries: STALLED_TRIES };
  const decision = transition({ ...row, overdue }, input, limits);
  if (decision.kind === "refuse") return decision;
  if (decision.kind === "same" || decision.kind === "stale") return { kind: "keep", result: decision.kind };
  const missing = decision.kind === "move" && decision.to === "starting" ? missingOf(row) : [];
  if (missing.length > 0) {
    const detail = `Missing are ${missing.join(", ")}.`;
    return { kind: "refuse", error: "INSTANCE_INCOMPLETE", detail };
  }
  const change = changeOf(row, decision, input, config, now);
  const command =
    decision.command && commandOf(decision.command, { ...row, ...change }, now, input.trigger === "forceStop");
  return { kind: "move", result: decision.kind, change, command };
}

const isStart = (decided: Decided): boolean =>
  decided.kind === "move" && decided.result === "move" && decided.change.status === "starting";

const isUnjudged = (row: FlowRow, { revision }: LifecycleInput): boolean =>
  revision !== undefined && revision !== row.revision;

/** How far the clock of another service may be behind. */
const SKEW_MS = 5 * 60_000;

/** A broker may bring what was said long before the present start, and nothing else in it would show. */
const isOfEarlierStart = ({ startedAt }: FlowRow, { at }: Asked): boolean =>
  at !== undefined && startedAt !== null && at < startedAt - SKEW_MS;

/** What a refusal tells. */
export const refusal = (refused: Decided & { kind: "refuse" }) =>
  "detail" in refused ? { error: refused.error, detail: refused.detail } : { error: refused.error };

/** Of an instance: required values that it does not have. */
const missingOf = (row: FlowRow): readonly string[] =>
  row.template === undefined ? [] : (documentOf(row).instance?.missing ?? []);

type Asked = Pick<LifecycleInput, "trigger" | "startId" | "by" | "byTenant" | "reason" | "at">;

async function keep(
  { db, now }: Surroundings,
  row: FlowRow,
  { result }: Decided & { kind: "keep" },
  { repeat }: LifecycleInput,
) {
  const etag = tagOf(row);
  const record = recordOf({ db, now, repeat }, stateAnswer(row, etag));
  if (record.length > 0) await inStorage(() => db.batch(record));
  return outcome(result, row, row, etag);
}

async function move(
  around: Surroundings,
  row: FlowRow,
  decided: Decided & { kind: "move" },
  { repeat }: LifecycleInput,
) {
  const { db, now } = around;
  const { change, command, result } = decided;
  const after = { ...row, ...change };
  const etag = tagOf(after);
  await around.beforeCommit();
  const beside = recordIfChanged({ db, now, repeat }, stateAnswer(after, etag));
  if (!(await commitTransition(db, row, change, command, around.now(), beside))) return undefined;
  return outcome(result, row, change, etag);
}

const outcome = (
  result: "move" | "resend" | "same" | "stale",
  from: Pick<FlowRow, "status">,
  to: Pick<FlowRow, "status" | "statusSeq">,
  etag: string,
): Result => ({ ok: true, result, from: from.status, status: to.status, statusSeq: to.statusSeq, etag });

/** What a request to start or stop is answered. */
export const stateAnswer = ({ id, status }: Pick<FlowRow, "id" | "status">, etag: string): Answer => ({
  status: 200,
  etag,
  body: JSON.stringify({ data: { id, status }, meta: {} }),
});

type Change = Extract<Decision, { kind: "move" | "resend" }>;

function changeOf(row: FlowRow, decision: Change, input: Asked, config: Config, now: number): LifecycleChange {
  const to = decision.kind === "move" ? decision.to : row.status;
  const tries = decision.kind === "resend" ? row.tries + 1 : 1;
  const waits = to === "starting" || to === "stopping";
  const begins = decision.kind === "move" && to === "starting";
  return {
    status: to,
    statusSeq: decision.kind === "move" ? row.statusSeq + 1 : row.statusSeq,
    startId: begins ? crypto.randomUUID() : row.startId,
    startedBy: begins ? (input.by ?? null) : row.startedBy,
    startedIn: begins ? (input.byTenant ?? null) : row.startedIn,
    startedAt: begins ? now : row.startedAt,
    lastError: begins ? null : errorAfter(row, decision.failure, input.reason, now),
    deadlineAt: waits ? now + patience(tries, config.COMMAND_DEADLINE_SECONDS) * 1000 : null,
    tries: waits ? tries : 0,
    updatedAt: Math.max(now, row.updatedAt),
  };
}

const sentences: Record<Failure, string> = {
  FLOW_FAILED: "The orchestrator reported a failure without a reason.",
  START_TIMEOUT: "The orchestrator did not report that the flow was started.",
  STOP_TIMEOUT: "The orchestrator does not report that the flow was stopped.",
};

function errorAfter(
  row: FlowRow,
  failure: Failure | undefined,
  reason: string | undefined,
  now: number,
): string | null {
  // A stop that hangs must not hide why it became necessary.
  if (failure === undefined || (failure === "STOP_TIMEOUT" && row.lastError !== null)) return row.lastError;
  const told = reason === undefined || reason === "" ? sentences[failure] : reason.slice(0, MOST_REASON);
  const error: LastError = { code: failure, reason: told, at: new Date(now).toISOString() };
  return JSON.stringify(error);
}
