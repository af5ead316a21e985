import { type Fault, fault } from "../platform/faults.ts";

export const MOST_LEVELS = 40;
/** Distinct ones: to compile one takes up to some milliseconds. */
export const MOST_PATTERNS = 200;
export const MOST_EXPRESSIONS = 2000;
const MOST_TOLD = 100;

/** A link to what is above, so that a path is made only for what is told. */
interface Place {
  readonly value: unknown;
  readonly key: string | number;
  readonly above: Place | undefined;
  readonly level: number;
}

/** Fields of interceptors that are expressions as a whole. */
const wholes = new Set(["when", "expression"]);

/** Whether a document is small and flat enough to be looked into at all, judged before anything recurses into it. */
export function faultsOfSize(document: Record<string, unknown>): Fault[] {
  const faults: Fault[] = [];
  const patterns = new Set<string>();
  const expressions = new Set<string>();
  const waiting: Place[] = [{ value: document, key: "", above: undefined, level: 1 }];
  for (let place = waiting.pop(); place !== undefined && faults.length < MOST_TOLD; place = waiting.pop()) {
    const { value, key, level } = place;
    if (key === "__proto__") faults.push(fault("KEY_INVALID", pathOf(place), sentences.proto));
    else if (typeof value === "string") {
      if (key === "pattern") patterns.add(value);
      if (wholes.has(String(key))) expressions.add(value);
      else for (const part of value.split("{{").slice(1)) expressions.add(part.split("}}")[0]!);
    } else if (typeof value === "object" && value !== null) {
      if (level > MOST_LEVELS) return [fault("NESTED_TOO_DEEP", pathOf(place), sentences.deep)];
      for (const [name, item] of Object.entries(value)) {
        waiting.push({ value: item, key: Array.isArray(value) ? Number(name) : name, above: place, level: level + 1 });
      }
    }
  }
  return [
    ...faults.toReversed(),
    ...faultOfCount("PATTERNS_TOO_MANY", patterns, MOST_PATTERNS, "patterns"),
    ...faultOfCount("EXPRESSIONS_TOO_MANY", expressions, MOST_EXPRESSIONS, "expressions"),
  ];
}

const sentences = {
  proto: '"__proto__" cannot stand here. Use another name.',
  deep: `This is nested more than ${MOST_LEVELS} levels deep. Make it flatter.`,
} as const;

function faultOfCount(code: string, found: ReadonlySet<string>, most: number, noun: string): Fault[] {
  if (found.size <= most) return [];
  return [fault(code, [], `There are more than ${most} different ${noun}. Use the same ones again, or make two APIs.`)];
}

function pathOf(place: Place): (string | number)[] {
  const path: (string | number)[] = [];
  for (let at: Place = place; at.above !== undefined; at = at.above) path.unshift(at.key);
  return path;
}
