import { z } from "zod";

import { flowStatuses } from "../db/schema.ts";
import { ErrorItem } from "../platform/errors.ts";
import { objectIdPattern } from "../platform/ids.ts";
import { Api } from "../apis/model.ts";
import { Workflow } from "../workflows/model.ts";
import { exampleFlow } from "./example.ts";

/** A reference of the ecosystem: 24 hex digits (12 single-byte characters are taken and shown as their hex). */
export const ObjectId = z.string().regex(objectIdPattern, "Use 24 hexadecimal digits.").meta({ format: "objectid" });

const anything = z.unknown().optional();

/** Sizes that the two modes of checking allow. */
const sizes = {
  lenient: { nodeId: 64, edgeId: 64, condition: 2000 },
  strict: { nodeId: 30, edgeId: 10, condition: 30 },
} as const;

export type FlowValidation = keyof typeof sizes;

export const flowKinds = ["integration", "workflow", "api"] as const;
export type FlowKind = (typeof flowKinds)[number];

export const MOST_NODES = 5000;
export const MOST_EDGES = 10_000;
export const MOST_OWNERS = 1000;

const owner = z
  .object({
    id: z.string().min(1).meta({ description: "Account or tenant id.", example: "5c0000000000000000000002" }),
    type: z.string().min(1).meta({ description: "What the owner is; by convention user or tenant.", example: "user" }),
  })
  .meta({ id: "Owner", description: "Somebody who may see and, with the permissions, change the flow." });
export type Owner = z.infer<typeof owner>;

const Instance = z
  .object({
    revision: z.int().meta({ description: "Revision of the template that it follows.", example: 3 }),
    values: z.record(z.string(), z.unknown()).meta({
      description: "Its own values of the template's variables; of a secret variable the id of a secret.",
      example: { batchSize: 50 },
    }),
    effective: z
      .record(z.string(), z.unknown())
      .optional()
      .meta({
        description:
          "What expressions know as $vars: its values, and where it has none the defaults. Secrets are left out.",
        example: { batchSize: 50, region: "eu" },
      }),
    missing: z
      .array(z.string())
      .optional()
      .meta({ description: "Required variables without a value; it cannot start while there are any.", example: [] }),
  })
  .meta({
    id: "Instance",
    description: "Present where the flow is an instance of a template: it has no graph of its own but the template's.",
  });

function documentIn(mode: FlowValidation) {
  const most = sizes[mode];
  const strict = mode === "strict";
  const named = (id: string) => (strict ? `Strict${id}` : id);

  const node = z
    .object({
      id: z
        .string()
        .min(1)
        .max(most.nodeId)
        .meta({ description: `Names the step within the flow; at most ${most.nodeId} characters.`, example: "step_1" }),
      componentId: (strict ? ObjectId : z.string().max(64).nullish()).meta({
        description:
          "The component that does the work: its id in the component repository, or the name of a built-in one.",
        example: "5ca5c44c187c040010a9bb8b",
      }),
      function: (strict ? z.string().min(1) : z.string().nullish()).meta({
        description: "Which function of the component is called.",
        example: "getPersonsPolling",
      }),
      name: z.string().nullish().meta({ description: "A title for people.", example: "An example origin" }),
      credentials_id: ObjectId.nullish().meta({
        description: "Secret in the secret service that the component uses.",
        example: "5ca5c44c187c040010a9bb8c",
      }),
      description: z.string().nullish().meta({ description: "What the step is for.", example: "Polls new persons" }),
      fields: anything.meta({ description: "Arguments of the component; kept as sent.", example: { interval: 5 } }),
      nodeSettings: anything.meta({
        description: "Settings of the runtime for this step; kept as sent.",
        example: { basicTransform: true },
      }),
    })
    .meta({ id: named("FlowNode"), description: "A step of a flow." });

  const edge = z
    .object({
      id: z
        .string()
        .max(most.edgeId)
        .nullish()
        .meta({ description: `Names the edge; at most ${most.edgeId} characters.`, example: "edge_1" }),
      config: z
        .object({
          condition: z
            .string()
            .max(most.condition)
            .nullish()
            .meta({
              description: `Under which data passes; at most ${most.condition} characters.`,
              example: "data.age > 17",
            }),
          mapper: anything.meta({
            description: "How data is changed on its way; kept as sent.",
            example: { name: "data.fullName" },
          }),
          loop: z.boolean().nullish().meta({
            description: "true: data may come back over this edge to a step where it was; at most 9 times to one step.",
            example: false,
          }),
        })
        .nullish()
        .meta({ description: "What happens to data on this edge." }),
      source: z.string().min(1).meta({ description: "Id of the node that gives data.", example: "step_1" }),
      target: z.string().min(1).meta({ description: "Id of the node that takes it.", example: "step_2" }),
    })
    .meta({ id: named("FlowEdge"), description: "A direction in which data travels." });

  const graph = z
    .object({
      nodes: z
        .array(node)
        .max(MOST_NODES)
        .meta({ description: `The steps; 1 to ${MOST_NODES}. Only flows of another kind than integration have none.` }),
      edges: z
        .array(edge)
        .max(MOST_EDGES)
        .default([])
        .meta({
          description: `Needed where there is more than one node; up to ${MOST_EDGES}. A cycle is refused unless an edge of it is marked by config.loop.`,
        }),
    })
    .meta({ id: named("FlowGraph"), description: "The core of a flow: its steps and how data travels between them." });

  return z.object({
    name: z.string().nullish().meta({ description: "A title for people.", example: "Example Integration Flow" }),
    description: z.string().nullish().meta({
      description: "What the flow is for.",
      example: "Transfers data from the example origin to the example destination",
    }),
    kind: z.enum(flowKinds).nullish().meta({
      description:
        "What the flow is: integration (the default; `graph`: steps that payloads travel through), workflow (`workflow`: a script that people walk through) or api (`api`: an API that stands on the gateway).",
      example: "integration",
    }),
    graph,
    workflow: Workflow.optional(),
    api: Api.optional(),
    type: z
      .string()
      .nullish()
      .meta({ description: "Free text, such as ordinary or long_running.", example: "ordinary" }),
    tenant: z
      .string()
      .nullish()
      .meta({ description: "Tenant in whose name the flow runs.", example: "5d0000000000000000000001" }),
    owners: z
      .array(owner)
      .max(MOST_OWNERS)
      .meta({ description: "Who may see the flow. The caller and the caller's tenant are added when it is created." }),
    cron: z.string().nullish().meta({
      description: "When the flow starts a pass by itself: cron expression of 5 or 6 fields.",
      example: "*/3 * * * *",
    }),
    fromTemplate: ObjectId.nullish().meta({
      description: "Template the flow was made from.",
      example: "5ca5c44c187c040010a9bb8d",
    }),
    flowSettings: anything.meta({
      description: "Settings of the whole flow; kept as sent.",
      example: { webhooks: { requireWebhookAuth: true } },
    }),
    values: z
      .record(z.string(), z.unknown())
      .nullish()
      .meta({ description: "What expressions know as $vars, by name; kept as sent.", example: { batchSize: 50 } }),
    instance: Instance.optional(),
  });
}

