import { z } from "zod";

import { RunFault, runStatuses, triggers } from "./model.ts";
import { overlaps } from "./schedule.ts";

const time = (description: string) => z.iso.datetime().meta({ description, example: "2026-11-22T02:56:36.545Z" });

export const RunId = z
  .string()
  .regex(/^run_[0-9a-f]{24}_[0-9a-f]{28}$/, "Use the id of a run: run_, and 24 and 28 hexadecimal digits.")
  .meta({ description: "Names the run.", example: "run_6b0259e4ef2fe4ca09ca001d_019aa3b0c1d20f1e2d3c4b5a6978" });

const facts = {
  id: RunId,
  flowId: z.string().meta({ description: "Flow that runs.", example: "6b0259e4ef2fe4ca09ca001d" }),
  status: z.enum(runStatuses).meta({
    description:
      "running: under way, or waiting. completed, filtered (every payload was filtered out), failed and cancelled are ends.",
    example: "completed",
  }),
  trigger: z.enum(triggers).meta({ description: "What began it.", example: "webhook" }),
  revision: z.int().meta({ description: "Revision of the flow that runs.", example: 3 }),
  requestId: z
    .string()
    .meta({ description: "Id that the outside knows it by.", example: "4bf92f3577b34da6a3ce929d0e0e4736" }),
  replayOf: z.string().nullable().meta({ description: "Run that this one repeats.", example: null }),
  startedAt: time("When it began."),
  endedAt: time("When it ended.").nullable(),
  error: RunFault.nullable().meta({ description: "Why it failed." }),
};

export const RunSummary = z.object(facts).meta({ id: "RunSummary", description: "A run, in short." });
export type RunSummary = z.infer<typeof RunSummary>;

export const RunList = z
  .object({
    data: z.array(RunSummary).meta({ description: "The newest first." }),
    meta: z
      .object({ next: RunId.nullable().meta({ description: "For `page[after]`; null on the last page." }) })
      .meta({ id: "RunsMeta", description: "Where the list goes on." }),
  })
  .meta({ id: "RunsAnswer", description: "A page of runs." });

/** 64 KiB of each input and output are shown. */
export const MOST_SHOWN = 64 * 1024;

const message = { data: { id: 1 }, metadata: {} };
const shown = (description: string) =>
  z.unknown().meta({
    description: `${description} Secrets are masked; of long ones the first ${MOST_SHOWN} bytes as text.`,
    example: message,
  });

export const StepRun = z
  .object({
    item: z.int().meta({ description: "Number of the message within the run.", example: 4 }),
    parent: z.int().nullable().meta({ description: "Item that sent the message.", example: 3 }),
    step: z.string().meta({ description: "Id of the step.", example: "step_4" }),
    state: z
      .enum(["due", "waiting", "gathered", "done", "excused", "filtered", "no_route", "failed", "cancelled"])
      .meta({
        description:
          "due: next, or to be tried again. waiting: for a time or another run. gathered: kept until the rest is there. done; excused: failed, and goes on all the same. filtered; no_route: no edge's condition was met. failed; cancelled.",
        example: "done",
      }),
    attempts: z.int().meta({ description: "How often it was tried.", example: 1 }),
    startedAt: time("When it was tried last.").nullable(),
    milliseconds: z.int().nullable().meta({ description: "How long that took.", example: 12 }),
    dueAt: time("When it goes on.").nullable(),
    input: shown("Message that came in."),
    outputs: z.array(z.unknown()).meta({ description: "Messages that it made; the first ten.", example: [message] }),
    error: RunFault.nullable().meta({ description: "Why the last try failed." }),
    truncated: z.boolean().meta({ description: "Whether some of input and outputs is not shown.", example: false }),
  })
  .meta({ id: "StepRun", description: "One message at one step." });
export type StepRun = z.infer<typeof StepRun>;

const StepSummary = z
  .object({
    step: z.string().meta({ description: "Id of the step.", example: "step_4" }),
    states: z
      .record(z.string(), z.int())
      .meta({ description: "How many messages are in which state.", example: { done: 3 } }),
    attempts: z.int().meta({ description: "Tries in all.", example: 3 }),
    milliseconds: z.int().meta({ description: "Time of the last tries together.", example: 31 }),
  })
  .meta({ id: "StepSummary", description: "A step over the whole run." });

export const Run = z
  .object({
    ...facts,
    waiting: z
      .boolean()
      .meta({ description: "Whether nothing is under way but what waits for a time.", example: false }),
    startedBy: z
      .string()
      .nullable()
      .meta({ description: "Account that started the flow.", example: "5c0000000000000000000002" }),
    graph: z.unknown().meta({
      description: "The graph that runs, as it was when the run began.",
      example: { nodes: [{ id: "step_1", componentId: "webhook" }], edges: [] },
    }),
    steps: z.array(StepSummary).meta({ description: "Each step that was reached." }),
    items: z
      .array(StepRun)
      .meta({ description: "The messages at the steps, in order; the first hundred, further ones by `after`." }),
    nextItem: z.int().nullable().meta({ description: "For `after`, to see further items.", example: null }),
  })
  .meta({ id: "Run", description: "A run with its steps." });
export type Run = z.infer<typeof Run>;

const ScheduleTimes = z
  .object({
    step: z.string().meta({ description: "Step at which runs begin.", example: "step_1" }),
    cron: z.string().meta({ description: "Cron expression.", example: "0 6 * * 1-5" }),
    timezone: z.string().meta({ description: "IANA time zone in which it is read.", example: "Europe/Berlin" }),
    overlap: z
      .enum(overlaps)
      .meta({ description: "What happens while the run before is still under way.", example: "skip" }),
    next: z.array(time("A time at which it is due.")).meta({ description: "The next five times, the earliest first." }),
  })
  .meta({ id: "ScheduleTimes", description: "A schedule of a flow." });

export const SchedulePreview = z
  .object({
    schedules: z.array(ScheduleTimes).meta({ description: "The schedules of the flow." }),
    fault: z
      .string()
      .nullable()
      .meta({ description: "Why the flow could not be started with its schedules.", example: null }),
  })
  .meta({ id: "SchedulePreview", description: "When a flow begins runs by itself." });
export type SchedulePreview = z.infer<typeof SchedulePreview>;
