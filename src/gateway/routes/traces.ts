import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";

import { Meta } from "../../flows/model.ts";
import { FlowParams } from "../../flows/routes/schemas.ts";
import type { HttpEnv } from "../../identity/context.ts";
import { refusals, secured } from "../../identity/http.ts";
import { json } from "../../platform/http.ts";
import { getTrace, tracesOf } from "../list-traces.ts";
import { Trace, TraceId, TraceSummary } from "../trace/view.ts";

const tags = ["API traces"];

const TraceListQuery = z.object({
  "filter[status]": z
    .string()
    .regex(/^[1-5](?:xx|\d\d)$/, "Use a status such as 404, or a class such as 4xx.")
    .optional()
    .meta({ description: "Only calls that were answered so: with a status, or one of a class.", example: "5xx" }),
  "page[size]": z.coerce
    .number()
    .int()
    .min(1)
    .max(100)
    .default(20)
    .meta({ description: "Traces on a page, 1 to 100.", example: 20 }),
  "page[after]": TraceId.optional().meta({
    description: "Id of the last trace of the page before.",
    example: "trace_019aa3b0c1d20f1e2d3c4b5a6978",
  }),
});

const TraceList = z
  .object({
    data: z.array(TraceSummary).meta({ description: "The newest first." }),
    meta: z
      .object({ next: TraceId.nullable().meta({ description: "For `page[after]`; null on the last page." }) })
      .meta({ id: "TracesMeta", description: "Where the list goes on." }),
  })
  .meta({ id: "TracesAnswer", description: "A page of traces." });

const TraceAnswer = z.object({ data: Trace, meta: Meta }).meta({ id: "TraceAnswer", description: "One trace." });

const ofApi = ["INVALID_ID", "FLOW_NOT_FOUND", "API_NOT_FOUND", "INVALID_PARAMETER"] as const;

const listRoute = createRoute({
  method: "get",
  path: "/apis/{id}/traces",
  operationId: "listTraces",
  summary: "List the traces of an API",
  description:
    "The newest first. Traced is the share of the calls that `settings.traceSampling` says, at most 20 a second in each place where the gateway runs, and each call with the header `x-gateway-trace: Bearer <token>` whose token reaches the API and has the permission `flows.read`; its answer names the trace in `x-gateway-trace-id`, or says `x-gateway-trace: refused`. Traces are kept for some days (setting GATEWAY_TRACE_DAYS). Needs the permission `flows.read`.",
  tags,
  ...secured("flows.read"),
  request: { params: FlowParams, query: TraceListQuery },
  responses: { 200: json(TraceList, "A page of traces."), ...refusals(...ofApi) },
});

const getRoute = createRoute({
  method: "get",
  path: "/apis/{id}/traces/{traceId}",
  operationId: "getTrace",
  summary: "Get a trace",
  description: "What happened to a call, interceptor by interceptor. Needs the permission `flows.read`.",
  tags,
  ...secured("flows.read"),
  request: {
    params: FlowParams.extend({
      traceId: TraceId.openapi({ param: { name: "traceId", in: "path" } }),
    }),
  },
  responses: { 200: json(TraceAnswer, "The trace."), ...refusals("TRACE_NOT_FOUND", ...ofApi) },
});

export const traceRoutes = new OpenAPIHono<HttpEnv>();

traceRoutes
  .openapi(listRoute, async (c) =>
    c.json(await tracesOf(c.get("context"), c.req.valid("param").id, c.req.valid("query")), 200),
  )
  .openapi(getRoute, async (c) => {
    const { id, traceId } = c.req.valid("param");
    return c.json({ data: await getTrace(c.get("context"), id, traceId), meta: {} }, 200);
  });
