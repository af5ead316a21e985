import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";

import type { HttpEnv } from "../../identity/context.ts";
import { refusals, repeatErrors, secured } from "../../identity/http.ts";
import { idempotencyHeader, repeatable } from "../../identity/idempotency.ts";
import { withNeighbours } from "../../neighbours/http.ts";
import { ifMatchHeader } from "../../platform/conditional.ts";
import { json, send } from "../../platform/http.ts";
import { Meta } from "../model.ts";
import {
  diffRevisions,
  getRevision,
  listRevisions,
  restoreRevision,
  revisionPage,
  RevisionDiff,
  RevisionDocument,
} from "../revisions.ts";
import { BeforeRevision, FlowParams, revisionNumber, SavedFlowAnswer } from "./schemas.ts";

const RevisionParams = FlowParams.extend({ revision: revisionNumber("revision", "Number of the revision.") });
const kept = "As many are kept as the setting REVISION_LIMIT says, 100 if it says nothing; the oldest go first.";

const listRoute = createRoute({
  method: "get",
  path: "/flows/{id}/revisions",
  operationId: "getFlowRevisions",
  tags: ["Revisions"],
  summary: "List the revisions of a flow",
  description: `Who changed what and when, newest first. ${kept} Needs the permission \`flows.read\`.`,
  ...secured("flows.read"),
  request: {
    params: FlowParams,
    query: BeforeRevision,
  },
  responses: {
    200: json(revisionPage("RevisionsAnswer", "A page of revisions."), "The revisions."),
    ...refusals("INVALID_ID", "INVALID_PARAMETER", "FLOW_NOT_FOUND"),
  },
});

const getRoute = createRoute({
  method: "get",
  path: "/flows/{id}/revisions/{revision}",
  operationId: "getFlowRevision",
  tags: ["Revisions"],
  summary: "Get a revision of a flow",
  description: `The document as it was. ${kept} Needs the permission \`flows.read\`.`,
  ...secured("flows.read"),
  request: { params: RevisionParams },
  responses: {
    200: json(
      z.object({ data: RevisionDocument, meta: Meta }).meta({ id: "RevisionAnswer", description: "One revision." }),
      "The revision.",
    ),
    ...refusals("INVALID_ID", "INVALID_PARAMETER", "FLOW_NOT_FOUND", "REVISION_NOT_FOUND"),
  },
});

const diffRoute = createRoute({
  method: "get",
  path: "/flows/{id}/revisions/{revision}/diff/{other}",
  operationId: "diffFlowRevisions",
  tags: ["Revisions"],
  summary: "Compare two revisions of a flow",
  description:
    "What makes the second of the first, as JSON Patch and by node and edge. Needs the permission `flows.read`.",
  ...secured("flows.read"),
  request: {
    params: RevisionParams.extend({ other: revisionNumber("other", "Number of the revision to compare with.") }),
  },
  responses: {
    200: json(
      z.object({ data: RevisionDiff, meta: Meta }).meta({ id: "RevisionDiffAnswer", description: "A difference." }),
      "The difference; empty lists if there is none.",
    ),
    ...refusals("INVALID_ID", "INVALID_PARAMETER", "FLOW_NOT_FOUND", "REVISION_NOT_FOUND"),
  },
});

const restoreRoute = createRoute({
  method: "post",
  path: "/flows/{id}/revisions/{revision}/restore",
  operationId: "restoreFlowRevision",
  tags: ["Revisions"],
  summary: "Restore a revision of a flow",
  description:
    "Makes the document of a revision the present one, as a new revision; the owners stay. The flow must be inactive. Needs the permission `flows.write`.",
  ...secured("flows.write", repeatable, withNeighbours),
  parameters: [ifMatchHeader, idempotencyHeader],
  request: { params: RevisionParams },
  responses: {
    200: json(SavedFlowAnswer, "The flow after it."),
    ...refusals(
      "INVALID_ID",
      "REVISION_NOT_FOUND",
      "INVALID_FLOW",
      "FLOW_NOT_INACTIVE",
      "REVISION_CONFLICT",
      "PRECONDITION_FAILED",
      ...repeatErrors,
    ),
  },
});

export const revisionRoutes = new OpenAPIHono<HttpEnv>()
  .openapi(listRoute, async (c) => {
    const page = { before: Number(c.req.valid("query").before ?? 1_000_000_000), size: 50 };
    return c.json(await listRevisions(c.var.context, c.req.valid("param").id, page), 200);
  })
  .openapi(getRoute, async (c) => {
    const { id, revision } = c.req.valid("param");
    return c.json({ data: await getRevision(c.var.context, id, Number(revision)), meta: {} }, 200);
  })
  .openapi(diffRoute, async (c) => {
    const { id, revision, other } = c.req.valid("param");
    return c.json({ data: await diffRevisions(c.var.context, id, Number(revision), Number(other)), meta: {} }, 200);
  })
  .openapi(restoreRoute, async (c) => {
    const { id, revision } = c.req.valid("param");
    return send(c, await restoreRevision(c.var.context, id, Number(revision), c.req.header("if-match")));
  });
