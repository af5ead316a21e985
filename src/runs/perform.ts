import { policyOf } from "../connectors/retry.ts";
import { compile, ExpressionError, isTrue } from "../expressions/evaluate.ts";
import { mapped } from "../expressions/template.ts";
import { SecretFault } from "../secrets/fault.ts";
import type { Item, Work } from "./journal.ts";
import { limits, type Message, type Reply, type RunFacts } from "./model.ts";
import { textOf } from "./message.ts";
import type { Plan, PlannedStep } from "./plan.ts";
import type { Fault, Manner, Tried } from "./settle.ts";
import { StepFault, type Line, type StepAnswer, type World } from "./steps.ts";
import { stepOf } from "./steps/index.ts";

/** All that a run's steps have in common. */
export interface Course {
  readonly plan: Plan;
  readonly facts: RunFacts;
  readonly values: Readonly<Record<string, unknown>>;
  readonly world: World;
}

export interface Performed {
  readonly tried: Tried;
  readonly work: Work;
  readonly reply?: Reply | undefined;
}

type Gathered = { readonly data: readonly unknown[]; readonly failed: number };

/** Tries one step with one message, and says what came out and along which edges it goes. Never throws for a fault of the step. */
export async function perform(course: Course, item: Item, message: Message, gathered?: Gathered): Promise<Performed> {
  const beganAt = course.world.now();
  const lines: Line[] = [];
  const empty: Work = { outputs: [], deliveries: [], opensScope: false, isStranded: false, lines, beganAt };
  const step = course.plan.steps.get(item.step);
  try {
    if (step === undefined) throw new StepFault("STEP_GONE", `The flow has no step ${item.step} any more.`);
    const bindings = bindingsOf(course, step);
    const run = stepOf(step.component);
    if (run === undefined) {
      throw new StepFault("COMPONENT_UNKNOWN", `Nothing is known of the component ${step.component}.`);
    }
    const taken = await transformed(step, "before", message, bindings);
    const call = { step, message: taken, item, facts: course.facts, bindings, world: course.world, gathered };
    const answer = await run(call, (line) => lines.push(line));
    if (answer.kind === "waits") {
      return { tried: { kind: "waits", until: answer.until }, work: { ...empty, memo: answer.memo } };
    }
    if (answer.kind !== "sent") return { tried: answer, work: empty };
    const sent = await finished(step, answer, bindings);
    const came = gathered === undefined ? message : undefined;
    const routed = await routesOf(step, sent, bindings, { takesFirst: answer.takesFirst === true, came });
    const work = { ...empty, ...routed, opensScope: answer.opensScope === true };
    await answer.keep?.();
    return { tried: { kind: "sent" }, work, reply: answer.reply };
  } catch (error) {
    const tried: Tried = { kind: "failed", fault: faultOf(error) };
    // Of messages that were to be put together, the list of them came in.
    const came = gathered === undefined ? message : { ...message, data: gathered.data };
    return { tried, work: step === undefined ? empty : await passedOn(step, came, course, empty, gathered) };
  }
}

/** Where the message goes on if the step fails and is told to continue; it then stands for what should have come out. */
async function passedOn(
  step: PlannedStep,
  message: Message,
  course: Course,
  empty: Work,
  gathered: Gathered | undefined,
): Promise<Work> {
  if (!mannerOf(step).continues) return empty;
  try {
    const routes = await routesOf(step, [message], bindingsOf(course, step), { takesFirst: false });
    if (gathered !== undefined) return { ...empty, ...routes };
    const { deliveries, isStranded } = routes;
    const asCame = deliveries.map((delivery) => (delivery.body === undefined ? { ...delivery, output: -1 } : delivery));
    return { ...empty, deliveries: asCame, isStranded };
  } catch {
    return empty;
  }
}

export const mannerOf = (step: PlannedStep | undefined): Manner => ({
  retry: policyOf(step?.settings["retry"]),
  continues: step?.settings["onError"] === "continue",
});

const bindingsOf = ({ facts, values }: Course, step: PlannedStep): Record<string, unknown> => ({
  vars: values,
  flow: { id: facts.flowId, name: facts.flowName, revision: facts.revision },
  run: { id: facts.id, requestId: facts.requestId, trigger: facts.trigger, startedBy: facts.startedBy },
  step: { id: step.id },
});

