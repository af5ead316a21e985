import { z } from "zod";

const name = z.string().max(1000);
const changes = z
  .array(z.union([z.tuple([z.enum(["set", "add"]), name, z.string()]), z.tuple([z.literal("remove"), name])]))
  .max(500);
export type Change = z.output<typeof changes>[number];

const traces = z.array(z.string().max(1000)).max(50);
const message = { headers: changes, body: z.string().optional() };

/** What a script leaves. It is written inside the sandbox, so nothing of it is certain before it went through this. */
const result = z.object({
  stop: z.boolean(),
  traces,
  request: z.object({ ...message, query: changes }),
  response: z.object({
    ...message,
    status: z.int().min(200).max(599).optional(),
    fresh: z.literal(true).optional(),
  }),
  changed: z.array(z.tuple([name, z.string()])).max(1000),
  removed: z.array(name).max(1000),
});
export type Result = z.output<typeof result>;
export type ResponseChange = Result["response"];

const fault = z.object({ kind: z.string().regex(/^[A-Za-z]{1,20}$/), line: z.int().min(0), traces });
export type ScriptFault = z.output<typeof fault>;

export const resultOf = (text: string): Result | undefined => read(result, text);
export const faultOf = (text: string): ScriptFault | undefined => read(fault, text);

function read<S extends z.ZodType>(schema: S, text: string): z.output<S> | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** A value of JSON that no later assignment by its names can hurt: an own `__proto__` is left out. */
export function valueOf(text: string): unknown {
  if (!text.includes("__proto__")) return JSON.parse(text) as unknown;
  return JSON.parse(text, function (key, value: unknown) {
    return key === "__proto__" ? undefined : value;
  }) as unknown;
}
