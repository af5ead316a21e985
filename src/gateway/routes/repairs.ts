import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";

import type { HttpEnv } from "../../identity/context.ts";
import { refusals, secured } from "../../identity/http.ts";
import { json } from "../../platform/http.ts";
import { restoreScope, takeValue } from "../edit-flow.ts";
import { allOf, edited, EditedAnswer, ifMatch, known, path, sendEdited } from "./flow-edits.ts";
import { ifDraftHeader, ScopeParams, tags } from "./schemas.ts";

const restoreRoute = createRoute({
  method: "post",
  path: `${path}/restore`,
  operationId: "restoreApiFlow",
  tags,
  summary: "Undo a break",
  description: `Puts the interceptors of the flow above first and those of its own behind them; own ones and overrides stay. ${allOf} Needs the permission \`flows.write\`.`,
  ...secured("flows.write"),
  parameters: [ifDraftHeader],
  request: {
    params: ScopeParams,
    query: z.object({
      discard: z
        .enum(["true", "false"])
        .default("false")
        .meta({ description: "true: own interceptors and overrides are dropped.", example: "false" }),
    }),
  },
  responses: { 200: json(EditedAnswer, "The flow after it."), ...refusals(...known, ...edited, "API_FLOW_NOT_FOUND") },
});

const takeRoute = createRoute({
  method: "post",
  path: `${path}/entries/{entryId}/take`,
  operationId: "takeParentsValue",
  tags,
  summary: "Take the value of the flow above",
  description: `Gives an inherited interceptor what the flow above has now. ${allOf} Needs the permission \`flows.write\`.`,
  ...secured("flows.write"),
  parameters: [ifDraftHeader],
  request: {
    params: ScopeParams.extend({
      entryId: z.string().min(1).max(100).meta({ description: "Id of the interceptor.", example: "limit" }),
    }),
  },
  responses: {
    200: json(EditedAnswer, "The flow after it."),
    ...refusals(...known, ...edited, "API_FLOW_NOT_FOUND", "API_ENTRY_NOT_FOUND"),
  },
});

export const repairRoutes = new OpenAPIHono<HttpEnv>()
  .openapi(restoreRoute, async (c) => {
    const which = { ...c.req.valid("param"), ...ifMatch(c) };
    return sendEdited(c, await restoreScope(c.var.context, which, c.req.valid("query").discard === "true"));
  })
  .openapi(takeRoute, async (c) => {
    const { entryId, ...which } = c.req.valid("param");
    return sendEdited(c, await takeValue(c.var.context, { ...which, ...ifMatch(c) }, entryId));
  });
