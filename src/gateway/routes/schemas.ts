import { z } from "@hono/zod-openapi";

import { categories, places, stages } from "../../apis/interceptors/interceptor.ts";
import { Finding } from "../../flows/findings.ts";
import { FlowStatus, Meta } from "../../flows/model.ts";
import { FlowParams } from "../../flows/routes/schemas.ts";
import { headerParameter } from "../../platform/http.ts";

export const ApiParams = FlowParams;
export const tags = ["APIs"];

/** Documents If-Match on a route that changes a draft, or what is live. */
export const ifDraftHeader = headerParameter(
  "if-match",
  '"3-2-mhx4k0a1"',
  "Go on only if the draft has this ETag; any other is refused with 412. Without it the last writer wins.",
);

const DraftFacts = z
  .object({
    edits: z.int().meta({ description: "Edits since it was begun.", example: 2 }),
    updatedAt: z.iso.datetime().meta({ description: "When it was edited last.", example: "2026-11-22T04:30:00.000Z" }),
    updatedBy: z.string().meta({ description: "Account that edited it last.", example: "5c0000000000000000000002" }),
    outdated: z.boolean().meta({
      description:
        "Whether the API was changed since the draft was begun. It cannot be saved then: put it again as a whole, or delete it.",
      example: false,
    }),
  })
  .meta({ id: "ApiDraftFacts", description: "What is being edited and not saved." });
export const DraftState = DraftFacts.nullable().meta({ description: "The draft; null if nothing is unsaved." });

export const warnings = z.array(Finding).meta({
  description:
    "What is to be said of the draft that does not keep it from being saved (`warning`). One without `warning` would: a rule came after it was saved.",
});

export const ApiOverview = z
  .object({
    id: z.string().meta({ description: "Id of the flow.", example: "6b0259e4ef2fe4ca09ca001d" }),
    name: z.string().meta({ description: "Name of the flow; empty if it has none.", example: "Orders" }),
    status: FlowStatus,
    revision: z
      .int()
      .meta({ description: "The revision that is saved; of an active API the one that answers calls.", example: 3 }),
    basePath: z.string().meta({ description: "Its base path, as it is saved.", example: "/orders/v1" }),
    address: z
      .string()
      .meta({ description: "Path under which it answers on this host.", example: "/gateway/orders/v1" }),
    hostnames: z
      .array(z.string())
      .meta({ description: "Host names of its own, where it answers without /gateway.", example: ["api.example.com"] }),
    draft: DraftState,
    plans: z.array(z.string()).meta({ description: "Ids of the plans that may use it.", example: ["plan_gold"] }),
    resources: z.int().meta({ description: "How many resources it has.", example: 12 }),
    warnings,
  })
  .meta({ id: "ApiOverview", description: "An API at a glance: what is saved, and whether something is not." });

export const Overview = z
  .object({ data: ApiOverview, meta: Meta })
  .meta({ id: "ApiOverviewAnswer", description: "An API at a glance." });

export const ImportWarning = z
  .object({
    pointer: z
      .string()
      .meta({ description: "JSON pointer into the imported document.", example: "/paths/~1orders/get" }),
    message: z
      .string()
      .meta({ description: "What was not taken over.", example: "Webhooks are calls to others. They were left out." }),
  })
  .meta({ id: "ImportWarning", description: "What the document says and the API does not." });

const word = (description: string, example: string) =>
  z
    .string()
    .min(1)
    .max(100)
    .meta({ description: `${description}, or all.`, example });

export const ScopeParams = ApiParams.extend({
  resource: word("Id of a resource", "order"),
  operation: word("Id of an operation of it", "get"),
});

const level = z.enum(["api", "resource", "operation"]);
const ofLevel = (description: string) => level.meta({ description, example: "api" });

export const scopeFields = {
  resource: z.string().meta({ description: "Id of the resource, or all.", example: "order" }),
  operation: z.string().meta({ description: "Id of the operation, or all.", example: "get" }),
};

export const runs = ofLevel("The level whose flow runs; null if no level has one.").nullable();
export const stage = z
  .enum(stages)
  .meta({ description: "Whether it runs on the request or on the response.", example: "request" });

export const entryFields = {
  id: z.string().meta({ description: "Names the interceptor within the API.", example: "limit" }),
  type: z.string().meta({ description: "What it does: one of the catalogue.", example: "rateLimit" }),
};

export const configFields = {
  config: z
    .record(z.string(), z.unknown())
    .meta({ description: "Its settings.", example: { calls: 100, interval: "minute" } }),
  abortOnFail: z
    .boolean()
    .optional()
    .meta({ description: "Whether a call ends if it cannot do its work. Default true.", example: true }),
  when: z.string().optional().meta({ description: "It works only if this holds.", example: "method = 'POST'" }),
};
export const enabled = z.boolean().meta({ description: "false: it is passed by.", example: true });
export const entryLevel = ofLevel("The level that brought it in.");

export const DestinationView = z
  .object({
    level: ofLevel("The level that says it."),
    url: z.string().meta({ description: "Address of the backend.", example: "https://backend.example.com" }),
    certificate: z
      .string()
      .optional()
      .meta({ description: "mTLS binding with which it is called.", example: "CERTIFICATE_ORDERS" }),
  })
  .meta({
    id: "ApiDestinationView",
    description: "Where calls of a scope go, by the most specific level that says so.",
  });

export const TimeoutView = z
  .object({
    level: ofLevel("The level that says it."),
    timeout: z
      .union([z.number(), z.string()])
      .meta({ description: "Seconds, or a variable of the environment.", example: 10 }),
  })
  .meta({
    id: "ApiTimeoutView",
    description: "How long the destination is waited for, by the most specific level that says so.",
  });

export const InterceptorAbout = z
  .object({
    type: entryFields.type,
    category: z.enum(categories).meta({ description: "What kind of work it is.", example: "traffic" }),
    description: z.string().meta({ description: "What it does.", example: "Counts the calls of an interval." }),
    stages: z.array(z.enum(stages)).meta({ description: "On which lists it may stand.", example: ["request"] }),
    scopes: z
      .array(z.enum(places))
      .meta({ description: "In the flows of which scopes it may stand, or of plans.", example: ["api", "plan"] }),
    config: z.record(z.string(), z.unknown()).meta({
      description: "JSON Schema (2020-12) of its settings.",
      example: { type: "object", properties: { calls: { type: "integer" } } },
    }),
  })
  .meta({ id: "InterceptorAbout", description: "An interceptor of the catalogue." });
