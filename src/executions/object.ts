/**
 * One object per execution of a workflow: the shell around the interpreter.
 *
 * Order     events are taken one after the other; what the interpreter makes of one is committed, then answered. So of
 *           submits at the same time one is taken, and the others see what it left.
 * Waiting   whoever asks for the route waits here and is woken by the commit that shows it.
 * Pending   exchanges, timers and tokens follow from the state. Each has a time in the journal at which it is looked at:
 *           what a crash cut off is taken up by the alarm, under the same key: at least once.
 * End       is committed first, then told to the list of executions; its files are deleted. The last view stays until the
 *           execution expires; then the object erases itself.
 */
import { ExecutionWork, type Untimed } from "./execution-work.ts";
import { begin, viewOf } from "./interpret.ts";
import { Journal, type Told } from "./journal.ts";
import type { Event, Refusal, View } from "./state.ts";
import type { ExecutionFacts } from "./store.ts";
import type { Workflow } from "../workflows/model.ts";
import type { FieldError, FileDescriptor } from "../workflows/rules.ts";

const MOST_FILES = 100;
/** Submits and steps back of one execution. */
const MOST_A_MINUTE = 120;

/** What a call finds. */
export type Seen =
  | View
  | { readonly kind: "refused"; readonly refused: Refusal }
  | { readonly kind: "none" | "tooOften" };

export type FunctionSeen =
  | { readonly kind: "result"; readonly result: unknown }
  | { readonly kind: "running" | "none" }
  | Extract<View, { kind: "fault" }>;

/** How an execution stands, for the back office. */
export interface Standing {
  readonly facts: ExecutionFacts;
  readonly script: string;
  readonly view: View;
  /** Kinds of what is pending. */
  readonly waitsFor: readonly string[];
}

export class ExecutionObject extends ExecutionWork {
  #minute = 0;
  #taken = 0;

  /** Begins the execution; the same again changes nothing. Answers what is wrong with its input. */
  start(
    facts: ExecutionFacts,
    script: string,
    input: unknown,
  ): Promise<readonly FieldError[] | "tooLarge" | undefined> {
    return this.inTurn(async () => {
      if (this.journal() !== undefined) return undefined;
      const at = facts.startedAt;
      const parsed = JSON.parse(script) as Workflow;
      const begun = await begin(parsed, { uuid: facts.uuid, input, at, routeUuid: crypto.randomUUID() });
      const { refused, state } = begun;
      if (refused?.kind === "invalid") return refused.errors;
      if (refused !== undefined) return "tooLarge";
      this.script = parsed;
      this.opened = Journal.begin(this.ctx.storage, { facts, script, state, lines: this.kept(begun) });
      this.after(this.opened, at);
      this.ctx.waitUntil(this.enter());
      return undefined;
    });
  }

  /** Whoever has a token may have each submit call a service: so many in a minute are more than people do. */
  #isTooOften(): boolean {
    const minute = Math.floor(Date.now() / 60_000);
    this.#taken = minute === this.#minute ? this.#taken + 1 : 1;
    this.#minute = minute;
    return this.#taken > MOST_A_MINUTE;
  }

  /** The current route, or the end; waits for it, but not longer than told. */
  async look(milliseconds: number): Promise<Seen> {
    const until = Date.now() + milliseconds;
    for (;;) {
      const journal = this.living();
      if (journal === undefined) return { kind: "none" };
      const view = viewOf(journal.state);
      const left = until - Date.now();
      if (view.kind !== "running" || left <= 0) return view;
      await this.woken(left);
    }
  }

  /** Takes a submit or a step back, and waits for the route that comes next. */
  async go(event: Untimed<Extract<Event, { type: "submit" | "back" }>>, milliseconds: number): Promise<Seen> {
    if (this.#isTooOften()) return { kind: "tooOften" };
    const outcome = await this.take({ ...event });
    if (outcome === undefined) return { kind: "none" };
    const { refused } = outcome;
    if (refused !== undefined && refused.kind !== "repeated") return { kind: "refused", refused };
    return this.look(milliseconds);
  }

  /** Takes what comes from outside, without an answer of its own. */
  async tell(event: Untimed<Exclude<Event, { type: "submit" | "back" }>>): Promise<Seen | { kind: "taken" }> {
    if (event.type === "call" && this.#isTooOften()) return { kind: "tooOften" };
    const outcome = await this.take(event);
    if (outcome === undefined) return { kind: "none" };
    return outcome.refused === undefined ? { kind: "taken" } : { kind: "refused", refused: outcome.refused };
  }

  /** Ends the execution if it began before a time, in milliseconds, or under this start; without one in any case. */
  async endIf(before: number, startId: string | undefined): Promise<void> {
    const facts = this.living()?.facts;
    if (facts === undefined) return;
    if (startId === undefined || facts.startedAt < before || facts.startId === startId) {
      await this.take({ type: "terminate" });
    }
  }

  /** The result of a function that a client called; waits for it, but not longer than told. */
  async resultOf(thread: string, milliseconds: number): Promise<FunctionSeen> {
    const until = Date.now() + milliseconds;
    for (;;) {
      const threads = this.living()?.state.threads ?? {};
      const found = Object.hasOwn(threads, thread) ? threads[thread]! : undefined;
      if (found?.byClient !== true) return { kind: "none" };
      const { ended } = found;
      if (ended !== undefined) {
        return "fault" in ended ? { kind: "fault", ...ended.fault } : { kind: "result", result: ended.result };
      }
      const left = until - Date.now();
      if (left <= 0) return { kind: "running" };
      await this.woken(left);
    }
  }

  /** Until when the execution lives; undefined for one that is not, or not any more. */
  expiresAt(): number | undefined {
    return this.living()?.facts.expiresAt;
  }

  standing(): Standing | undefined {
    const journal = this.living();
    if (journal === undefined) return undefined;
    const { facts, script, state } = journal;
    const waitsFor = Object.values(state.pending).map(({ kind }) => kind);
    return { facts, script, view: viewOf(state), waitsFor: [...new Set(waitsFor)] };
  }

  /** What was written down of it, where the workflow has it written down. */
  events(after: number, most: number): { told: Told[]; more: boolean } | undefined {
    return this.living()?.events(after, most);
  }

  /** Whether the execution takes a file more. */
  mayAddFile(): "yes" | "ended" | "tooMany" | "none" {
    const journal = this.living();
    if (journal === undefined) return "none";
    if (journal.endedAt !== null) return "ended";
    if (journal.files().length >= MOST_FILES) return "tooMany";
    journal.expectFile();
    return "yes";
  }

  /** Remembers a file that is kept, unless the execution has ended meanwhile or has as many as it may have. */
  addFile(file: FileDescriptor): "added" | "ended" | "tooMany" {
    const journal = this.living();
    if (journal === undefined || journal.endedAt !== null) return "ended";
    const files = journal.files();
    if (files.length >= MOST_FILES && !files.some(({ uuid }) => uuid === file.uuid)) return "tooMany";
    journal.addFile(file);
    return "added";
  }

  file(uuid: string): FileDescriptor | undefined {
    return this.living()
      ?.files()
      .find((file) => file.uuid === uuid);
  }

  dropFile(uuid: string): boolean {
    return this.living()?.dropFile(uuid) ?? false;
  }
}
