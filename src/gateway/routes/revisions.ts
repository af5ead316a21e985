import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";

import { Meta } from "../../flows/model.ts";
import { BeforeRevision, revisionNumber } from "../../flows/routes/schemas.ts";
import { RevisionDiff, RevisionDocument, revisionPage } from "../../flows/revisions.ts";
import type { HttpEnv } from "../../identity/context.ts";
import { refusals, repeatErrors, secured } from "../../identity/http.ts";
import { idempotencyHeader, repeatable } from "../../identity/idempotency.ts";
import { json, send } from "../../platform/http.ts";
import { diffApiRevisions, getApiRevision, listApiRevisions, rollbackApi } from "../api-revisions.ts";
import { ApiParams, ifDraftHeader, Overview, tags } from "./schemas.ts";

const RevisionParams = ApiParams.extend({ revision: revisionNumber("revision", "Number of the revision.") });
const known = ["INVALID_ID", "INVALID_PARAMETER", "FLOW_NOT_FOUND", "API_NOT_FOUND"] as const;

const listRoute = createRoute({
  method: "get",
  path: "/apis/{id}/revisions",
  operationId: "getApiRevisions",
  tags,
  summary: "List the revisions of an API",
  description: "Who saved what and when, newest first. Needs the permission `flows.read`.",
  ...secured("flows.read"),
  request: {
    params: ApiParams,
    query: BeforeRevision,
  },
  responses: {
    200: json(revisionPage("ApiRevisionsAnswer", "A page of revisions of an API."), "The revisions."),
    ...refusals(...known),
  },
});

const getRoute = createRoute({
  method: "get",
  path: "/apis/{id}/revisions/{revision}",
  operationId: "getApiRevision",
  tags,
  summary: "Get a revision of an API",
  description: "The whole flow as it was. Needs the permission `flows.read`.",
  ...secured("flows.read"),
  request: { params: RevisionParams },
  responses: {
    200: json(
      z
        .object({ data: RevisionDocument, meta: Meta })
        .meta({ id: "ApiRevisionAnswer", description: "One revision of an API." }),
      "The revision.",
    ),
    ...refusals(...known, "REVISION_NOT_FOUND"),
  },
});

const diffRoute = createRoute({
  method: "get",
  path: "/apis/{id}/revisions/{revision}/diff/{other}",
  operationId: "diffApiRevisions",
  tags,
  summary: "Compare two revisions of an API",
  description:
    "What makes the second of the first, as JSON Patch over the whole flow and in words. Needs the permission `flows.read`.",
  ...secured("flows.read"),
  request: {
    params: RevisionParams.extend({ other: revisionNumber("other", "Number of the revision to compare with.") }),
  },
  responses: {
    200: json(
      z
        .object({ data: RevisionDiff, meta: Meta })
        .meta({ id: "ApiRevisionDiffAnswer", description: "What two revisions of an API differ in." }),
      "The difference; empty lists if there is none.",
    ),
    ...refusals(...known, "REVISION_NOT_FOUND"),
  },
});

const rollbackRoute = createRoute({
  method: "post",
  path: "/apis/{id}/revisions/{revision}/rollback",
  operationId: "rollbackApi",
  tags,
  summary: "Roll an API back to a revision",
  description:
    "Makes the API of a revision a new revision, at once, as saving a draft does. A draft stays, and is outdated then. Needs the permission `flows.write`; while the API is active `flows.control` too.",
  ...secured("flows.write", repeatable),
  parameters: [ifDraftHeader, idempotencyHeader],
  request: { params: RevisionParams },
  responses: {
    200: json(Overview, "The API after it."),
    ...refusals(
      ...known,
      "REVISION_NOT_FOUND",
      "API_MOVING",
      "BASE_PATH_TAKEN",
      "REVISION_CONFLICT",
      "INVALID_API",
      "PRECONDITION_FAILED",
      "BODY_TOO_LARGE",
      ...repeatErrors.slice(2),
    ),
  },
});

export const apiRevisionRoutes = new OpenAPIHono<HttpEnv>()
  .openapi(listRoute, async (c) => {
    const page = { before: Number(c.req.valid("query").before ?? 1_000_000_000), size: 50 };
    return c.json(await listApiRevisions(c.var.context, c.req.valid("param").id, page), 200);
  })
  .openapi(getRoute, async (c) => {
    const { id, revision } = c.req.valid("param");
    return c.json({ data: await getApiRevision(c.var.context, id, Number(revision)), meta: {} }, 200);
  })
  .openapi(diffRoute, async (c) => {
    const { id, revision, other } = c.req.valid("param");
    return c.json({ data: await diffApiRevisions(c.var.context, id, Number(revision), Number(other)), meta: {} }, 200);
  })
  .openapi(rollbackRoute, async (c) => {
    const { id, revision } = c.req.valid("param");
    const which = { id, revision: Number(revision), ifMatch: c.req.header("if-match") };
    return send(c, await rollbackApi(c.var.context, c.env, which));
  });
