import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";

import { Api } from "../../apis/model.ts";
import type { HttpEnv } from "../../identity/context.ts";
import { bodyErrors, refusals, secured } from "../../identity/http.ts";
import { ifNoneMatchHeader, isKnown } from "../../platform/conditional.ts";
import { documentedBody, json, jsonBody, send } from "../../platform/http.ts";
import { draftAnswer, overviewAnswer } from "../describe.ts";
import { discardDraft, draftTag, editDraft, getApi } from "../drafts.ts";
import { ApiParams, DraftState, ifDraftHeader, Overview, tags, warnings } from "./schemas.ts";

const known = ["INVALID_ID", "FLOW_NOT_FOUND", "API_NOT_FOUND"] as const;
const edited = ["INVALID_API", "PRECONDITION_FAILED", "DRAFT_CONFLICT", ...bodyErrors] as const;

const DraftAnswer = z
  .object({
    data: Api,
    meta: z
      .object({ draft: DraftState, warnings })
      .meta({ id: "ApiDraftMeta", description: "What there is to know of the draft." }),
  })
  .meta({ id: "ApiDraftAnswer", description: "The document of an API as it is being edited." });

const overviewRoute = createRoute({
  method: "get",
  path: "/apis/{id}",
  operationId: "getApi",
  tags,
  summary: "Get an API at a glance",
  description:
    "A flow of kind api: where it stands, what is saved of it, and whether something is not. The flow itself is at /flows/{id}. Needs the permission `flows.read`.",
  ...secured("flows.read"),
  request: { params: ApiParams },
  responses: { 200: json(Overview, "The API."), ...refusals(...known) },
});

const getDraftRoute = createRoute({
  method: "get",
  path: "/apis/{id}/draft",
  operationId: "getApiDraft",
  tags,
  summary: "Get the draft of an API",
  description:
    "The document as it is being edited; where nothing is unsaved, the one that is saved. Needs the permission `flows.read`.",
  ...secured("flows.read"),
  parameters: [ifNoneMatchHeader],
  request: { params: ApiParams },
  responses: {
    200: json(DraftAnswer, "The draft. Its ETag stands for it and for the revision that it will follow."),
    304: { description: "The draft is still the one with the ETag that was sent." },
    ...refusals(...known),
  },
});

const putDraftRoute = createRoute({
  method: "put",
  path: "/apis/{id}/draft",
  operationId: "replaceApiDraft",
  tags,
  summary: "Replace the draft of an API",
  description:
    "The document as a whole, checked as storing a flow would. Calls see nothing of it until it is saved. A draft that was outdated begins anew from what is saved now. Needs the permission `flows.write`.",
  ...secured("flows.write", jsonBody),
  parameters: [ifDraftHeader],
  request: { params: ApiParams, body: documentedBody("Api", "The document.") },
  responses: { 200: json(DraftAnswer, "The draft after it."), ...refusals(...known, ...edited) },
});

const discardRoute = createRoute({
  method: "delete",
  path: "/apis/{id}/draft",
  operationId: "discardApiDraft",
  tags,
  summary: "Give up the draft of an API",
  description: "What is not saved is lost; the draft then is what is saved. Needs the permission `flows.write`.",
  ...secured("flows.write"),
  parameters: [ifDraftHeader],
  request: { params: ApiParams },
  responses: {
    200: json(Overview, "The API without a draft."),
    ...refusals(...known, "PRECONDITION_FAILED", "DRAFT_CONFLICT"),
  },
});

export const apiRoutes = new OpenAPIHono<HttpEnv>()
  .openapi(overviewRoute, async (c) =>
    send(c, await overviewAnswer(await getApi(c.var.context, c.req.valid("param").id))),
  )
  .openapi(getDraftRoute, async (c) => {
    const state = await getApi(c.var.context, c.req.valid("param").id);
    const etag = draftTag(state);
    if (!isKnown(c.req.header("if-none-match"), etag)) return send(c, await draftAnswer(state));
    c.header("etag", etag);
    return c.body(null, 304);
  })
  .openapi(putDraftRoute, async (c) => {
    const which = { id: c.req.valid("param").id, ifMatch: c.req.header("if-match"), rebase: true };
    return send(c, await draftAnswer(await editDraft(c.var.context, which, () => c.var.body)));
  })
  .openapi(discardRoute, async (c) => {
    const which = { id: c.req.valid("param").id, ifMatch: c.req.header("if-match") };
    return send(c, await overviewAnswer(await discardDraft(c.var.context, which)));
  });
