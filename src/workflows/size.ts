import { type DocumentPath, type Fault, fault } from "../platform/faults.ts";
import { isRecord } from "../platform/shape.ts";

export const MOST_LEVELS = 20;
export const MOST_IN_ALL = 2000;
/** Distinct ones: to compile one takes up to some milliseconds. */
export const MOST_PATTERNS = 200;
export const MOST_EXPRESSIONS = 5000;

interface Place {
  readonly kind: "commands" | "fields";
  readonly value: unknown;
  readonly path: DocumentPath;
  readonly level: number;
}

/** Whether a script is small and flat enough to be looked into at all, judged before anything recurses into it. */
export function faultsOfSize(workflow: Record<string, unknown>): Fault[] {
  const waiting: Place[] = placesOf(workflow);
  const patterns = new Set<string>();
  let count = 0;
  while (waiting.length > 0) {
    const place = waiting.pop()!;
    if (place.level > MOST_LEVELS) {
      const advice = place.kind === "commands" ? "Make the inner ones a path." : "Make them flatter.";
      const message = `The ${place.kind} are nested more than ${MOST_LEVELS} levels deep. ${advice}`;
      return [fault("NESTED_TOO_DEEP", place.path, message)];
    }
    for (const pattern of patternsOf(place)) patterns.add(pattern);
    if (place.kind === "fields") for (const nested of nestedFields(place)) waiting.push(nested);
    else if (Array.isArray(place.value)) {
      count += place.value.length;
      if (count > MOST_IN_ALL) {
        const message = `There are more than ${MOST_IN_ALL} commands and cases in all. Divide it into several workflows.`;
        return [fault("COMMANDS_TOO_MANY", [], message)];
      }
      for (const [index, entry] of place.value.entries()) waiting.push(...partsOfCommand(entry, place, index));
    }
  }
  if (patterns.size > MOST_PATTERNS) {
    return [fault("PATTERNS_TOO_MANY", [], `There are more than ${MOST_PATTERNS} patterns. Use the same ones again.`)];
  }
  return faultsOfExpressions(workflow);
}

/** Counts what opens an expression in a template, wherever it stands. */
function faultsOfExpressions(workflow: Record<string, unknown>): Fault[] {
  const waiting: unknown[] = [workflow];
  let count = 0;
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value === "string") count += value.split("{{").length - 1;
    else if (typeof value === "object" && value !== null) for (const item of Object.values(value)) waiting.push(item);
    if (count > MOST_EXPRESSIONS) {
      const message = `There are more than ${MOST_EXPRESSIONS} {{expressions}} in all. Divide it into several workflows.`;
      return [fault("EXPRESSIONS_TOO_MANY", [], message)];
    }
  }
  return [];
}

/** Of fields, and of a list if it is one of cases. */
const patternsOf = ({ value }: Place): string[] =>
  entriesOf(value)
    .concat(Array.isArray(value) ? Object.entries(value) : [])
    .map(([, entry]) => (isRecord(entry) ? (entry["pattern"] ?? entry["matches"]) : undefined))
    .filter((pattern) => typeof pattern === "string");

const commands = (value: unknown, ...path: string[]): Place => ({ kind: "commands", value, path, level: 1 });
const fields = (value: unknown, ...path: string[]): Place => ({ kind: "fields", value, path, level: 1 });

function placesOf(workflow: Record<string, unknown>): Place[] {
  return [
    commands(workflow["commands"], "commands"),
    fields(workflow["validate"], "validate"),
    ...entriesOf(workflow["paths"]).map(([name, path]) => commands(path, "paths", name)),
    ...entriesOf(workflow["routes"]).map(([name, route]) => {
      return fields(isRecord(route) ? route["validate"] : undefined, "routes", name, "validate");
    }),
    ...entriesOf(workflow["functions"]).flatMap(([name, definition]) => {
      if (!isRecord(definition)) return [];
      return [
        commands(definition["commands"], "functions", name, "commands"),
        fields(definition["validate"], "functions", name, "validate"),
      ];
    }),
  ];
}

/** The lists of a command or of a case, whatever command it is, and its fields. */
function partsOfCommand(entry: unknown, { path, level }: Place, index: number): Place[] {
  if (!isRecord(entry)) return [];
  const below = (key: string) => [...path, index, key];
  const lists = ["do", "else", "default", "fallback"].filter((key) => Array.isArray(entry[key]));
  const places: Place[] = lists.map((key) => {
    return { kind: "commands", value: entry[key], path: below(key), level: level + 1 };
  });
  // Cases stand on the level of their switch.
  if (Array.isArray(entry["cases"])) {
    places.push({ kind: "commands", value: entry["cases"], path: below("cases"), level });
  }
  if (isRecord(entry["validate"])) {
    places.push({ kind: "fields", value: entry["validate"], path: below("validate"), level: 1 });
  }
  return places;
}

const nestedFields = ({ value, path, level }: Place): Place[] =>
  entriesOf(value).flatMap(([name, field]): Place[] => {
    if (!isRecord(field) || !isRecord(field["fields"])) return [];
    return [{ kind: "fields", value: field["fields"], path: [...path, name, "fields"], level: level + 1 }];
  });

const entriesOf = (value: unknown): [string, unknown][] => (isRecord(value) ? Object.entries(value) : []);
