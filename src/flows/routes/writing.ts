import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";

import { can } from "../../identity/actor.ts";
import type { HttpEnv } from "../../identity/context.ts";
import { bodyErrors, refusals, repeatErrors, secured } from "../../identity/http.ts";
import { AppError } from "../../platform/errors.ts";
import { idempotencyHeader, repeatable } from "../../identity/idempotency.ts";
import { ifMatchHeader } from "../../platform/conditional.ts";
import { documentedBody, json, jsonBody, listBody, send } from "../../platform/http.ts";
import { withNeighbours } from "../../neighbours/http.ts";
import { flowAnswer } from "../answer.ts";
import { createFlow, createFlows } from "../create.ts";
import { deleteFlow } from "../delete.ts";
import { detachFlow } from "../detach.ts";
import { exampleFlow } from "../example.ts";
import { Finding } from "../findings.ts";
import { Meta } from "../model.ts";
import { updateFlow } from "../update.ts";
import { updateFlows } from "../update-many.ts";
import { validateFlow } from "../validate.ts";
import { FlowAnswer, FlowParams, FlowsAnswer, SavedFlowAnswer } from "./schemas.ts";

const createFlowRoute = createRoute({
  method: "post",
  path: "/flows",
  operationId: "addFlow",
  tags: ["Flows"],
  summary: "Store a flow, or several",
  description:
    "The flow is checked as a whole and every finding is told. You and your tenant become owners. Needs the permission `flows.write`; for an array of up to 1000 flows also `flows.bulk`, `tenant.all` or `all`. Of an array those that pass are stored.",
  ...secured("flows.write", listBody, repeatable, withNeighbours),
  parameters: [idempotencyHeader],
  request: {
    body: documentedBody("FlowInputOrArray", "A flow, or an array of up to 1000.", exampleFlow),
  },
  responses: {
    201: json(
      z.union([SavedFlowAnswer, FlowsAnswer]),
      "The stored flow; for an array one entry per flow, in its place.",
    ),
    ...refusals("INVALID_FLOW", "OWNER_NOT_ALLOWED", "MISSING_BULK_PERMISSION", ...repeatErrors, ...bodyErrors),
  },
});

const validateRoute = createRoute({
  method: "post",
  path: "/flows/validate",
  operationId: "validateFlow",
  tags: ["Flows"],
  summary: "Check a flow without storing it",
  description:
    "The same checks as storing, with all findings and their places; where flows run in this service also what would keep the flow from running: unknown components, fields that do not fit, conditions and mappers that are no expressions. Needs the permission `flows.write`.",
  ...secured("flows.write", jsonBody, withNeighbours),
  request: { body: documentedBody("FlowInput", "The flow to check.", exampleFlow) },
  responses: {
    200: json(
      z
        .object({
          data: z
            .object({
              valid: z
                .boolean()
                .meta({ description: "Whether the flow would be stored and could run here.", example: true }),
              findings: z.array(Finding).meta({ description: "What is wrong; empty if nothing is." }),
            })
            .meta({ description: "The verdict." }),
          meta: Meta,
        })
        .meta({ id: "ValidationAnswer", description: "What a check found." }),
      "The result of the check, good or bad.",
    ),
    ...refusals(...bodyErrors),
  },
});

const updateManyRoute = createRoute({
  method: "patch",
  path: "/flows/bulk",
  operationId: "updateFlowBulk",
  tags: ["Flows"],
  summary: "Edit several flows",
  description:
    "Up to 1000 edits, each with the `id` of its flow; those of one flow are made one after another. One that fails does not hold up the others. Needs the permission `flows.bulk`.",
  ...secured("flows.bulk", listBody, withNeighbours),
  request: {
    body: documentedBody("FlowPatchArray", "The edits.", [{ id: "6b0259e4ef2fe4ca09ca001d", name: "A better name" }]),
  },
  responses: {
    200: json(FlowsAnswer, "One entry per edit, in its place: the flow, or why it was refused."),
    ...refusals(...bodyErrors),
  },
});

