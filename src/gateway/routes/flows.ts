import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";

import { StoredFlow } from "../../apis/model.ts";
import { Meta } from "../../flows/model.ts";
import type { HttpEnv } from "../../identity/context.ts";
import { bodyErrors, refusals, secured } from "../../identity/http.ts";
import { documentedBody, json, jsonBody, send } from "../../platform/http.ts";
import { draftTag } from "../drafts.ts";
import { getScope, removeScope, replaceScope } from "../edit-flow.ts";
import { getEffective } from "../effective.ts";
import { allOf, edited, EditedAnswer, ifMatch, known, path, sendEdited } from "./flow-edits.ts";
import { EffectiveScope, ScopeView } from "./flow-schemas.ts";
import { ifDraftHeader, ScopeParams, tags } from "./schemas.ts";

const ViewAnswer = z
  .object({ data: ScopeView, meta: Meta })
  .meta({ id: "ApiScopeAnswer", description: "The flow of a scope." });
const getRoute = createRoute({
  method: "get",
  path,
  operationId: "getApiFlow",
  tags,
  summary: "Get the flow of a scope",
  description: `Its interceptors in the draft, where each comes from, and whether the flow is broken: then changes of the flow above do not reach it. ${allOf} Needs the permission \`flows.read\`.`,
  ...secured("flows.read"),
  request: { params: ScopeParams },
  responses: { 200: json(ViewAnswer, "The flow."), ...refusals(...known) },
});

const effectiveRoute = createRoute({
  method: "get",
  path: `${path}/effective`,
  operationId: "getEffectiveApiFlow",
  tags,
  summary: "Get what will run for a scope",
  description: `What a call runs once the draft is saved, in the order in which it runs: the request from left to right, the response from right to left, the chain of a plan inside that of the API. ${allOf} Needs the permission \`flows.read\`.`,
  ...secured("flows.read"),
  request: { params: ScopeParams },
  responses: {
    200: json(
      z
        .object({ data: EffectiveScope, meta: Meta })
        .meta({ id: "EffectiveScopeAnswer", description: "What will run for a scope." }),
      "What will run.",
    ),
    ...refusals(...known),
  },
});

const putRoute = createRoute({
  method: "put",
  path,
  operationId: "replaceApiFlow",
  tags,
  summary: "Replace the flow of a scope",
  description: `Saves both lists and the destination of the scope in the draft, and passes the change on to the flows below. An interceptor with the id of one above counts as inherited; the first flow of a scope begins with those. ${allOf} Needs the permission \`flows.write\`.`,
  ...secured("flows.write", jsonBody),
  parameters: [ifDraftHeader],
  request: {
    params: ScopeParams,
    body: documentedBody("ApiFlow", "Both lists, and the destination if the scope says any. `base` is not read.", {
      request: [{ id: "limit", type: "rateLimit", config: { calls: 100, interval: "minute" } }],
      response: [],
      destination: { url: "https://backend.example.com/orders/{id}", timeout: 10 },
    }),
  },
  responses: {
    200: json(EditedAnswer, "The flow after it."),
    ...refusals(...known, ...edited, ...bodyErrors.filter((code) => code !== "BODY_TOO_LARGE")),
  },
});

const deleteRoute = createRoute({
  method: "delete",
  path,
  operationId: "removeApiFlow",
  tags,
  summary: "Remove the flow of a scope",
  description: `From now on the scope runs the flow above. ${allOf} Needs the permission \`flows.write\`.`,
  ...secured("flows.write"),
  parameters: [ifDraftHeader],
  request: { params: ScopeParams },
  responses: {
    200: json(EditedAnswer, "The flow that runs there now."),
    ...refusals(...known, ...edited, "API_FLOW_NOT_FOUND"),
  },
});

export const apiFlowRoutes = new OpenAPIHono<HttpEnv>();
apiFlowRoutes.openAPIRegistry.register("ApiFlow", StoredFlow);

apiFlowRoutes
  .openapi(getRoute, async (c) => {
    const { state, scope } = await getScope(c.var.context, c.req.valid("param"));
    return send(c, { status: 200, etag: draftTag(state), body: JSON.stringify({ data: scope, meta: {} }) });
  })
  .openapi(effectiveRoute, async (c) => {
    const data = await getEffective(c.var.context, c.req.valid("param"));
    return send(c, { status: 200, body: JSON.stringify({ data, meta: {} }) });
  })
  .openapi(putRoute, async (c) => {
    const which = { ...c.req.valid("param"), ...ifMatch(c) };
    return sendEdited(c, await replaceScope(c.var.context, which, c.var.body));
  })
  .openapi(deleteRoute, async (c) =>
    sendEdited(c, await removeScope(c.var.context, { ...c.req.valid("param"), ...ifMatch(c) })),
  );
