import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context as HonoContext } from "hono";

import type { HttpEnv } from "../identity/context.ts";
import { bodyErrors, refusals, secured } from "../identity/http.ts";
import { json } from "../platform/http.ts";
import { bytesOfBody } from "./body.ts";
import { exportedFlows } from "./export-flows.ts";
import { exportedTemplates } from "./export-templates.ts";
import type { Import } from "./import.ts";
import { importFlows } from "./import-flows.ts";
import { importTemplates } from "./import-templates.ts";
import { begun, streamOf } from "./lines.ts";
import { ExportedFlow, ExportedTemplateLine } from "./model.ts";
import { ImportReportAnswer } from "./report.ts";

const NDJSON = "application/x-ndjson";

const lines = (example: string) => ({
  schema: { type: "string" as const, description: "Documents as JSON, one to a line.", example },
});

/** Stands beside `request`, so that nobody reads the body before it is read as it comes. */
const bodyOf = (noun: string, example: object) => ({
  required: true,
  description: `${noun} as \`mongoexport\` of the original's database or an export of this service writes them: one to a line, or one array. At most 20,000 and 64 MiB at once, unpacked; gzip is taken.`,
  content: {
    [NDJSON]: lines(JSON.stringify(example)),
    "application/ndjson": lines(JSON.stringify(example)),
    "text/plain": lines(JSON.stringify(example)),
    "application/json": {
      schema: {
        type: "array" as const,
        description: "The documents.",
        items: { type: "object" as const, description: "A document, as it was stored." },
        example: [example],
      },
    },
  },
});

const ImportQuery = z.object({
  dryRun: z
    .enum(["true", "false"], { error: "Use true or false." })
    .optional()
    .meta({ description: "true: says what would become of each document, and stores nothing.", example: "true" }),
  line: z
    .string()
    .regex(/^[1-9]\d{0,11}$/, "Use the number of a line.")
    .optional()
    .meta({ description: "Number of the first line in your file, so that the report tells its lines.", example: "1" }),
});

const says =
  "Whatever can be stored is, in portions; the rest is told with its line. The same again changes nothing. A document that differs from what is here is written if it is newer, as the next revision, but never over a status that moved here or a flow that is being started or stopped. Needs the permission `all`.";
const importErrors = [...bodyErrors, "INVALID_PARAMETER"] as const;
const reported = json(ImportReportAnswer, "What became of the documents.");

const importFlowsRoute = createRoute({
  method: "post",
  path: "/flows/import",
  operationId: "importFlows",
  tags: ["Flows"],
  summary: "Import flows",
  description: `Stores flows as they were elsewhere: ids, dates, owners and status are kept. Active flows are active at once; those that run in this service are made live by it. ${says}`,
  ...secured("all"),
  requestBody: bodyOf("Flows", {
    _id: { $oid: "6b0259e4ef2fe4ca09ca001d" },
    name: "Example",
    graph: {
      nodes: [{ id: "step_1", componentId: { $oid: "5ca5c44c187c040010a9bb8b" }, function: "poll" }],
      edges: [],
    },
    owners: [{ id: "5d0000000000000000000001", type: "tenant" }],
    status: "active",
    createdAt: { $date: "2026-11-22T02:56:36.545Z" },
  }),
  request: { query: ImportQuery },
  responses: { 200: reported, ...refusals(...importErrors) },
});

const importTemplatesRoute = createRoute({
  method: "post",
  path: "/templates/import",
  operationId: "importTemplates",
  tags: ["Templates"],
  summary: "Import templates",
  description: `Stores templates as they were elsewhere: ids, dates, owners, tenant and status are kept, and what they were before. Import them before the flows that are their instances. ${says}`,
  ...secured("all"),
  requestBody: bodyOf("Templates", {
    _id: { $oid: "5ca5c44c187c040010a9bb8d" },
    name: "Example",
    graph: {
      nodes: [{ id: "step_1", componentId: { $oid: "5ca5c44c187c040010a9bb8b" }, function: "poll" }],
      edges: [],
    },
    owners: [{ id: "5c0000000000000000000002", type: "user" }],
    status: "published",
    createdAt: { $date: "2026-11-22T02:56:36.545Z" },
  }),
  request: { query: ImportQuery },
  responses: { 200: reported, ...refusals(...importErrors) },
});

const exportFlowsRoute = createRoute({
  method: "get",
  path: "/flows/export",
  operationId: "exportFlows",
  tags: ["Flows"],
  summary: "Export flows",
  description:
    "Every flow that you or your tenant own, in the order of creation, as a stream of lines that an import takes. Which start a flow had and in which tenant is told only to the permission `all`. If the connection breaks off before the end, something failed: ask again. Needs the permission `flows.read`.",
  ...secured("flows.read"),
  responses: {
    200: { description: "A flow to a line.", content: { [NDJSON]: { schema: ExportedFlow } } },
    ...refusals(),
  },
});

const exportTemplatesRoute = createRoute({
  method: "get",
  path: "/templates/export",
  operationId: "exportTemplates",
  tags: ["Templates"],
  summary: "Export templates",
  description:
    "Every template that you may read, and what those that you may write were before, as a stream of lines that an import takes. If the connection breaks off before the end, something failed: ask again. Needs the permission `templates.read`.",
  ...secured("templates.read"),
  responses: {
    200: { description: "A template to a line.", content: { [NDJSON]: { schema: ExportedTemplateLine } } },
    ...refusals(),
  },
});

const asked = (c: HonoContext<HttpEnv>, { dryRun, line = "1" }: z.output<typeof ImportQuery>): Import => ({
  bytes: bytesOfBody(c.req.raw),
  line: Number(line),
  isDry: dryRun === "true",
});

/** Whoever asks for the head alone has nothing read. */
async function linesAnswer(c: HonoContext<HttpEnv>, texts: AsyncGenerator<string>): Promise<never> {
  c.header("content-type", NDJSON);
  if (c.req.method === "HEAD") return c.body(null) as never;
  return c.body(streamOf(await begun(texts))) as never;
}

/** They come before the routes of one flow or template, whose ids would be `export`. */
export const transferRoutes = new OpenAPIHono<HttpEnv>()
  .openapi(importFlowsRoute, async (c) => {
    const report = await importFlows(c.var.context, c.env, asked(c, c.req.valid("query")));
    return c.json({ data: report, meta: {} }, 200);
  })
  .openapi(importTemplatesRoute, async (c) => {
    const report = await importTemplates(c.var.context, asked(c, c.req.valid("query")));
    return c.json({ data: report, meta: {} }, 200);
  })
  .openapi(exportFlowsRoute, (c) => linesAnswer(c, exportedFlows(c.var.context)))
  .openapi(exportTemplatesRoute, (c) => linesAnswer(c, exportedTemplates(c.var.context)));
