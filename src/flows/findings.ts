import { z } from "zod";

import { ErrorItem } from "../platform/errors.ts";

export const Finding = ErrorItem.omit({ flowId: true, parameter: true })
  .extend({
    pointer: z
      .string()
      .meta({ description: "JSON pointer (RFC 6901) to the place in the flow.", example: "/graph/edges/0/target" }),
    warning: z.literal(true).optional().meta({
      description: "Present where the flow can be stored and run all the same.",
      example: true,
    }),
  })
  .meta({ id: "Finding", description: "Something that keeps a flow from being stored or from running." });
export type Finding = z.infer<typeof Finding>;

type Path = readonly PropertyKey[];

export const pointerOf = (path: Path): string =>
  path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");

export const finding = (error: string, path: Path, message: string, detail?: string): Finding => ({
  message,
  code: 400,
  error,
  pointer: pointerOf(path),
  ...(detail === undefined ? {} : { detail }),
});

/** What is said where something required is missing; the key is the path without positions. */
const required: Record<string, readonly [error: string, message: string]> = {
  graph: ["GRAPH_REQUIRED", "Flows require a graph."],
  "graph.nodes": ["NODES_REQUIRED", "Flows require at least one node."],
  "graph.nodes.function": ["NODE_FUNCTION_REQUIRED", "Flow nodes require a function."],
  "graph.nodes.componentId": ["NODE_COMPONENT_REQUIRED", "Flow nodes require a componentId."],
  "graph.nodes.id": ["NODE_ID_REQUIRED", "Flow nodes require an id."],
  "graph.edges.target": ["EDGE_TARGET_REQUIRED", "Flow edges require a target."],
  "graph.edges.source": ["EDGE_SOURCE_REQUIRED", "Flow edges require a source."],
  "owners.type": ["OWNER_TYPE_REQUIRED", "Flow owners require a type."],
  "owners.id": ["OWNER_ID_REQUIRED", "Flow owners require an id."],
};

/** The order in which the original walks what is missing or too long, after all that has the wrong type. */
const walk = [
  "graph",
  "graph.nodes.function",
  "graph.nodes.componentId",
  "graph.nodes.id",
  "graph.nodes",
  "graph.edges.target",
  "graph.edges.source",
  "graph.edges.id",
  "graph.edges.config.condition",
  "owners.type",
  "owners.id",
];
const groups = ["graph", "graph.nodes.", "graph.nodes", "graph.edges.", "owners."];

interface Placed {
  readonly rank: readonly [phase: number, group: number, position: number, field: number];
  readonly finding: Finding;
}

/** Turns what zod found about the shape into the original's sentences, in the original's order. */
export function findingsOfShape(issues: readonly z.core.$ZodIssue[], input: unknown): Finding[] {
  // One fault per place: zod also complains of the length of what is no text at all.
  const byPlace = new Map(issues.toReversed().map((issue) => [pointerOf(issue.path), issue]));
  const placed = [...byPlace.values()].toReversed().map((issue) => place(issue, valueAt(input, issue.path)));
  return placed.toSorted((a, b) => compare(a.rank, b.rank)).map((entry) => entry.finding);
}

function place(issue: z.core.$ZodIssue, value: unknown): Placed {
  const path = issue.path;
  const key = path.filter((part) => typeof part === "string").join(".");
  const position = path.find((part) => typeof part === "number") ?? 0;
  const group = groups.findIndex((prefix) => (prefix.endsWith(".") ? key.startsWith(prefix) : key === prefix));
  const isEntry = typeof path.at(-1) === "number";
  const missing = isEntry ? undefined : required[key];
  const absent = value === undefined || value === null || (key !== "graph" && isEmpty(value, key));
  const later = [1, group, position, walk.indexOf(key)] as const;

  if (missing && absent) return { rank: later, finding: finding(missing[0], path, missing[1]) };
  if (issue.code === "too_big" && typeof value === "string") {
    const name = key.split(".").slice(2).join(".");
    const message = `Path \`${name}\` (\`${value}\`) is longer than the maximum allowed length (${String(issue.maximum)}).`;
    return { rank: later, finding: finding("TOO_LONG", path, message) };
  }
  return { rank: [0, 0, 0, 0], finding: finding("WRONG_TYPE", path, castMessage(key, value), wanted(issue, key)) };
}

/** What counts as not given: no text where text is wanted, no entries where entries are. */
const isEmpty = (value: unknown, key: string): boolean =>
  key === "graph.nodes" ? Array.isArray(value) && value.length === 0 : value === "";

/** Mongoose's sentences for a value that cannot become what the schema wants. */
function castMessage(key: string, value: unknown): string {
  const leaf = key.endsWith("config.condition") ? "config.condition" : (key.split(".").at(-1) ?? key);
  const said = `value ${JSON.stringify(inspect(value)).replaceAll('\\"', '"')} (type ${typeName(value)}) at path "${leaf}"`;
  if (["componentId", "credentials_id", "fromTemplate"].includes(leaf)) {
    return `Cast to ObjectId failed for ${said} because of "BSONTypeError"`;
  }
  if (leaf === "graph" || leaf === "config") {
    return `Cast to Embedded failed for ${said} because of "ObjectExpectedError"`;
  }
  if (["nodes", "edges", "owners"].includes(leaf)) {
    return `Cast to embedded failed for ${said} because of "ObjectParameterError"`;
  }
  if (["values", "instance", "effective", "missing"].includes(leaf)) return `Cast to Object failed for ${said}`;
  return `Cast to ${leaf === "loop" ? "Boolean" : "string"} failed for ${said}`;
}

function wanted(issue: z.core.$ZodIssue, key: string): string {
  if (issue.code === "invalid_type") {
    return `Expected is ${/^[aeiou]/.test(issue.expected) ? "an" : "a"} ${issue.expected}.`;
  }
  if (issue.code === "invalid_format") return "Expected are 24 hexadecimal digits.";
  return `${key} is not as expected.`;
}

const typeName = (value: unknown): string => {
  if (Array.isArray(value)) return "Array";
  if (value === null) return "null";
  return typeof value === "object" ? "Object" : typeof value;
};

/** As Node.js shows a value, in one line and never long. */
function inspect(value: unknown, level = 0): string {
  if (typeof value === "string") return level === 0 ? shorten(value) : quoted(value);
  if (typeof value !== "object" || value === null) return String(value);
  const isList = Array.isArray(value);
  const keys = Object.keys(value);
  if (keys.length === 0) return isList ? "[]" : "{}";
  if (level > 2) return isList ? "[Array]" : "[Object]";
  const shown = Object.entries(value)
    .slice(0, 10)
    .map(([key, entry]) => {
      const name = /^[A-Za-z_$][\w$]*$/.test(key) ? shorten(key) : quoted(key);
      return isList ? inspect(entry, level + 1) : `${name}: ${inspect(entry, level + 1)}`;
    });
  return isList ? `[ ${shown.join(", ")} ]` : `{ ${shown.join(", ")} }`;
}

function quoted(text: string): string {
  const mark = ["'", '"', "`"].find((candidate) => !text.includes(candidate)) ?? "'";
  return `${mark}${shorten(text)}${mark}`;
}

const shorten = (text: string): string => (text.length > 100 ? `${text.slice(0, 100)}…` : text);

function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const key of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[key];
  return value;
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((part, index) => part !== b[index]);
  return at < 0 ? 0 : a[at]! - b[at]!;
}
