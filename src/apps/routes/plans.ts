import { createRoute, OpenAPIHono } from "@hono/zod-openapi";

import { Plan } from "../../apis/model.ts";
import type { HttpEnv } from "../../identity/context.ts";
import { bodyErrors, refusals, secured } from "../../identity/http.ts";
import { isKnown } from "../../platform/conditional.ts";
import { documentedBody, json, jsonBody } from "../../platform/http.ts";
import { createPlan } from "../create-plan.ts";
import { deletePlan } from "../delete-plan.ts";
import { tagOf } from "../edit.ts";
import { getPlan } from "../get-plan.ts";
import { listPlans } from "../list.ts";
import { PlanInput } from "../plan-model.ts";
import { toldOf } from "../plan-store.ts";
import { replacePlan } from "../replace-plan.ts";
import {
  deleted,
  ifMatchOf,
  ifNoneMatchOf,
  pageQuery,
  PlanAnswer,
  PlanListAnswer,
  PlanParams,
  WrittenPlanAnswer,
} from "./schemas.ts";

const tags = ["Plans"];

const createPlanRoute = createRoute({
  method: "post",
  path: "/plans",
  operationId: "addPlan",
  tags,
  summary: "Store a plan",
  description:
    "A plan stands between apps and APIs: an app that has it may call the APIs that name it, and its interceptors run for that app. All that is wrong with it is told. You and your tenant become owners. Needs the permission `plans.write`.",
  ...secured("plans.write", jsonBody),
  request: { body: documentedBody("PlanInput", "The plan.") },
  responses: {
    201: json(WrittenPlanAnswer, "The stored plan."),
    ...refusals("INVALID_PLAN", "OWNER_NOT_ALLOWED", ...bodyErrors),
  },
});

const listRoute = createRoute({
  method: "get",
  path: "/plans",
  operationId: "getPlans",
  tags,
  summary: "List plans",
  description: "The plans that you or your tenant own, without interceptors. Needs the permission `plans.read`.",
  ...secured("plans.read"),
  request: { query: pageQuery("plans", /^plan_[\w-]{1,64}$/, "plan_5ca5c44c187c040010a9bb8d") },
  responses: {
    200: json(PlanListAnswer, "A page of plans; empty if there is none."),
    ...refusals("INVALID_PARAMETER"),
  },
});

const getRoute = createRoute({
  method: "get",
  path: "/plans/{id}",
  operationId: "getPlanById",
  tags,
  summary: "Get a plan",
  description: "One plan that you or your tenant own. Needs the permission `plans.read`.",
  ...secured("plans.read"),
  parameters: [ifNoneMatchOf("plan")],
  request: { params: PlanParams },
  responses: {
    200: json(PlanAnswer, "The plan."),
    304: { description: "The plan is still the one with the ETag that was sent." },
    ...refusals("INVALID_ID", "PLAN_NOT_FOUND"),
  },
});

const replaceRoute = createRoute({
  method: "put",
  path: "/plans/{id}",
  operationId: "replacePlan",
  tags,
  summary: "Replace a plan",
  description:
    "Name, description and interceptors are those of the body; owners stay. Gateways know it within 5 s. Needs the permission `plans.write`.",
  ...secured("plans.write", jsonBody),
  parameters: [ifMatchOf("plan")],
  request: { params: PlanParams, body: documentedBody("Plan", "The plan, whole.") },
  responses: {
    200: json(WrittenPlanAnswer, "The plan after it."),
    ...refusals(
      "INVALID_ID",
      "PLAN_NOT_FOUND",
      "INVALID_PLAN",
      "REVISION_CONFLICT",
      "PRECONDITION_FAILED",
      ...bodyErrors,
    ),
  },
});

const deleteRoute = createRoute({
  method: "delete",
  path: "/plans/{id}",
  operationId: "deletePlan",
  tags,
  summary: "Delete a plan",
  description:
    "Removes the plan for good; no app may have it. APIs are not asked: one that names a plan that is gone refuses its apps with 403, unless they have another of its plans. Needs the permission `plans.write`.",
  ...secured("plans.write"),
  parameters: [ifMatchOf("plan")],
  request: { params: PlanParams },
  responses: {
    200: json(deleted("Plan"), "The plan is gone."),
    ...refusals("INVALID_ID", "PLAN_NOT_FOUND", "PLAN_IN_USE", "REVISION_CONFLICT", "PRECONDITION_FAILED"),
  },
});

export const planRoutes = new OpenAPIHono<HttpEnv>()
  .openapi(createPlanRoute, async (c) => {
    const { row, warnings } = await createPlan(c.var.context, c.var.body);
    return c.json({ data: toldOf(row), meta: { warnings } }, 201, { etag: tagOf(row) });
  })
  .openapi(listRoute, async (c) => {
    const { "page[size]": size, "page[after]": after = "" } = c.req.valid("query");
    return c.json(await listPlans(c.var.context, { size: Number(size), after }), 200);
  })
  .openapi(getRoute, async (c) => {
    const row = await getPlan(c.var.context, c.req.valid("param").id);
    const etag = tagOf(row);
    if (!isKnown(c.req.header("if-none-match"), etag)) return c.json({ data: toldOf(row), meta: {} }, 200, { etag });
    return c.body(null, 304, { etag });
  })
  .openapi(replaceRoute, async (c) => {
    const which = { id: c.req.valid("param").id, ifMatch: c.req.header("if-match") };
    const { row, warnings } = await replacePlan(c.var.context, which, c.var.body);
    return c.json({ data: toldOf(row), meta: { warnings } }, 200, { etag: tagOf(row) });
  })
  .openapi(deleteRoute, async (c) => {
    await deletePlan(c.var.context, { id: c.req.valid("param").id, ifMatch: c.req.header("if-match") });
    return c.json({ msg: "Plan was successfully deleted" }, 200);
  });
planRoutes.openAPIRegistry.register("PlanInput", PlanInput);
planRoutes.openAPIRegistry.register("Plan", Plan);
