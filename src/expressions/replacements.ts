import { ExpressionError } from "./error.ts";
import type { Focus, Native } from "./scope.ts";

/** Built-ins whose own work cannot be bounded from outside, or that do not run here. */
export const replacements: Readonly<Record<string, Native>> = {
  /** A stable merge sort. jsonata's own copies the rest of the array for each item. */
  sort(items, comparator) {
    if (!Array.isArray(items) || items.length <= 1) return items;
    if (comparator !== undefined) return sortedBy(this, items, comparator as Comparator);
    const kind = typeof items[0];
    if ((kind !== "number" && kind !== "string") || items.some((item) => typeof item !== kind)) {
      throw failed("$sort needs an array of texts or an array of numbers, or a function that compares.");
    }
    return items.toSorted((left: number, right: number) => (left < right ? -1 : left > right ? 1 : 0));
  },

  /** By the text of each value, instead of comparing each with each. */
  distinct(items) {
    if (!Array.isArray(items) || items.length <= 1) return items;
    const result = "sequence" in items ? this.createSequence() : [];
    const seen = new Set<unknown>();
    for (const item of items as unknown[]) {
      const key = typeof item === "string" || (typeof item === "object" && item !== null) ? canonical(item) : item;
      if (seen.has(key)) continue;
      seen.add(key);
      result.push(item);
    }
    return result;
  },

  /** Without copying, for each item, what is already spread. */
  spread(value) {
    if (typeof value !== "object" || value === null || "_jsonata_lambda" in value) return value;
    const result = this.createSequence();
    spreadInto(result, value);
    return result;
  },

  /** jsonata's own asks for Node's Buffer or a window. */
  base64encode(text) {
    if (typeof text !== "string") return undefined;
    try {
      return btoa(text);
    } catch {
      throw failed("$base64encode takes characters up to U+00FF only.");
    }
  },

  base64decode(text) {
    if (typeof text !== "string") return undefined;
    try {
      return atob(text);
    } catch {
      throw failed("$base64decode was given text that is not Base64.");
    }
  },

  /** jsonata's own tells the time of the latest evaluation of this text, not of this evaluation. */
  millis() {
    return this.environment.base.timestamp.getTime();
  },
};

type Comparator = (this: Focus, left: unknown, right: unknown) => unknown;

async function sortedBy(focus: Focus, items: readonly unknown[], comesAfter: Comparator): Promise<unknown> {
  let runs: unknown[][] = items.map((item) => [item]);
  while (runs.length > 1) {
    const longer: unknown[][] = [];
    for (let at = 0; at < runs.length; at += 2) {
      longer.push(await mergedRuns(focus, runs[at]!, runs[at + 1] ?? [], comesAfter));
    }
    runs = longer;
  }
  return runs[0];
}

async function mergedRuns(focus: Focus, left: unknown[], right: unknown[], comesAfter: Comparator): Promise<unknown[]> {
  const result: unknown[] = [];
  let at = 0;
  let other = 0;
  while (at < left.length && other < right.length) {
    const swap = await comesAfter.apply(focus, [left[at], right[other]]);
    result.push(swap ? right[other++] : left[at++]);
  }
  return [...result, ...left.slice(at), ...right.slice(other)];
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "";
  const entries = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join()}}`;
}

function spreadInto(result: unknown[], value: unknown): void {
  if (Array.isArray(value)) for (const item of value) spreadInto(result, item);
  else if (typeof value !== "object" || value === null) result.push(value);
  else for (const [key, item] of Object.entries(value)) result.push({ [key]: item });
}

const failed = (message: string) => new ExpressionError("EXPRESSION_FAILED", message);
