/**
 * One object per run: it keeps the run's log and works it off.
 *
 * Log       every message at every step is a row of its own (`journal.ts`). What a try came to, what it sends on and
 *           what closes with it are one commit, so a step that is done is never run again; a crash between a step's
 *           effect and its commit runs that step again, under the same key: at least once.
 * Going on  an alarm stands whenever something is under way. Whatever breaks off is taken up by it; a run that is taken
 *           up again and again without getting on is ended.
 * Order     up to `PARALLEL` messages are at their steps at a time; all that is decided about them is decided here, by
 *           one thread.
 * End       the end is committed first, and then told: to the list of runs, to the run that waits for it, to the flow's
 *           error flow. Each of these may be told twice.
 */
import { timeoutOf } from "./bounds.ts";
import { enterRun, moveRun } from "./history.ts";
import type { Beginning, Seed } from "./journal.ts";
import { linesOf } from "./journal-lines.ts";
import { resultOf, sealedIn, seedsAt } from "./journal-read.ts";
import { runView, type Mask } from "./journal-view.ts";
import { MASKED_JSON, maskJson } from "../secrets/mask.ts";
import type { Definition, Reply, RunEnd, RunStatus } from "./model.ts";
import { restart } from "./restart.ts";
import { RunWork } from "./run-work.ts";
import type { LoggedLine } from "./step-logs.ts";
import type { Run } from "./view.ts";

/** When an alarm looks after work that was begun by a call. */
const GRACE_MS = 30_000;

export type RunStart = Beginning;

export interface Ended {
  readonly status: RunStatus;
  readonly reply: Reply | undefined;
}

export class RunObject extends RunWork {
  /** Begins the run; the same again changes nothing. Once this has answered, the run goes to its end. */
  async start(begin: RunStart): Promise<void> {
    const now = Date.now();
    const endsBy = now + timeoutOf(begin.definition);
    if (!this.journal.begin(begin, { now, endsBy })) return;
    const watched = this.ctx.storage.setAlarm(now + GRACE_MS);
    this.enter((db, facts) => enterRun(db, facts, now));
    this.ctx.waitUntil(this.work());
    await Promise.all([watched, this.entered]);
  }

  /** Waits until the run has replied or ended, but not longer than told. */
  async awaitReply(milliseconds: number): Promise<Ended | undefined> {
    if (!this.wasBegun) return undefined;
    const ended = this.#ended();
    if (ended !== undefined) return ended;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.waiters.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    return this.#ended();
  }

  /** How the run ended; undefined while it goes on. */
  end(): RunEnd | undefined {
    if (!this.wasBegun) return undefined;
    const run = this.journal.run();
    if (run === undefined || run.status === "running") return undefined;
    return { status: run.status, data: resultOf(this.journal.rows), secrets: sealedIn(this.journal.rows) };
  }

  /** The run that an item of this one waits for has ended. */
  async calledEnded(item: number, run: string, end: RunEnd): Promise<void> {
    const now = Date.now();
    if (!this.wasBegun) return;
    const { secrets, ...told } = end;
    await this.secrets.adopt(secrets);
    if (!this.journal.wake(item, run, told, now)) return;
    const watched = this.ctx.storage.setAlarm(now + GRACE_MS);
    this.ctx.waitUntil(this.work());
    await watched;
  }

  /** The run as its users see it, from an item on. */
  async show(after: number): Promise<Run | undefined> {
    if (!this.wasBegun) return undefined;
    const run = this.journal.run();
    if (run === undefined) return undefined;
    await this.secrets.recall();
    const definition = JSON.parse(this.journal.definition()) as Definition;
    const { areWhole, values } = this.secrets;
    const mask: Mask = {
      told: (text) => maskJson(text, values),
      message: (text) => (areWhole ? maskJson(text, values) : MASKED_JSON),
    };
    return runView(this.journal.rows, run, this.journal.facts(), definition, mask, after);
  }

  /** What a step logged, and why it failed. */
  linesOf(step: string, most: number): LoggedLine[] {
    return this.wasBegun ? linesOf(this.journal.rows, step, most) : [];
  }

  /** Changes of the run's steps as server-sent events, from one on until the run has ended. */
  watch(after: number): ReadableStream<Uint8Array> | undefined {
    return this.wasBegun ? this.watchers.watch(after) : undefined;
  }

  /** Tries again what failed, if the flow is still run by whoever ran it then. */
  async restart(startedBy: string | null): Promise<"restarted" | "running" | "nothing" | "another" | "unknown"> {
    if (this.wasBegun) await this.told();
    const run = this.wasBegun ? this.journal.run() : undefined;
    if (run === undefined) return "unknown";
    if (run.status === "running") return "running";
    if (run.status !== "failed" && run.status !== "cancelled") return "nothing";
    // It would go on with the rights of somebody who does not run the flow any more.
    if (this.journal.facts().startedBy !== startedBy) return "another";
    const now = Date.now();
    restart(this.journal, now, now + timeoutOf(this.journal.definition()));
    const watched = this.ctx.storage.setAlarm(now + GRACE_MS);
    const back = { status: "running", startedAt: run.started_at, endedAt: null, fault: null } as const;
    this.enter((db, facts) => moveRun(db, facts, run.status, back));
    this.ctx.waitUntil(this.work());
    await Promise.all([watched, this.entered]);
    return "restarted";
  }

  /** With what a run begins that repeats this one from a step on; without a step, from the beginning. */
  seedsAt(step: string | undefined): (Beginning & { seeds: Seed[] }) | undefined {
    if (!this.wasBegun) return undefined;
    return {
      seeds: seedsAt(this.journal.rows, step),
      definition: this.journal.definition(),
      facts: this.journal.facts(),
      secrets: sealedIn(this.journal.rows),
    };
  }

  /** Ends the run at the next border between steps. */
  async cancel(): Promise<"cancelled" | "ended" | "unknown"> {
    const run = this.wasBegun ? this.journal.run() : undefined;
    if (run === undefined) return "unknown";
    if (run.status !== "running") return "ended";
    this.journal.set("cancelled", 1);
    await this.ctx.storage.setAlarm(Date.now() + GRACE_MS);
    this.ctx.waitUntil(this.work());
    return "cancelled";
  }

  #ended(): Ended | undefined {
    const run = this.journal.run();
    if (run === undefined || (run.status === "running" && run.reply === null)) return undefined;
    return { status: run.status, reply: run.reply === null ? undefined : (JSON.parse(run.reply) as Reply) };
  }
}
