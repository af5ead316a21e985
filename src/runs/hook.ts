import { databaseOf } from "../db/client.ts";
import { documentOf, findFlow, type FlowRow } from "../flows/store.ts";
import { AppError } from "../platform/errors.ts";
import type { Config } from "../platform/config.ts";
import { hexOf, toObjectId } from "../platform/ids.ts";
import { beginRun, runId } from "./begin.ts";
import { DEPTH_HEADER, limits } from "./model.ts";
import type { Ended } from "./object.ts";
import { hookRightOf, type HookCaller } from "./hook-right.ts";
import { payloadOf, valuesOf, type HookBody } from "./hook-body.ts";
import { countMiss, demandBudget, demandPatience } from "./hook-shield.ts";
import { senderOf } from "../platform/sender.ts";
import { onceFor } from "./once.ts";
import { planOf, firstStepFor } from "./plan.ts";

export interface HookRequest {
  readonly method: "GET" | "POST";
  readonly suffix: string | undefined;
  readonly url: URL;
  readonly headers: Headers;
  readonly body: HookBody | undefined;
}

export interface HookBy {
  readonly env: Env;
  readonly config: Config;
  readonly now: () => number;
  readonly defer: (promise: Promise<unknown>) => void;
}

export interface HookAnswer {
  readonly requestId: string;
  readonly runId: string;
  /** Of a synchronous hook: how the run ended, or undefined if it goes on. */
  readonly waited?: { readonly ended: Ended | undefined };
}

/** How long the caller of a synchronous hook waits. */
const PATIENCE_MS = 25_000;

/** The flow behind a hook. Only an active one answers; unknown, inactive and unspeakable are alike. */
export async function hookFlow({ env, config, now }: HookBy, id: string, headers: Headers): Promise<FlowRow> {
  const sender = senderOf(headers);
  demandPatience(sender, now());
  const flowId = toObjectId(id);
  const row =
    flowId === undefined || config.ORCHESTRATOR === "external"
      ? undefined
      : await findFlow(databaseOf(env.DB), flowId, null);
  if (row?.status === "active") return row;
  if (flowId !== undefined) await countMiss(env.HOOK_MISSES, sender, flowId, now());
  throw new AppError("HOOK_NOT_FOUND", { message: `Flow ${id} either does not exist or is inactive.` });
}

/** Begins a run with a request, once its sender has shown to be allowed, and waits for its reply where the flow says so. */
export async function takeHook(by: HookBy, row: FlowRow, request: HookRequest): Promise<HookAnswer> {
  const caller = await hookRightOf(by, row, request);
  if (caller === "anyone") await demandBudget(by.env.HOOK_RUNS, row.id);
  const depth = depthIn(request.headers);
  const requestId = requestIdOf(request.headers);
  const message = messageOf(request, row.id, requestId);
  const fresh = await runFor(by, row.id, caller, request);
  const id = await beginRun(by.env, row, { id: fresh, trigger: "webhook", message, requestId, depth });
  if (!isSynchronous(row)) return { requestId, runId: id };
  // Whatever cuts off the waiting, the run goes on.
  const ended = await by.env.RUN.getByName(id)
    .awaitReply(PATIENCE_MS)
    .catch(() => undefined);
  return { requestId, runId: id, waited: { ended } };
}

function isSynchronous(row: FlowRow): boolean {
  const plan = planOf(documentOf(row).graph);
  const first = plan.steps.get(firstStepFor(plan, "webhook") ?? "");
  return first?.component === "webhook" && first.fields["sync"] === true;
}

/** Who is too deep is told so; anybody may say that they are deeper than they are. */
export function depthIn(headers: Headers): number {
  const sent = headers.get(DEPTH_HEADER);
  const depth = sent !== null && /^\d{1,4}$/.test(sent) ? Number(sent) : 0;
  if (depth > limits.depth) throw new AppError("CALL_DEPTH", { detail: `At most ${limits.depth} calls deep.` });
  return depth;
}

/** Headers by which a sender identifies itself; they are checked here or before, and travel no further. */
const ofTheSender = /^(?:authorization|proxy-authorization|cookie|cf-access-.*|x-flow-depth)$/;

/** As the original's webhooks service makes it. */
function messageOf({ method, suffix, url, headers, body }: HookRequest, flowId: string, requestId: string) {
  const query = valuesOf(url.searchParams);
  const path = url.pathname + url.search;
  return {
    id: requestId,
    attachments: {},
    data: method === "GET" ? query : payloadOf(body),
    headers: Object.fromEntries([...headers].filter(([name]) => !ofTheSender.test(name))),
    metadata: { source: { name: "webhooks", type: "webhook", externalExecId: requestId } },
    url: path,
    method,
    originalUrl: path,
    query,
    params: { flowId },
    ...(suffix === undefined ? {} : { pathSuffix: suffix }),
  };
}

function requestIdOf(headers: Headers): string {
  const sent = headers.get("x-request-id");
  return sent !== null && /^[\w.:=+/-]{1,128}$/.test(sent) ? sent : hexOf(crypto.getRandomValues(new Uint8Array(16)));
}

/** A new run, or under an Idempotency-Key the one that the key stands for since its first request. */
async function runFor(
  { env, now }: HookBy,
  flowId: string,
  caller: HookCaller,
  { method, url, headers, body }: HookRequest,
): Promise<string> {
  const fresh = runId(flowId, now());
  const key = headers.get("idempotency-key");
  if (key === null) return fresh;
  const request = `${method}\n${url.pathname}${url.search}\n${body?.text ?? ""}`;
  // Who is known has keys of their own: the run that a key stands for is told, and replies, to whoever uses it.
  const of = typeof caller === "object" ? `${flowId} ${caller.sub}` : flowId;
  return onceFor(databaseOf(env.DB), { key, of, request }, fresh, now());
}
