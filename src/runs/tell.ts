import { databaseOf } from "../db/client.ts";
import { findFlow } from "../flows/store.ts";
import { configOf } from "../platform/config.ts";
import { AppError, redelivery } from "../platform/errors.ts";
import { toObjectId } from "../platform/ids.ts";
import { logError, logLine } from "../platform/log.ts";
import { beginRun, toldRunId } from "./begin.ts";
import { moveRun } from "./history.ts";
import { resultOf, sealedIn } from "./journal-read.ts";
import type { Journal } from "./journal.ts";
import { limits, type Definition, type RunFault, type RunStatus } from "./model.ts";

const DAY_MS = 24 * 3600_000;

/** Until when a run that has ended is kept, in milliseconds. */
export const keptUntil = (env: Env, journal: Journal): number =>
  journal.run()!.ended_at! + configOf(env).RUN_RETENTION_DAYS * DAY_MS;

/** Tells the end of a run: to the list of runs, then to those who wait for it. Each may hear it twice. */
export async function tellEnd(env: Env, journal: Journal): Promise<void> {
  const { status, started_at: startedAt, ended_at: endedAt, fault, told } = journal.run()!;
  if (told === 2) return;
  const facts = journal.facts();
  const reason = fault === null ? null : (JSON.parse(fault) as RunFault);
  await moveRun(databaseOf(env.DB), facts, "running", { status, startedAt, endedAt, fault: reason });
  await tellOthers(env, journal, status, reason);
  journal.set("told", 2);
  const { id: runId, flowId } = facts;
  logLine(configOf(env), "run", { runId, flowId, status, code: reason?.code, ms: endedAt! - startedAt });
}

async function tellOthers(env: Env, journal: Journal, status: RunStatus, fault: RunFault | null): Promise<void> {
  const facts = journal.facts();
  const { calledBy } = facts;
  if (calledBy !== undefined) {
    const end = { status, data: resultOf(journal.rows), secrets: sealedIn(journal.rows) };
    await env.RUN.getByName(calledBy.run).calledEnded(calledBy.item, facts.id, end);
  }
  // What waits for this run to end begins now.
  if (facts.trigger === "schedule") await env.LIVE_FLOW.getByName(facts.flowId).look();
  if (fault !== null) await beginErrorFlow(env, journal, fault);
}

/** `flowSettings.errorFlow`: a flow of the same starter that gets to know of each failed run. */
async function beginErrorFlow(env: Env, journal: Journal, fault: RunFault): Promise<void> {
  const { flowSettings } = JSON.parse(journal.definition()) as Definition & { flowSettings?: { errorFlow?: unknown } };
  const facts = journal.facts();
  const endedAt = journal.run()!.ended_at!;
  const named = flowSettings?.errorFlow;
  const flowId = typeof named === "string" ? toObjectId(named) : undefined;
  if (flowId === undefined || facts.startedBy === null || facts.depth >= limits.depth) return;
  const row = await findFlow(
    databaseOf(env.DB),
    flowId,
    facts.startedIn === null ? [facts.startedBy] : [facts.startedBy, facts.startedIn],
  );
  if (row?.status !== "active") return;
  const { id, flowName, revision, trigger, replayOf } = facts;
  const data = { run: { id, trigger, replayOf, revision }, flow: { id: facts.flowId, name: flowName }, error: fault };
  const begun = beginRun(env, row, {
    id: await toldRunId(id, endedAt, flowId),
    trigger: "error",
    message: { data },
    requestId: facts.requestId,
    depth: facts.depth + 1,
  });
  await begun.catch((cause: unknown) => {
    // An error flow that can never begin must not keep the end from being told.
    if (!(cause instanceof AppError) || redelivery[cause.code] !== "keep") throw cause;
    logError(configOf(env), "error_flow.not_begun", cause, { runId: id, flowId });
  });
}
