import { z } from "zod";

import { templates } from "../../expressions/schemas.ts";
import { condition as expression, flag, ofCall, status, token, variable, whole, writtenHeaders } from "../fields.ts";
import { beforePlans, everywhere, interceptor, onBoth, onRequest } from "./interceptor.ts";

const cacheName = z
  .string()
  .regex(/^[A-Za-z][\w-]{0,63}$/, "Use a letter, then letters, digits, _ and -, at most 64.")
  .default("default")
  .meta({ description: "Name of the cache within the API. Default default.", example: "customers" });

const cache = interceptor({
  type: "cache",
  category: "mediation",
  description:
    "Answers GET and HEAD from a cache, without the destination, and keeps what the destination answers. The cache is that of one data centre and of one revision. Answers with Set-Cookie, or with Cache-Control private or no-store, are not kept.",
  stages: onRequest,
  scopes: beforePlans,
  config: z.strictObject({
    name: cacheName,
    ttl: whole("Seconds that an answer is kept.", 1, 86_400, 60),
    shared: flag(
      "true: all callers get the same answers. false: each app, and each Authorization, has its own.",
      false,
    ),
    headers: z
      .array(token)
      .max(20)
      .default([])
      .meta({ description: "Headers of the request on which the answer depends.", example: ["accept-language"] }),
    query: z
      .array(z.string().min(1).max(200))
      .max(50)
      .optional()
      .meta({
        description: "Query parameters on which the answer depends; all of them if none are said.",
        example: ["page"],
      }),
    statuses: z
      .array(z.int().min(200).max(599))
      .min(1)
      .max(20)
      .default([200])
      .meta({ description: "Statuses of answers that are kept. Default 200.", example: [200, 404] }),
  }),
});

const cacheClear = interceptor({
  type: "cacheClear",
  category: "mediation",
  description:
    "Forgets what a cache of the API holds: from now on its answers count as too old, in all data centres within seconds.",
  stages: onBoth,
  scopes: beforePlans,
  config: z.strictObject({ name: cacheName }),
});

const mock = interceptor({
  type: "mock",
  category: "mediation",
  description: "Answers in place of the destination. The interceptors of the response run as if it had answered.",
  stages: onRequest,
  scopes: everywhere,
  config: z.strictObject({
    status: status("Status of the answer.", 200),
    headers: writtenHeaders("Headers of the answer.", { "content-type": "application/json" }),
    body: templates("Body: a text as it is, all else as JSON.", { id: "{{query.id}}" }).optional(),
  }),
});

const condition = interceptor({
  type: "condition",
  category: "mediation",
  description:
    "Asks something of the call. With refuse, a call for which it does not hold ends with that answer; with variable, the result stands in the context, for the conditions of others.",
  stages: onBoth,
  scopes: everywhere,
  needsBody: ({ readsBody }, stage) => (readsBody ? stage : undefined),
  config: z
    .strictObject({
      expression: expression("What must hold.", "headers.`x-tenant` in ['a', 'b']"),
      readsBody: flag("Whether it sees the JSON of the body, as body.", false),
      variable: variable("Names the result.").optional(),
      refuse: z
        .strictObject({
          status: status("Status of the answer.", 403, 400),
          message: ofCall("What the answer says.", "Not for this tenant.").optional(),
        })
        .optional()
        .meta({ description: "Answer to calls for which it does not hold.", example: { status: 403 } }),
    })
    .superRefine(({ variable: named, refuse }, check) => {
      if (named !== undefined || refuse !== undefined) return;
      const message = "A condition requires refuse, a variable, or both: else nothing follows from it.";
      check.addIssue({ code: "custom", path: ["refuse"], message, params: { code: "CONDITION_IDLE" } });
    }),
});

export { cache, cacheClear, condition, mock };
