import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";

import { Meta } from "../../flows/model.ts";
import { FlowParams } from "../../flows/routes/schemas.ts";
import type { HttpEnv } from "../../identity/context.ts";
import { bodyErrors, refusals, secured } from "../../identity/http.ts";
import { documentedBody, json, jsonBody, parsed } from "../../platform/http.ts";
import { tryCall } from "../try.ts";
import { Tried, TryInput } from "../try/input.ts";

const TryAnswer = z
  .object({ data: Tried, meta: Meta })
  .meta({ id: "TryAnswer", description: "What came of a call that was tried." });

const tryRoute = createRoute({
  method: "post",
  path: "/apis/{id}/try",
  operationId: "tryCall",
  summary: "Try a call",
  description:
    "Has a call go through the API as it is being edited, whatever its status, and tells what each interceptor did. Nothing is counted, kept in a cache or cleared, no trace is kept, and unless `destination` is `real` nothing leaves the gateway. Secrets, plans and other APIs are those of whoever tries. Needs the permission `flows.write`.",
  tags: ["API traces"],
  ...secured("flows.write", jsonBody),
  request: { params: FlowParams, body: documentedBody("TryInput", "The call.") },
  responses: {
    200: json(TryAnswer, "The answer and the trace."),
    ...refusals("INVALID_ID", "FLOW_NOT_FOUND", "API_NOT_FOUND", "APP_NOT_FOUND", "INVALID_API", ...bodyErrors),
  },
});

export const tryRoutes = new OpenAPIHono<HttpEnv>();
tryRoutes.openAPIRegistry.register("TryInput", TryInput);

tryRoutes.openapi(tryRoute, async (c) => {
  const input = parsed(TryInput, c.get("body"));
  const { origin } = new URL(c.req.url);
  const data = await tryCall({ env: c.env, origin }, c.get("context"), c.req.valid("param").id, input);
  return c.json({ data, meta: {} }, 200);
});
