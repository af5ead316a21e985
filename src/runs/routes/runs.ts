import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";

import { Meta } from "../../flows/model.ts";
import { FlowParams } from "../../flows/routes/schemas.ts";
import type { HttpEnv } from "../../identity/context.ts";
import { bodyErrors, refusals, secured } from "../../identity/http.ts";
import { idempotencyHeader } from "../../identity/idempotency.ts";
import { documentedBody, headerParameter, json, jsonBody, parsed } from "../../platform/http.ts";
import { cancelRun, runsOf, showRun, startRun } from "../control.ts";
import { depthIn } from "../hook.ts";
import { DEPTH_HEADER, limits } from "../model.ts";
import { Run, RunList } from "../view.ts";
import { Begun, ofFlow, ofRun, RunInput, RunListQuery, RunParams } from "./run-schemas.ts";

const tags = ["Runs"];

const depthHeader = headerParameter(
  DEPTH_HEADER,
  "1",
  `How many runs called each other down to the one that asks, at most ${limits.depth}; what flows call is told it.`,
);

const startRoute = createRoute({
  method: "post",
  path: "/flows/{id}/runs",
  operationId: "startRun",
  summary: "Begin a run by hand",
  description:
    "Begins a run of an active flow with the payload that is sent as `data`. Needs the permission `flows.control`.",
  tags,
  ...secured("flows.control", jsonBody),
  parameters: [idempotencyHeader, depthHeader],
  request: { params: FlowParams, body: documentedBody("RunInput", "The payload.", { data: { id: 1 } }) },
  responses: {
    201: json(Begun, "The run was begun."),
    ...refusals(
      ...ofFlow,
      "FLOW_NOT_ACTIVE",
      "FLOW_HAS_NO_ENTRY",
      "CALL_DEPTH",
      "STEP_NOT_FOUND",
      "IDEMPOTENCY_KEY_REUSED",
      ...bodyErrors,
    ),
  },
});

const listRoute = createRoute({
  method: "get",
  path: "/flows/{id}/runs",
  operationId: "listRuns",
  summary: "List the runs of a flow",
  description: "The newest first. Needs the permission `flows.read`.",
  tags,
  ...secured("flows.read"),
  request: { params: FlowParams, query: RunListQuery },
  responses: { 200: json(RunList, "A page of runs."), ...refusals(...ofFlow) },
});

const getRoute = createRoute({
  method: "get",
  path: "/runs/{id}",
  operationId: "getRun",
  summary: "Get a run",
  description: "A run with what happened at its steps. Needs the permission `flows.read`.",
  tags,
  ...secured("flows.read"),
  request: {
    params: RunParams,
    query: z.object({
      after: z.coerce
        .number()
        .int()
        .min(0)
        .default(0)
        .meta({ description: "Only items behind this one.", example: 100 }),
    }),
  },
  responses: {
    200: json(z.object({ data: Run, meta: Meta }).meta({ id: "RunAnswer", description: "One run." }), "The run."),
    ...refusals(...ofRun),
  },
});

const cancelRoute = createRoute({
  method: "post",
  path: "/runs/{id}/cancel",
  operationId: "cancelRun",
  summary: "Cancel a run",
  description:
    "Ends a run at the next border between steps: what is at a step finishes it, nothing new begins. A run that has ended stays as it is. Needs the permission `flows.control`.",
  tags,
  ...secured("flows.control"),
  request: { params: RunParams },
  responses: { 200: json(Begun, "The run is cancelled, or had ended."), ...refusals(...ofRun) },
});

export const runRoutes = new OpenAPIHono<HttpEnv>();
runRoutes.openAPIRegistry.register("RunInput", RunInput);

runRoutes
  .openapi(startRoute, async (c) => {
    const input = parsed(RunInput, c.get("body"));
    const key = c.req.header("idempotency-key");
    const id = await startRun(c.env, c.get("context"), c.req.valid("param").id, {
      ...input,
      key,
      text: c.get("bodyText"),
      depth: depthIn(c.req.raw.headers),
    });
    return c.json({ data: { id }, meta: {} }, 201);
  })
  .openapi(listRoute, async (c) =>
    c.json(await runsOf(c.get("context"), c.req.valid("param").id, c.req.valid("query")), 200),
  )
  .openapi(getRoute, async (c) => {
    const data = await showRun(c.env, c.get("context"), c.req.valid("param").id, c.req.valid("query").after);
    return c.json({ data, meta: {} }, 200);
  })
  .openapi(cancelRoute, async (c) => {
    const { id } = c.req.valid("param");
    await cancelRun(c.env, c.get("context"), id);
    return c.json({ data: { id }, meta: {} }, 200);
  });
