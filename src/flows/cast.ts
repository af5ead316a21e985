import type { z } from "zod";

import { toObjectId } from "../platform/ids.ts";
import { isRecord } from "../platform/shape.ts";

/**
 * Casts as the Open Integration Hub does before it checks: scalars become strings where a string is wanted, ids are
 * brought to lower-case hex, a missing list of edges becomes an empty one. Everything else stays as it is, wrong or not.
 */
export function castTo(schema: z.core.$ZodType, value: unknown): unknown {
  const { def } = schema as z.ZodType & { def: z.core.$ZodTypeDef };
  switch (def.type) {
    case "optional":
    case "nullable":
      return value === null || value === undefined ? value : castTo(innerOf(def), value);
    case "default":
      return castTo(innerOf(def), value ?? structuredClone((def as z.core.$ZodDefaultDef).defaultValue));
    case "string":
      return castString(schema, value);
    case "array":
      return Array.isArray(value)
        ? value.map((entry: unknown) => castTo((def as z.core.$ZodArrayDef).element, entry))
        : value;
    case "object":
      return isRecord(value) ? castObject((def as z.core.$ZodObjectDef).shape, value) : value;
    default:
      return value;
  }
}

const innerOf = (def: z.core.$ZodTypeDef) => (def as z.core.$ZodOptionalDef).innerType;

function castString(schema: z.core.$ZodType, value: unknown): unknown {
  const text = typeof value === "number" || typeof value === "boolean" ? String(value) : value;
  const isId = (schema as z.ZodType).meta()?.["format"] === "objectid";
  return isId ? (toObjectId(text) ?? value) : text;
}

function castObject(shape: Readonly<Record<string, z.core.$ZodType>>, value: Record<string, unknown>) {
  const cast: Record<string, unknown> = {};
  for (const [key, schema] of Object.entries(shape)) {
    const entry = castTo(schema, value[key]);
    if (entry !== undefined) cast[key] = entry;
  }
  return cast;
}
