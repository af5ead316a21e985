import { databaseOf, type Database } from "../db/client.ts";
import type { LastError } from "../flows/model.ts";
import { findFlow, STALLED_TRIES, type FlowRow } from "../flows/store.ts";
import type { Config } from "../platform/config.ts";
import { commandOf } from "./command.ts";
import type { LifecycleInput, Outcome } from "./model.ts";
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

export const surroundingsOf = (env: Env, config: Config, beforeCommit: () => Promise<void>): Surroundings => ({
  db: databaseOf(env.DB),
  config,
  now: Date.now,
  beforeCommit,
});

/** Reads the flow, decides by the table, and commits the decision if nothing came between; otherwise begins anew. */
export async function applyInput(around: Surroundings, input: LifecycleInput): Promise<Outcome> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const row = await findFlow(around.db, input.flowId, input.reach);
    if (row === undefined) return { ok: false, error: "FLOW_NOT_FOUND" };
    const now = around.now();
    const overdue = row.deadlineAt !== null && row.deadlineAt <= now;
    const limits = { startTries: around.config.START_TRIES, stalledTries: STALLED_TRIES };
    const decision = transition({ ...row, overdue }, input, limits);
    if (decision.kind === "refuse") return { ok: false, error: decision.error };
    if (decision.kind === "same" || decision.kind === "stale") return outcome(decision.kind, row, row);

    const change = changeOf(row, decision, input, around.config, now);
    const command = decision.command && commandOf(decision.command, { ...row, ...change }, now);
    await around.beforeCommit();
    if (await commitTransition(around.db, row, change, command, now)) return outcome(decision.kind, row, change);
  }
  return { ok: false, error: "REVISION_CONFLICT" };
}

const outcome = (
  result: "move" | "resend" | "same" | "stale",
  from: Pick<FlowRow, "status">,
  to: Pick<FlowRow, "status" | "statusSeq">,
): Outcome => ({ ok: true, result, from: from.status, status: to.status, statusSeq: to.statusSeq });

type Change = Extract<Decision, { kind: "move" | "resend" }>;

function changeOf(row: FlowRow, decision: Change, input: LifecycleInput, config: Config, now: number): LifecycleChange {
  const to = decision.kind === "move" ? decision.to : row.status;
  const tries = decision.kind === "resend" ? row.tries + 1 : 1;
  const waits = to === "starting" || to === "stopping";
  const begins = decision.kind === "move" && to === "starting";
  return {
    status: to,
    statusSeq: decision.kind === "move" ? row.statusSeq + 1 : row.statusSeq,
    startId: begins ? crypto.randomUUID() : row.startId,
    startedBy: begins ? (input.by ?? null) : row.startedBy,
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
