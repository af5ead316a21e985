import { z } from "zod";

import { expressionOver, orTemplate, template, templates } from "../expressions/schemas.ts";
import { Fields, NAME } from "./fields.ts";

export const expression = expressionOver("the attributes, `it` and `init` (the input), `share`, `execution`");
export const condition = (description: string) => expression(description, "basic.age >= 18");

const name = (description: string, example: string) =>
  z.string().regex(NAME, "Use letters, digits, _ and -, at most 64.").meta({ description, example });

/** `basic`, `basic.address`, `share.total`. */
export const PATH = /^[A-Za-z_][\w-]{0,63}(?:\.(?:[A-Za-z_][\w-]{0,63}|\d{1,4})){0,10}$/;
const path = (description: string, example: string) =>
  z.string().regex(PATH, "Use a path such as basic or basic.address.").meta({ description, example });

const namespace = path(
  "Attribute that the result becomes. What stood there is replaced as a whole; with merge it is kept where the result says nothing.",
  "score",
).optional();
const merge = z
  .boolean()
  .optional()
  .meta({ description: "true: the result is merged into what stands there.", example: true });
const seconds = (description: string, most: number, example: number) =>
  z.number().positive().max(most).meta({ description, example });
export const command = <T extends string>(word: T, description: string) =>
  z.literal(word).meta({ description, example: word });

/** What a route shows and asks for; at the place of use it may be overridden. */
const routeParts = {
  uri: template("Tells the client which view to show.", "/product").optional(),
  export: templates("Data for the view.", { products: "{{share.products}}" }).optional(),
  validate: Fields.optional(),
  namespace: path(
    "Attribute that the payload becomes; the route's name if it has one. Without either the fields in validate become attributes, and nothing else is kept.",
    "basic",
  ).optional(),
  merge,
  checkpoint: z
    .boolean()
    .optional()
    .meta({ description: "true: nobody goes back from here, nor behind it.", example: true }),
  terminal: z
    .boolean()
    .optional()
    .meta({ description: "true: the execution ends when it is shown. It is a checkpoint too.", example: true }),
  result: templates("Of a terminal route: what the execution ends with.", { ok: true }).optional(),
};

export const RouteDefinition = z.strictObject(routeParts).meta({
  id: "RouteDefinition",
  description: "A route that is registered, to be used by its name.",
  example: { uri: "/basic", validate: { firstname: { rule: "string" } } },
});
export type RouteDefinition = z.infer<typeof RouteDefinition>;

export const Route = z
  .strictObject({
    command: command("route", "Shows a view and waits for what the user submits there."),
    name: name("Names the route; of a registered one its name.", "basic").optional(),
    ...routeParts,
  })
  .meta({
    id: "RouteCommand",
    description:
      "Shows a view and waits for what the user submits there. What is said here goes before what is registered.",
    example: { command: "route", name: "basic", uri: "/basic", validate: { firstname: { rule: "string" } } },
  });

const Retry = z
  .strictObject({
    attempts: z.int().min(1).max(10).optional().meta({ description: "Tries in all; default 3.", example: 3 }),
    backoff: z
      .number()
      .min(0)
      .max(300)
      .optional()
      .meta({ description: "Seconds before the second try, doubling, with chance; default 5.", example: 5 }),
  })
  .meta({ id: "ExchangeRetry", description: "How a call is tried again that failed in a way that may pass." });

export const Func = z
  .strictObject({
    command: command("function", "Has a registered function work, and waits for its result."),
    name: name("The function.", "score"),
    input: templates("Its input.", { age: "{{basic.age}}" }).optional(),
    namespace: path(
      "Attribute that the result becomes; without it the result is not kept. What stood there is replaced as a whole; with merge it is kept where the result says nothing.",
      "score",
    ).optional(),
    merge,
    async: z.boolean().optional().meta({ description: "true: the script goes on meanwhile.", example: false }),
  })
  .meta({
    id: "FunctionCommand",
    description: "Has a registered function work, and waits for its result.",
    example: { command: "function", name: "score", input: { age: "{{basic.age}}" }, namespace: "score" },
  });

export const SetValues = z
  .strictObject({
    command: command("set", "Sets attributes."),
    values: z
      .record(
        z.string().regex(PATH, "Use a path such as basic or share.total."),
        templates("The value.", "{{basic.age}}"),
      )
      .meta({ description: "Values by path.", example: { "limits.most": 100, "share.name": "{{basic.firstname}}" } }),
    merge,
  })
  .meta({
    id: "SetCommand",
    description: "Sets attributes, each as a whole; with merge objects are merged.",
    example: { command: "set", values: { "limits.most": 100 } },
  });

export const Path = z
  .strictObject({
    command: command("path", "Goes through a registered path, with the same attributes."),
    name: name("The path.", "address"),
  })
  .meta({
    id: "PathCommand",
    description: "Goes through a registered path (a sub-workflow), and on behind it.",
    example: { command: "path", name: "address" },
  });

