import type { z } from "zod";

import { catalogue, type ComponentName } from "./catalogue.ts";
import { checkerOf, describedBy, fieldSchemaOf } from "./field-schema.ts";
import type { MappedComponent } from "./model.ts";

export interface FieldFault {
  /** Below `fields`. */
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** What would be right. */
  readonly detail?: string | undefined;
  /** Whether the step works nevertheless. */
  readonly isHarmless?: true;
}

export const isBuiltIn = (component: string): component is ComponentName => catalogue.has(component);

/** What does not fit about the fields of a step, as a component that is built in wants them. */
export function faultsOfFields(name: ComponentName, fields: Readonly<Record<string, unknown>>): FieldFault[] {
  const { fields: schema } = catalogue.get(name)!;
  const known = Object.keys(schema.shape);
  const unknown = Object.keys(fields).filter((field) => !known.includes(field));
  const detail = known.length === 0 ? "It has no fields." : `It has ${known.join(", ")}.`;
  return [
    ...faultsBy(schema, fields, (field) => describedBy(fieldSchemaOf(name), field)),
    ...unknown.map((field): FieldFault => {
      const message = `The component ${name} does not know this field and leaves it unread.`;
      return { path: [field], message, detail, isHarmless: true };
    }),
  ];
}

/** The same for a component of others, as far as it tells what its function wants. */
export function faultsOfMapped(
  { functions }: MappedComponent,
  name: string | undefined,
  fields: Readonly<Record<string, unknown>>,
): FieldFault[] {
  const named = functions.find((one) => one.name === name);
  const checker = named && checkerOf(named);
  if (checker === undefined) return [];
  return faultsBy(checker, fields, (field) => describedBy(named?.fields, field));
}

function faultsBy(
  schema: z.ZodType,
  fields: Readonly<Record<string, unknown>>,
  detailOf: (field: PropertyKey | undefined) => string | undefined,
): FieldFault[] {
  const parsed = schema.safeParse(fields);
  if (parsed.success) return [];
  return parsed.error.issues.map(({ path, message }) => ({ path, message, detail: detailOf(path[0]) }));
}
