import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context as HonoContext } from "hono";

import type { HttpEnv } from "../../identity/context.ts";
import { identify, tokenOf } from "../../identity/identify.ts";
import { documentedBody, json } from "../../platform/http.ts";
import { senderOf } from "../../platform/sender.ts";
import { startExecution } from "../start.ts";
import { UUID } from "../uuid.ts";
import { bodyOf } from "./edge.ts";
import { back, call, submit } from "./execution.ts";
import { ExecutionInput, Invalid, ofBody, ofEvery, problem, Ticketed } from "./schemas.ts";

const about = `Begins an execution of an active flow of kind workflow. The name is the workflow's (\`workflow.name\`), the name with the revision
that it must have (\`onboarding:3\`), or the id of the flow; without a name it is the only workflow that the caller can start. Public
workflows are started without a token; others by their owners with the permission \`executions.start\`. The body is the input,
which the script knows as \`it\` and \`init\`.`;

const start = (named: boolean) =>
  createRoute({
    method: "post",
    path: named ? "/api/executor/{name}" : "/api/executor",
    operationId: named ? "startExecution" : "startOnlyExecution",
    summary: "Start an execution",
    description: about,
    tags: ["Executions"],
    security: [{}, { Bearer: [] }],
    request: {
      ...(named
        ? {
            params: z.object({
              name: z.string().meta({
                param: { name: "name", in: "path" },
                description: "Name of the workflow, or id of the flow.",
                example: "onboarding",
              }),
            }),
          }
        : {}),
      body: documentedBody("ExecutionInput", "The input; may be left out.", { source: "campaign" }, false),
    },
    responses: {
      201: { ...json(Ticketed, "The execution, which is at `Location`."), headers: z.object({ location: z.string() }) },
      422: json(Invalid, "The input is not what the workflow wants."),
      ...problem(
        "WORKFLOW_NOT_FOUND",
        "TOO_MANY_STARTS",
        "PAYLOAD_TOO_LARGE",
        { status: 401, code: "TOKEN_INVALID" },
        { status: 403, code: "MISSING_PERMISSION" },
        ...ofBody,
        ...ofEvery,
      ),
    },
  });

export const executorRoutes = new OpenAPIHono<HttpEnv>();
executorRoutes.openAPIRegistry.register("ExecutionInput", ExecutionInput);

type Context = HonoContext<HttpEnv>;

async function begin(c: Context, name: string | undefined): Promise<Response> {
  const { env, req } = c;
  const config = c.get("config");
  const defer = (promise: Promise<unknown>) => c.executionCtx.waitUntil(promise);
  const header = req.header("authorization");
  const actor = header === undefined ? undefined : await identify({ config, now: Date.now, defer }, tokenOf(header));
  const input = await bodyOf(c);
  const by = { env, config, now: Date.now, actor, sender: senderOf(req.raw.headers), requestId: c.get("requestId") };
  const begun = await startExecution(by, name, input);
  if ("errors" in begun) return c.json(begun, 422);
  c.header("location", new URL(begun.uri, req.url).href);
  return c.json(begun, 201);
}

executorRoutes.openapi(start(false), (c) => begin(c, undefined) as never);

// The original's samples send a submit to the executor; only a uuid tells it from a name.
executorRoutes.openapi(start(true), (c) => {
  const name = c.req.param("name");
  return (UUID.test(name) ? submit(c, name) : begin(c, name)) as never;
});
executorRoutes.post("/api/executor/:uuid/back", (c) => back(c, c.req.param("uuid")));
executorRoutes.post("/api/executor/:uuid/function", (c) => call(c, c.req.param("uuid")));
