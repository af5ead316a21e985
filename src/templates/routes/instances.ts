import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";

import { listFlows } from "../../flows/list.ts";
import { FlowQuery } from "../../flows/list-query.ts";
import { FlowListAnswer } from "../../flows/routes/reading.ts";
import { SavedFlowAnswer } from "../../flows/routes/schemas.ts";
import type { HttpEnv } from "../../identity/context.ts";
import { bodyErrors, refusals, repeatErrors, secured } from "../../identity/http.ts";
import { idempotencyHeader, repeatable } from "../../identity/idempotency.ts";
import { withNeighbours } from "../../neighbours/http.ts";
import { bodyIfAny, documentedBody, json, send } from "../../platform/http.ts";
import { generateFlow } from "../generate.ts";
import { getTemplate } from "../get.ts";
import { TemplateParams } from "./schemas.ts";

const tags = ["Templates"];

export const GenerateInput = z
  .object({
    name: z.string().nullish().meta({ description: "A title for people.", example: "Orders of Example Ltd." }),
    description: z.string().nullish().meta({ description: "What the flow is for.", example: "Pushes orders" }),
    values: z
      .record(z.string(), z.unknown())
      .optional()
      .meta({
        description: "Values of the template's variables; of a secret variable the id of a secret.",
        example: { batchSize: 50, crm: "5ca5c44c187c040010a9bb8c" },
      }),
    graph: z
      .unknown()
      .optional()
      .meta({
        description:
          "What is different in the graph, laid over that of the template: objects by key, arrays by position. Makes an ordinary flow instead of an instance.",
        example: { nodes: [{ name: "Ours" }] },
      }),
  })
  .meta({
    id: "GenerateInput",
    description: "What the flow has its own way; type, cron, flowSettings and tenant can be sent as well.",
    example: { name: "Orders of Example Ltd.", values: { crm: "5ca5c44c187c040010a9bb8c" } },
  });

const generateRoute = createRoute({
  method: "post",
  path: "/templates/{id}/generate",
  operationId: "generateFlow",
  tags,
  summary: "Make a flow of a template",
  description:
    "Makes an instance: a flow with its own values and the template's graph, which follows the template by upgrades. A body that changes the graph makes an ordinary flow, a copy. Owners are you and your tenant, nobody else. Needs the permission `flows.write`.",
  ...secured("flows.write", bodyIfAny, repeatable, withNeighbours),
  parameters: [idempotencyHeader],
  request: {
    params: TemplateParams,
    body: { ...documentedBody("GenerateInput", "What is different."), required: false },
  },
  responses: {
    201: json(SavedFlowAnswer, "The flow, with its graph."),
    ...refusals("INVALID_ID", "TEMPLATE_NOT_FOUND", "INVALID_VALUES", "INVALID_FLOW", ...repeatErrors, ...bodyErrors),
  },
});

const listRoute = createRoute({
  method: "get",
  path: "/templates/{id}/instances",
  operationId: "getTemplateInstances",
  tags,
  summary: "List the flows of a template",
  description:
    "The flows made of the template that you or your tenant own. The same as `GET /flows?filter[fromTemplate]=`, to which `links` lead on. Needs the permission `flows.read`.",
  ...secured("flows.read"),
  request: { params: TemplateParams, query: FlowQuery },
  responses: {
    200: json(FlowListAnswer, "A page of flows; empty if there are none."),
    ...refusals("INVALID_ID", "INVALID_PARAMETER", "TEMPLATE_NOT_FOUND"),
  },
});

export const instanceRoutes = new OpenAPIHono<HttpEnv>()
  .openapi(generateRoute, async (c) => {
    return send(c, await generateFlow(c.var.context, c.req.valid("param").id, c.var.body));
  })
  .openapi(listRoute, async (c) => {
    const { id } = await getTemplate(c.var.context, c.req.valid("param").id);
    return send(c, await listFlows(c.var.context, { ...c.req.valid("query"), "filter[fromTemplate]": id }));
  });
