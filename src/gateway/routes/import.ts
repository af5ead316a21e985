import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";

import type { HttpEnv } from "../../identity/context.ts";
import { bodyErrors, refusals, secured } from "../../identity/http.ts";
import { json, send } from "../../platform/http.ts";
import { importApi, importedText, importInto } from "../import-api.ts";
import { ApiOverview, ApiParams, ifDraftHeader, ImportWarning, scopeFields, tags } from "./schemas.ts";

const text = {
  schema: {
    type: "string" as const,
    description: "An OpenAPI document, 3.0 or 3.1.",
    example: "openapi: 3.1.0\ninfo: { title: Orders, version: '1' }\npaths: { /orders: { get: {} } }\n",
  },
};
const document = {
  schema: {
    type: "object" as const,
    description: "An OpenAPI document, 3.0 or 3.1.",
    example: { openapi: "3.1.0", info: { title: "Orders", version: "1" }, paths: { "/orders": { get: {} } } },
  },
};

/** Not a body of JSON in the sense of the other routes: it stands beside `request` so that nobody parses it first. */
const requestBody = {
  required: true,
  description: "The document, as JSON or YAML, at most 1 MiB.",
  content: {
    "application/json": document,
    "application/yaml": text,
    "application/x-yaml": text,
    "text/yaml": text,
    "text/plain": text,
  },
};

const warnings = z.array(ImportWarning).meta({ description: "What was not taken over." });
const says =
  "Paths become resources and methods operations; what the document says of parameters, bodies and security is not taken over.";

const importRoute = createRoute({
  method: "post",
  path: "/apis/import",
  operationId: "importApi",
  tags,
  summary: "Make an API from an OpenAPI document",
  description: `Stores a flow of kind api, inactive. ${says} Its first server becomes the destination of all calls. Needs the permission \`flows.write\`.`,
  ...secured("flows.write"),
  requestBody,
  request: {
    query: z.object({
      basePath: z.string().min(1).max(200).optional().meta({
        description:
          "Path under which the API stands on the gateway; by itself that of the document's first server, or its title.",
        example: "/orders/v1",
      }),
      name: z
        .string()
        .min(1)
        .max(200)
        .optional()
        .meta({ description: "Name of the flow; by itself the document's title.", example: "Orders" }),
    }),
  },
  responses: {
    201: json(
      z
        .object({
          data: ApiOverview,
          meta: z.object({ warnings }).meta({ id: "ImportMeta", description: "What the import came to." }),
        })
        .meta({ id: "ImportAnswer", description: "An API that was imported." }),
      "The API.",
    ),
    ...refusals(...bodyErrors, "INVALID_PARAMETER", "INVALID_FLOW", "INVALID_IMPORT", "INVALID_API"),
  },
});

const importIntoRoute = createRoute({
  method: "post",
  path: "/apis/{id}/import",
  operationId: "importIntoApi",
  tags,
  summary: "Replace the resources of an API by those of an OpenAPI document",
  description: `Edits the draft. ${says} Flows of resources and operations whose ids are still there stay. Needs the permission \`flows.write\`.`,
  ...secured("flows.write"),
  parameters: [ifDraftHeader],
  requestBody,
  request: { params: ApiParams },
  responses: {
    200: json(
      z
        .object({
          data: ApiOverview,
          meta: z
            .object({
              warnings,
              removed: z
                .array(z.object(scopeFields).meta({ id: "ApiScopeName", description: "A scope." }))
                .meta({ description: "Scopes that are there no more, and whose flows were removed." }),
            })
            .meta({ id: "ImportIntoMeta", description: "What the import came to." }),
        })
        .meta({ id: "ImportIntoAnswer", description: "An API whose draft has the resources of a document." }),
      "The API.",
    ),
    ...refusals(
      ...bodyErrors,
      "INVALID_ID",
      "FLOW_NOT_FOUND",
      "API_NOT_FOUND",
      "INVALID_IMPORT",
      "INVALID_API",
      "PRECONDITION_FAILED",
      "DRAFT_CONFLICT",
    ),
  },
});

export const importRoutes = new OpenAPIHono<HttpEnv>()
  .openapi(importRoute, async (c) => {
    const asked = { text: await importedText(c.req.raw), ...c.req.valid("query") };
    return send(c, await importApi(c.var.context, asked));
  })
  .openapi(importIntoRoute, async (c) => {
    const which = { id: c.req.valid("param").id, ifMatch: c.req.header("if-match") };
    return send(c, await importInto(c.var.context, which, await importedText(c.req.raw)));
  });
