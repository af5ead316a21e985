import { DurableObject } from "cloudflare:workers";

import { databaseOf, type Database } from "../db/client.ts";
import { backoffAfter } from "../platform/backoff.ts";
import { configOf } from "../platform/config.ts";
import { Watchers } from "../platform/event-stream.ts";
import { logError } from "../platform/log.ts";
import { crashed, gatheredTooMuch, loopedAt, timedOut, tooMany } from "./bounds.ts";
import { courseOf } from "./course.ts";
import { ensureRun, strikeRun } from "./history.ts";
import { hasJournal, Journal, type Item, type RunRow } from "./journal.ts";
import { changesSince } from "./journal-lines.ts";
import { gatheredOf, messageOf, outcomeOf, returnsOf } from "./journal-read.ts";
import { KnownSecrets } from "./known-secrets.ts";
import { limits, type RunFacts, type RunFault } from "./model.ts";
import { mannerOf, perform, withoutSecrets, type Course, type Performed } from "./perform.ts";
import { endOf, settle } from "./settle.ts";
import { keptUntil, tellEnd } from "./tell.ts";

const PARALLEL = 6;
/** Messages, and milliseconds, after which the object takes a breath: an alarm's handler has 15 minutes, a step 5. */
const MOST_AT_ONCE = 250;
const LONGEST_MS = 300_000;
const LOOK_AGAIN_MS = 5000;
/** How often what becomes due is looked for while others are at their steps. */
const GLANCE_MS = 1000;

/** How a run's object works off its log; what others may ask of it is in `object.ts`. */
export abstract class RunWork extends DurableObject<Env> {
  #opened: Journal | undefined;
  #working: Promise<void> | undefined;
  #wanted = false;
  /** Ends the waiting for those at their steps. */
  #nudge: () => void = () => {};
  #course: Promise<Course> | undefined;
  #known: KnownSecrets | undefined;
  #failures = 0;
  /** What the list of runs is being told of the run; its end is told after that. Never fails; false if it did not hear. */
  protected entered: Promise<boolean> | undefined;
  /** Those who wait for a reply. */
  protected waiters: (() => void)[] = [];
  protected readonly watchers = new Watchers(
    (seq) => changesSince(this.journal.rows, seq),
    () => this.journal.run()?.told === 2,
  );

  override async alarm(): Promise<void> {
    if (!this.wasBegun) return;
    this.journal.anew();
    const run = this.journal.run();
    if (run === undefined) return;
    if (run.told === 2) return this.#expire();
    // The platform gives up an alarm that broke off several times: another one stands before anything is done.
    await this.ctx.storage.setAlarm(Date.now() + LOOK_AGAIN_MS);
    if (this.#working === undefined && run.status === "running") {
      this.journal.set("wakes", run.wakes + 1);
      if (run.wakes >= limits.wakes) this.#abort("failed", crashed);
      // Whether it was told before the object was woken is not known, or it was not.
      else if (!(await this.entered)) this.enter((db, facts) => ensureRun(db, facts, run.started_at));
    }
    await this.work();
  }

  /** The log of a run that was begun; nothing is made for an id that somebody invents. */
  protected get journal(): Journal {
    this.#opened ??= new Journal(this.ctx.storage);
    return this.#opened;
  }

  protected get wasBegun(): boolean {
    return this.#opened !== undefined || hasJournal(this.ctx.storage);
  }

  protected get secrets(): KnownSecrets {
    this.#known ??= new KnownSecrets(this.journal.rows, configOf(this.env));
    return this.#known;
  }

  /** Waits until a run that has ended has told its end, as far as that can be told now. */
  protected async told(): Promise<void> {
    while (this.#working !== undefined && this.journal.run()?.status !== "running") await this.#working;
  }

  /** Works off what is due. Never throws: what breaks is tried again by alarm. */
  protected work(): Promise<void> {
    this.#wanted = true;
    this.journal.anew();
    this.#nudge();
    this.#working ??= this.#workOff().finally(() => (this.#working = undefined));
    return this.#working;
  }

  /** Tells the list of runs how the run stands. */
  protected enter(write: (db: Database, facts: RunFacts) => Promise<void>): void {
    this.entered = write(databaseOf(this.env.DB), this.journal.facts()).then(
      () => true,
      (error: unknown) => {
        logError(configOf(this.env), "run.not_entered", error);
        return false;
      },
    );
  }

  async #workOff(): Promise<void> {
    const until = Date.now() + LONGEST_MS;
    try {
      // Whoever asks while the last round ends asks for another.
      while (this.#wanted && Date.now() < until) await this.#rounds(until);
      if (this.#wanted) await this.ctx.storage.setAlarm(Date.now());
      this.#failures = 0;
    } catch (error) {
      await this.#again(error);
    }
  }

  async #rounds(until: number): Promise<void> {
    const atSteps = new Map<number, Promise<void>>();
    try {
      await this.#go(atSteps, until);
    } catch (error) {
      // The others are let finish, so that none is at its step twice when this is taken up again.
      await Promise.allSettled(atSteps.values());
      throw error;
    }
  }

  async #go(atSteps: Map<number, Promise<void>>, until: number): Promise<void> {
    let done = 0;
    for (;;) {
      this.#wanted = false;
      const run = this.journal.run();
      if (run === undefined) return;
      if (run.status !== "running") return this.#tell();
      const now = Date.now();
      if (this.#isCutOff(run, now, atSteps.size)) continue;
      const goesOn = done < MOST_AT_ONCE && now < until && run.cancelled === 0;
      const room = goesOn ? PARALLEL - atSteps.size : 0;
      const due = room > 0 ? this.journal.due(now, PARALLEL + atSteps.size) : [];
      for (const item of due.filter(({ id }) => !atSteps.has(id)).slice(0, room)) {
        done += 1;
        atSteps.set(
          item.id,
          this.#one(item).finally(() => atSteps.delete(item.id)),
        );
      }
      if (atSteps.size === 0) return goesOn ? this.#rest(run.ends_by) : this.ctx.storage.setAlarm(now);
      await this.#oneOf(atSteps.values());
    }
  }

  /** Waits until one is through its step, somebody asks for something, or it is time to look what became due. */
  async #oneOf(atSteps: Iterable<Promise<void>>): Promise<void> {
    const asked = Promise.withResolvers<void>();
    this.#nudge = asked.resolve;
    const timer = setTimeout(asked.resolve, GLANCE_MS);
    await Promise.race([...atSteps, asked.promise]).finally(() => clearTimeout(timer));
  }

