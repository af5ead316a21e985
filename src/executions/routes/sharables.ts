import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context as HonoContext } from "hono";

import { databaseOf } from "../../db/client.ts";
import type { HttpEnv } from "../../identity/context.ts";
import { json } from "../../platform/http.ts";
import { senderOf } from "../../platform/sender.ts";
import { ProblemError, reached } from "../problem.ts";
import { findSharable } from "../sharables.ts";
import { demandPatience, ticketFor } from "../start.ts";
import { objectOf } from "./edge.ts";
import { ofEvery, problem, Ticketed } from "./schemas.ts";

type Context = HonoContext<HttpEnv>;

const Shared = z
  .union([
    Ticketed.extend({
      of: z.literal("execution").meta({ description: "An execution to go on with.", example: "execution" }),
    }),
    z.object({
      of: z.literal("payload").meta({ description: "What was shared.", example: "payload" }),
      payload: z.unknown().meta({ description: "What was shared.", example: { name: "Joe" } }),
    }),
  ])
  .meta({ id: "Shared", description: "What a token leads to." });

const useRoute = createRoute({
  method: "post",
  path: "/api/sharable/{token}",
  operationId: "useSharable",
  summary: "Use a token that an execution gave out",
  description:
    "Whoever has the token has what it stands for: an execution to go on with (for instance on another device), or a payload, which may be the input of a new execution. Attempts are limited by address.",
  tags: ["Executions"],
  security: [],
  request: {
    params: z.object({
      token: z.string().meta({ param: { name: "token", in: "path" }, description: "The token.", example: "K7Q2ZD" }),
    }),
  },
  responses: {
    200: json(Shared, "What it leads to."),
    ...problem("SHARABLE_NOT_FOUND", "TOO_MANY_STARTS", ...ofEvery),
  },
});

export const sharableRoutes = new OpenAPIHono<HttpEnv>();
sharableRoutes.openapi(useRoute, (c) => use(c) as never);

async function use(c: Context): Promise<Response> {
  await demandPatience(c.env, "sharable", senderOf(c.req.raw.headers));
  const now = Date.now();
  const shared = await findSharable(databaseOf(c.env.DB), c.req.param("token")!, now);
  if (shared === undefined) throw new ProblemError("SHARABLE_NOT_FOUND");
  const { of, execution, payload } = shared;
  if (of === "payload") return c.json({ of, payload: JSON.parse(payload ?? "null") as object });
  const expiresAt = await reached<number | undefined>(() => objectOf(c, execution)().expiresAt());
  if (expiresAt === undefined) throw new ProblemError("SHARABLE_NOT_FOUND");
  return c.json({ of, ...(await ticketFor(c.get("config"), execution, now, expiresAt)) });
}
