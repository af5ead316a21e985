import { ExpressionError, compile, type Bindings, type ExpressionErrorCode } from "../expressions/evaluate.ts";
import { Budget } from "../expressions/guard.ts";
import { type Made, render, renderParts } from "../expressions/template.ts";
import type { Fields } from "../workflows/fields.ts";
import type { Command, Commands, Workflow } from "../workflows/model.ts";
import { applyFields, type Applied, MOST_STEPS, type Steps } from "../workflows/rules.ts";
import { scopeOf, type Store, stored, storedKeys, widthAt } from "./attributes.ts";
import { MOST } from "./limits.ts";
import { sizeOf } from "./size.ts";
import {
  MAIN,
  type Fault,
  type Files,
  type Frame,
  type Line,
  type LineType,
  type Outcome,
  type Pending,
  type Refusal,
  type Shown,
  type State,
  type Thread,
} from "./state.ts";

/** What one event works on. Only `state` moves on, always to a new one. */
export interface Work {
  readonly script: Workflow;
  readonly at: number;
  /** For the route that is shown next. */
  readonly uuid: string;
  state: State;
  readonly lines: Line[];
  /** Lines that were too many. */
  dropped: number;
  commands: number;
  /** What its lines hold. */
  told: number;
  /** Steps for all that it does. */
  readonly budget: Budget;
  /** Steps of RE2 for all its patterns. */
  readonly patterns: Steps;
  /** Size that is held at most, by thread and in all, so that not every write measures everything. */
  readonly held: Map<string, number>;
}

export const workOn = (script: Workflow, state: State, at: number, uuid: string): Work => {
  const means = { budget: new Budget(MOST.steps), patterns: { steps: MOST_STEPS }, held: new Map<string, number>() };
  return { script, at, uuid, state, lines: [], dropped: 0, commands: 0, told: 0, ...means };
};

/** A fault of the thread that is at work. */
export class Failure extends Error {
  readonly fault: Fault;
  /** Whether the script's own `error` command raised it. */
  readonly raised: boolean;
  /** What may hold data, and is for the log alone. */
  readonly detail: string | undefined;

  constructor(fault: Fault, { raised = false, detail }: { raised?: boolean; detail?: string } = {}) {
    super(fault.message);
    this.fault = fault;
    this.raised = raised;
    this.detail = detail;
  }
}

export const scriptFault = (code: string, message: string) => new Failure({ by: "script", code, message });

const ofExpressions: Readonly<Record<ExpressionErrorCode, string>> = {
  EXPRESSION_INVALID: "has an expression that is none",
  EXPRESSION_FAILED: "has an expression that fails on these data",
  EXPRESSION_STEPS: "takes more steps than there are for one event",
  EXPRESSION_DEPTH: "has an expression or data that are nested too deeply",
  EXPRESSION_TOO_LARGE: "has an expression that makes a value that is too large",
};

/** What failed at a place of the script. The own words of an expression's error may quote data: clients get others. */
export function failureOf(cause: unknown, place: string): Failure {
  if (cause instanceof Failure) return cause;
  if (!(cause instanceof ExpressionError)) throw cause;
  const message = `The command at ${place} ${ofExpressions[cause.code]}.`;
  return new Failure({ by: "script", code: cause.code, message }, { detail: cause.message });
}

export const refuse = (state: State, refused: Refusal, lines: readonly Line[] = []): Outcome => {
  return { state, refused, lines };
};

const KEPT: ReadonlySet<LineType> = new Set(["started", "submit", "back", "route", "error", "ended"]);

export function tell(work: Work, type: LineType, thread: string, more: { place?: string; data?: unknown } = {}): void {
  if (work.lines.length >= MOST.lines && !KEPT.has(type)) {
    work.dropped += 1;
    return;
  }
  work.told += sizeOf(more.data);
  const isTooMuch = work.told > MOST.told && type !== "ended";
  work.lines.push({ type, thread, ...more, ...(isTooMuch ? { data: { truncated: true } } : {}) });
}

export function patch(work: Work, change: Partial<State>): void {
  work.state = { ...work.state, ...change };
}

export function patchThread(work: Work, id: string, change: Partial<Thread>): void {
  const thread = { ...work.state.threads[id]!, ...change };
  patch(work, { threads: { ...work.state.threads, [id]: thread } });
}

/** What it costs to make the world of one expression. */
const STEPS_OF_SCOPE = 20;

/** An id that no other thing of the execution has. */
export function nextId(work: Work, letter: "p" | "f"): string {
  const id = `${letter}${work.state.nextId}`;
  patch(work, { nextId: work.state.nextId + 1 });
  return id;
}

export const numberOf = (id: string): number => Number(id.slice(1));

/** Whether what has that number was begun before a route was shown, so that it goes on when the user goes back there. */
export const isKept = (number: number, { nextId: behind }: Shown): boolean => number < behind;

/** Changes the routes behind which something goes on: what it did stays done there. */
export function keepInHistory(work: Work, number: number, change: (shown: Shown) => Shown): void {
  const { history } = work.state;
  work.budget.take(history.length);
  patch(work, { history: history.map((shown) => (isKept(number, shown) ? change(shown) : shown)) });
}

/** The call that a function works for; none if it is a client's. */
export const callOf = ({ state }: Work, id: string): Pending | undefined =>
  Object.values(state.pending).find((one) => one.kind === "function" && one.callee === id);

/** The thread at whose beginning stands the script or a client, and no other thread. */
export function rootOf(work: Work, id: string): string {
  const call = callOf(work, id);
  return call === undefined ? id : rootOf(work, call.thread);
}

