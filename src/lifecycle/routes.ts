import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";

import { MOST_AT_ONCE } from "../flows/many.ts";
import { FlowStatus, Meta, ObjectId } from "../flows/model.ts";
import { FlowParams, ItemErrors } from "../flows/routes/schemas.ts";
import type { HttpEnv } from "../identity/context.ts";
import { bodyErrors, refusals, repeatErrors, secured } from "../identity/http.ts";
import { idempotencyHeader, repeatable } from "../identity/idempotency.ts";
import { withNeighbours } from "../neighbours/http.ts";
import { ifMatchHeader } from "../platform/conditional.ts";
import { documentedBody, json, jsonBody, send } from "../platform/http.ts";
import { changeFlows } from "./change-many.ts";
import { changeStatus } from "./change-status.ts";

const StateAnswer = z
  .object({
    data: z
      .object({
        id: ObjectId.meta({ description: "Id of the flow.", example: "6b0259e4ef2fe4ca09ca001d" }),
        status: FlowStatus,
      })
      .meta({ id: "FlowState", description: "A flow's status." }),
    meta: Meta,
  })
  .meta({ id: "FlowStateAnswer", description: "The status after the request." });

const StatesAnswer = z
  .array(z.union([StateAnswer, ItemErrors]))
  .meta({ id: "FlowStatesAnswer", description: "One entry per id that was sent, in its place." });

const FlowIds = z
  .array(ObjectId)
  .max(MOST_AT_ONCE)
  .meta({ id: "ArrayOfIds", description: "Ids of up to 1000 flows.", example: ["6b0259e4ef2fe4ca09ca001d"] });

const Force = z.object({
  force: z.enum(["true", "false"], { error: "Use true or false." }).default("false").meta({
    description: "true: the flow is inactive at once, without waiting for the orchestrator.",
    example: "false",
  }),
});

const control = { tags: ["Start and stop"], ...secured("flows.control", repeatable) };
const parameters = [ifMatchHeader, idempotencyHeader];
const ofOne = ["INVALID_ID", "REVISION_CONFLICT", "PRECONDITION_FAILED", "FLOW_UNAVAILABLE", ...repeatErrors] as const;

const startRoute = createRoute({
  method: "post",
  path: "/flows/{id}/start",
  operationId: "startFlow",
  summary: "Start a flow",
  description:
    "Has the orchestrator make the flow live: the status is `starting` until it reports. Starting a flow that is starting or active changes nothing. Needs the permission `flows.control`.",
  tags: control.tags,
  ...secured("flows.control", repeatable, withNeighbours),
  parameters,
  request: { params: FlowParams },
  responses: {
    200: json(StateAnswer, "The flow starts, or ran already."),
    ...refusals("FLOW_STOPPING", "INSTANCE_INCOMPLETE", "REFERENCES_NOT_VISIBLE", "NEIGHBOUR_UNAVAILABLE", ...ofOne),
  },
});

const stopRoute = createRoute({
  method: "post",
  path: "/flows/{id}/stop",
  operationId: "stopFlow",
  summary: "Stop a flow",
  description:
    "Has the orchestrator take the flow down: the status is `stopping` until it reports. Stopping an inactive flow changes nothing. Needs the permission `flows.control`.",
  ...control,
  parameters,
  request: { params: FlowParams, query: Force },
  responses: { 200: json(StateAnswer, "The flow stops, or was inactive already."), ...refusals(...ofOne) },
});

const many = (verb: "start" | "stop") =>
  createRoute({
    method: "post",
    path: `/flows/multiple/${verb}`,
    operationId: `${verb}MultipleFlows`,
    summary: `${verb === "start" ? "Start" : "Stop"} several flows`,
    description:
      "Each id is handled by itself; one that fails does not hold up the others. Needs the permission `flows.control`.",
    tags: control.tags,
    ...secured("flows.control", jsonBody, repeatable, ...(verb === "start" ? [withNeighbours] : [])),
    parameters: [idempotencyHeader],
    request: { body: documentedBody("ArrayOfIds", "Ids of up to 1000 flows.", ["6b0259e4ef2fe4ca09ca001d"]) },
    responses: {
      200: json(StatesAnswer, "One entry per id, in its place: the status, or why it was refused."),
      ...refusals("FLOW_IDS_REQUIRED", ...repeatErrors, ...bodyErrors),
    },
  });

export const lifecycleRoutes = new OpenAPIHono<HttpEnv>();
lifecycleRoutes.openAPIRegistry.register("ArrayOfIds", FlowIds);

lifecycleRoutes
  .openapi(many("start"), async (c) => send(c, await changeFlows(c.var.context, c.var.body, "start")))
  .openapi(many("stop"), async (c) => send(c, await changeFlows(c.var.context, c.var.body, "stop")))
  .openapi(startRoute, async (c) => {
    const { id } = c.req.valid("param");
    return send(c, await changeStatus(c.var.context, { id, trigger: "start", ifMatch: c.req.header("if-match") }));
  })
  .openapi(stopRoute, async (c) => {
    const { id } = c.req.valid("param");
    const trigger = c.req.valid("query").force === "true" ? "forceStop" : "stop";
    return send(c, await changeStatus(c.var.context, { id, trigger, ifMatch: c.req.header("if-match") }));
  });
