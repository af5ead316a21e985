import { z } from "zod";

import { entries, type Entry, type EntryDraft } from "./entry.ts";
import { type Destination, destination, environments } from "./environment.ts";
import { ID_TEXT, RESERVED_ID } from "./fields.ts";
import { checkRanges } from "./ranges.ts";

export type { Destination } from "./environment.ts";
export type { Entry, EntryDraft, Json, Lists, Stage, Values } from "./entry.ts";

interface Flow<T> {
  readonly request: readonly T[];
  readonly response: readonly T[];
  readonly destination?: Destination;
}
/** What a user saves for a scope. */
export type FlowDraft = Flow<EntryDraft>;
/** Positions are left to right on both lists; that the response runs reversed is the chain's matter. */
export type StoredFlow = Flow<Entry>;

export interface ResourceFlows {
  /** The flow of R/All. */
  readonly all?: StoredFlow;
  /** The flows of R/O. */
  readonly operations: Readonly<Record<string, StoredFlow>>;
}

/** The saved flows of one API. */
export interface Flows {
  /** The flow of All/All. */
  readonly all?: StoredFlow;
  readonly resources: Readonly<Record<string, ResourceFlows>>;
}

/** All/All, R/All or R/O. */
export type Scope =
  | { readonly resource?: never; readonly operation?: never }
  | { readonly resource: string; readonly operation?: string };

export type Level = "api" | "resource" | "operation";

export const MOST_RESOURCES = 2000;
export const MOST_OPERATIONS = 10;

const id = (description: string, example: string) =>
  ID_TEXT.refine((text) => !RESERVED_ID.test(text), {
    error: "all is the word for all of them. Use another id.",
    params: { code: "ID_RESERVED" },
  }).meta({ description, example });
const title = (description: string, example: string) => z.string().min(1).max(200).meta({ description, example });

export const Operation = z
  .strictObject({
    id: id("Names the operation within its resource.", "get"),
    method: z.string().min(1).max(40).meta({ description: "HTTP method. A GET answers HEAD too.", example: "GET" }),
    name: title("A title for people.", "Read an order").optional(),
  })
  .meta({
    id: "ApiOperation",
    description: "What can be done with a resource.",
    example: { id: "get", method: "GET" },
  });
export type Operation = z.infer<typeof Operation>;

export const Resource = z
  .strictObject({
    id: id("Names the resource within the API.", "order"),
    path: z.string().max(2000).meta({
      description:
        "Path behind the base path. A segment may be a parameter such as {id}, and the last one *, which stands for all that follows.",
      example: "/orders/{id}",
    }),
    name: title("A title for people.", "One order").optional(),
    operations: z
      .array(Operation)
      .max(MOST_OPERATIONS)
      .meta({ description: `Its operations, at most ${MOST_OPERATIONS}.`, example: [{ id: "get", method: "GET" }] }),
  })
  .meta({
    id: "ApiResource",
    description: "A path of the API and what can be done there.",
    example: { id: "order", path: "/orders/{id}", operations: [{ id: "get", method: "GET" }] },
  });
export type Resource = z.infer<typeof Resource>;

const flowOf = {
  request: entries("Interceptors of the request, from left to right: in this order they run."),
  response: entries("Interceptors of the response, from left to right: they run from right to left."),
};

export const StoredFlow = z
  .strictObject({ ...flowOf, destination: destination.optional() })
  .meta({ id: "ApiFlow", description: "Interceptors and destination of one scope." });

/** Keys are ids, which are held against the resources and operations by the check. */
const ResourceFlows = z
  .strictObject({
    all: StoredFlow.optional(),
    operations: z
      .record(z.string(), StoredFlow)
      .default({})
      .meta({ description: "Flows of single operations, by id of the operation." }),
  })
  .meta({ id: "ApiResourceFlows", description: "The flow of all operations of a resource, and those of single ones." });

export const Flows = z
  .strictObject({
    all: StoredFlow.optional(),
    resources: z
      .record(z.string(), ResourceFlows)
      .default({})
      .meta({ description: "Flows of single resources, by id of the resource." }),
  })
  .meta({
    id: "ApiFlows",
    description: "The flows by scope. A scope without a flow of its own runs the nearest one above.",
    example: { all: { request: [], response: [], destination: { url: "https://backend.example.com" } }, resources: {} },
  });

const planId = z
  .string()
  .regex(/^plan_[\w-]{1,64}$/, "Use the id of a plan, such as plan_gold.")
  .meta({ description: "Id of a plan.", example: "plan_gold" });

const settings = z
  .strictObject({
    valueInheritance: z.enum(["copied", "live"]).default("copied").meta({
      description:
        "copied: a value that is changed in the flow of the whole API reaches no flow that exists. live: it reaches those that did not set it themselves.",
      example: "copied",
    }),
    traceSampling: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .meta({ description: "Share of the calls of which a trace is kept, 0 to 1.", example: 0.01 }),
    trustedProxies: z
      .array(z.string())
      .max(1000)
      .superRefine(checkRanges)
      .default([])
      .meta({
        description:
          "Addresses and ranges (CIDR) of proxies in front of the gateway. Only what they say in X-Forwarded-For is believed.",
        example: ["203.0.113.0/24"],
      }),
  })
  .meta({ id: "ApiSettings", description: "How the API behaves as a whole." });

const hostname = z
  .string()
  .max(253)
  .regex(
    /^(?=.*[a-z])(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    "Use a host name in small letters, such as api.example.com.",
  )
  .meta({ description: "A host name.", example: "api.example.com" });

export const Api = z
  .strictObject({
    basePath: z.string().max(200).meta({
      description:
        "Path under which the API stands on the gateway: /gateway{basePath}/…; at a host name of its own without /gateway.",
      example: "/orders/v1",
    }),
    hostnames: z
      .array(hostname)
      .max(20)
      .optional()
      .meta({ description: "Host names of its own, beside the gateway's.", example: ["api.example.com"] }),
    resources: z
      .array(Resource)
      .max(MOST_RESOURCES)
      .meta({ description: `Resources and their operations, at most ${MOST_RESOURCES}.` }),
    flows: Flows.default({ resources: {} }),
    environments,
    environment: z
      .string()
      .optional()
      .meta({ description: "The environment that is live. Required if there are any.", example: "production" }),
    plans: z
      .array(planId)
      .max(100)
      .default([])
      .meta({
        description: "Plans that may use the API. An app calls it through one of them.",
        example: ["plan_gold"],
      }),
    settings: settings.default(settings.parse({})),
  })
  .meta({
    id: "Api",
    description: "The document of a flow of kind api.",
    example: {
      basePath: "/orders/v1",
      resources: [{ id: "order", path: "/orders/{id}", operations: [{ id: "get", method: "GET" }] }],
      flows: {
        all: { request: [], response: [], destination: { url: "https://backend.example.com/orders" } },
        resources: {},
      },
    },
  });
export type Api = Omit<z.infer<typeof Api>, "flows"> & { readonly flows: Flows };

export const Plan = z
  .strictObject({
    name: title("A title for people.", "Gold"),
    description: z
      .string()
      .max(2000)
      .optional()
      .meta({ description: "What the plan is for.", example: "For partners." }),
    ...flowOf,
  })
  .meta({
    id: "Plan",
    description:
      "What apps subscribe to. Its interceptors run behind those of the API on the request, and before them on the response.",
    example: { name: "Gold", request: [], response: [] },
  });
export type Plan = Omit<z.infer<typeof Plan>, "request" | "response"> & {
  readonly request: readonly EntryDraft[];
  readonly response: readonly EntryDraft[];
};
