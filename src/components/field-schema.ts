import { z } from "zod";

import { catalogue, type ComponentName } from "./catalogue.ts";
import type { ComponentFunction } from "./model.ts";

export type JsonSchema = Record<string, unknown>;

const made = new Map<ComponentName, JsonSchema>();

/** The fields of a built-in component as JSON Schema; made when somebody asks first, not when the Worker starts. */
export function fieldSchemaOf(name: ComponentName): JsonSchema {
  const known = made.get(name);
  if (known !== undefined) return known;
  const { $schema: _, ...schema } = z.toJSONSchema(catalogue.get(name)!.fields, {
    io: "input",
    unrepresentable: "any",
    override: ({ jsonSchema }) => {
      const one = jsonSchema as JsonSchema;
      if (!("example" in one)) return;
      one["examples"] = [one["example"]];
      delete one["example"];
    },
  });
  made.set(name, schema);
  return schema;
}

/** What the schema of a field says it is, for whoever wrote it wrongly. */
export function describedBy(schema: JsonSchema | undefined, field: PropertyKey | undefined): string | undefined {
  const properties = schema?.["properties"];
  if (typeof field !== "string" || typeof properties !== "object" || properties === null) return undefined;
  const found = Object.hasOwn(properties, field) ? (properties as Record<string, unknown>)[field] : undefined;
  if (typeof found !== "object" || found === null) return undefined;
  const { description, examples } = found as { description?: unknown; examples?: unknown };
  const example = Array.isArray(examples) && examples.length > 0 ? ` Example: ${JSON.stringify(examples[0])}` : "";
  return typeof description === "string" ? `${description}${example}` : undefined;
}

/** What checks the fields of a mapped component's function; throws for a schema that cannot be read. */
export function checkerOf({ fields }: ComponentFunction): z.ZodType | undefined {
  return fields === undefined ? undefined : z.fromJSONSchema(fields);
}
