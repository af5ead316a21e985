import { Cron } from "croner";
import type { z } from "zod";

import { fieldsOf } from "../components/catalogue.ts";
import type { FlowDocument } from "../flows/model.ts";
import { firstStepFor, planOf } from "./plan.ts";

export const overlaps = ["skip", "queue", "allow"] as const;
export type Overlap = (typeof overlaps)[number];

/** When a flow begins runs by itself, and at which step. */
export interface Schedule {
  readonly step: string;
  readonly cron: string;
  /** IANA name. */
  readonly timezone: string;
  readonly overlap: Overlap;
}

/** Why a flow's schedules cannot be taken up, for its author. */
export class ScheduleFault extends Error {
  override readonly name = "ScheduleFault";
}

type Scheduled = Pick<FlowDocument, "graph" | "cron" | "flowSettings">;

/**
 * The schedules of a flow: its `cron`, and each step that is a schedule. A step without an expression of its own runs by
 * the flow's. Throws ScheduleFault.
 */
export function schedulesOf({ graph, cron, flowSettings }: Scheduled): Schedule[] {
  const plan = planOf(graph);
  const steps = [...plan.steps.values()].filter(({ component }) => component === "schedule");
  if (!cron && steps.length === 0) return [];
  const manners = mannersIn(flowSettings);
  const own = steps.map(({ id, fields }) => {
    const given = { ...manners, ...(cron ? { cron } : {}), ...fields };
    return { step: id, ...read(fieldsOf.schedule, given, `Step ${id}: fields`) };
  });
  const isTaken = steps.some(({ fields }) => fields["cron"] === undefined);
  const first = cron && !isTaken ? firstStepFor(plan, "schedule") : undefined;
  const ofFlow = cron && first !== undefined ? [{ step: first, cron, ...manners }] : [];
  const schedules = [...ofFlow, ...own];
  for (const schedule of schedules) demandDue(schedule);
  return schedules;
}

const Manners = fieldsOf.schedule.pick({ timezone: true, overlap: true });

/** `flowSettings.schedule`: time zone and overlap, where a step says nothing else. */
function mannersIn(settings: unknown): Pick<Schedule, "timezone" | "overlap"> {
  const { schedule } = (typeof settings === "object" && settings !== null ? settings : {}) as { schedule?: unknown };
  return read(Manners, schedule ?? {}, "flowSettings.schedule");
}

function read<T extends z.ZodType>(schema: T, value: unknown, place: string): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new ScheduleFault(`${[place, ...path].join(".")}: ${message}`);
}

function demandDue(schedule: Schedule): void {
  let due: number | undefined;
  try {
    due = nextDue(schedule, Date.now());
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, 200) : "";
    throw new ScheduleFault(`Step ${schedule.step}: the schedule ${schedule.cron} cannot be read. ${reason}`, {
      cause: error,
    });
  }
  if (due === undefined) throw new ScheduleFault(`Step ${schedule.step}: the schedule ${schedule.cron} never comes.`);
}

/** The first time after a moment at which the schedule is due, in milliseconds. Undefined if it never is. */
export function nextDue({ cron, timezone }: Pick<Schedule, "cron" | "timezone">, after: number): number | undefined {
  return new Cron(cron, { mode: "5-or-6-parts", timezone, paused: true }).nextRun(new Date(after))?.getTime();
}

/** The times at which a schedule is due next. */
export function nextTimes(schedule: Schedule, after: number, most: number): number[] {
  const times: number[] = [];
  for (let at = nextDue(schedule, after); at !== undefined && times.length < most; at = nextDue(schedule, at)) {
    times.push(at);
  }
  return times;
}
