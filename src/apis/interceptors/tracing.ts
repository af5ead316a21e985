import { z } from "zod";

import { flag, jsonPaths, ofCall, pattern, token } from "../fields.ts";
import { everywhere, interceptor, onBoth } from "./interceptor.ts";

const log = interceptor({
  type: "log",
  category: "tracing",
  description:
    "Writes something about the call into its trace. Headers with credentials are never written, others and bodies only as log obfuscation leaves them. Runs on answers of refused calls too.",
  stages: onBoth,
  scopes: everywhere,
  needsBody: ({ body }, stage) => (body ? stage : undefined),
  config: z.strictObject({
    level: z
      .enum(["debug", "info", "warn", "error"])
      .default("info")
      .meta({ description: "How much it matters. Default info.", example: "info" }),
    message: ofCall("What is written.", "Order {{query.id}} of {{app.name}}").optional(),
    headers: flag("Whether the headers are written.", false),
    body: flag("Whether the body is written, its first 64 KiB.", false),
  }),
});

const replacement = z
  .string()
  .max(100)
  .default("***")
  .meta({ description: "What stands in place of it. Default ***.", example: "***" });
const named = (description: string, example: readonly string[]) =>
  z.array(token).min(1).max(100).meta({ description, example });

const logObfuscation = interceptor({
  type: "logObfuscation",
  category: "tracing",
  description: "Hides values in traces and logs of the call, and nothing on the wire.",
  stages: onBoth,
  scopes: everywhere,
  config: z.discriminatedUnion("location", [
    z.strictObject({
      location: z.literal("header").meta({ description: "Hides headers.", example: "header" }),
      names: named("Names of the headers.", ["x-account"]),
      replacement,
    }),
    z.strictObject({
      location: z.literal("query").meta({ description: "Hides query parameters.", example: "query" }),
      names: named("Names of the parameters.", ["account"]),
      replacement,
    }),
    z
      .strictObject({
        location: z.literal("body").meta({ description: "Hides parts of bodies.", example: "body" }),
        pattern: pattern("All that it finds is hidden.", "[0-9]{13,19}").optional(),
        fields: jsonPaths("Values of a JSON body."),
        replacement,
      })
      .superRefine(({ pattern: own, fields }, check) => {
        if (own !== undefined || fields.length > 0) return;
        const message = "Nothing would be hidden. Give a pattern, fields, or both.";
        check.addIssue({ code: "custom", path: ["fields"], message, params: { code: "NOTHING_TO_DO" } });
      }),
  ]),
});

export { log, logObfuscation };
