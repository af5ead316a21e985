import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";

import { Meta } from "../../flows/model.ts";
import { FlowParams } from "../../flows/routes/schemas.ts";
import type { HttpEnv } from "../../identity/context.ts";
import { bodyErrors, refusals, secured } from "../../identity/http.ts";
import { documentedBody, json, jsonBody, parsed } from "../../platform/http.ts";
import { getStepLogs, StepLog } from "../step-logs.ts";
import { StepSample, StepTrial, testStep } from "../step-test.ts";

const logsRoute = createRoute({
  method: "get",
  path: "/flows/{id}/steps/{stepId}/logs",
  operationId: "getStepLogs",
  tags: ["Flows"],
  summary: "Get the logs of a step",
  description:
    "What a step of a flow has logged, and why it failed: a page goes through up to 20 runs, each page's lines oldest first, the pages from the newest runs to older ones. Needs the permission `flows.read`.",
  ...secured("flows.read"),
  request: {
    params: FlowParams.extend({
      stepId: z.string().openapi({
        param: { name: "stepId", in: "path" },
        description: "Id of a node of the flow's graph.",
        example: "step_1",
      }),
    }),
    query: z.object({
      pageSize: z
        .string()
        .regex(/^(?:[1-9]\d{0,2}|1000)$/, "Use a whole number from 1 to 1000.")
        .default("1000")
        .meta({ description: "Lines per page: a whole number from 1 to 1000.", example: "1000" }),
      pageToken: z.string().optional().meta({
        description: "The nextPageToken of the page before.",
        example: "run_6b0259e4ef2fe4ca09ca001d_019aa3b0c1d20f1e2d3c4b5a6978",
      }),
    }),
  },
  responses: {
    200: json(
      z
        .object({
          data: z.array(StepLog).meta({ description: "The lines of this page." }),
          meta: z
            .object({
              pageSize: z.int().meta({ description: "Lines per page.", example: 1000 }),
              nextPageToken: z
                .string()
                .nullable()
                .meta({ description: "Leads to the next page; null on the last.", example: null }),
            })
            .meta({ description: "Where this page stands." }),
        })
        .meta({ id: "StepLogsAnswer", description: "A page of log lines." }),
      "The log lines, oldest first.",
    ),
    ...refusals("INVALID_ID", "INVALID_PARAMETER", "FLOW_NOT_FOUND", "STEP_NOT_FOUND"),
  },
});

const testRoute = createRoute({
  method: "post",
  path: "/flows/{id}/steps/{stepId}/test",
  operationId: "testStep",
  tags: ["Runs"],
  summary: "Try a step on sample data",
  description:
    "Does a step's work once with the message that is sent, and tells what comes out and along which edges it would go. Nothing is kept, no run begins, no other flow is called; what the step calls outside is called. The flow may be inactive. Secrets are opened in the caller's name. Needs the permission `flows.control`.",
  ...secured("flows.control", jsonBody),
  request: {
    params: FlowParams.extend({
      stepId: z.string().openapi({
        param: { name: "stepId", in: "path" },
        description: "Id of a node of the flow's graph.",
        example: "step_1",
      }),
    }),
    body: documentedBody("StepSample", "The message.", { data: { amount: 150 } }),
  },
  responses: {
    200: json(
      z.object({ data: StepTrial, meta: Meta }).meta({ id: "StepTrialAnswer", description: "What came of it." }),
      "What came of it.",
    ),
    ...refusals("INVALID_ID", "FLOW_NOT_FOUND", "STEP_NOT_FOUND", ...bodyErrors),
  },
});

export const stepRoutes = new OpenAPIHono<HttpEnv>();
stepRoutes.openAPIRegistry.register("StepSample", StepSample);

stepRoutes
  .openapi(logsRoute, async (c) => {
    const { id, stepId: step } = c.req.valid("param");
    const { pageSize, pageToken } = c.req.valid("query");
    return c.json(await getStepLogs(c.env, c.get("context"), { id, step, pageSize: Number(pageSize), pageToken }), 200);
  })
  .openapi(testRoute, async (c) => {
    const { id, stepId: step } = c.req.valid("param");
    const data = await testStep(c.env, c.get("context"), { id, step, sample: parsed(StepSample, c.get("body")) });
    return c.json({ data, meta: {} }, 200);
  });
