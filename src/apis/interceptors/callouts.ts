import { z } from "zod";

import { templates } from "../../expressions/schemas.ts";
import { address, flag, hexId, ID_TEXT, ofCall, variable, writtenHeaders } from "../fields.ts";
import { beforePlans, everywhere, interceptor, onBoth, onRequest, type Stage } from "./interceptor.ts";

const expected = z
  .array(z.int().min(100).max(599))
  .max(20)
  .default([])
  .meta({ description: "Statuses that are taken for good; any 2xx if there are none.", example: [200, 404] });
const timeout = z
  .number()
  .min(0.001)
  .max(60)
  .default(10)
  .meta({ description: "Seconds that the answer is waited for. Default 10.", example: 10 });
const preserved = {
  preserveQuery: flag("Whether it gets the query of the call.", false),
  preserveHeaders: flag("Whether it gets the headers of the call; hop-by-hop ones never.", false),
  preserveBody: flag("Whether it gets the body of the call, on the response that of the answer.", false),
};
const body = templates("Body: a text as it is, all else as JSON.", { id: "{{query.id}}" }).optional();

interface Bodies {
  readonly preserveBody: boolean;
  readonly body?: unknown;
}

function checkBody({ preserveBody, body: own }: Bodies, hasBody: boolean, check: z.core.$RefinementCtx): void {
  const say = (field: string, message: string) =>
    check.addIssue({ code: "custom", path: [field], message, params: { code: "BODY_INVALID" } });
  if (own !== undefined && preserveBody) say("body", "Give either a body or preserveBody.");
  if (hasBody) return;
  if (own !== undefined) say("body", "A GET or HEAD has no body. Use another method.");
  if (preserveBody) say("preserveBody", "A GET or HEAD has no body. Use another method.");
}

const bodyOf = ({ preserveBody }: Bodies, stage: Stage) => (preserveBody ? stage : undefined);

const serviceCallout = interceptor({
  type: "serviceCallout",
  category: "mediation",
  description:
    "Calls an HTTP service. Its answer (status, headers, body) stands in the context of the call under the variable. Any other status than the expected ones, and no answer in time, is a failure.",
  stages: onBoth,
  scopes: everywhere,
  addresses: [{ field: "url" }],
  needsBody: bodyOf,
  config: z
    .strictObject({
      variable: variable("Names the answer. Required unless mode is forget.").optional(),
      url: address("Address of the service.", "{{env.CRM}}/customers/{{query.customer}}"),
      method: z
        .enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
        .default("GET")
        .meta({ description: "HTTP method. Default GET.", example: "GET" }),
      mode: z.enum(["wait", "async", "forget"]).default("wait").meta({
        description:
          "wait: what follows waits for the answer. async: what follows runs meanwhile, and the end of the list waits. forget: nobody waits, and there is no answer. Default wait.",
        example: "wait",
      }),
      expected,
      ...preserved,
      headers: writtenHeaders("Headers of its own.", { "x-caller": "orders" }),
      secret: hexId(
        "a secret",
        "Id of the secret with which the service is called: user and passphrase, key, or token.",
      ).optional(),
      body,
      timeout,
    })
    .superRefine((config, check) => {
      checkBody(config, config.method !== "GET" && config.method !== "HEAD", check);
      if ((config.variable === undefined) === (config.mode === "forget")) return;
      const message =
        config.variable === undefined
          ? "A callout requires a variable for its answer, unless its mode is forget."
          : "With the mode forget there is no answer. Leave the variable out.";
      check.addIssue({ code: "custom", path: ["variable"], message, params: { code: "VARIABLE_INVALID" } });
    }),
});

const internalCall = interceptor({
  type: "internalCall",
  category: "mediation",
  description:
    "Calls an operation of another API of the same owner and environment, without leaving the gateway. Its answer stands in the context under the variable and decides whether the call goes on: with another status than the expected ones it becomes the answer.",
  stages: onRequest,
  scopes: beforePlans,
  needsBody: bodyOf,
  config: z
    .strictObject({
      variable: variable("Names the answer."),
      api: hexId("an API", "Id of the API."),
      revision: z
        .int()
        .min(1)
        .optional()
        .meta({ description: "Revision that is called; the live one if none is said.", example: 3 }),
      resource: ID_TEXT.meta({ description: "Id of the resource.", example: "customer" }),
      operation: ID_TEXT.meta({ description: "Id of the operation.", example: "get" }),
      values: z
        .array(ofCall("The value.", "{{query.customer}}"))
        .max(20)
        .default([])
        .meta({ description: "Values of the path's parameters, by their order.", example: ["{{query.customer}}"] }),
      expected,
      ...preserved,
      headers: writtenHeaders("Headers of its own.", { "x-caller": "orders" }),
      body,
      timeout,
    })
    .superRefine((config, check) => checkBody(config, true, check)),
});

export { internalCall, serviceCallout };
