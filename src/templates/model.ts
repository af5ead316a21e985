import { z } from "zod";

import { templateStatuses } from "../db/schema.ts";
import { FlowDocument, ObjectId } from "../flows/model.ts";
import { Variable, variableName } from "../flows/variables.ts";

const { name, description, type, tenant, owners, cron, flowSettings, graph } = FlowDocument.shape;
const { nodes, edges } = graph.shape;

export const authTypes = [
  "NO_AUTH",
  "API_KEY",
  "OA1_TWO_LEGGED",
  "OA1_THREE_LEGGED",
  "OA2_AUTHORIZATION_CODE",
  "SIMPLE",
  "MIXED",
  "SESSION_AUTH",
] as const;

const node = nodes.element
  .extend({
    credentials_id: z.string().nullish().meta({
      description: "Secret that the component uses, or $vars.<name>: the secret of each instance's own variable.",
      example: "$vars.crm",
    }),
    tenant: z
      .string()
      .nullish()
      .meta({ description: "Kept as sent; flows do not have it.", example: "5d0000000000000000000001" }),
    authorization: z
      .object({
        authType: z
          .enum(authTypes)
          .nullish()
          .meta({ description: "What kind of secret the component needs.", example: "API_KEY" }),
        authClientId: z
          .string()
          .nullish()
          .meta({ description: "Client at the authorization server.", example: "5ca5c44c187c040010a9bb8e" }),
      })
      .nullish()
      .meta({ description: "What whoever makes a flow of the template has to bring; flows do not have it." }),
  })
  .meta({ id: "TemplateNode", description: "A step of a template." });

export const variables = z
  .record(z.string().regex(variableName, "Use a letter, then letters, digits and _; at most 64."), Variable)
  .meta({
    description: "What differs from one instance to the other, by name; up to 100.",
    example: {
      batchSize: { schema: { type: "integer", minimum: 1 }, default: 100 },
      crm: { secret: true, required: true },
    },
  });
export const MOST_VARIABLES = 100;

export const TemplateDocument = z.object({
  name,
  description,
  graph: z
    .object({ nodes: z.array(node).min(1).meta({ description: "The steps." }), edges })
    .meta({ id: "TemplateGraph", description: "The steps of a template and how data travels between them." }),
  type,
  tenant: tenant.meta({
    description: "Tenant of whoever made the template; once it is published, all of the tenant may read it.",
    example: "5d0000000000000000000001",
  }),
  owners: owners.meta({ description: "Who may see and change the template. Whoever makes it is one." }),
  cron,
  sourceTemplate: ObjectId.nullish().meta({
    description: "Template that this one was made from.",
    example: "5ca5c44c187c040010a9bb8d",
  }),
  flowSettings,
  variables: variables.optional(),
});
export type TemplateDocument = z.infer<typeof TemplateDocument>;

export const TemplateStatus = z.enum(templateStatuses).meta({
  id: "TemplateStatus",
  description: "draft: only its owners see it. published: all of its tenant may read it and make flows of it.",
  example: "draft",
});
export type TemplateStatus = z.infer<typeof TemplateStatus>;

const example = {
  name: "Orders to the CRM",
  graph: {
    nodes: [
      { id: "receive", componentId: "webhook" },
      {
        id: "push",
        componentId: "http",
        credentials_id: "$vars.crm",
        fields: { method: "POST", url: "{{$vars.url}}" },
      },
    ],
    edges: [{ source: "receive", target: "push" }],
  },
  variables: {
    url: { schema: { type: "string" }, default: "https://crm.example.com/orders" },
    crm: { secret: true, required: true },
  },
};

export const TemplateInput = TemplateDocument.omit({ tenant: true })
  .extend({ owners: owners.optional(), status: TemplateStatus.optional() })
  .meta({ id: "TemplateInput", description: "A template as a client writes it. Unknown keys are dropped.", example });

export const TemplatePatch = TemplateInput.partial().meta({
  id: "TemplatePatch",
  description: "The top-level keys to replace, each as a whole. null empties a key.",
  example: { status: "published" },
});

const time = (told: string) => z.iso.datetime().meta({ description: told, example: "2026-11-22T02:56:36.545Z" });

export const Template = TemplateDocument.extend({
  status: TemplateStatus,
  createdAt: time("When the template was stored first."),
  updatedAt: time("When it was changed last."),
  id: ObjectId.meta({ description: "Names the template.", example: "5ca5c44c187c040010a9bb8d" }),
  revision: z.int().meta({ description: "Number of the document; each change makes the next one.", example: 1 }),
}).meta({ id: "Template", description: "A stored template." });
