import { z } from "zod";

/** The form of ids under which components of others are mapped. */
export const mappedId = /^[0-9a-fA-F]{24}$/;
/** Only service bindings that are named so can be components. */
export const bindingName = /^COMPONENT_[A-Z0-9_]{1,64}$/;

/** 64 KiB, for the functions of one component as JSON. */
export const MOST_FUNCTION_BYTES = 64 * 1024;

const fieldSchema = z.record(z.string(), z.unknown()).meta({
  description: "JSON Schema (draft 2020-12) of the `fields` that a step gives.",
  example: {
    type: "object",
    properties: { interval: { type: "integer", minimum: 1, description: "Minutes between two looks." } },
    required: ["interval"],
  },
});

export const ComponentFunction = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .max(100)
      .meta({ description: "What a step names as its `function`.", example: "getPersonsPolling" }),
    description: z
      .string()
      .max(2000)
      .optional()
      .meta({ description: "What it does.", example: "Polls persons that were changed." }),
    fields: fieldSchema.optional(),
  })
  .meta({ id: "ComponentFunction", description: "One of the things that a component can do." });
export type ComponentFunction = z.infer<typeof ComponentFunction>;

const name = z.string().min(1).max(200).meta({ description: "A title for people.", example: "CRM connector" });
const description = z
  .string()
  .max(2000)
  .meta({ description: "What the component is for.", example: "Reads and writes persons of the CRM." });
const endpoint = z.string().max(2000).meta({
  description: "Address that is called with each message: https and public.",
  example: "https://crm-component.example.com/process",
});
const binding = z
  .string()
  .regex(bindingName, "Use COMPONENT_ and capitals, digits or _, such as COMPONENT_CRM.")
  .meta({ description: "Service binding of this Worker that is called with each message.", example: "COMPONENT_CRM" });
const secret = z.boolean().meta({
  description: "Whether the component gets the value of the secret that a step names.",
  example: false,
});

export const ComponentInput = z
  .strictObject({
    name,
    description: description.optional(),
    endpoint: endpoint.optional(),
    binding: binding.optional(),
    functions: z
      .array(ComponentFunction)
      .max(100)
      .default([])
      .meta({ description: "What a step can name as its `function`; at most 100, and 64 KiB as JSON." }),
    secret: secret.default(false),
  })
  .superRefine((sent, check) => {
    if ((sent.endpoint === undefined) === (sent.binding === undefined)) {
      const path = [sent.endpoint === undefined ? "endpoint" : "binding"];
      check.addIssue({ code: "custom", path, message: "Give either an endpoint or a binding." });
    }
  })
  .meta({ id: "ComponentInput", description: "Where a component is, and what it can do." });
export type ComponentInput = z.infer<typeof ComponentInput>;

/** A component that an admin mapped to somewhere else. */
export interface MappedComponent {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly endpoint: string | null;
  readonly binding: string | null;
  readonly secret: boolean;
  readonly functions: readonly ComponentFunction[];
  readonly updatedAt: number;
}

export const ComponentEntry = z
  .object({
    id: z.string().meta({ description: "What a step names as its `componentId`.", example: "http" }),
    name: z.string().meta({ description: "A title for people.", example: "http" }),
    kind: z.enum(["trigger", "action"]).meta({
      description: "trigger: begins runs. action: works on what comes. One that is mapped can stand anywhere.",
      example: "action",
    }),
    description: z.string().nullable().meta({ description: "What it is for.", example: "Calls an HTTP address." }),
    remote: z.boolean().meta({
      description: "Whether it was mapped by an admin, and is called over HTTPS or a service binding.",
      example: false,
    }),
    functions: z.array(ComponentFunction).meta({
      description: "What a step can name as its `function`. Empty: the component does one thing, whatever is named.",
    }),
    fields: fieldSchema.optional(),
    secret: secret.optional(),
    endpoint: endpoint.optional().meta({
      description: "Of a mapped one, for admins alone: the address that is called.",
      example: "https://crm-component.example.com/process",
    }),
    binding: z.string().optional().meta({
      description: "Of a mapped one, for admins alone: the service binding that is called.",
      example: "COMPONENT_CRM",
    }),
    updatedAt: z.iso
      .datetime()
      .optional()
      .meta({ description: "Of a mapped one: when it was mapped last.", example: "2026-11-22T02:56:36.545Z" }),
  })
  .meta({ id: "Component", description: "Something that the steps of a flow are made of." });
export type ComponentEntry = z.infer<typeof ComponentEntry>;
