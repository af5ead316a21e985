/**
 * One object per flow that is live and begins runs by itself: it keeps the times at which they are due.
 *
 * Due       one alarm stands for the earliest of all schedules. A run's id follows from the flow, the step and the time
 *           it was due, so that an alarm that fires twice begins one run.
 * Outage    the next time is reckoned from now: however many were missed, one run makes up for them.
 * Overlap   whether a run of the step is still under way is asked of the list of runs. `queue` begins the next one when that
 *           one tells its end; the alarm looks after it as well.
 * Truth     whether the flow is active, and by which start, is asked for in D1 each time; what is kept here is only when
 *           to look. Commands may come twice, late and in any order: one of an earlier start changes nothing.
 */
import { DurableObject } from "cloudflare:workers";

import { databaseOf, inStorage } from "../db/client.ts";
import { documentOf, findFlow, type FlowRow } from "../flows/store.ts";
import { configOf } from "../platform/config.ts";
import { logError, logLine } from "../platform/log.ts";
import { beganAt, beginRun, runIdAt } from "./begin.ts";
import { nextDue, schedulesOf, type Schedule } from "./schedule.ts";

interface Kept {
  readonly flowId: string;
  readonly startId: string | null;
  readonly schedules: readonly (Schedule & {
    readonly due: number;
    /** A run that waits for the one before. */ readonly queued?: number;
  })[];
}

const anew = (flowId: string, startId: string | null, schedules: readonly Schedule[]): Kept => ({
  flowId,
  startId,
  schedules: schedules.flatMap((schedule) => {
    const due = nextDue(schedule, Date.now());
    return due === undefined ? [] : [{ ...schedule, due }];
  }),
});

const LOOK_MS = 60_000;
const RETRY_MS = 5000;
const RUNNING = `SELECT id FROM runs WHERE flow_id = ?1 AND status = 'running' AND trigger = 'schedule' AND id <> ?2 ORDER BY id DESC LIMIT 100`;

export class LiveFlowObject extends DurableObject<Env> {
  #looking: Promise<void> | undefined;

  /** Takes up the schedules of a start; the same again changes nothing. */
  async arise(flowId: string, startId: string | null, schedules: readonly Schedule[]): Promise<void> {
    const kept = await this.#kept();
    if (kept?.startId === startId) return;
    if (kept !== undefined && (await this.#row(flowId))?.startId !== startId) return;
    await this.#keep(anew(flowId, startId, schedules));
  }

  /** The flow was taken down; what is said of an earlier start changes nothing. */
  async fall(startId?: string): Promise<void> {
    const kept = await this.#kept();
    if (startId !== undefined && kept !== undefined && kept.startId !== startId) return;
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
  }

  override async alarm(): Promise<void> {
    await this.look();
  }

  /** Begins what is due. Never throws: what fails is tried again by alarm. */
  look(): Promise<void> {
    this.#looking ??= this.#look()
      .catch(async (error: unknown) => {
        logError(configOf(this.env), "schedule.failed", error);
        await this.ctx.storage.setAlarm(Date.now() + RETRY_MS);
      })
      .finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #look(): Promise<void> {
    const kept = await this.#kept();
    if (kept === undefined) return;
    const row = await this.#row(kept.flowId);
    if (row === undefined || row.status === "inactive" || row.status === "stopping") {
      return this.fall(kept.startId ?? undefined);
    }
    // Its report is on the way.
    if (row.status === "starting") return this.ctx.storage.setAlarm(Date.now() + RETRY_MS);
    if (row.startId !== kept.startId) return this.#takeUp(row);
    const schedules = [];
    for (const schedule of kept.schedules) schedules.push(await this.#seen(row, schedule));
    // A command that came meanwhile has the last word.
    if ((await this.#kept())?.startId !== kept.startId) return;
    await this.#keep({ ...kept, schedules: schedules.filter((schedule) => schedule !== undefined) });
  }

  /** The command of the present start was overtaken by one of an earlier start. */
  async #takeUp(row: FlowRow): Promise<void> {
    const schedules = schedulesOf(documentOf(row));
    await this.#keep(anew(row.id, row.startId, schedules));
  }

  #row(flowId: string): Promise<FlowRow | undefined> {
    return findFlow(databaseOf(this.env.DB), flowId, null);
  }

  /** One schedule after what was due of it; undefined if it never comes again. */
  async #seen(row: FlowRow, schedule: Kept["schedules"][number]): Promise<Kept["schedules"][number] | undefined> {
    const now = Date.now();
    const due = schedule.queued ?? (schedule.due <= now ? schedule.due : undefined);
    const next = schedule.due <= now ? nextDue(schedule, now) : schedule.due;
    let queued: number | undefined;
    if (due !== undefined) {
      const waits = schedule.overlap !== "allow" && (await this.#isRunning(row.id, schedule, due));
      if (waits && schedule.overlap === "queue") queued = due;
      else if (!waits) await this.#begin(row, schedule, due, next);
      logLine(configOf(this.env), "schedule", {
        flowId: row.id,
        step: schedule.step,
        due,
        outcome: waits ? schedule.overlap : "begun",
      });
    }
    if (next === undefined) return undefined;
    const { step, cron, timezone, overlap } = schedule;
    const kept = { step, cron, timezone, overlap, due: next };
    return queued === undefined ? kept : { ...kept, queued };
  }

  /** Whether a run that was begun at this step is still under way, another than the one that is due. */
  async #isRunning(flowId: string, { step }: Schedule, due: number): Promise<boolean> {
    const own = await runIdAt(flowId, due, step);
    const { results } = await inStorage(() => databaseOf(this.env.DB).sql(RUNNING, flowId, own).all<{ id: string }>());
    // Its id tells the step by which a run was begun.
    const ofStep = await Promise.all(results.map(({ id }) => runIdAt(flowId, beganAt(id), step)));
    return results.some(({ id }, index) => id === ofStep[index]);
  }

  async #begin(row: FlowRow, { step }: Schedule, due: number, next: number | undefined): Promise<void> {
    const id = await runIdAt(row.id, due, step);
    const [scheduled, following] = [due, next].map((at) => (at === undefined ? null : new Date(at).toISOString()));
    const message = {
      attachments: {},
      // The original misspells these keys, and its components read them so.
      data: {
        sheduledTimestamp: scheduled,
        nextSheduledTimestamp: following,
        scheduledTimestamp: scheduled,
        nextScheduledTimestamp: following,
      },
      metadata: { source: { name: "scheduler", type: "scheduler", externalExecId: id } },
    };
    await beginRun(this.env, row, { id, trigger: "schedule", step, message, requestId: id });
  }

  #kept(): Promise<Kept | undefined> {
    return this.ctx.storage.get<Kept>("kept");
  }

  async #keep(kept: Kept): Promise<void> {
    const times = kept.schedules.map(({ due, queued }) =>
      queued === undefined ? due : Math.min(due, Date.now() + LOOK_MS),
    );
    const written = this.ctx.storage.put("kept", kept);
    await Promise.all([written, ...(times.length === 0 ? [] : [this.ctx.storage.setAlarm(Math.min(...times))])]);
  }
}