/** The number of the main thread's call that a function works for, by whatever others; 0 if it is a client's. */
export function beginningOf(work: Work, id: string): number {
  if (id === MAIN) return Infinity;
  const call = callOf(work, id);
  if (call === undefined) return 0;
  return call.thread === MAIN ? numberOf(call.id) : beginningOf(work, call.thread);
}

export function count(work: Work): void {
  work.commands += 1;
  patch(work, { count: work.state.count + 1 });
  if (work.commands > MOST.commandsOfEvent) {
    throw scriptFault("LOOP_LIMIT", `The script does more than ${MOST.commandsOfEvent} commands without a pause.`);
  }
  if (work.state.count > MOST.commands) {
    throw scriptFault("LOOP_LIMIT", `The execution does more than ${MOST.commands} commands.`);
  }
}

/** What stands at a JSON pointer of the script. */
function standing(script: Workflow, pointer: string): unknown {
  let value: unknown = script;
  for (const step of pointer.split("/").slice(1)) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return value;
}
export const commandsAt = (script: Workflow, block: string): Commands => (standing(script, block) ?? []) as Commands;
export const commandAt = (script: Workflow, place: string): Command => standing(script, place) as Command;

/** What stands under a name itself, and is not inherited by every object. */
export const registered = <T>(of: Readonly<Record<string, T>> | undefined, name: string | undefined): T | undefined =>
  of !== undefined && name !== undefined && Object.hasOwn(of, name) ? of[name] : undefined;

/** The first of the blocks is done first. */
export function push(work: Work, id: string, ...blocks: readonly Omit<Frame, "index">[]): void {
  const frames = [...work.state.threads[id]!.frames, ...blocks.map((block) => ({ ...block, index: 0 })).toReversed()];
  if (frames.length > MOST.frames) {
    throw scriptFault(
      "LOOP_LIMIT",
      `More than ${MOST.frames} blocks stand within one another. Look for a path that goes through itself.`,
    );
  }
  patchThread(work, id, { frames });
}

export const valueOf = async (work: Work, thread: string, text: string, bindings?: Bindings): Promise<unknown> =>
  paid(work, await compile(text).evaluate(seenBy(work, thread), bindings, work.budget));

/** Templates that may be missing. */
export const filled = async (work: Work, thread: string, template: unknown): Promise<unknown> =>
  template === undefined ? undefined : paid(work, await render(template, seenBy(work, thread), undefined, work.budget));

export const filledParts = async (work: Work, thread: string, text: string): Promise<Made[]> =>
  paid(work, await renderParts(text, seenBy(work, thread), work.budget));

function seenBy(work: Work, id: string) {
  const thread = work.state.threads[id]!;
  work.budget.take(STEPS_OF_SCOPE + (Object.keys(thread.attributes).length >>> 3));
  return scopeOf(work.state, thread);
}

/** Pays for what is made of a result, or compared with it: copies, measures. */
export function paid<T>(work: Work, value: T): T {
  work.budget.take(sizeOf(value) >>> 5);
  return value;
}

/** What `stored` makes, paid for by what is copied. Large objects are copied more slowly by key than small ones. */
export function storedFor(work: Work, ...[before, path, value, merge]: Parameters<typeof stored>): Store {
  const width = widthAt(before, path, value, merge);
  work.budget.take(width > 64 ? width : width >>> 3);
  return stored(before, path, value, merge);
}

/** A value held against fields; without fields everything is right. */
export function applied(
  { patterns }: Pick<Work, "patterns">,
  fields: Fields | undefined,
  value: unknown,
  files: Files = {},
): Applied | { ok: true; value: unknown } {
  if (fields === undefined) return { ok: true, value };
  try {
    return applyFields(fields, value, files, patterns);
  } catch {
    throw scriptFault("PATTERN_INVALID", "A pattern in validate is not one of RE2.");
  }
}

/** Writes at a path, or each key of the value on its own if there is none. */
export function store(work: Work, id: string, path: string | null, value: unknown, merge?: boolean): void {
  const thread = work.state.threads[id]!;
  const before = { attributes: thread.attributes, share: work.state.share };
  const after = path === null ? storedKeys(before, value, merge) : storedFor(work, before, path, value, merge);
  patchThread(work, id, { attributes: after.attributes });
  patch(work, { share: after.share });
  if (path?.startsWith("share.") === true) {
    const share = (shown: Shown) => ({ ...shown, share: storedFor(work, shown, path, value, merge).share });
    keepInHistory(work, beginningOf(work, id), share);
  }
  const size = sizeOf(value) + sizeOfPath(path ?? "");
  weigh(work, id, size, MOST.attributes, () => after);
  weighAll(work, size);
  tell(work, "attributes", id, { data: { path, value } });
}

/** What a path may add by itself: its keys, and the items before an index. */
const sizeOfPath = (path: string): number =>
  path.split(".").reduce((sum, step) => sum + step.length + 40 + (/^\d+$/.test(step) ? 8 * Number(step) : 0), 0);

/** Counts what threads hold besides; everything is measured again when it may be too much. */
export function weighAll(work: Work, size: number): void {
  weigh(work, "", size, MOST.working, () => [work.state.threads, work.state.pending, work.state.share]);
}

function weigh(work: Work, key: string, size: number, most: number, whole: () => unknown): void {
  const known = work.held.get(key);
  let held = known === undefined ? Infinity : known + size;
  if (held > most) held = sizeOf(whole());
  work.held.set(key, held);
  if (held > most) {
    throw scriptFault(
      "ATTRIBUTES_TOO_LARGE",
      `The attributes have more than ${most / 1_048_576} MiB. Keep less in them.`,
    );
  }
}

/** With a key that says something, or without. */
export const maybe = <K extends string, T>(key: K, value: T): { [P in K]?: Exclude<T, undefined> } =>
  (value === undefined ? {} : { [key]: value }) as { [P in K]?: Exclude<T, undefined> };
