/**
 * One object per job: it goes through the instances of a template in portions and keeps a log of what became of each.
 *
 * Going on  an alarm stands as long as the job runs; each ring is one portion. Whatever breaks off is taken up by the
 *           next ring, and what a portion did already shows in the rows of the flows: nothing is done twice.
 * Order     instances are drawn in the order in which they were made, behind the last one drawn; those that are made
 *           meanwhile come last, and have the newest revision anyway.
 * Fault     an instance that meets one is tried again later, by itself and not for ever. If all of a portion do, the
 *           job as a whole waits, longer each time.
 * Pause     takes effect between two portions. A job that ended stays to be looked at, for a time.
 * Rights    are those that its beginner had when it was begun or resumed; a day later the job ends, whatever its state.
 */
import { DurableObject } from "cloudflare:workers";

import { databaseOf } from "../db/client.ts";
import type { Context } from "../identity/context.ts";
import { backoffAfter } from "../platform/backoff.ts";
import { configOf } from "../platform/config.ts";
import { logError, logLine } from "../platform/log.ts";
import { controlStep } from "./control-step.ts";
import { drawInstances } from "./instances.ts";
import { hasLog, JobLog, type Standing } from "./job-log.ts";
import {
  KEPT_DAYS,
  type Entry,
  type Job,
  type JobFacts,
  type JobPage,
  type JobView,
  type Verdict,
} from "./job-model.ts";
import { isControlling, isSeenBy, OUTLIVED, renewed, RIGHTS_MS, type Asking } from "./rights.ts";
import { upgradeStep } from "./upgrade-step.ts";
import { groupsToTry, isFault, settled, verdictsOnThrown } from "./verdicts.ts";

export const PORTION = 50;
const GRACE_MS = 30_000;
const KEPT_MS = KEPT_DAYS * 24 * 3600_000;

export class TemplateJob extends DurableObject<Env> {
  #opened: JobLog | undefined;
  #failures = 0;

  /** Begins the job; the same again changes nothing. Answers how it stands, or that its id is another request's. */
  async begin(facts: JobFacts, chosen: readonly string[] | undefined): Promise<Job | "other"> {
    this.#opened ??= new JobLog(this.ctx.storage);
    this.#opened.begin(facts, chosen, Date.now());
    const { facts: begun, state } = this.#opened.standing()!;
    if (begun.fingerprint !== facts.fingerprint || begun.by.sub !== facts.by.sub) return "other";
    if (state === "running") await this.ctx.storage.setAlarm(Date.now());
    return this.#opened.job();
  }

  show(asking: Asking, page: JobPage): JobView | undefined {
    return this.#seenBy(asking)?.view(page);
  }

  /**
   * Answers how the job stands then; undefined if it is not the asker's, `ended` if nothing can be changed, and `denied`
   * if they may not do what it does.
   */
  async steer(asking: Asking, to: "paused" | "running" | "cancelled"): Promise<Job | "ended" | "denied" | undefined> {
    const log = this.#seenBy(asking);
    if (log === undefined) return undefined;
    const { facts, renewedAt, endedAt } = log.standing()!;
    if (endedAt !== null) return "ended";
    const now = Date.now();
    if (now >= renewedAt + RIGHTS_MS) {
      await this.#end("cancelled", OUTLIVED);
      return "ended";
    }
    if (to === "cancelled") await this.#end("cancelled");
    else if (to === "paused") {
      log.pause();
      await this.ctx.storage.setAlarm(renewedAt + RIGHTS_MS);
    } else {
      if (isControlling(facts) && !asking.mayControl) return "denied";
      log.resume(renewed(facts, asking), now);
      await this.ctx.storage.setAlarm(now);
    }
    return log.job();
  }

  override async alarm(): Promise<void> {
    const standing = this.#log()?.standing();
    if (standing === undefined) return;
    if (standing.endedAt !== null) return this.#expire(standing.endedAt);
    const over = standing.renewedAt + RIGHTS_MS;
    if (Date.now() >= over) return this.#end("cancelled", OUTLIVED);
    if (standing.state !== "running") return this.ctx.storage.setAlarm(over);
    try {
      await this.ctx.storage.setAlarm(Date.now() + GRACE_MS);
      await this.#portion(standing);
    } catch (error) {
      await this.ctx.storage.setAlarm(Date.now() + this.#backoff());
      this.#interrupted(standing.facts, error);
    }
  }

  /** How long to wait after one more ring that came to nothing. */
  #backoff(): number {
    this.#failures += 1;
    return backoffAfter(this.#failures);
  }

  /** Does not ask for the settings: they may be what is wrong. */
  #interrupted({ id, templateId }: JobFacts, error: unknown): void {
    logError({ LOG_LEVEL: "error" }, "job.interrupted", error, { job: id, templateId });
  }

