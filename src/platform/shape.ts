import { z } from "zod";

import { type Fault, fault, listOf, shown } from "./faults.ts";

/** What was parsed, as its author knows it. */
export interface Shape {
  readonly schema: z.ZodType;
  /** Such as `The workflow`. */
  readonly noun: string;
  /** Code and sentence where a key is missing that deserves its own. */
  readonly missing?: Readonly<Record<string, readonly [code: string, message: string]>>;
}

type Issue = z.core.$ZodIssue;
type Said = readonly [code: string, message: string, key?: string];

const MOST_ISSUES = 1000;

/** Turns what zod found about the shape of a document into sentences for its author. */
export const faultsOfShape = (issues: readonly Issue[], input: unknown, shape: Shape): Fault[] =>
  issues.slice(0, MOST_ISSUES).flatMap((issue) => {
    const path = issue.path as (string | number)[];
    return saidOf(issue, input, shape).map(([code, message, key]) =>
      fault(code, key === undefined ? path : [...path, key], message),
    );
  });

function saidOf(issue: Issue, input: unknown, shape: Shape): Said[] {
  const key = nameOf(issue.path, shape.noun);
  const value = valueAt(input, issue.path);
  switch (issue.code) {
    case "invalid_union":
      return [saidOfUnion(issue, key, value)];
    case "unrecognized_keys":
      return unknownKeys(issue.keys, listOf(knownKeys(shape.schema, issue.path, input)));
    case "invalid_type":
      if (value !== undefined) return [["WRONG_TYPE", `${key} must be ${wanted(issue.expected)}.`]];
      if (shape.missing !== undefined && Object.hasOwn(shape.missing, key)) return [shape.missing[key]!];
      return [["REQUIRED", `${key} is required; it must be ${wanted(issue.expected)}.`]];
    case "invalid_value":
      return [["VALUE_UNKNOWN", `${key} must be one of ${listOf(issue.values.map(String))}.`]];
    case "invalid_key":
      return [["KEY_INVALID", `"${key}" cannot stand here. ${issue.issues[0]?.message ?? ""}`.trim()]];
    case "too_big":
      return [["TOO_LARGE", `${key} ${bounded(issue.origin, "most", Number(issue.maximum))}.`]];
    case "too_small":
      if (!issue.message.startsWith("Too small")) return [["EXPRESSION_INVALID", issue.message]];
      if (issue.inclusive !== true) return [["TOO_SMALL", `${key} must be more than ${issue.minimum}.`]];
      return [["TOO_SMALL", `${key} ${bounded(issue.origin, "least", Number(issue.minimum))}.`]];
    case "custom":
      return [[codeIn(issue) ?? "EXPRESSION_INVALID", issue.message]];
    default:
      return [["WRONG_FORM", `${key} does not have the right form. ${issue.message}`]];
  }
}

/** Whoever adds an issue in `superRefine` may name its code: `params: { code }`. */
const codeIn = ({ params }: z.core.$ZodIssueCustom): string | undefined => params?.["code"] as string | undefined;

const unknownKeys = (keys: readonly string[], known: string): Said[] =>
  keys.slice(0, MOST_ISSUES).map((key) => ["KEY_UNKNOWN", `Unknown key "${shown(key)}". Here stand ${known}.`, key]);

function saidOfUnion(issue: Extract<Issue, { code: "invalid_union" }>, key: string, value: unknown): Said {
  if (issue.discriminator === undefined) {
    const isBare = issue.message === "Invalid input";
    return ["WRONG_TYPE", isBare ? `${key} must be a text, a number, true or false.` : issue.message];
  }
  const noun = issue.discriminator;
  const options = "options" in issue ? (issue.options as readonly unknown[]).map(String) : [];
  const known = `Use one of ${listOf(options)}.`;
  const code = `${noun.toUpperCase()}_${value === undefined ? "REQUIRED" : "UNKNOWN"}`;
  if (value === undefined) return [code, `${noun} is required. ${known}`];
  if (typeof value !== "string") return [code, `${noun} must be a text. ${known}`];
  return [code, `Unknown ${noun} "${shown(value)}". ${known}`];
}

const types: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};
const wanted = (expected: string): string => types[expected] ?? expected;

function bounded(origin: string, end: "most" | "least", limit: number): string {
  if (origin === "string") return `must have at ${end} ${limit} characters`;
  if (origin === "array") return `must have at ${end} ${limit} ${limit === 1 ? "entry" : "entries"}`;
  return `must be at ${end} ${limit}`;
}

/** What a place is called: its key, and of an entry the list that it stands in. */
function nameOf(path: readonly PropertyKey[], noun: string): string {
  const at = path.findLastIndex((key) => typeof key === "string");
  if (at < 0) return noun;
  const name = shown(String(path[at]));
  return at === path.length - 1 ? name : `An entry of ${name}`;
}

const valueAt = (root: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce((value, key) => (value as Record<PropertyKey, unknown> | null | undefined)?.[key], root);

/** The keys of the object that stands at a path, as the schema has them. */
function knownKeys(root: z.ZodType, path: readonly PropertyKey[], input: unknown): string[] {
  let value = input;
  let schema = objectOf(root, value);
  for (const key of path) {
    value = (value as Record<PropertyKey, unknown>)[key];
    schema = objectOf(childOf(schema, key), value);
  }
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

function childOf(schema: z.ZodType | undefined, key: PropertyKey): z.ZodType | undefined {
  if (schema instanceof z.ZodObject) return (schema.shape as Record<PropertyKey, z.ZodType>)[key];
  if (schema instanceof z.ZodArray) return schema.element as z.ZodType;
  return schema instanceof z.ZodRecord ? (schema.valueType as z.ZodType) : undefined;
}

/** Without what is wrapped around it; of the choices the one that the value says it is. */
function objectOf(schema: z.ZodType | undefined, value: unknown): z.ZodType | undefined {
  if (schema instanceof z.ZodLazy || schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) {
    return objectOf(schema.unwrap() as z.ZodType, value);
  }
  if (!(schema instanceof z.ZodDiscriminatedUnion)) return schema;
  const word = (value as Record<string, unknown>)[schema.def.discriminator];
  return (schema.options as readonly z.ZodObject[]).find((option) => {
    return (option.shape[schema.def.discriminator] as z.ZodType | undefined)?.safeParse(word).success;
  });
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
