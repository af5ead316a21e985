import { z } from "@hono/zod-openapi";

import { executionStatuses } from "../../db/schema.ts";
import { Meta } from "../../flows/model.ts";
import { NAME } from "../../workflows/fields.ts";
import { Workflow } from "../../workflows/model.ts";
import { RouteResource } from "./schemas.ts";

const time = (description: string) => z.iso.datetime().meta({ description, example: "2026-11-22T04:30:00.000Z" });

export const Execution = z
  .object({
    uuid: z.uuid().meta({ description: "Names the execution.", example: "0199aa00-0000-7000-8000-000000000000" }),
    flowId: z.string().meta({ description: "Its flow.", example: "6b0259e4ef2fe4ca09ca001d" }),
    workflow: z.string().meta({ description: "Name of the workflow when it began.", example: "onboarding" }),
    revision: z.int().meta({ description: "Revision of the flow with which it goes on.", example: 3 }),
    status: z.enum(executionStatuses).meta({
      description:
        "running: until its end. terminated: by its script. failed: by a fault of a call or of the service. expired: its time was over.",
      example: "running",
    }),
    startedAt: time("When it began."),
    endedAt: time("When it ended.").nullable(),
    outcome: z
      .looseObject({
        kind: z
          .string()
          .optional()
          .meta({ description: "success, decision, done (a terminal route) or error.", example: "done" }),
        error: z
          .object({
            code: z.string().meta({ description: "Stable name.", example: "TOO_YOUNG" }),
          })
          .optional()
          .meta({ description: "Why it ended with an error." }),
      })
      .nullable()
      .meta({ description: "How it ended.", example: { kind: "done" } }),
  })
  .meta({ id: "Execution", description: "One pass of somebody through a workflow." });

export const ExecutionDetail = Execution.omit({ workflow: true })
  .extend({
    name: z.string().meta({ description: "Name of the workflow when it began.", example: "onboarding" }),
    expiresAt: time("When it expires; null if it is gone.").nullable(),
    waitsFor: z.array(z.string()).meta({
      description: "What it waits for beside the user: exchange, timer, event, function, sharable.",
      example: ["exchange"],
    }),
    route: RouteResource.nullable().meta({
      description: "What its user sees, masked; null while it is at work.",
      example: null,
    }),
    fault: z
      .object({
        code: z.string().meta({ description: "Stable name.", example: "EXCHANGE_STATUS" }),
        message: z.string().meta({
          description: "What happened, as it is told to those who run it.",
          example: "The service answered 503.",
        }),
      })
      .nullable()
      .meta({ description: "Why it ended with an error, as long as it is kept.", example: null }),
    workflow: Workflow.nullable().meta({
      description: "The script with which it began; null if it is gone.",
      example: null,
    }),
  })
  .meta({ id: "ExecutionDetail", description: "An execution, how it stands, and its script." });

export const ExecutionEvent = z
  .looseObject({
    seq: z.int().meta({ description: "Number of the event.", example: 12 }),
    at: time("When it happened."),
    type: z.string().meta({ description: "What happened.", example: "submit" }),
    thread: z.string().meta({ description: "main, or the function in which it happened.", example: "main" }),
    place: z
      .string()
      .optional()
      .meta({ description: "JSON pointer of the command in the workflow.", example: "/commands/0" }),
    data: z
      .unknown()
      .optional()
      .meta({ description: "More about it, masked.", example: { name: "basic" } }),
  })
  .meta({
    id: "ExecutionEvent",
    description: "Something that happened in an execution.",
    example: { seq: 12, at: "2026-11-22T04:30:00.000Z", type: "submit", thread: "main", place: "/commands/0" },
  });

const statuses = z
  .string()
  .transform((text, check) => {
    const words = text.split(",").map((word) => word.trim());
    const known = words.filter((word): word is (typeof executionStatuses)[number] =>
      (executionStatuses as readonly string[]).includes(word),
    );
    const message = `Use ${executionStatuses.join(", ")}.`;
    if (known.length < words.length) check.addIssue({ code: "custom", message });
    return known;
  })
  .optional();

export const size = (most: number, initial: number) =>
  z.coerce
    .number({ error: `Use a whole number from 1 to ${most}.` })
    .int()
    .min(1)
    .max(most)
    .default(initial)
    .meta({ description: `How many, up to ${most}.`, example: initial });

export const ListQuery = z.object({
  "filter[workflow]": z
    .string()
    .max(64)
    .optional()
    .meta({ description: "Name of the workflow, or id of the flow.", example: "onboarding" }),
  "filter[status]": statuses.meta({
    description: `Statuses, separated by commas: ${executionStatuses.join(", ")}.`,
    example: "running,failed",
  }),
  "filter[from]": z.iso
    .datetime({ offset: true, error: "Use a time in ISO 8601." })
    .optional()
    .meta({ description: "Began then or later.", example: "2026-11-22T00:00:00Z" }),
  "filter[to]": z.iso
    .datetime({ offset: true, error: "Use a time in ISO 8601." })
    .optional()
    .meta({ description: "Began before then.", example: "2026-11-23T00:00:00Z" }),
  "page[size]": size(100, 20),
  "page[after]": z.uuid({ error: "Use meta.next of the page before." }).optional().meta({
    description: "`meta.next` of the page before.",
    example: "0199aa00-0000-7000-8000-000000000000",
  }),
});

export const Touched = z
  .object({
    data: z
      .object({ uuid: z.string().meta({ description: "Its uuid.", example: "0199aa00-0000-7000-8000-000000000000" }) })
      .meta({ description: "The execution." }),
    meta: Meta,
  })
  .meta({ id: "ExecutionTouched", description: "The execution that was told." });

export const SignalInput = z
  .object({
    name: z
      .string()
      .regex(NAME, "Use letters, digits, _ and -, at most 64.")
      .meta({ description: "Name of the event.", example: "paid" }),
    payload: z
      .unknown()
      .optional()
      .meta({ description: "What the wait command's namespace becomes.", example: { amount: 150 } }),
  })
  .meta({
    id: "SignalInput",
    description: "An event that a script may wait for.",
    example: { name: "paid", payload: { amount: 150 } },
  });
