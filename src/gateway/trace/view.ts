import { z } from "zod";

import { interceptorTypes } from "../../apis/interceptors.ts";
import { stages } from "../../apis/interceptors/interceptor.ts";
import { MOST_NOTES } from "./record.ts";
import { traceIdPattern } from "./id.ts";
import { MOST_BODY, MOST_VALUE } from "./veil.ts";

const text = (description: string, example: string) => z.string().meta({ description, example });
const ms = z.int().meta({
  description:
    "Milliseconds. The clock stands still while an isolate computes, so this is the time that was waited for others.",
  example: 12,
});
const code = text("Why the call was stopped.", "RATE_LIMITED");
const status = z.int().meta({ description: "HTTP status.", example: 429 });

export const TraceId = z
  .string()
  .regex(traceIdPattern, "Use the id of a trace: trace_ and 28 hexadecimal digits.")
  .meta({ description: "Names the trace. Later ones come later.", example: "trace_019aa3b0c1d20f1e2d3c4b5a6978" });

const facts = {
  id: TraceId,
  at: z.iso.datetime().meta({ description: "When the call came.", example: "2026-11-22T02:56:36.545Z" }),
  method: text("HTTP method.", "GET"),
  path: text("Path behind the base path.", "/orders/7"),
  status: status.meta({ description: "HTTP status of the answer.", example: 200 }),
  code: code.nullable().meta({ description: "Why the call was stopped; null if it was not.", example: null }),
  revision: z
    .int()
    .meta({ description: "Revision that was called; of a draft, the one it was begun from.", example: 3 }),
  ms,
};

export const TraceSummary = z.object(facts).meta({ id: "TraceSummary", description: "A trace, in short." });
export type TraceSummary = z.infer<typeof TraceSummary>;

const HeaderChange = z
  .object({
    name: text("Name of the header.", "x-customer"),
    before: text("What it was; missing if it was not there.", "7").optional(),
    after: text("What it became; missing if it was removed.", "8").optional(),
  })
  .meta({ id: "TraceHeaderChange", description: "A header that an interceptor changed." });

const Line = z
  .object({
    level: z.enum(["debug", "info", "warn", "error"]).meta({ description: "How much it matters.", example: "info" }),
    message: text("What was written.", "Order 7 of Shop").optional(),
    headers: z
      .record(z.string(), z.string())
      .optional()
      .meta({ description: "The headers.", example: { accept: "*/*" } }),
    body: text(
      `The body, its first ${MOST_BODY} characters. JSON is written without line breaks.`,
      '{"id":7}',
    ).optional(),
    truncated: z.literal(true).optional().meta({ description: "Present if there is more of the body.", example: true }),
    missing: text("Why there is no body.", "It is encoded.").optional(),
  })
  .meta({ id: "TraceLine", description: "What a log interceptor wrote." });

const TraceStep = z
  .object({
    id: text("Id of the interceptor.", "limit"),
    type: z.enum(interceptorTypes).meta({ description: "Its type.", example: "rateLimit" }),
    stage: z.enum(stages).meta({ description: "The list on which it stands.", example: "request" }),
    level: z
      .enum(["api", "resource", "operation", "plan"])
      .meta({ description: "The level that brought it in.", example: "api" }),
    outcome: z.enum(["passed", "skipped", "stopped", "failed", "later"]).meta({
      description:
        "skipped: its condition did not hold. stopped: it ended the call. later: its work went on beside; what came of it is told by a second entry at the end of the list.",
      example: "passed",
    }),
    code: code.optional(),
    status: status.optional(),
    message: text("Why it failed.", "The service answered 503.").optional(),
    goesOn: z.boolean().optional().meta({ description: "Whether the call went on after the failure.", example: false }),
    ms,
    headers: z
      .array(HeaderChange)
      .optional()
      .meta({ description: "Headers that it changed: of the request for the destination, or of the answer." }),
    notes: z
      .array(z.string())
      .optional()
      .meta({
        description: `What it had to say; at most ${MOST_NOTES} notes in a trace.`,
        example: ["A dry run: nothing is counted."],
      }),
    logs: z.array(Line).optional().meta({ description: "What a log interceptor wrote." }),
  })
  .meta({ id: "TraceStep", description: "What one interceptor did." });
export type TraceStep = z.infer<typeof TraceStep>;

export const Trace = z
  .object({
    ...facts,
    query: text("With its question mark, or empty.", "?page=2"),
    resource: text("Id of the resource.", "order"),
    operation: text("Id of the operation.", "get"),
    caller: text("Address of the client; null if it is not known.", "203.0.113.7").nullable(),
    app: z
      .object({ id: text("Its id.", "6b0259e4ef2fe4ca09ca001d"), name: text("Its name.", "Shop") })
      .nullable()
      .meta({ description: "App that called; null if it is not known." }),
    plan: text("Plan by which it called; null if there is none.", "plan_gold").nullable(),
    requestId: text("Id of the request.", "4bf92f3577b34da6a3ce929d0e0e4736"),
    asked: z
      .boolean()
      .meta({ description: "Whether the caller asked for the trace; the others are samples.", example: true }),
    dropped: z
      .int()
      .optional()
      .meta({ description: "Samples that were left out before this one, since there were too many.", example: 3 }),
    steps: z.array(TraceStep).meta({ description: "The interceptors in the order in which they ran." }),
    destination: z
      .object({
        address: text("Without the values of its query.", "https://backend.example.com/orders/7?page"),
        status: status.optional(),
        code: code.optional(),
        ms,
      })
      .nullable()
      .meta({ id: "TraceDestination", description: "What was asked; null if nothing was." }),
    notes: z
      .array(z.string())
      .optional()
      .meta({ description: "Notes that are no interceptor's.", example: ["The plan is gone."] }),
    truncated: z
      .literal(true)
      .optional()
      .meta({ description: "Present if parts were left out, since the trace was too large.", example: true }),
  })
  .meta({
    id: "Trace",
    description: `What happened to a call. Credentials are never written, what log obfuscation hides is hidden, and each value has at most ${MOST_VALUE} characters.`,
  });
export type Trace = z.infer<typeof Trace>;
