import type { CommandOf } from "../workflows/model.ts";
import type { FieldError } from "../workflows/rules.ts";
import { isRecord } from "../platform/shape.ts";
import { without } from "./attributes.ts";
import {
  MAIN,
  type End,
  type Fault,
  type Pending,
  type PendingEvent,
  type PendingExchange,
  type Thread,
  type ThreadEnd,
} from "./state.ts";
import {
  applied,
  callOf,
  commandAt,
  Failure,
  failureOf,
  keepInHistory,
  maybe,
  numberOf,
  patch,
  patchThread,
  push,
  store,
  storedFor,
  tell,
  type Work,
} from "./work.ts";

export type Answer = { readonly result: unknown } | { readonly failure: Failure };
type Calling = CommandOf<"exchange"> | CommandOf<"function"> | CommandOf<"sharable">;

/** Ends the execution: its context is thrown away, the end stays. */
export function endExecution(work: Work, end: End): void {
  const empty = { threads: {}, share: {}, pending: {}, route: null, history: [], drafts: {}, signals: {} };
  patch(work, { ...empty, end });
  tell(work, "ended", MAIN, { data: { status: end.status, kind: end.kind, ...maybe("fault", end.fault) } });
}

/** The route that is shown for an end without one. */
export function endWith(work: Work, kind: "success" | "decision", result: unknown): void {
  const view = { uuid: work.uuid, uri: "", terminal: true, backEnabled: false, ...maybe("export", result) };
  endExecution(work, { status: "terminated", kind, ...maybe("result", result), view });
}

/** Ends a thread well; the main one ends the execution. */
export function finish(work: Work, id: string, kind: "success" | "decision", result: unknown): void {
  if (id === MAIN) endWith(work, kind, result);
  else endFunction(work, id, { result: result ?? null });
}

export function fail(work: Work, id: string, failure: Failure): void {
  const { fault } = failure;
  tell(work, "error", id, { data: { ...fault, ...maybe("detail", failure.detail) } });
  if (id !== MAIN) return endFunction(work, id, { failure });
  endExecution(work, { status: fault.by === "platform" ? "failed" : "terminated", kind: "error", fault });
}

/** Does something for a thread that stands at a place, and fails the thread if that fails. */
function attempt(work: Work, { thread, place }: Pending, act: () => void): void {
  try {
    act();
  } catch (cause) {
    fail(work, thread, failureOf(cause, place));
  }
}

function endFunction(work: Work, id: string, answer: Answer): void {
  const thread = work.state.threads[id]!;
  const end: ThreadEnd = "failure" in answer ? { fault: answer.failure.fault } : answer;
  tell(work, "function", id, { data: { name: thread.function, ...end } });
  const call = callOf(work, id);
  if (thread.byClient) return closeCalled(work, thread, end);
  dropThreads(work, new Set([id]));
  if (call !== undefined) deliver(work, call, "failure" in answer ? asCaller(thread, answer.failure) : answer);
}

/** Leaves of a client's function only its end. */
export function closeCalled(work: Work, thread: Thread, ended: ThreadEnd): void {
  dropThreads(work, new Set([thread.id]));
  const { id, function: name, byClient } = thread;
  const kept: Thread = {
    id,
    ...maybe("function", name),
    frames: [],
    attributes: {},
    waiting: null,
    heard: {},
    ended,
    byClient,
  };
  patch(work, { threads: { ...work.state.threads, [id]: kept } });
}

/** What the failure of a function is to its caller: the code of an `error` command is kept. */
function asCaller({ function: name }: Thread, failure: Failure): Answer {
  const { fault, raised } = failure;
  if (raised || fault.code === "FUNCTION_FAILED") return { failure };
  const message = `The function "${name}" failed: ${fault.message}`;
  return { failure: new Failure({ by: fault.by, code: "FUNCTION_FAILED", message }) };
}

/** Takes away threads and all that is pending for them, functions that they called too. */
export function dropThreads(work: Work, gone: Set<string>): void {
  const { pending, threads } = work.state;
  const calls = Object.values(pending);
  const lost = new Set<string>();
  for (const id of gone) {
    for (const one of calls) {
      if (one.thread !== id) continue;
      lost.add(one.id);
      if (one.kind === "function") gone.add(one.callee);
    }
  }
  patch(work, { pending: without(pending, (id) => lost.has(id)), threads: without(threads, (id) => gone.has(id)) });
}

