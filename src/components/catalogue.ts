import { z } from "zod";

import { expressionOver, objectOfTemplates, orTemplate, template, templates } from "../expressions/schemas.ts";

const expression = expressionOver("the message: `data`, `metadata`, `headers`, `query`; `$vars`, `$run`, `$flow`");

/** A component that is built in: what it is for and which `fields` a step gives it. */
export interface Component {
  readonly name: string;
  readonly kind: "trigger" | "action";
  readonly description: string;
  readonly fields: z.ZodObject;
}

const overlap = z.enum(["skip", "queue", "allow"]).default("skip").meta({
  description:
    "What happens when a run is due while the one before is still under way: skip leaves it out, queue begins it after that one, allow begins it at once.",
  example: "skip",
});

const into = z
  .string()
  .regex(
    /^(?:data|metadata)(?:\.[A-Za-z_][\w-]{0,63}){0,10}$/,
    "Use data or metadata, or a path in them, such as data.customer.",
  )
  .meta({
    description: "Where the result goes, as a path in the message. Without it the result replaces the payload.",
    example: "data.customer",
  });

export const fieldsOf = {
  webhook: z.object({
    sync: z.boolean().default(false).meta({
      description: "true: the caller waits up to 25 seconds for a reply step or the end of the run.",
      example: true,
    }),
  }),
  schedule: z.object({
    cron: z.string().max(200).meta({ description: "Cron expression of 5 or 6 fields.", example: "0 6 * * 1-5" }),
    timezone: z
      .string()
      .max(64)
      .refine(isTimezone, "Use an IANA time zone, such as Europe/Berlin.")
      .default("UTC")
      .meta({ description: "IANA time zone in which the expression is read.", example: "Europe/Berlin" }),
    overlap,
  }),
  manual: z.object({
    sample: z
      .unknown()
      .optional()
      .meta({ description: "Payload that is offered when the flow is run by hand.", example: { id: 1 } }),
  }),
  http: z.object({
    method: z
      .enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
      .default("GET")
      .meta({ description: "HTTP method.", example: "POST" }),
    url: template(
      "Address that is called; private addresses are refused.",
      "https://crm.example.com/persons/{{data.id}}",
    ),
    query: objectOfTemplates("Query parameters that are added to the address.", {
      since: "{{metadata.since}}",
    }).optional(),
    headers: objectOfTemplates("Request headers.", { "x-source": "{{$flow.name}}" }).optional(),
    body: templates("Body: JSON, or text. Without it POST, PUT and PATCH send the payload.", "{{data}}").optional(),
    bodyType: z
      .enum(["json", "form", "text"])
      .default("json")
      .meta({ description: "Form in which the body is sent.", example: "json" }),
    timeout: z
      .number()
      .min(0.1)
      .max(300)
      .default(30)
      .meta({ description: "Seconds until the call is given up.", example: 30 }),
    accept: z
      .array(z.int().min(100).max(599))
      .max(50)
      .optional()
      .meta({
        description: "Status codes that count as success; without it 200 to 299.",
        example: [200, 404],
      }),
    into: into.optional(),
  }),
  transform: z.object({
    expression: expression("Makes the result.", '{ "name": data.firstName & " " & data.lastName }'),
    into: into.optional(),
  }),
  filter: z.object({
    condition: expression("Payloads for which it is false go no further.", "data.amount > 100"),
  }),
  switch: z.object({}),
  split: z.object({
    items: expression(
      "The list that is split; without it the payload, or the whole of it if it is no list.",
      "data.lines",
    ).default("data"),
  }),
  aggregate: z.object({
    partial: z.boolean().default(false).meta({
      description: "true: goes on with what arrived although some of it failed.",
      example: false,
    }),
    expression: expression(
      "Makes the payload from the list, which is `data`; without it the list is the payload.",
      '{ "total": $sum(data.amount) }',
    ).optional(),
  }),
  delay: z.object({
    seconds: orTemplate(
      z
        .number()
        .min(0)
        .max(30 * 24 * 3600),
      "Seconds to wait; at most 30 days.",
      60,
    ).optional(),
    until: template("Time until which to wait, in ISO 8601.", "{{data.dueAt}}").optional(),
  }),
  log: z.object({
    message: templates("What is logged: text, or JSON.", "The target answered {{metadata.response.status}}.").refine(
      (message) => message !== undefined,
      "Say what is logged.",
    ),
    level: z
      .enum(["debug", "info", "warn", "error"])
      .default("info")
      .meta({ description: "How grave it is.", example: "info" }),
  }),
  flow: z.object({
    flow: template(
      "Id of the flow that is called; whoever started this one must own it, and it must be active.",
      "6b0259e4ef2fe4ca09ca001d",
    ),
    payload: templates("What it gets; without it the payload.", "{{data}}").optional(),
    wait: z
      .boolean()
      .default(true)
      .meta({ description: "true: goes on with what that flow replies or ends with.", example: true }),
    into: into.optional(),
  }),
  reply: z.object({
    status: orTemplate(z.int().min(200).max(599), "HTTP status of the answer.", 200).default(200),
    headers: objectOfTemplates("Headers of the answer.", { "x-order": "{{data.id}}" }).optional(),
    body: templates("Body of the answer; without it the payload.", { accepted: true }).optional(),
  }),
  error: z.object({
    message: template("Why the run fails.", "Order {{data.id}} has no customer."),
    code: z
      .string()
      .regex(/^[A-Z][A-Z0-9_]{0,63}$/, "Use capitals, digits and _.")
      .default("FLOW_ERROR")
      .meta({ description: "Name of the fault, for programs.", example: "NO_CUSTOMER" }),
  }),
} as const;

export type ComponentName = keyof typeof fieldsOf;

const about: Record<ComponentName, readonly [Component["kind"], string]> = {
  webhook: ["trigger", "Begins a run with each request to /hook/{flowId}."],
  schedule: ["trigger", "Begins a run at the times of a cron expression."],
  manual: ["trigger", "Begins a run by hand, with a payload that is given then."],
  http: [
    "action",
    "Calls an HTTP address. The answer's body replaces the payload; status and headers stand in metadata.response.",
  ],
  transform: ["action", "Makes a new payload by an expression."],
  filter: ["action", "Lets through only payloads that meet a condition."],
  switch: ["action", "Sends the payload along the first edge whose condition is met, else along the edge without one."],
  split: ["action", "Sends each entry of a list on by itself."],
  aggregate: ["action", "Waits for everything that belongs together and puts it into one list."],
  delay: ["action", "Waits for a time."],
  log: ["action", "Writes a line into the log of the step."],
  flow: ["action", "Calls another flow."],
  reply: ["action", "Answers the caller of a synchronous hook."],
  error: ["action", "Ends the way of the payload with a fault."],
};

/** The components that are built in, by the name that `componentId` gives. */
export const catalogue: ReadonlyMap<string, Component> = new Map(
  Object.entries(fieldsOf).map(([name, fields]) => {
    const [kind, description] = about[name as ComponentName];
    return [name, { name, kind, description, fields }];
  }),
);

function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