/** The transformations that the Open Integration Hub's components know: `nodeSettings.applyTransform`. */
async function transformed(
  step: PlannedStep,
  when: "before" | "after",
  message: Message,
  bindings: Record<string, unknown>,
): Promise<Message> {
  const { applyTransform, transformFunction, secondTransformFunction } = step.settings;
  if (applyTransform !== when && applyTransform !== "both") return message;
  const text = applyTransform === "both" && when === "after" ? secondTransformFunction : transformFunction;
  if (typeof text !== "string") return message;
  const data = await compile(text).evaluate(message, bindings);
  return { ...message, data: data === undefined ? null : data };
}

/** What a step sends, after the settings that change it. */
async function finished(
  step: PlannedStep,
  { messages }: StepAnswer & { kind: "sent" },
  bindings: Record<string, unknown>,
): Promise<readonly Message[]> {
  const sent: Message[] = [];
  for (const message of messages) {
    const after = await transformed(step, "after", message, bindings);
    const passthrough = { ...after.passthrough, [step.id]: { data: after.data } };
    sent.push(step.settings["passthrough"] === true ? { ...after, passthrough } : after);
  }
  return sent;
}

type Routes = Pick<Work, "outputs" | "deliveries" | "isStranded">;

/** For each message the edges whose condition it meets, changed by their mappers. */
async function routesOf(
  step: PlannedStep,
  messages: readonly Message[],
  bindings: Record<string, unknown>,
  { takesFirst, came }: { readonly takesFirst: boolean; /** Kept already. */ readonly came?: Message | undefined },
): Promise<Routes> {
  const room = { left: limits.messagesBytes };
  const outputs = messages.map((message) => (message === came ? null : keptIn(room, textOf(message))));
  const deliveries: { step: string; output: number; body?: string }[] = [];
  // An edge without a condition is the last to be taken where only one is.
  const edges = takesFirst
    ? step.edges.toSorted((one, other) => Number(one.condition === undefined) - Number(other.condition === undefined))
    : step.edges;
  for (const [output, message] of messages.entries()) {
    for (const edge of edges) {
      if (edge.condition !== undefined && !isTrue(await compile(edge.condition).evaluate(message, bindings))) continue;
      if (edge.mapper === undefined) deliveries.push({ step: edge.target, output });
      else {
        const data = await mapped(edge.mapper, message, bindings);
        deliveries.push({
          step: edge.target,
          output,
          body: keptIn(room, textOf({ ...message, data: data === undefined ? null : data })),
        });
      }
      if (takesFirst) break;
    }
  }
  return { outputs, deliveries, isStranded: step.edges.length > 0 && deliveries.length === 0 && messages.length > 0 };
}

/** Text that still has room among the others that a step sends. */
function keptIn(room: { left: number }, text: string): string {
  room.left -= text.length;
  if (room.left >= 0) return text;
  const most = `A step may send at most ${limits.messagesBytes} bytes at a time; its edges' mappers count too.`;
  throw new StepFault("MESSAGE_TOO_LARGE", most);
}

function faultOf(error: unknown): Fault {
  if (error instanceof StepFault) return error.fault;
  if (error instanceof ExpressionError) return { code: error.code, message: error.message, mayPass: false };
  if (error instanceof SecretFault) return { code: error.code, message: error.message, mayPass: error.mayPass };
  // What we did not expect may name data of others.
  return { code: "STEP_BROKEN", message: "The step failed for a reason of ours.", mayPass: true };
}

/** Characters that are kept of a line and of a fault; cut after they are masked. */
const MOST_LINE = 10_000;
const MOST_FAULT = 1000;

/** What a try came to, with no secret in what is told of it: neither in its fault nor in its lines. A fault is a line too. */
export function withoutSecrets(
  { tried, work }: Performed,
  hide: (text: string) => string,
): Pick<Performed, "tried" | "work"> {
  const lines = work.lines.map(({ level, message }) => ({ level, message: hide(message).slice(0, MOST_LINE) }));
  if (tried.kind !== "failed") return { tried, work: { ...work, lines } };
  const fault = { ...tried.fault, message: hide(tried.fault.message).slice(0, MOST_FAULT) };
  const told = { level: "error", message: `${fault.code}: ${fault.message}` };
  return { tried: { kind: "failed", fault }, work: { ...work, lines: [...lines, told] } };
}
