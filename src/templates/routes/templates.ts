import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";

import { revisionPage } from "../../flows/revisions.ts";
import type { HttpEnv } from "../../identity/context.ts";
import { bodyErrors, refusals, secured } from "../../identity/http.ts";
import { documentedBody, json, jsonBody, send } from "../../platform/http.ts";
import { createTemplate } from "../create.ts";
import { deleteTemplate } from "../delete.ts";
import { getTemplate } from "../get.ts";
import { listTemplates, TemplateQuery } from "../list.ts";
import { Template } from "../model.ts";
import { listTemplateRevisions } from "../revisions.ts";
import { templateAnswer } from "../store.ts";
import { updateTemplate } from "../update.ts";
import { TemplateAnswer, TemplateParams } from "./schemas.ts";

const tags = ["Templates"];

const createTemplateRoute = createRoute({
  method: "post",
  path: "/templates",
  operationId: "addTemplate",
  tags,
  summary: "Store a template",
  description:
    "It is checked like a flow, with its variables. You become its owner; your tenant may read it once its status is published. Needs the permission `templates.write`.",
  ...secured("templates.write", jsonBody),
  request: { body: documentedBody("TemplateInput", "The template.") },
  responses: {
    201: json(TemplateAnswer, "The stored template."),
    ...refusals("INVALID_TEMPLATE", "OWNER_NOT_ALLOWED", ...bodyErrors),
  },
});

const listRoute = createRoute({
  method: "get",
  path: "/templates",
  operationId: "getTemplates",
  tags,
  summary: "List templates",
  description:
    "The templates that you or your tenant own, and those that are published in your tenant. Needs the permission `templates.read`.",
  ...secured("templates.read"),
  request: { query: TemplateQuery },
  responses: {
    200: json(
      z
        .object({
          data: z.array(Template).meta({ description: "The templates of this page." }),
          meta: z
            .object({
              total: z.int().meta({ description: "Templates that match, on all pages.", example: 3 }),
              page: z.int().meta({ description: "This page; the first is 1.", example: 1 }),
              perPage: z.int().meta({ description: "Templates per page.", example: 10 }),
              totalPages: z.int().meta({ description: "Number of pages; 0 if nothing matches.", example: 1 }),
            })
            .meta({ description: "Where this page stands." }),
        })
        .meta({ id: "TemplateListAnswer", description: "A page of templates." }),
      "A page of templates; empty if nothing matches.",
    ),
    ...refusals("INVALID_PARAMETER"),
  },
});

const getRoute = createRoute({
  method: "get",
  path: "/templates/{id}",
  operationId: "getTemplateById",
  tags,
  summary: "Get a template",
  description: "One template that you may read. Needs the permission `templates.read`.",
  ...secured("templates.read"),
  request: { params: TemplateParams },
  responses: { 200: json(TemplateAnswer, "The template."), ...refusals("INVALID_ID", "TEMPLATE_NOT_FOUND") },
});

const updateRoute = createRoute({
  method: "patch",
  path: "/templates/{id}",
  operationId: "updateTemplate",
  tags,
  summary: "Edit a template",
  description:
    "Replaces the top-level keys that are sent, each as a whole, as a new revision. Instances stay at their revision until they are upgraded. Needs the permission `templates.write`, and to own the template.",
  ...secured("templates.write", jsonBody),
  request: {
    params: TemplateParams,
    body: documentedBody("TemplatePatch", "The keys to replace.", { status: "published" }),
  },
  responses: {
    200: json(TemplateAnswer, "The template after the edit."),
    ...refusals(
      "INVALID_ID",
      "ID_MISMATCH",
      "INVALID_TEMPLATE",
      "OWNER_NOT_ALLOWED",
      "TEMPLATE_NOT_FOUND",
      "REVISION_CONFLICT",
      ...bodyErrors,
    ),
  },
});

const deleteRoute = createRoute({
  method: "delete",
  path: "/templates/{id}",
  operationId: "deleteTemplate",
  tags,
  summary: "Delete a template",
  description:
    "Removes the template for good, with its revisions; not while there are instances of it, whoever owns them. Needs the permission `templates.write`, and to own the template.",
  ...secured("templates.write"),
  request: { params: TemplateParams },
  responses: {
    200: json(
      z
        .object({
          msg: z.string().meta({ description: "What was done.", example: "Template was successfully deleted" }),
        })
        .meta({ id: "TemplateDeletedAnswer", description: "Confirms a deletion." }),
      "The template is gone.",
    ),
    ...refusals("INVALID_ID", "TEMPLATE_NOT_FOUND", "TEMPLATE_IN_USE"),
  },
});

const number = z
  .string()
  .regex(/^[1-9]\d{0,8}$/, "Use the number of a revision.")
  .optional();

const revisionsRoute = createRoute({
  method: "get",
  path: "/templates/{id}/revisions",
  operationId: "getTemplateRevisions",
  tags,
  summary: "List the revisions of a template",
  description:
    "Who changed what and when, newest first. All are kept as long as the template. Needs the permission `templates.read`.",
  ...secured("templates.read"),
  request: {
    params: TemplateParams,
    query: z.object({ before: number.meta({ description: "Only revisions below this number.", example: "12" }) }),
  },
  responses: {
    200: json(revisionPage("TemplateRevisionsAnswer", "A page of revisions of a template."), "The revisions."),
    ...refusals("INVALID_ID", "INVALID_PARAMETER", "TEMPLATE_NOT_FOUND"),
  },
});

export const storedRoutes = new OpenAPIHono<HttpEnv>()
  .openapi(createTemplateRoute, async (c) => send(c, await createTemplate(c.var.context, c.var.body)))
  .openapi(listRoute, async (c) => send(c, await listTemplates(c.var.context, c.req.valid("query"))))
  .openapi(getRoute, async (c) => send(c, templateAnswer(await getTemplate(c.var.context, c.req.valid("param").id))))
  .openapi(updateRoute, async (c) => {
    return send(c, await updateTemplate(c.var.context, c.req.valid("param").id, c.var.body));
  })
  .openapi(deleteRoute, async (c) => {
    await deleteTemplate(c.var.context, c.req.valid("param").id);
    return c.json({ msg: "Template was successfully deleted" }, 200);
  })
  .openapi(revisionsRoute, async (c) => {
    const page = { before: Number(c.req.valid("query").before ?? 1_000_000_000), size: 50 };
    return c.json(await listTemplateRevisions(c.var.context, c.req.valid("param").id, page), 200);
  });