export const Success = z
  .strictObject({
    command: command("success", "Ends the execution, or the function."),
    result: templates("What it ends with.", { accepted: true }).optional(),
  })
  .meta({ id: "SuccessCommand", description: "Ends well.", example: { command: "success", result: { ok: true } } });

export const Fail = z
  .strictObject({
    command: command("error", "Ends the execution, or the function, with an error."),
    code: z
      .string()
      .regex(/^[A-Z][A-Z0-9_]{0,63}$/, "Use capitals, digits and _.")
      .meta({ description: "Stable name of the error, for programs.", example: "TOO_YOUNG" }),
    message: template("What happened, for people.", "You must be 18 or older."),
  })
  .meta({
    id: "ErrorCommand",
    description: "Ends with an error.",
    example: { command: "error", code: "TOO_YOUNG", message: "You must be 18 or older." },
  });

export const Decision = z
  .strictObject({
    command: command("decision", "Ends the execution with a decision."),
    decision: template("What was decided.", "approved"),
    result: templates("What goes with it.", { limit: 5000 }).optional(),
  })
  .meta({
    id: "DecisionCommand",
    description: "Ends with a decision: the result is {decision, result}.",
    example: { command: "decision", decision: "approved", result: { limit: 5000 } },
  });

export const Log = z
  .strictObject({
    command: command("log", "Writes a line into the execution's events, where the workflow keeps them."),
    level: z
      .enum(["debug", "info", "warn", "error"])
      .optional()
      .meta({ description: "Default info.", example: "info" }),
    message: template("The line.", "Scored {{score.points}}."),
  })
  .meta({ id: "LogCommand", description: "Writes a line.", example: { command: "log", message: "Here." } });

export const Wait = z
  .strictObject({
    command: command("wait", "Waits for a time, or for an event."),
    seconds: orTemplate(
      seconds("Seconds.", 2_592_000, 60),
      "How long it waits; for an event, how long at most. At most 30 days.",
      60,
    ).optional(),
    event: path(
      "Event that is waited for. An async command tells its end as an event named like its namespace, or its name if it has none.",
      "paid",
    ).optional(),
    namespace,
  })
  .meta({
    id: "WaitCommand",
    description:
      "Waits for a time, or for a named event. An event that does not come in time leaves the namespace empty.",
    example: { command: "wait", event: "paid", seconds: 3600, namespace: "payment" },
  });

export const Sharable = z
  .strictObject({
    command: command("sharable", "Makes a token that others can use."),
    of: z.enum(["execution", "payload"]).meta({
      description: "execution: whoever has the token goes on with this execution. payload: gets what is shared.",
      example: "execution",
    }),
    payload: templates("What is shared.", { name: "{{basic.firstname}}" }).optional(),
    token: template("The token itself; without it six letters and digits.", "{{basic.code}}").optional(),
    seconds: seconds("How long it holds; default a day.", 2_592_000, 86_400).optional(),
    namespace,
  })
  .meta({
    id: "SharableCommand",
    description: "Makes a token that others can use. The token becomes {token, expiredOn} at the namespace.",
    example: { command: "sharable", of: "execution", namespace: "link" },
  });

export const exchangeParts = {
  command: command("exchange", "Calls an HTTP service and waits for its answer."),
  name: name("Names the exchange in events.", "scoring").optional(),
  url: template(
    "Address that is called; private addresses are refused. Results in it are percent-encoded, and none may be . or .. between slashes; scheme and host have no expressions. A url that is one whole {{expression}} is taken as it is: make no such url of what was entered.",
    "https://score.example.com/persons/{{basic.id}}",
  ),
  method: z
    .enum(["GET", "POST", "PUT", "PATCH", "DELETE"])
    .optional()
    .meta({ description: "HTTP method; default GET.", example: "POST" }),
  headers: z
    .record(z.string(), templates("Its value.", "en"))
    .optional()
    .meta({ description: "Headers by name.", example: { "accept-language": "en" } }),
  query: z
    .record(z.string(), templates("Its value.", "1"))
    .optional()
    .meta({ description: "Query parameters by name.", example: { page: "1" } }),
  body: templates("Body: an object goes as JSON, a text as it is.", { name: "{{basic.firstname}}" }).optional(),
  contentType: z
    .enum(["json", "form", "text"])
    .optional()
    .meta({ description: "How the body is written; default json.", example: "json" }),
  credentials_id: z
    .string()
    .regex(/^[0-9a-fA-F]{24}$/, "Use 24 hexadecimal digits.")
    .optional()
    .meta({
      description: "Secret that the call is authorised with; it is the starter's.",
      example: "5ca5c44c187c040010a9bb8c",
    }),
  timeout: seconds("Seconds for the whole call; default 30.", 300, 30).optional(),
  retry: Retry.optional(),
  async: z.boolean().optional().meta({ description: "true: the script goes on meanwhile.", example: false }),
  validate: Fields.optional(),
  namespace,
  merge,
};
