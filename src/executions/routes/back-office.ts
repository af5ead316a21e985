import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";

import { Meta } from "../../flows/model.ts";
import type { HttpEnv } from "../../identity/context.ts";
import { bodyErrors, refusals, secured } from "../../identity/http.ts";
import { documentedBody, json, jsonBody, parsed } from "../../platform/http.ts";
import { eventsOf, executionsOf, showExecution, signalExecution, terminateExecution } from "../back-office.ts";
import {
  Execution,
  ExecutionDetail,
  ExecutionEvent,
  ListQuery,
  SignalInput,
  size,
  Touched,
} from "./back-office-schemas.ts";
import { uuidParameter } from "./schemas.ts";

const tags = ["Back office"];
const params = z.object({ uuid: uuidParameter("uuid", "The execution.") });
const refused = ["EXECUTION_NOT_FOUND", "EXECUTION_UNAVAILABLE", "INVALID_PARAMETER"] as const;

const listRoute = createRoute({
  method: "get",
  path: "/api/backoffice/executions",
  operationId: "listExecutions",
  summary: "List executions",
  description:
    "Executions of the flows that are listed under you or your tenant, the newest first; of a flow that is shared with you by its id. A page may be shorter than asked, or empty, while `meta.next` says that there are more. Needs the permission `executions.read`.",
  tags,
  ...secured("executions.read"),
  request: { query: ListQuery },
  responses: {
    200: json(
      z
        .object({
          data: z.array(Execution).meta({ description: "The executions." }),
          meta: z
            .object({
              next: z
                .string()
                .nullable()
                .meta({ description: "Behind which one the next page begins; null at the end.", example: null }),
            })
            .meta({ description: "Where the next page begins." }),
        })
        .meta({ id: "ExecutionList", description: "A page of executions." }),
      "A page of executions.",
    ),
    ...refusals("FLOW_NOT_FOUND", "INVALID_PARAMETER"),
  },
});

const getRoute = createRoute({
  method: "get",
  path: "/api/backoffice/executions/{uuid}",
  operationId: "getExecutionDetail",
  summary: "Look at an execution",
  description:
    "How it stands, and its script. What is marked by `workflow.mask` is masked. Needs the permission `executions.read`.",
  tags,
  ...secured("executions.read"),
  request: { params },
  responses: {
    200: json(
      z.object({ data: ExecutionDetail, meta: Meta }).meta({ id: "ExecutionAnswer", description: "One execution." }),
      "The execution.",
    ),
    ...refusals(...refused),
  },
});

const eventsRoute = createRoute({
  method: "get",
  path: "/api/backoffice/executions/{uuid}/events",
  operationId: "getExecutionEvents",
  summary: "Read what happened in an execution",
  description:
    "Empty unless the workflow says `log: true`; gone with the execution. Needs the permission `executions.read`.",
  tags,
  ...secured("executions.read"),
  request: {
    params,
    query: z.object({
      after: z.coerce
        .number()
        .int()
        .min(0)
        .default(0)
        .meta({ description: "Only events behind this one.", example: 100 }),
      "page[size]": size(500, 100),
    }),
  },
  responses: {
    200: json(
      z
        .object({
          data: z.array(ExecutionEvent).meta({ description: "The events, in their order." }),
          meta: z
            .object({
              next: z.int().nullable().meta({ description: "Behind which event the next page begins.", example: null }),
            })
            .meta({ description: "Where the next page begins." }),
        })
        .meta({ id: "ExecutionEvents", description: "A page of events." }),
      "A page of events.",
    ),
    ...refusals(...refused),
  },
});

const terminateRoute = createRoute({
  method: "post",
  path: "/api/backoffice/executions/{uuid}/terminate",
  operationId: "terminateExecution",
  summary: "End an execution",
  description:
    "What it waits for is given up. One that has ended stays as it is. Needs the permission `executions.control`.",
  tags,
  ...secured("executions.control"),
  request: { params },
  responses: { 200: json(Touched, "It has ended."), ...refusals(...refused) },
});

const signalRoute = createRoute({
  method: "post",
  path: "/api/backoffice/executions/{uuid}/events",
  operationId: "signalExecution",
  summary: "Tell an execution of an event",
  description:
    "Ends a wait command for this event; without one it is remembered until there is one. Needs the permission `executions.control`.",
  tags,
  ...secured("executions.control", jsonBody),
  request: { params, body: documentedBody("SignalInput", "The event.", { name: "paid" }) },
  responses: { 200: json(Touched, "It was told."), ...refusals(...refused, "EXECUTION_ENDED", ...bodyErrors) },
});

export const backOfficeRoutes = new OpenAPIHono<HttpEnv>();
backOfficeRoutes.openAPIRegistry.register("SignalInput", SignalInput);

backOfficeRoutes.openapi(
  listRoute,
  async (c) => c.json(await executionsOf(c.get("context"), c.req.valid("query")), 200) as never,
);
backOfficeRoutes.openapi(getRoute, async (c) => {
  const data = await showExecution(c.env, c.get("context"), c.req.valid("param").uuid);
  return c.json({ data, meta: {} }, 200) as never;
});
backOfficeRoutes.openapi(eventsRoute, async (c) => {
  const { after, "page[size]": asked } = c.req.valid("query");
  return c.json(await eventsOf(c.env, c.get("context"), c.req.valid("param").uuid, after, asked), 200) as never;
});
backOfficeRoutes.openapi(terminateRoute, async (c) => {
  const { uuid } = c.req.valid("param");
  await terminateExecution(c.env, c.get("context"), uuid);
  return c.json({ data: { uuid }, meta: {} }, 200) as never;
});
backOfficeRoutes.openapi(signalRoute, async (c) => {
  const { uuid } = c.req.valid("param");
  await signalExecution(c.env, c.get("context"), uuid, parsed(SignalInput, c.get("body")));
  return c.json({ data: { uuid }, meta: {} }, 200) as never;
});
