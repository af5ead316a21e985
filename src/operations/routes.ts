import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";

import type { HttpEnv } from "../identity/context.ts";
import { refusals, secured } from "../identity/http.ts";
import { DeadLetter, listDeadLetters } from "../messages/dead-letters.ts";
import { errorResponses, json } from "../platform/http.ts";
import { checkHealth, Health } from "./health.ts";
import { replayDeadLetter } from "./replay.ts";

const healthRoute = createRoute({
  method: "get",
  path: "/healthcheck",
  operationId: "getHealth",
  tags: ["Operations"],
  summary: "Ask whether the service works",
  description: "Storage, queues and the messages on their way between them. Needs no token.",
  security: [],
  responses: {
    200: json(Health, "Everything works."),
    500: json(Health, "Something does not; `details` names it."),
    ...errorResponses("MISCONFIGURED"),
  },
});

const PAGE = 100;

const listRoute = createRoute({
  method: "get",
  path: "/dead-letters",
  operationId: "getDeadLetters",
  tags: ["Operations"],
  summary: "List messages that could not be handled",
  description: `Up to ${PAGE} in the order of their ids. Needs the permission \`all\`.`,
  ...secured("all"),
  request: {
    query: z.object({
      after: z
        .string()
        .default("")
        .meta({ description: "Id of the last one of the page before.", example: "flow-reports-0192f0c1" }),
    }),
  },
  responses: {
    200: json(
      z
        .object({
          data: z.array(DeadLetter).meta({ description: "The messages of this page." }),
          meta: z
            .object({
              next: z
                .string()
                .nullable()
                .meta({ description: "Send it as `after` for the next page; null on the last.", example: null }),
            })
            .meta({ description: "Where this page stands." }),
        })
        .meta({ id: "DeadLettersAnswer", description: "A page of kept messages." }),
      "The kept messages.",
    ),
    ...refusals("INVALID_PARAMETER"),
  },
});

const replayRoute = createRoute({
  method: "post",
  path: "/dead-letters/{id}/replay",
  operationId: "replayDeadLetter",
  tags: ["Operations"],
  summary: "Send a kept message to its queue again",
  description: "It is forgotten here once the queue has taken it. Needs the permission `all`.",
  ...secured("all"),
  request: {
    params: z.object({
      id: z.string().openapi({
        param: { name: "id", in: "path" },
        description: "Id of the kept message.",
        example: "flow-reports-0192f0c1",
      }),
    }),
  },
  responses: {
    200: json(
      z
        .object({ data: DeadLetter, meta: z.object({}).meta({ description: "Always empty here." }) })
        .meta({ id: "DeadLetterAnswer", description: "The message that was sent again." }),
      "It was sent.",
    ),
    ...refusals("DEAD_LETTER_NOT_FOUND", "QUEUE_UNAVAILABLE"),
  },
});

export const operationsRoutes = new OpenAPIHono<HttpEnv>()
  .openapi(healthRoute, async (c) => {
    const health = await checkHealth(c.env, Date.now());
    return health.status === "pass" ? c.json(health, 200) : c.json(health, 500);
  })
  .openapi(listRoute, async (c) => {
    const data = await listDeadLetters(c.var.context.db, { after: c.req.valid("query").after, size: PAGE });
    const next = data.length === PAGE ? (data.at(-1)?.id ?? null) : null;
    return c.json({ data, meta: { next } }, 200);
  })
  .openapi(replayRoute, async (c) => {
    return c.json({ data: await replayDeadLetter(c.env, c.req.valid("param").id), meta: {} }, 200);
  });
