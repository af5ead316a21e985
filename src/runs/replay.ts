import { findFlow, type FlowRow } from "../flows/store.ts";
import { getFlow } from "../flows/get.ts";
import { refusedItem, unlessAllFailed } from "../flows/many.ts";
import type { Context } from "../identity/context.ts";
import { reachOf } from "../identity/ownership.ts";
import { AppError, type ErrorItem } from "../platform/errors.ts";
import { beginRun, flowOfRun, runId } from "./begin.ts";
import { failedRuns, noteReplay } from "./history.ts";
import { isTooMuch, MOST_SEEDED } from "./journal-read.ts";
import { onceFor } from "./once.ts";

export interface Replay {
  /** Step from which on; without it from the beginning. */
  readonly step?: string | undefined;
  readonly version: "original" | "current";
  readonly key?: string | undefined;
}

/** The flow of a run within reach; a run is its flow's. */
export async function flowBehind(ctx: Context, id: string): Promise<FlowRow> {
  const flowId = flowOfRun(id);
  const row = flowId === undefined ? undefined : await findFlow(ctx.db, flowId, reachOf(ctx.actor));
  if (row === undefined) throw new AppError("RUN_NOT_FOUND");
  return row;
}

/** Begins a new run with what an earlier one had at a step. */
export async function replayRun(env: Env, ctx: Context, id: string, how: Replay): Promise<string> {
  const row = await flowBehind(ctx, id);
  demandActive(row);
  const fresh = runId(row.id, ctx.now());
  const request = `replay ${id} ${how.step ?? ""} ${how.version}`;
  const once = { key: how.key ?? "", of: ctx.actor.sub, request };
  const run = how.key === undefined ? fresh : await onceFor(ctx.db, once, fresh, ctx.now());
  return replay(env, ctx, row, id, run, how);
}

async function replay(env: Env, ctx: Context, row: FlowRow, of: string, id: string, how: Replay): Promise<string> {
  const earlier = await env.RUN.getByName(of).seedsAt(how.step);
  if (earlier === undefined) throw new AppError("RUN_NOT_FOUND");
  if (earlier.seeds.length === 0) {
    throw new AppError("STEP_NOT_FOUND", { pointer: "/step", detail: "The run never came to this step." });
  }
  if (isTooMuch(earlier.seeds)) {
    const detail = `A run may begin with ${MOST_SEEDED} bytes of messages. Name a step to which less came.`;
    throw new AppError("REPLAY_TOO_LARGE", { pointer: "/step", detail });
  }
  const { seeds, definition, facts, secrets } = earlier;
  await noteReplay(ctx.db, row.id, of, id);
  return beginRun(env, row, {
    id,
    trigger: "replay",
    message: { data: {} },
    requestId: facts.requestId,
    replayOf: of,
    secrets,
    repeats: { seeds, definition: how.version === "original" ? definition : undefined },
    // Whoever started the flow as it is now has not seen what it was then.
    inNameOf: how.version === "original" ? ctx.actor : undefined,
  });
}

const demandActive = (row: FlowRow): void => {
  if (row.status !== "active") throw new AppError("FLOW_NOT_ACTIVE", { detail: `Its status is ${row.status}.` });
};

/** Runs that one request repeats. */
const MOST = 50;

/** Repeats the runs of a flow that failed, the oldest first; those that were repeated already are left out. */
export async function replayFailed(env: Env, ctx: Context, flowId: string, after: string, version: Replay["version"]) {
  const row = await getFlow(ctx, flowId);
  demandActive(row);
  const { found, next } = await failedRuns(ctx.db, row.id, after, MOST);
  const results: ({ id: string; run: string } | { id: string; errors: ErrorItem[] })[] = [];
  for (const { id, by } of found) {
    const done = replay(env, ctx, row, id, by ?? runId(row.id, ctx.now()), { version });
    results.push(
      await done.then(
        (run) => ({ id, run }),
        (error: unknown) => ({ id, ...refusedItem(ctx.config, error, row.id) }),
      ),
    );
  }
  unlessAllFailed(results);
  const replayed = results.filter((result) => "run" in result);
  const refused = results.filter((result) => "errors" in result);
  return { replayed, refused, next };
}
