import { inStorage } from "../db/client.ts";
import { can } from "../identity/actor.ts";
import { identify } from "../identity/identify.ts";
import { reachOf, reachParameters, within } from "../identity/ownership.ts";
import { Deadline } from "../connectors/deadline.ts";
import { AppError, statusOf } from "../platform/errors.ts";
import { logError } from "../platform/log.ts";
import { Patience } from "../platform/patience.ts";
import { senderOf } from "../platform/sender.ts";
import type { Call, World } from "./call.ts";
import type { LiveApi } from "./compile.ts";
import type { Answer } from "./refusal.ts";
import type { Recorder } from "./trace.ts";
import type { Hiding } from "./trace/hiding.ts";
import { traceId } from "./trace/id.ts";
import { TraceRecorder } from "./trace/record.ts";
import { Samples } from "./trace/samples.ts";
import { keepTrace } from "./trace/store.ts";
import { Veil } from "./trace/veil.ts";
import type { Trace } from "./trace/view.ts";
import { written } from "./trace/write.ts";

/** Holds a bearer token of ours; asks for a trace. */
export const TRACE_HEADER = "x-gateway-trace";
const TRACE_ID_HEADER = "x-gateway-trace-id";

/** A call that is traced, or that asked for it in vain. */
export interface Traced {
  readonly recorder: Recorder | undefined;
  /** Has the trace kept. */
  end(call: Call, answer: Answer, code: string | undefined, world: World): void;
}

const samples = new Samples();

/** Begins the trace of a call: of the share that the API says, and of those that ask for it and may. */
export async function beginTrace(
  sent: Headers,
  live: LiveApi,
  world: World,
  requestId: string,
): Promise<Traced | undefined> {
  const asked = sent.get(TRACE_HEADER);
  if (asked === null) {
    if (live.sampling === 0 || Math.random() >= live.sampling) return undefined;
    const dropped = samples.take(live.facts.id, world.now());
    return dropped === undefined ? undefined : begun(live, world, { isAsked: false, dropped });
  }
  if (await mayTrace(asked, sent, live, world, requestId)) return begun(live, world, { isAsked: true });
  return { recorder: undefined, end: (_call, answer) => answer.headers.set(TRACE_HEADER, "refused") };
}

/** Headers without what only the gateway is told. */
export function withoutTraceHeader(sent: Headers): Headers {
  if (!sent.has(TRACE_HEADER)) return sent;
  const headers = new Headers(sent);
  headers.delete(TRACE_HEADER);
  return headers;
}

interface Why {
  readonly isAsked: boolean;
  readonly dropped?: number;
}

function begun(live: LiveApi, { now }: World, why: Why): Traced {
  const recorder = new TraceRecorder(now);
  return {
    recorder,
    end: (call, answer, code, world) => {
      const tracing = { live, recorder, call, answer, code, ...why };
      const id = traceId(call.at);
      answer.headers.set(TRACE_ID_HEADER, id);
      const keep = async () => keepTrace(world.db(), live.facts.id, await traceOf(id, tracing, world));
      world.defer(
        keep().catch((error: unknown) => logError(world.config, "trace.lost", error, { requestId: call.id })),
      );
    },
  };
}

export interface Tracing extends Why {
  readonly live: LiveApi;
  readonly recorder: TraceRecorder;
  readonly call: Call;
  readonly answer: Answer;
  readonly code: string | undefined;
}

/** So long a trace waits for what is left of the bodies that are logged. */
const PATIENCE_MS = 10_000;

/** The trace of a call that has its answer. Throws if it cannot be said what it must not show. */
export async function traceOf(id: string, tracing: Tracing, world: World): Promise<Trace> {
  const { live, recorder, call, answer, code, isAsked, dropped = 0 } = tracing;
  const ended = {
    id,
    call,
    status: answer.status,
    headers: [...answer.headers],
    code,
    ms: Math.max(0, world.now() - call.at),
    isAsked,
    dropped,
  };
  const rules = await rulesOf(live, call, world);
  const deadline = new Deadline(PATIENCE_MS, "The trace");
  await deadline.race(recorder.settled()).catch(() => undefined);
  deadline.clear();
  return written(recorder, ended, new Veil(rules));
}

/** Of all that stand in the chains of the API and the plan, whether or not the call came to them. */
async function rulesOf(live: LiveApi, call: Call, world: World): Promise<Hiding[]> {
  const way = live.wayOf(
    live.resources.find(({ id }) => id === call.resource)!,
    call.operation,
  );
  const plan = call.plan === undefined ? undefined : await world.planOf(call.plan);
  const ofPlan = plan && live.stepsOf(call.plan!, plan);
  const steps = [...way.request, ...way.response, ...(ofPlan?.request ?? []), ...(ofPlan?.response ?? [])];
  return steps.flatMap(({ hides }) => hides ?? []);
}

/** Senders of tokens that are no good are not listened to for so long once they send too many. */
const patience = new Patience();

const OWNED = `SELECT 1 FROM flows WHERE id = ?1 AND ${within(2)}`;

async function mayTrace(
  asked: string,
  sent: Headers,
  live: LiveApi,
  world: World,
  requestId: string,
): Promise<boolean> {
  const { config, now, defer } = world;
  const sender = senderOf(sent);
  if (patience.isHeld(sender, now())) return false;
  try {
    const actor = await identify({ config, now, defer }, tokenIn(asked));
    if (!can(actor, config.FLOW_READ_PERMISSION)) return false;
    const find = world.db().sql(OWNED, live.facts.id, ...reachParameters(reachOf(actor)));
    return (await inStorage(() => find.all())).results.length > 0;
  } catch (error) {
    // A trace is never worth a call.
    if (!(error instanceof AppError) || statusOf(error.code) !== 401 || error.code === "IDENTITY_UNAVAILABLE") {
      logError(config, "trace.refused", error, { requestId });
    } else if (sender !== undefined) await countMiss(sender, world);
    return false;
  }
}

/** With or without its scheme. */
const tokenIn = (asked: string): string => asked.trim().split(/\s+/).at(-1)!;

async function countMiss(sender: string, { env, now }: World): Promise<void> {
  const limit = (by: RateLimitOptions) => env.GATEWAY_MISSES.limit(by).catch(() => ({ success: true }));
  await patience.countMiss({ limit }, { sender, key: `trace ${sender}` }, now);
}
