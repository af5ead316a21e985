import { format, Validator, type Schema } from "@cfworker/json-schema";
import { RE2JS } from "re2js";

import { checkPattern } from "../expressions/regex.ts";
import { isRecord } from "../platform/shape.ts";

/** Where the schemas are that a schema is made of. Names of properties are no keywords. */
const single = [
  "items",
  "additionalItems",
  "unevaluatedItems",
  "contains",
  "additionalProperties",
  "unevaluatedProperties",
  "propertyNames",
  "not",
  "if",
  "then",
  "else",
];
const lists = ["items", "prefixItems", "allOf", "anyOf", "oneOf"];
const maps = ["properties", "dependentSchemas", "dependencies"];

/** References could make a short schema go round for ever; a pattern for names runs in an engine that can be stalled. */
const refused = [
  "$ref",
  "$dynamicRef",
  "$recursiveRef",
  "$id",
  "id",
  "$anchor",
  "$defs",
  "definitions",
  "patternProperties",
];
const formats = ["date", "time", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"];
const types = ["string", "number", "integer", "boolean", "object", "array", "null"];

const MOST_BYTES = 16 * 1024;
const MOST_LEVELS = 20;

/** Why a schema cannot be used; undefined if it can. */
export function faultOfSchema(schema: unknown): string | undefined {
  if (JSON.stringify(schema).length > MOST_BYTES) return `A schema has at most ${MOST_BYTES} characters.`;
  const fault = faultIn(schema, 1);
  if (fault !== undefined) return fault;
  try {
    faultsAgainst(schema, null);
    return undefined;
  } catch {
    return "It is no JSON Schema.";
  }
}

function faultIn(schema: unknown, level: number): string | undefined {
  if (typeof schema === "boolean") return undefined;
  if (!isRecord(schema)) return "A schema is an object, true or false.";
  if (level > MOST_LEVELS) return `A schema is nested at most ${MOST_LEVELS} levels deep.`;
  const unusable = refused.find((keyword) => Object.hasOwn(schema, keyword));
  if (unusable !== undefined) return `The keyword ${unusable} is not available; write the schema in place.`;
  const { format: named, pattern, type } = schema;
  if (named !== undefined && !formats.includes(named as string)) return `As format use one of ${formats.join(", ")}.`;
  const asked = type === undefined ? [] : [type].flat();
  if (asked.some((one) => !types.includes(one as string))) return `As type use one of ${types.join(", ")}.`;
  if (pattern !== undefined) {
    const fault = faultOfPattern(pattern);
    if (fault !== undefined) return fault;
  }
  return below(schema)
    .map((part) => faultIn(part, level + 1))
    .find((fault) => fault !== undefined);
}

function faultOfPattern(pattern: unknown): string | undefined {
  if (typeof pattern !== "string") return "A pattern is a text.";
  try {
    checkPattern(new RegExp(pattern, "u"));
    return undefined;
  } catch {
    return "The pattern is no regular expression of RE2. Look-ahead, look-behind and back-references are not available.";
  }
}

function below(schema: Record<string, unknown>): unknown[] {
  const ofMaps = maps.flatMap((key) => (isRecord(schema[key]) ? Object.values(schema[key]) : []));
  const parts = [
    ...single.flatMap((key) => (schema[key] === undefined || Array.isArray(schema[key]) ? [] : [schema[key]])),
    ...lists.flatMap((key) => (Array.isArray(schema[key]) ? (schema[key] as unknown[]) : [])),
    // A dependency may also be a list of names.
    ...ofMaps.filter((part) => !Array.isArray(part)),
  ];
  return parts;
}

export interface ValueFault {
  /** JSON pointer within the value. */
  readonly pointer: string;
  /** What would be right. */
  readonly detail: string;
}

const MOST_FAULTS = 20;

/** What checking may come to, in parts of the schema times parts of the value; beyond the second only the first fault is told. */
const MOST_WORK = 16_000_000;
const MOST_TOLD_WORK = 1_000_000;

function workOf(schema: unknown, value: unknown): number {
  const text = JSON.stringify(schema);
  const size = (JSON.stringify(value) ?? "").length;
  // Unique entries are compared each with each.
  return text.length * size * (text.includes('"uniqueItems"') ? Math.max(1, size / 64) : 1);
}

/** What is wrong with a value; the value itself is never told. */
export function faultsAgainst(schema: unknown, value: unknown): ValueFault[] {
  const work = workOf(schema, value);
  if (work > MOST_WORK) return [{ pointer: "", detail: "It is too large to be checked against its schema." }];
  const patterns = new Map<string, RE2JS>();
  const prepared = preparedBy(schema, patterns) as Schema;
  for (const [name, program] of patterns) format[name] = (text: string) => program.matcher(text).find();
  try {
    const { errors } = new Validator(prepared, "2020-12", work > MOST_TOLD_WORK).validate(value);
    const leaves = errors.filter(({ keyword }) => !branches.has(keyword));
    return (leaves.length === 0 ? errors : leaves)
      .slice(0, MOST_FAULTS)
      .map(({ instanceLocation, keyword, error }) => ({
        pointer: decodeURI(instanceLocation.slice(1)),
        detail: toldOf(keyword, error, prepared),
      }));
  } finally {
    for (const name of patterns.keys()) delete format[name];
  }
}

/** Errors that only say that there are others below. */
const branches = new Set([
  "properties",
  "items",
  "prefixItems",
  "allOf",
  "if",
  "additionalProperties",
  "propertyNames",
  "contains",
]);

/** The library's sentences, but for those that would repeat what was sent. */
function toldOf(keyword: string, error: string, schema: unknown): string {
  if (keyword === "format" && error.includes(PATTERN)) return "It does not match the pattern of the schema.";
  if (keyword === "type") return `Expected is ${/Expected (.*)\.$/.exec(error)?.[1] ?? "another type"}.`;
  if (keyword === "enum") return "It is none of the values of the schema.";
  if (keyword === "const") return "It is not the value of the schema.";
  if (schema === false || keyword === "false") return "Nothing is allowed here.";
  return error.replaceAll(/"[^"]*"/g, (name) => (keyword === "required" ? name : "It")).slice(0, 200);
}

const PATTERN = "pattern ";

/** The same schema with its patterns as formats: the library would run them by an engine whose time has no bound. */
function preparedBy(schema: unknown, patterns: Map<string, RE2JS>): unknown {
  if (!isRecord(schema)) return schema;
  const again = (part: unknown) => preparedBy(part, patterns);
  const made: Record<string, unknown> = { ...schema };
  for (const key of [...single, ...lists]) {
    const part = made[key];
    if (part !== undefined) made[key] = Array.isArray(part) ? part.map(again) : again(part);
  }
  for (const key of maps) {
    const part = made[key];
    if (isRecord(part)) made[key] = Object.fromEntries(Object.entries(part).map(([name, one]) => [name, again(one)]));
  }
  const { pattern, ...rest } = made;
  if (typeof pattern !== "string") return rest;
  const name = PATTERN + pattern;
  patterns.set(name, RE2JS.compile(RE2JS.translateRegExp(pattern)));
  const others = Array.isArray(rest["allOf"]) ? (rest["allOf"] as unknown[]) : [];
  return { ...rest, allOf: [...others, { format: name }] };
}