  async #portion({ facts, cursor }: Standing): Promise<void> {
    const log = this.#opened!;
    const ctx = contextOf(this.env, this.ctx, facts);
    let more = cursor;
    let entries = log.due(Date.now(), PORTION);
    if (entries.length < PORTION && cursor !== null) {
      const drawn = await drawInstances(ctx.db, facts, cursor, PORTION);
      more = drawn.length < PORTION ? null : drawn.at(-1)!.pos;
      log.draw(
        drawn.map(({ id }) => id),
        more,
      );
      entries = log.due(Date.now(), PORTION);
    }
    const isStuck = await this.#work(ctx, facts, entries);
    if (!isStuck) this.#failures = 0;
    // Somebody may have paused or ended it meanwhile.
    if (log.standing()!.state !== "running") return;
    const next = more === null ? log.nextDue() : 0;
    if (next === undefined) return this.#end("done");
    await this.ctx.storage.setAlarm(Math.max(next, Date.now() + (isStuck ? this.#backoff() : 0)));
  }

  /** Answers whether there was nothing but faults. */
  async #work(ctx: Context, facts: JobFacts, entries: readonly Entry[]): Promise<boolean> {
    let isStuck = entries.length > 0;
    for (const group of groupsToTry(entries)) {
      if (this.#opened!.standing()!.state !== "running") return false;
      const made = await this.#step(ctx, facts, group).catch((error: unknown) => {
        this.#interrupted(facts, error);
        return verdictsOnThrown(error, group);
      });
      const verdicts = new Map(group.map((entry) => [entry.flowId, settled(made.get(entry.flowId)!, entry)]));
      this.#opened!.settle(verdicts, Date.now());
      isStuck &&= [...verdicts.values()].every(isFault);
    }
    return isStuck;
  }

  async #step(ctx: Context, facts: JobFacts, entries: readonly Entry[]): Promise<Map<string, Verdict>> {
    if (facts.kind !== "upgrade") return controlStep(ctx, facts.kind, entries);
    const stopping = (flowId: string) => this.#opened!.stopping(flowId, Date.now());
    const writing = (flowIds: readonly string[]) => this.#opened!.writing(flowIds);
    return upgradeStep({ ctx, facts, stopping, writing }, entries);
  }

  async #end(state: "done" | "cancelled", reason: string | null = null): Promise<void> {
    const now = Date.now();
    this.#opened!.end(state, reason, now);
    await this.ctx.storage.setAlarm(now + KEPT_MS);
    const { id, kind, templateId, counts } = this.#opened!.job();
    logLine(configOf(this.env), "job.ended", { job: id, kind, templateId, state, ...counts });
  }

  async #expire(endedAt: number): Promise<void> {
    if (endedAt + KEPT_MS > Date.now()) return this.ctx.storage.setAlarm(endedAt + KEPT_MS);
    await this.ctx.storage.deleteAll();
    this.#opened = undefined;
  }

  /** The log of a job that was begun; nothing is made for an id that somebody invents. */
  #log(): JobLog | undefined {
    if (this.#opened === undefined && hasLog(this.ctx.storage)) this.#opened = new JobLog(this.ctx.storage);
    return this.#opened;
  }

  #seenBy(asking: Asking): JobLog | undefined {
    const log = this.#log();
    const facts = log?.standing()?.facts;
    return facts !== undefined && isSeenBy(facts, asking) ? log : undefined;
  }
}

/** What the verbs know of the world, in the name of whoever began the job. */
function contextOf(env: Env, state: DurableObjectState, { by, requestId }: JobFacts): Context {
  return {
    actor: { ...by, permissions: [] },
    db: databaseOf(env.DB),
    config: configOf(env),
    objects: env.FLOW_OBJECT,
    chores: env.FLOW_CHORES,
    requestId,
    now: Date.now,
    defer: (promise) => state.waitUntil(promise),
  };
}
