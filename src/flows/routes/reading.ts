import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";

import type { HttpEnv } from "../../identity/context.ts";
import { refusals, secured } from "../../identity/http.ts";
import { json } from "../../platform/http.ts";
import { getFlow } from "../get.ts";
import { FlowQuery, listFlows } from "../list.ts";
import { Flow } from "../model.ts";
import { getStepLogs, StepLog } from "../step-logs.ts";
import { FlowAnswer, FlowParams } from "./schemas.ts";

const FlowListAnswer = z
  .object({
    data: z.array(Flow).meta({ description: "The flows of this page." }),
    meta: z
      .object({
        total: z.int().meta({ description: "Flows that match, on all pages.", example: 42 }),
        page: z.int().meta({ description: "This page; the first is 1.", example: 1 }),
        perPage: z.int().meta({ description: "Flows per page.", example: 10 }),
        totalPages: z.int().meta({ description: "Number of pages; 0 if nothing matches.", example: 5 }),
      })
      .meta({ id: "PageMeta", description: "Where this page stands." }),
  })
  .meta({ id: "FlowListAnswer", description: "A page of flows." });

const listRoute = createRoute({
  method: "get",
  path: "/flows",
  operationId: "getFlows",
  tags: ["Flows"],
  summary: "List flows",
  description: "The flows that you or your tenant own. Needs the permission `flows.read`.",
  ...secured("read"),
  request: { query: FlowQuery },
  responses: {
    200: json(FlowListAnswer, "A page of flows; empty if nothing matches."),
    ...refusals("INVALID_PARAMETER"),
  },
});

const getRoute = createRoute({
  method: "get",
  path: "/flows/{id}",
  operationId: "getFlowById",
  tags: ["Flows"],
  summary: "Get a flow",
  description: "One flow that you or your tenant own. Needs the permission `flows.read`.",
  ...secured("read"),
  request: { params: FlowParams },
  responses: { 200: json(FlowAnswer, "The flow."), ...refusals("INVALID_ID", "FLOW_NOT_FOUND") },
});

const logsRoute = createRoute({
  method: "get",
  path: "/flows/{id}/steps/{stepId}/logs",
  operationId: "getStepLogs",
  tags: ["Flows"],
  summary: "Get the logs of a step",
  description:
    "What a step of a flow has logged; empty as long as the flow has not run here. Needs the permission `flows.read`.",
  ...secured("read"),
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
      pageToken: z
        .string()
        .optional()
        .meta({ description: "The nextPageToken of the page before.", example: "b2Zmc2V0PTEwMDA" }),
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

export const readingRoutes = new OpenAPIHono<HttpEnv>()
  .openapi(listRoute, async (c) => c.json(await listFlows(c.var.context, c.req.valid("query")), 200))
  .openapi(getRoute, async (c) => {
    const flow = await getFlow(c.var.context, c.req.valid("param").id);
    return c.json({ data: flow, meta: {} }, 200);
  })
  .openapi(logsRoute, async (c) => {
    const { id, stepId } = c.req.valid("param");
    return c.json(await getStepLogs(c.var.context, id, stepId, Number(c.req.valid("query").pageSize)), 200);
  });
