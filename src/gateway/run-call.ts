import type { Resource } from "../apis/model.ts";
import type { Call, World } from "./call.ts";
import { refusalOf, runSteps, type Step } from "./chain.ts";
import type { LiveApi, Steps, Way } from "./compile.ts";
import { askDestination } from "./destination.ts";
import { isPreflight } from "./headers.ts";
import { BodyFault } from "./body.ts";
import { type Answer, refuse, type Stop } from "./refusal.ts";

export interface Called {
  readonly answer: Answer;
  /** Why the call was stopped; undefined if it was not. */
  readonly code: string | undefined;
}

interface Matched {
  readonly resource: Resource;
  readonly operation?: { readonly method: string } | undefined;
  readonly values: readonly string[];
}

/**
 * Request chain of the API, then of the plan; destination; response chain of the plan, then of the API. A stop leads
 * past all of it to the interceptors that run on every answer.
 */
export async function runCall(call: Call, live: LiveApi, match: Matched, world: World): Promise<Called> {
  const way = live.wayOf(match.resource, call.operation);
  const plan: { steps?: Steps } = {};
  try {
    const stop =
      (await preflight(way, call, world)) ??
      (await runSteps(way.request, call, world)) ??
      (await ofPlan(call, live, plan, world)) ??
      (await destination(call, way, plan.steps, match.values, world));
    const response = [...(plan.steps?.response ?? []), ...way.response];
    const late = stop ?? (await runSteps(response, call, world));
    const ended = late && (await afterStop(late, behind(call, way.request, response, stop !== undefined), call, world));
    const answer = ended ?? call.answer!;
    for (const change of call.onEveryAnswer) change(answer.headers);
    return { answer, code: late?.code };
  } finally {
    for (const end of call.onEnd) end();
  }
}

/**
 * What still runs when a call has been stopped: what has not run, of what runs on every answer. A page has to be able to
 * read why it was refused, also by an interceptor before CORS.
 */
function behind({ stoppedBy }: Call, request: readonly Step[], response: readonly Step[], onRequest: boolean): Step[] {
  const left = (steps: readonly Step[]): readonly Step[] => {
    const at = steps.findIndex((step) => step === stoppedBy);
    return at === -1 ? [] : steps.slice(at + 1);
  };
  return onRequest
    ? [...left(request).filter(({ type }) => type === "cors"), ...always(response)]
    : always(left(response));
}

const always = (steps: readonly Step[]): Step[] => steps.filter((step) => step.always);

/** What runs on every answer sees the answer of the one that stopped the call. */
async function afterStop(stop: Stop, left: readonly Step[], call: Call, world: World): Promise<Answer> {
  call.body.abandon();
  if (call.answer !== undefined && call.answer !== stop.answer) call.answer.body.abandon();
  call.answer = stop.answer;
  const again = await runSteps(left, call, world);
  return again?.answer ?? call.answer;
}

async function ofPlan(call: Call, live: LiveApi, found: { steps?: Steps }, world: World): Promise<Stop | undefined> {
  if (call.plan === undefined) return undefined;
  const plan = await world.planOf(call.plan);
  if (plan === undefined) return refuse("APP_WITHOUT_PLAN", { requestId: call.id });
  found.steps = live.stepsOf(call.plan, plan);
  return runSteps(found.steps.request, call, world);
}

async function destination(
  call: Call,
  way: Way,
  plan: Steps | undefined,
  values: readonly string[],
  world: World,
): Promise<Stop | undefined> {
  if (call.answer === undefined) {
    const readsAnswer = [...way.response, ...(plan?.response ?? [])].some((step) => readsNow(step, call));
    if (readsAnswer) acceptReadable(call);
    const stop = await askDestination({ call, world, way, values, readsAnswer });
    if (stop !== undefined) return stop;
  } else call.body.abandon();
  try {
    for (const hear of call.onDestination) await hear(call.answer!);
    return undefined;
  } catch (error) {
    if (error instanceof BodyFault) return refusalOf(error);
    throw error;
  }
}

/** A log reads only what it writes. */
const readsNow = ({ readsAnswer, type }: Step, { trace }: Call): boolean =>
  readsAnswer && (type !== "log" || trace !== undefined);

/** What can be undone here, of what the client takes: it may get the answer as it came after all. */
function acceptReadable({ headers, sent }: Call): void {
  const accepts = /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:\s*(?:,|$)))/i.test(sent.get("accept-encoding") ?? "");
  headers.set("accept-encoding", accepts ? "gzip" : "identity");
  // A part of a body would go past whatever looks at all of it.
  headers.delete("range");
  headers.delete("if-range");
}

/** A browser asks without credentials, so CORS answers before whatever demands any. */
async function preflight(way: Way, call: Call, world: World): Promise<Stop | undefined> {
  if (!isPreflight(call)) return undefined;
  return runSteps(
    way.request.filter(({ type }) => type === "cors"),
    call,
    world,
  );
}

/** The answer to a preflight for an operation, where the resource has no OPTIONS of its own. */
export async function answerPreflight(
  call: Call,
  live: LiveApi,
  resource: Resource,
  world: World,
): Promise<Stop | undefined> {
  if (!isPreflight(call)) return undefined;
  return preflight(live.wayOf(resource, call.operation), call, world);
}
