import { DurableObject } from "cloudflare:workers";

import { databaseOf } from "../db/client.ts";
import { backoffAfter } from "../platform/backoff.ts";
import { configOf } from "../platform/config.ts";
import { logError, logLine } from "../platform/log.ts";
import type { Workflow } from "../workflows/model.ts";
import { dropFiles } from "./files/store.ts";
import { interpret } from "./interpret.ts";
import { brokenState } from "./broken.ts";
import { hasJournal, Journal, TOLD } from "./journal.ts";
import { keptLine, type KeptLine } from "./kept-line.ts";
import { doPending, dueAtFirst, dueEvent, leftAloneUntil } from "./pending.ts";
import { dropSharables } from "./sharables.ts";
import type { Event, Outcome, Pending, State } from "./state.ts";
import { endExecution, enterExecution, outcomeOf } from "./store.ts";

const GRACE_MS = 30_000;
/** An alarm's handler has 15 minutes. */
const LONGEST_MS = 600_000;
/** How often an execution is taken up without getting on. */
const MOST_WAKES = 8;

/** Whether something is through within a time. */
async function isThrough(going: Promise<void>, milliseconds: number): Promise<boolean> {
  const late = Promise.withResolvers<false>();
  const timer = setTimeout(() => late.resolve(false), Math.max(0, milliseconds));
  try {
    return await Promise.race([going.then(() => true), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

export type Untimed<E> = E extends unknown ? Omit<E, "at" | "uuid" | "files"> : never;

/** How an execution's object takes events and does what is pending; what others may ask of it is in `object.ts`. */
export abstract class ExecutionWork extends DurableObject<Env> {
  protected opened: Journal | undefined;
  protected script: Workflow | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  readonly #atWork = new Set<string>();
  readonly #waiters = new Set<() => void>();
  /** Whether this object has done anything since it was woken. */
  #gotOn = false;
  #alarm: number | undefined;
  #failures = 0;

  override async alarm(): Promise<void> {
    const journal = this.journal();
    if (journal === undefined) return;
    this.#alarm = undefined;
    try {
      // The platform gives up an alarm that broke off several times: another one stands before anything is done.
      this.#rest(Date.now() + GRACE_MS);
      if (journal.facts.expiresAt <= Date.now()) return await this.inTurn(() => this.#expire(journal));
      if (this.#isTakenUp(journal) && journal.wake() > MOST_WAKES) await this.#giveUp(journal);
      await this.#attend(journal);
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      const delay = backoffAfter(this.#failures);
      this.#rest(Date.now() + delay);
      logError(configOf(this.env), "execution.interrupted", error, { failures: this.#failures, retryInMs: delay });
    }
  }

  /** Does what is due, and what becomes due meanwhile: no other alarm rings while one call is slow. */
  async #attend(journal: Journal): Promise<void> {
    const until = Date.now() + LONGEST_MS;
    if (!journal.isEntered) this.ctx.waitUntil(this.enter());
    let isDone = false;
    let going = Promise.resolve();
    do {
      going = Promise.all([going, this.#goOn(journal)]).then(() => undefined);
      isDone = await isThrough(going, Math.min(GRACE_MS, this.#nextLook(journal) - Date.now()));
    } while (!isDone && Date.now() < until && this.opened === journal);
    if (this.opened === journal) this.#rest(this.#nextLook(journal));
  }

  /** Whether something is due that this object, since it was woken, has not been through yet: it may be what breaks it. */
  #isTakenUp(journal: Journal): boolean {
    const now = Date.now();
    return journal.endedAt === null && !this.#gotOn && journal.planned().some(({ dueAt }) => dueAt <= now);
  }

  /** An event that breaks the object each time would be taken up for ever. */
  #giveUp(journal: Journal): Promise<void> {
    return this.inTurn(() => {
      const at = Date.now();
      if (journal.endedAt === null) this.#keep(journal, brokenState(journal.state), [], at);
      return Promise.resolve();
    });
  }

  /** The journal of an execution that was begun; nothing is made for a uuid that somebody invents. */
  protected journal(): Journal | undefined {
    if (this.opened === undefined && hasJournal(this.ctx.storage)) this.opened = new Journal(this.ctx.storage);
    return this.opened;
  }

  /** The same, unless its time is over. */
  protected living(): Journal | undefined {
    const journal = this.journal();
    return journal !== undefined && journal.facts.expiresAt > Date.now() ? journal : undefined;
  }

  protected inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(act, act);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** Has the interpreter take an event, and commits what it makes of it. */
  protected take(event: Untimed<Event>): Promise<Outcome | undefined> {
    return this.inTurn(async () => {
      const journal = this.living();
      if (journal === undefined) return undefined;
      this.script ??= JSON.parse(journal.script) as Workflow;
      const at = Date.now();
      const takesFiles = event.type === "submit" || event.type === "call";
      const files = takesFiles ? Object.fromEntries(journal.files().map((file) => [file.uuid, file])) : undefined;
      const timed = { ...event, at, uuid: crypto.randomUUID(), ...(files && { files }) } as Event;
      const outcome = await interpret(this.script, journal.state, timed);
      this.#commit(outcome, at);
      return outcome;
    });
  }

  #commit(outcome: Outcome, at: number): void {
    this.#keep(this.opened!, outcome.state, this.kept(outcome), at);
  }

  #keep(journal: Journal, state: State, lines: readonly KeptLine[], at: number): void {
    const isNew = state !== journal.state;
    if (isNew || lines.length > 0) journal.save(state, lines, at);
    this.#gotOn = true;
    journal.gotOn();
    if (isNew) this.after(journal, at);
  }

  protected kept({ lines }: Outcome): KeptLine[] {
    const { log, mask } = this.script!;
    return log ? lines.map((line) => keptLine(line, mask)) : [];
  }

  /** Behind a commit, and in one with it: when to look at what is pending. Then wakes whoever waits. */
  protected after(journal: Journal, at: number): void {
    for (const pending of Object.values(journal.state.pending)) {
      const dueAt = journal.isPlanned(pending.id) ? null : dueAtFirst(pending, at);
      if (dueAt !== null) journal.plan({ id: pending.id, attempts: 0, dueAt });
    }
    for (const wake of this.#waiters) wake();
    const going = this.#goOn(journal).catch((error: unknown) => {
      logError(configOf(this.env), "execution.interrupted", error);
    });
    this.ctx.waitUntil(going);
  }

  /** Does what is due now, and has the alarm stand for the rest. */
  async #goOn(journal: Journal): Promise<void> {
    const going = journal.endedAt === null ? this.#whatIsDue(journal) : this.#tellEnd(journal);
    // What was begun has a time by now at which it is looked after.
    this.#rest(this.#nextLook(journal));
    await going;
  }

  async #whatIsDue(journal: Journal): Promise<void> {
    const now = Date.now();
    const { pending } = journal.state;
    const due = journal.planned().filter(({ id, dueAt }) => dueAt <= now && !this.#atWork.has(id));
    const known = due.filter(({ id }) => Object.hasOwn(pending, id));
    await Promise.all(known.map(({ id, attempts }) => this.#do(journal, pending[id]!, attempts)));
  }

  async #do(journal: Journal, pending: Pending, attempts: number): Promise<void> {
    const { id } = pending;
    const due = dueEvent(pending);
    if (due !== undefined) {
      await this.take(due);
      return;
    }
    if (pending.kind !== "exchange" && pending.kind !== "sharable") return;
    if (pending.kind === "sharable") journal.share();
    // A try that a crash cuts off counts.
    journal.plan({ id, attempts: attempts + 1, dueAt: leftAloneUntil(pending, Date.now()) });
    this.#atWork.add(id);
    const done = await doPending(this.env, journal, pending, attempts + 1).finally(() => this.#atWork.delete(id));
    if (this.opened !== journal || !Object.hasOwn(journal.state.pending, id)) return;
    this.#gotOn = true;
    journal.gotOn();
    if (done.kind === "again") {
      journal.plan({ id, attempts: attempts + 1, dueAt: done.dueAt });
      this.#rest(this.#nextLook(journal));
    } else await this.take({ type: "answered", ...done.event });
  }

  /** When to look next: at something pending, an end to be told, the end of the execution's time. */
  #nextLook(journal: Journal): number {
    const now = Date.now();
    // What is at work here is looked after, not done again.
    const times = journal
      .planned()
      .map(({ id, dueAt }) => (this.#atWork.has(id) ? Math.max(dueAt, now + GRACE_MS) : dueAt));
    const isOpen = !journal.isEntered || (journal.endedAt !== null && !journal.isTold);
    return Math.max(now, Math.min(journal.facts.expiresAt, ...times, ...(isOpen ? [now + GRACE_MS] : [])));
  }

  /** Sets the alarm, in one commit with what was written just before. */
  #rest(at: number): void {
    if (this.#alarm === at) return;
    this.#alarm = at;
    void this.ctx.storage.setAlarm(at);
  }

  /** Has the list of executions know of the beginning. Never throws: the alarm does it again. */
  protected async enter(): Promise<void> {
    const journal = this.opened!;
    try {
      await enterExecution(databaseOf(this.env.DB), journal.facts);
      if (this.opened !== journal) return;
      journal.tell(TOLD.beginning);
      this.#rest(this.#nextLook(journal));
    } catch (error) {
      logError(configOf(this.env), "execution.not_entered", error);
    }
  }

  async #tellEnd(journal: Journal): Promise<void> {
    if (journal.isTold) return;
    const { facts, endedAt, state } = journal;
    const { status, outcome } = outcomeOf(state.end!);
    await endExecution(databaseOf(this.env.DB), facts, { status, endedAt, outcome });
    await this.#dropAll(journal);
    journal.tell(TOLD.end);
    const { uuid: execution, flowId } = facts;
    logLine(configOf(this.env), "execution", { execution, flowId, status, ms: endedAt! - facts.startedAt });
    this.#rest(this.#nextLook(journal));
  }

  async #expire(journal: Journal): Promise<void> {
    const { facts } = journal;
    if (journal.endedAt === null) {
      const end = { status: "expired", endedAt: facts.expiresAt, outcome: null } as const;
      await endExecution(databaseOf(this.env.DB), facts, end);
    } else await this.#tellEnd(journal);
    await this.#dropAll(journal);
    await this.ctx.storage.deleteAll();
    this.opened = undefined;
    this.#alarm = undefined;
    for (const wake of this.#waiters) wake();
  }

  /** Deletes what stands elsewhere: files, and tokens that lead here. */
  async #dropAll(journal: Journal): Promise<void> {
    const { uuid } = journal.facts;
    if (journal.hasFiles) await dropFiles(this.env.FILES, uuid);
    if (journal.shares) await dropSharables(databaseOf(this.env.DB), uuid);
  }

  protected woken(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, milliseconds);
      this.#waiters.add(wake);
    });
  }
}
