import { getFlow } from "../flows/get.ts";
import { documentOf } from "../flows/store.ts";
import type { Context } from "../identity/context.ts";
import { AppError } from "../platform/errors.ts";
import { toObjectId } from "../platform/ids.ts";
import { beginRun, runId } from "./begin.ts";
import { listRuns, summaryOf } from "./list.ts";
import { runStatuses, type RunStatus } from "./model.ts";
import { onceFor } from "./once.ts";
import { flowBehind } from "./replay.ts";
import type { Run } from "./view.ts";

interface Input {
  readonly data?: unknown;
  readonly metadata?: Record<string, unknown> | undefined;
  readonly step?: string | undefined;
  /** Idempotency-Key, and the body as it was sent. */
  readonly key?: string | undefined;
  readonly text?: string | undefined;
  /** How many runs called each other down to whoever begins this one. */
  readonly depth: number;
}

/** Begins a run by hand. */
export async function startRun(env: Env, ctx: Context, flowId: string, input: Input): Promise<string> {
  const row = await getFlow(ctx, flowId);
  if (row.status !== "active") throw new AppError("FLOW_NOT_ACTIVE", { detail: `Its status is ${row.status}.` });
  const { data, metadata, step, key, depth } = input;
  if (step !== undefined && !documentOf(row).graph.nodes.some((node) => node.id === step)) {
    throw new AppError("STEP_NOT_FOUND", { pointer: "/step", detail: "Name a node of the flow's graph." });
  }
  const fresh = runId(row.id, ctx.now());
  const request = `start ${row.id} ${input.text ?? ""}`;
  const id = key === undefined ? fresh : await onceFor(ctx.db, { key, of: ctx.actor.sub, request }, fresh, ctx.now());
  const source = { name: "manual", type: "manual", externalExecId: ctx.requestId };
  const message = { attachments: {}, data: data === undefined ? {} : data, metadata: { ...metadata, source } };
  return beginRun(env, row, { id, trigger: "manual", message, step, requestId: ctx.requestId, depth });
}

export async function showRun(env: Env, ctx: Context, id: string, after: number): Promise<Run> {
  await flowBehind(ctx, id);
  const run = await env.RUN.getByName(id).show(after);
  if (run === undefined) throw new AppError("RUN_NOT_FOUND");
  return run;
}

export async function cancelRun(env: Env, ctx: Context, id: string): Promise<void> {
  await flowBehind(ctx, id);
  if ((await env.RUN.getByName(id).cancel()) === "unknown") throw new AppError("RUN_NOT_FOUND");
}

/** Has what failed in a run tried again. */
export async function restartRun(env: Env, ctx: Context, id: string): Promise<void> {
  const row = await flowBehind(ctx, id);
  if (row.status !== "active") throw new AppError("FLOW_NOT_ACTIVE", { detail: `Its status is ${row.status}.` });
  const done = await env.RUN.getByName(id).restart(row.startedBy);
  if (done === "another") throw new AppError("RUN_OF_ANOTHER");
  if (done === "unknown") throw new AppError("RUN_NOT_FOUND");
  if (done !== "restarted") throw new AppError("RUN_NOT_FAILED");
}

interface Asked {
  readonly "filter[status]"?: string | undefined;
  readonly "filter[from]"?: string | undefined;
  readonly "filter[to]"?: string | undefined;
  readonly "filter[instance]"?: string | undefined;
  readonly "page[size]": number;
  readonly "page[after]"?: string | undefined;
}

export async function runsOf(ctx: Context, id: string, asked: Asked) {
  const { id: flowId } = await getFlow(ctx, id);
  const size = asked["page[size]"];
  const statuses = statusesIn(asked["filter[status]"]);
  const instance = asked["filter[instance]"];
  // An instance is a flow of its own.
  if (instance !== undefined && toObjectId(instance) !== flowId) return { data: [], meta: { next: null } };
  const found = await listRuns(ctx.db, {
    flowId,
    statuses,
    from: timeIn(asked["filter[from]"]),
    to: timeIn(asked["filter[to]"]),
    after: asked["page[after]"],
    size: size + 1,
  });
  const page = found.slice(0, size);
  return { data: page.map(summaryOf), meta: { next: found.length > size ? page.at(-1)!.id : null } };
}

const timeIn = (text: string | undefined): number | undefined => (text === undefined ? undefined : Date.parse(text));

function statusesIn(text: string | undefined): readonly RunStatus[] {
  if (text === undefined) return runStatuses;
  const words = text.split(",").map((word) => word.trim());
  const unknown = words.find((word) => !(runStatuses as readonly string[]).includes(word));
  if (unknown !== undefined) {
    const parameter = "filter[status]";
    throw new AppError("INVALID_PARAMETER", {
      message: `Invalid ${parameter} parameter`,
      parameter,
      detail: `Use ${runStatuses.join(", ")}.`,
    });
  }
  return words as RunStatus[];
}