/** What a client writes and the repository keeps, in the two modes of checking. */
export const documents = { lenient: documentIn("lenient"), strict: documentIn("strict") };

/** The document as it is stored and answered, whichever mode it passed. */
export const FlowDocument = documents.lenient;
export type FlowDocument = z.infer<typeof FlowDocument>;

export const FlowInput = FlowDocument.omit({ instance: true })
  .extend({
    graph: FlowDocument.shape.graph.optional(),
    owners: FlowDocument.shape.owners.optional(),
  })
  .meta({
    id: "FlowInput",
    description: "A flow as a client writes it. Unknown keys are dropped.",
    example: exampleFlow,
  });

export const FlowPatch = FlowInput.extend({
  id: ObjectId.optional().meta({
    description: "May be sent; must then equal the id in the path.",
    example: "6b0259e4ef2fe4ca09ca001d",
  }),
  instance: Instance.pick({ values: true }).meta({
    id: "InstancePatch",
    description: "Of an instance of a template: its values, which replace the old ones as a whole.",
  }),
})
  .partial()
  .meta({
    id: "FlowPatch",
    description: "The top-level keys to replace, each as a whole. null empties a key.",
    example: { name: "A better name" },
  });

export const FlowStatus = z.enum(flowStatuses).meta({
  id: "FlowStatus",
  description: "inactive: may be edited. starting, stopping: waits for the orchestrator. active: runs.",
  example: "inactive",
});
export type FlowStatus = z.infer<typeof FlowStatus>;

export const LastError = z
  .object({
    code: z
      .enum(["FLOW_FAILED", "START_TIMEOUT", "STOP_TIMEOUT"])
      .meta({ description: "Reported by the orchestrator, or an answer that never came.", example: "FLOW_FAILED" }),
    reason: z
      .string()
      .meta({ description: "What happened, for people.", example: "Component step_1/unknown is not known." }),
    at: z.iso.datetime().meta({ description: "When it became known.", example: "2026-11-22T04:30:00.000Z" }),
  })
  .meta({ id: "LastError", description: "Why the last start or stop did not go well. The next start clears it." });
export type LastError = z.infer<typeof LastError>;

const time = (description: string) => z.iso.datetime().meta({ description, example: "2026-11-22T02:56:36.545Z" });

export const Flow = FlowDocument.extend({
  status: FlowStatus,
  createdAt: time("When the flow was stored first."),
  updatedAt: time("When the document or the status changed last."),
  id: ObjectId.meta({ description: "Names the flow.", example: "6b0259e4ef2fe4ca09ca001d" }),
  revision: z
    .int()
    .meta({ description: "Number of the document; each accepted change makes the next one.", example: 1 }),
  statusSeq: z.int().meta({ description: "Number of the last transition of the status.", example: 0 }),
  startedBy: z
    .string()
    .nullable()
    .meta({ description: "Account that started the flow last.", example: "5c0000000000000000000002" }),
  startedAt: time("When the flow was started last.").nullable(),
  lastError: LastError.nullable(),
  stalled: z.boolean().meta({
    description: "The orchestrator has not answered several commands to stop. POST …/stop?force=true is the way out.",
    example: false,
  }),
}).meta({ id: "Flow", description: "A stored flow." });
export type Flow = z.infer<typeof Flow>;

/** What stands beside a flow that was stored. */
export const SaveMeta = z
  .object({
    warnings: z.array(ErrorItem).optional().meta({
      description:
        "Present only if there are any, and only where neighbours are asked: components and secrets that you cannot see, or of which no answer came. The flow is stored all the same.",
    }),
  })
  .meta({ id: "SaveMeta", description: "Empty, or warnings.", maxProperties: 1 });

export const Meta = z.object({}).meta({ id: "Meta", description: "Always empty here.", maxProperties: 0 });
