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
import { FlowAnswer, FlowParams } from "./schemas.ts";

export const FlowListAnswer = z
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
  ...secured("flows.read"),
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
  ...secured("flows.read"),
  request: { params: FlowParams },
  parameters: [ifNoneMatchHeader],
  responses: {
    200: json(FlowAnswer, "The flow. Its ETag stands for the document and the status."),
    304: { description: "The flow is still the one with the ETag that was sent." },
    ...refusals("INVALID_ID", "FLOW_NOT_FOUND"),
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
  });
