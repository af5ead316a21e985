import { exactNumber } from "./exact-json.ts";

/** Ways to values in JSON, made ready: those that begin alike share their beginning. */
export interface JsonPaths {
  /** Whether a way ends here. */
  readonly ends: boolean;
  readonly keys: ReadonlyMap<string, JsonPaths>;
  /** Of every key and position: `*`. */
  readonly every: JsonPaths | undefined;
}

interface Growing {
  ends: boolean;
  keys: Map<string, Growing>;
  every: Growing | undefined;
}

const grown = (): Growing => ({ ends: false, keys: new Map(), every: undefined });

/** Reads paths such as `customer.iban` or `items.*.card`: once, not for each value. */
export function compilePaths(paths: readonly string[]): JsonPaths {
  const root = grown();
  for (const path of paths) {
    let at = root;
    for (const key of path.split(".")) {
      if (key === "*") at = at.every ??= grown();
      else at = at.keys.get(key) ?? at.keys.set(key, grown()).get(key)!;
    }
    at.ends = true;
  }
  return root;
}

/**
 * A copy of a JSON value with something else in place of each value that a path leads to, object and list included.
 * What no path leads to is shared with the copy. A value without a match comes back as it is: the same one.
 */
export const replaceAt = (value: unknown, paths: JsonPaths, change: (found: unknown) => unknown): unknown =>
  replaced(value, [paths], change);

function replaced(value: unknown, at: readonly JsonPaths[], change: (found: unknown) => unknown): unknown {
  if (at.some(({ ends }) => ends)) return change(value);
  if (typeof value !== "object" || value === null || exactNumber(value) !== undefined) return value;
  const below = (item: unknown, key: string): unknown => {
    const next = at.flatMap(({ keys, every }) => [keys.get(key) ?? [], every ?? []].flat());
    return next.length === 0 ? item : replaced(item, next, change);
  };
  if (Array.isArray(value)) {
    const items = value.map((item: unknown, position) => below(item, String(position)));
    return items.some((item, position) => item !== value[position]) ? items : value;
  }
  const entries = Object.entries(value);
  const made = entries.map(([key, item]): [string, unknown] => [key, below(item, key)]);
  // Not by assignment: a key of JSON may be called __proto__.
  return made.some(([, item], index) => item !== entries[index]![1]) ? Object.fromEntries(made) : value;
}