const updateRoute = createRoute({
  method: "patch",
  path: "/flows/{id}",
  operationId: "updateFlow",
  tags: ["Flows"],
  summary: "Edit a flow",
  description:
    "Replaces the top-level keys that are sent, each as a whole. The flow must be inactive. Owners can be added; only an admin takes them away. Needs the permission `flows.write`.",
  ...secured("flows.write", jsonBody, withNeighbours),
  parameters: [ifMatchHeader],
  request: {
    params: FlowParams,
    body: documentedBody("FlowPatch", "The keys to replace.", { name: "A better name" }),
  },
  responses: {
    200: json(SavedFlowAnswer, "The flow after the edit."),
    ...refusals(
      "INVALID_ID",
      "ID_MISMATCH",
      "INVALID_FLOW",
      "OWNER_NOT_ALLOWED",
      "FLOW_NOT_FOUND",
      "FLOW_NOT_INACTIVE",
      "INSTANCE_GRAPH",
      "INVALID_VALUES",
      "REVISION_CONFLICT",
      "PRECONDITION_FAILED",
      ...bodyErrors,
    ),
  },
});

const detachRoute = createRoute({
  method: "post",
  path: "/flows/{id}/detach",
  operationId: "detachFlow",
  tags: ["Templates"],
  summary: "Detach an instance from its template",
  description:
    "Makes an ordinary flow of an instance: it keeps the graph and the values that it has, and both can be edited from then on. Upgrades of the template do not reach it any more. It must be inactive. Needs the permission `flows.write`.",
  ...secured("flows.write"),
  parameters: [ifMatchHeader],
  request: { params: FlowParams },
  responses: {
    200: json(FlowAnswer, "The flow after it."),
    ...refusals(
      "INVALID_ID",
      "FLOW_NOT_FOUND",
      "FLOW_NOT_INACTIVE",
      "FLOW_NO_INSTANCE",
      "REVISION_CONFLICT",
      "PRECONDITION_FAILED",
    ),
  },
});

const deleteRoute = createRoute({
  method: "delete",
  path: "/flows/{id}",
  operationId: "deleteFlow",
  tags: ["Flows"],
  summary: "Delete a flow",
  description:
    "Removes the flow for good, with its earlier revisions. It must be inactive. Needs the permission `flows.write`.",
  ...secured("flows.write"),
  parameters: [ifMatchHeader],
  request: { params: FlowParams },
  responses: {
    200: json(
      z
        .object({ msg: z.string().meta({ description: "What was done.", example: "Flow was successfully deleted" }) })
        .meta({ id: "DeletedAnswer", description: "Confirms a deletion." }),
      "The flow is gone.",
    ),
    ...refusals("INVALID_ID", "FLOW_NOT_FOUND", "FLOW_NOT_INACTIVE", "REVISION_CONFLICT", "PRECONDITION_FAILED"),
  },
});

export const writingRoutes = new OpenAPIHono<HttpEnv>()
  .openapi(createFlowRoute, async (c) => {
    const { context: ctx, body, config } = c.var;
    if (!Array.isArray(body)) return send(c, await createFlow(ctx, body));
    const mayBulk = can(ctx.actor, config.FLOW_BULK_PERMISSION) || can(ctx.actor, "tenant.all");
    if (!mayBulk) throw new AppError("MISSING_BULK_PERMISSION");
    return send(c, await createFlows(ctx, body));
  })
  .openapi(validateRoute, async (c) => {
    return c.json({ data: await validateFlow(c.var.context, c.var.body), meta: {} }, 200);
  })
  .openapi(updateManyRoute, async (c) => {
    return send(c, await updateFlows(c.var.context, c.var.body));
  })
  .openapi(updateRoute, async (c) => {
    const ifMatch = c.req.header("if-match");
    return send(c, await updateFlow(c.var.context, { id: c.req.valid("param").id, body: c.var.body, ifMatch }));
  })
  .openapi(detachRoute, async (c) => {
    return send(c, flowAnswer(await detachFlow(c.var.context, c.req.valid("param").id, c.req.header("if-match"))));
  })
  .openapi(deleteRoute, async (c) => {
    await deleteFlow(c.var.context, c.req.valid("param").id, c.req.header("if-match"));
    return c.json({ msg: "Flow was successfully deleted" }, 200);
  });