  /** Ends a run that may not go on. Who is at a step when it is cancelled finishes it; otherwise nobody is waited for. */
  #isCutOff(run: RunRow, now: number, atSteps: number): boolean {
    if (run.ends_by <= now) this.#abort("failed", timedOut);
    else if (run.cancelled === 1 && atSteps === 0) this.#abort("cancelled", undefined);
    else if (this.journal.items.count() > limits.items) this.#abort("failed", tooMany);
    else return false;
    return true;
  }

  async #one(item: Item): Promise<void> {
    const course = await this.#courseNow();
    const step = course.plan.steps.get(item.step);
    const performed = await this.#performed(course, item, step?.isInLoop === true);
    const run = this.journal.run()!;
    if (run.status !== "running") return;
    if (run.wakes > 0) this.journal.set("wakes", 0);
    if (performed.reply !== undefined) {
      this.journal.reply(performed.reply);
      this.#answer();
    }
    const at = Date.now();
    const { tried, work } = withoutSecrets(performed, (text) => this.secrets.hide(text));
    this.journal.settle(item, settle(tried, item, mannerOf(step), at, Math.random()), work, at);
    this.watchers.tell();
  }

  async #performed(course: Course, item: Item, isInLoop: boolean): Promise<Performed> {
    const { rows } = this.journal;
    if (isInLoop && returnsOf(rows, item, limits.returns + 1) > limits.returns) return loopedAt(item, Date.now());
    const gathered = gatheredOf(rows, item);
    if (gathered === "tooLarge") return gatheredTooMuch(Date.now());
    return perform(course, item, messageOf(rows, item), gathered);
  }

  #courseNow(): Promise<Course> {
    this.#course ??= this.#courseAnew().catch((error: unknown) => {
      this.#course = undefined;
      throw error;
    });
    return this.#course;
  }

  async #courseAnew(): Promise<Course> {
    await this.secrets.recall();
    const course = courseOf(this.env, this.journal, this.secrets);
    this.journal.items.rankOf = (step) => course.plan.ranks.get(step) ?? 0;
    return course;
  }

  /** Nothing is due now: either something will be, or the run is over. */
  async #rest(endsBy: number): Promise<void> {
    const next = this.journal.nextDue();
    if (next !== null) {
      const now = Date.now();
      const again = (await this.entered) === false ? now + LOOK_AGAIN_MS : endsBy;
      return this.ctx.storage.setAlarm(Math.min(Math.max(next, now), endsBy, again));
    }
    const outcome = outcomeOf(this.journal.rows);
    this.journal.end(endOf(outcome), outcome.fault, Date.now());
    return this.#tell();
  }

  #abort(status: "failed" | "cancelled", fault: RunFault | undefined): void {
    this.journal.endAll();
    this.journal.end(status, fault, Date.now());
  }

  async #tell(): Promise<void> {
    this.#answer();
    await this.entered;
    await tellEnd(this.env, this.journal);
    this.watchers.tell();
    await this.ctx.storage.setAlarm(keptUntil(this.env, this.journal));
  }

  /** Wakes whoever waits for a reply. */
  #answer(): void {
    for (const wake of this.waiters.splice(0)) wake();
  }

  async #expire(): Promise<void> {
    const until = keptUntil(this.env, this.journal);
    if (until > Date.now()) return this.ctx.storage.setAlarm(until);
    try {
      await strikeRun(databaseOf(this.env.DB), this.journal.facts(), this.journal.run()!.status);
      // It may have been taken up again meanwhile.
      if (this.journal.run()!.told !== 2) return;
      await this.ctx.storage.deleteAll();
      this.#opened = undefined;
      this.#course = undefined;
    } catch (error) {
      await this.#again(error);
    }
  }

  async #again(error: unknown): Promise<void> {
    this.#failures += 1;
    const delay = backoffAfter(this.#failures);
    await this.ctx.storage.setAlarm(Date.now() + delay);
    logError(configOf(this.env), "run.interrupted", error, { failures: this.#failures, retryInMs: delay });
  }
}
