import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";

import type { HttpEnv } from "../../identity/context.ts";
import { refusals, secured } from "../../identity/http.ts";
import { ifNoneMatchHeader, isKnown } from "../../platform/conditional.ts";
import { json, send } from "../../platform/http.ts";
import { flowAnswer, tagOf } from "../answer.ts";
import { getFlow } from "../get.ts";
import { listFlows } from "../list.ts";
import { FlowQuery } from "../list-query.ts";
import { Flow } from "../model.ts";
import { getStepLogs, StepLog } from "../step-logs.ts";
import { FlowAnswer, FlowParams } from "./schemas.ts";

const FlowListAnswer = z
  .object({
    data: z
      .array(Flow.partial().required({ id: true }))
      .meta({ description: "The flows of this page: whole, or with `fields` only those keys." }),
    meta: z
      .object({
        total: z.int().meta({ description: "Flows that match, on all pages.", example: 42 }),
        page: z
          .int()
          .optional()
          .meta({ description: "This page; the first is 1. Not known where a cursor led.", example: 1 }),
        perPage: z.int().meta({ description: "Flows per page.", example: 10 }),
        totalPages: z.int().meta({ description: "Number of pages; 0 if nothing matches.", example: 5 }),
      })
      .meta({ id: "PageMeta", description: "Where this page stands." }),
    links: z
      .object({
        next: z.string().nullable().meta({
          description: "Address of the page behind this one; null if there is none.",
          example: "/flows?page%5Bsize%5D=10&page%5Bafter%5D=WzE3OTUz.c2lnbmF0dXJl",
        }),
        prev: z
          .string()
          .nullable()
          .meta({ description: "Address of the page before this one; null if there is none.", example: null }),
      })
      .meta({
        id: "PageLinks",
        description:
          "Lead from page to page at the same cost however deep. They hold a place in the order, not a number: flows that come or go elsewhere neither repeat nor skip any.",
      }),
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
  parameters: [ifNoneMatchHeader],
  responses: {
    200: json(FlowAnswer, "The flow. Its ETag stands for the document and the status."),
    304: { description: "The flow is still the one with the ETag that was sent." },
    ...refusals("INVALID_ID", "FLOW_NOT_FOUND"),
  },
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
  .openapi(listRoute, async (c) => send(c, await listFlows(c.get("context"), c.req.valid("query"))))
  .openapi(getRoute, async (c) => {
    const flow = await getFlow(c.get("context"), c.req.valid("param").id);
    const etag = tagOf(flow);
    if (!isKnown(c.req.header("if-none-match"), etag)) return send(c, flowAnswer(flow));
    c.header("etag", etag);
    return c.body(null, 304);
  })
  .openapi(logsRoute, async (c) => {
    const { id, stepId } = c.req.valid("param");
    return c.json(await getStepLogs(c.var.context, id, stepId, Number(c.req.valid("query").pageSize)), 200);
  });
