import { z } from "zod";

import type { FlowDocument } from "./model.ts";

/** Of a variable. It can be read in expressions as `$vars.<name>`. */
export const variableName = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

export const Variable = z
  .object({
    schema: z
      .union([z.boolean(), z.record(z.string(), z.unknown())])
      .optional()
      .meta({
        description: "JSON Schema of its values. Without references; patterns are those of RE2.",
        example: { type: "integer", minimum: 1 },
      }),
    default: z.unknown().optional().meta({ description: "Value of an instance that names none.", example: 100 }),
    required: z.boolean().optional().meta({
      description: "Whether an instance needs a value, its own or the default.",
      example: true,
    }),
    secret: z.boolean().optional().meta({
      description:
        "true: its value is the id of a secret, never the secret itself. Steps name it as credentials_id: $vars.<name>.",
      example: false,
    }),
    description: z
      .string()
      .max(2000)
      .optional()
      .meta({ description: "What it is for.", example: "Records that are sent at a time" }),
  })
  .meta({ id: "TemplateVariable", description: "What differs from one instance of a template to the other." });
export type Variable = z.infer<typeof Variable>;
export type Variables = Readonly<Record<string, Variable>>;
export type Values = Readonly<Record<string, unknown>>;

/** The part of a template's document that its instances share. */
export interface TemplateForm {
  readonly graph: FlowDocument["graph"];
  readonly variables?: Variables | undefined;
  readonly type?: FlowDocument["type"];
  readonly cron?: FlowDocument["cron"];
  readonly flowSettings?: unknown;
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null;

/** The value of every variable: the instance's own, or else the default. */
function settled(variables: Variables, values: Values): [name: string, variable: Variable, value: unknown][] {
  return Object.entries(variables).map(([name, variable]) => {
    const own = Object.hasOwn(values, name) ? values[name] : undefined;
    return [name, variable, isGiven(own) ? own : variable.default];
  });
}

/** Variables that an instance cannot do without and that have no value. */
export const missingIn = (variables: Variables, values: Values): string[] =>
  settled(variables, values).flatMap(([name, { required }, value]) =>
    required === true && !isGiven(value) ? [name] : [],
  );

/** What expressions know as `$vars`. Secrets are not among them: only the graph names those. */
export const effectiveValues = (variables: Variables, values: Values): Record<string, unknown> =>
  Object.fromEntries(
    settled(variables, values).flatMap(([name, { secret }, value]) =>
      secret !== true && isGiven(value) ? [[name, value]] : [],
    ),
  );

const reference = /^\$vars\.(\w+)$/;

/** The variable that a step's `credentials_id` names instead of a secret. */
export const variableIn = (credentials: unknown): string | undefined =>
  typeof credentials === "string" ? reference.exec(credentials)?.[1] : undefined;

/** The graph of an instance: that of the template, with the instance's own secrets. */
export function resolvedGraph({ graph, variables = {} }: TemplateForm, values: Values): FlowDocument["graph"] {
  const known = new Map(settled(variables, values).map(([name, , value]) => [name, value]));
  const nodes = graph.nodes.map((node) => {
    const { tenant: _, authorization: __, ...step } = node as typeof node & Record<string, unknown>;
    const name = variableIn(step.credentials_id);
    if (name === undefined) return step;
    const { credentials_id: ___, ...without } = step;
    const secret = known.get(name);
    return typeof secret === "string" ? { ...without, credentials_id: secret } : without;
  });
  return { ...graph, nodes };
}
