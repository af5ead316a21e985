import type { Command, Workflow } from "../workflows/model.ts";
import { isWithin } from "./attributes.ts";
import { MOST } from "./limits.ts";
import { deliver, endExecution, take, waitingFor, type Answer } from "./settle.ts";
import { isTooLarge, sizeOf } from "./size.ts";
import {
  MAIN,
  type AnsweredEvent,
  type DueEvent,
  type Fault,
  type Refusal,
  type Shown,
  type SignalEvent,
} from "./state.ts";
import { beginningOf, Failure, isKept, patch, tell, type Work } from "./work.ts";

export function answered(work: Work, { id, result, fault }: AnsweredEvent): Refusal | null {
  const { pending } = work.state;
  const one = Object.hasOwn(pending, id) ? pending[id] : undefined;
  if (one?.kind !== "exchange" && one?.kind !== "sharable") return { kind: "gone" };
  deliver(
    work,
    one,
    fault === undefined ? received(result) : { failure: new Failure({ by: blamed(fault), ...fault }) },
  );
  return null;
}

/** What is wrong with a token is what the script asked for; all else failed on the way. */
const blamed = ({ code }: { readonly code: string }): Fault["by"] =>
  code.startsWith("SHARABLE_") ? "script" : "platform";

function received(result: unknown): Answer {
  if (isWithin(MOST.depth, result)) return { result };
  const message = `The answer has more than ${MOST.depth} levels of objects and lists.`;
  return { failure: new Failure({ by: "platform", code: "EXCHANGE_INVALID", message }) };
}

export function due(work: Work, { id }: DueEvent): Refusal | null {
  const { pending } = work.state;
  const one = Object.hasOwn(pending, id) ? pending[id] : undefined;
  const ends = one?.kind === "timer" || (one?.kind === "event" && one.until !== null);
  if (one === undefined || !ends) return { kind: "gone" };
  take(work, one, undefined);
  return null;
}

export function signalled(work: Work, { name, payload }: SignalEvent): Refusal | null {
  const { end, signals, history } = work.state;
  if (end !== null) return { kind: "terminated" };
  const value = payload ?? null;
  const heard = { ...signals, [name]: value };
  if (isTooLarge(value) || sizeOf(heard) > MOST.attributes) return { kind: "tooLarge" };
  tell(work, "event", MAIN, { data: { name, payload: value } });
  if (!awaited(work.script).has(name)) return null;
  const waiting = waitingFor(work, name);
  const takers = waiting.map((one) => beginningOf(work, one.thread));
  // Going back does not undo what came from outside; only whoever goes on has no need of it twice.
  const isOver = (shown: Shown) => takers.length > 0 && takers.every((number) => isKept(number, shown));
  const told = (shown: Shown) => ({ ...shown, signals: { ...shown.signals, [name]: value } });
  patch(work, { history: history.map((shown) => (isOver(shown) ? shown : told(shown))) });
  if (waiting.length === 0) patch(work, { signals: heard });
  // What one of them makes of it may be the end of the others.
  for (const one of waiting) if (Object.hasOwn(work.state.pending, one.id)) take(work, one, value);
  return null;
}

/** Names of the events that a script waits for anywhere. */
function awaited(script: Workflow): Set<string> {
  const names = new Set<string>();
  const visit = (value: unknown) => {
    if (typeof value !== "object" || value === null) return;
    const { command, event } = value as Partial<Command & { event: unknown }>;
    if (command === "wait" && typeof event === "string") names.add(event);
    for (const item of Object.values(value)) visit(item);
  };
  visit(script);
  return names;
}

export function terminated(work: Work): Refusal | null {
  if (work.state.end !== null) return { kind: "terminated" };
  const message = "The execution was ended by the back office.";
  endExecution(work, {
    status: "terminated",
    kind: "error",
    fault: { by: "script", code: "EXECUTION_TERMINATED", message },
  });
  return null;
}