/** Gives what came to whoever asked for it. */
export function deliver(work: Work, pending: Pending, answer: Answer): void {
  patch(work, { pending: without(work.state.pending, (id) => id === pending.id) });
  attempt(work, pending, () => {
    const command = commandAt(work.script, pending.place) as Calling;
    const checked = command.command === "exchange" ? checkedAnswer(work, command, pending, answer) : answer;
    if (pending.kind === "exchange") tellAnswer(work, pending, checked);
    if (pending.async) keepAsync(work, pending, command, checked);
    else resume(work, pending, command, checked);
  });
}

function resume(work: Work, { thread, place }: Pending, command: Calling, answer: Answer): void {
  patchThread(work, thread, { waiting: null });
  if ("result" in answer) {
    const path = pathOf(command);
    if (path !== undefined) store(work, thread, path, answer.result, mergeOf(command));
  } else if (command.command === "exchange" && command.fallback !== undefined) {
    push(work, thread, { block: `${place}/fallback` });
  } else throw answer.failure;
}

/** The answer of an async command: an attribute, and an event for whoever waits for it. */
function keepAsync(work: Work, { id, thread }: Pending, command: Calling, answer: Answer): void {
  const failed = "failure" in answer;
  const value = failed ? errorOf(answer.failure.fault) : (answer.result ?? null);
  const path = pathOf(command);
  const merge = !failed && mergeOf(command);
  const name = path ?? (command.command === "sharable" ? undefined : command.name);
  if (path !== undefined) store(work, thread, path, value, merge);
  // Going back does not ask again for what was asked before the route.
  if (thread === MAIN) {
    keepInHistory(work, numberOf(id), (shown) => ({
      ...shown,
      ...(path === undefined ? {} : storedFor(work, shown, path, value, merge)),
      heard: name === undefined ? shown.heard : { ...shown.heard, [name]: value },
    }));
  }
  if (name === undefined) return;
  const waiting = waitingFor(work, name).find((one) => one.thread === thread);
  if (waiting !== undefined) take(work, waiting, value);
  else patchThread(work, thread, { heard: { ...work.state.threads[thread]!.heard, [name]: value } });
}

const errorOf = ({ code, message }: Fault) => ({ error: { code, message } });

const pathOf = (command: Calling): string | undefined =>
  command.namespace ?? (command.command === "exchange" ? command.name : undefined);
const mergeOf = (command: Calling): boolean => "merge" in command && command.merge === true;

function checkedAnswer(work: Work, command: CommandOf<"exchange">, pending: Pending, answer: Answer): Answer {
  if ("failure" in answer || command.validate === undefined) return answer;
  const held = applied(work, command.validate, answer.result);
  if (held.ok) return isRecord(answer.result) ? { result: held.value } : answer;
  const which = command.name ?? command.namespace ?? pending.place;
  const message = `The answer of the exchange "${which}" is not valid. ${inWords(held.errors)}`;
  return { failure: new Failure({ by: "platform", code: "EXCHANGE_INVALID", message }) };
}

/** `age: Required; name: Must be a text`, the first ones. */
export function inWords(errors: readonly FieldError[]): string {
  const shown = errors.slice(0, 10).map(({ field, message }) => `${field}: ${message}`);
  return `${shown.join("; ")}${errors.length > shown.length ? "; …" : ""}`;
}

function tellAnswer(work: Work, { thread, place }: PendingExchange, answer: Answer): void {
  tell(work, "answer", thread, { place, data: "failure" in answer ? { fault: answer.failure.fault } : answer });
}

export const waitingFor = (work: Work, name: string): PendingEvent[] =>
  Object.values(work.state.pending).filter((one): one is PendingEvent => one.kind === "event" && one.name === name);

/** Ends a wait: with what came, or with nothing. */
export function take(work: Work, pending: Pending, value: unknown): void {
  const { id, thread, place } = pending;
  patch(work, { pending: without(work.state.pending, (one) => one === id) });
  attempt(work, pending, () => {
    const { namespace, event } = commandAt(work.script, place) as CommandOf<"wait">;
    patchThread(work, thread, { waiting: null });
    if (event !== undefined && namespace !== undefined) store(work, thread, namespace, value);
    if (event !== undefined) tell(work, "event", thread, { place, data: { name: event, ...maybe("payload", value) } });
  });
}
