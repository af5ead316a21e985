import { isRecord } from "../platform/shape.ts";
import type { State, Thread, Values } from "./state.ts";

/** Where values are written: the attributes of a thread, and what all threads share. */
export interface Store {
  readonly attributes: Values;
  readonly share: Values;
}

const RESERVED = new Set(["it", "init", "share", "execution"]);
const INDEX = /^\d{1,4}$/;

/** What expressions see. */
export function scopeOf({ uuid, startedAt, share }: State, { attributes, input }: Thread): Values {
  const given = input === undefined ? {} : { it: input, init: input };
  return { ...attributes, ...given, share, execution: { uuid, startedAt: new Date(startedAt).toISOString() } };
}

/** A value at a path; undefined takes away what stands there. What is reserved is never written. */
export function stored(store: Store, path: string, value: unknown, merge = false): Store {
  const [root = "", ...rest] = path.split(".");
  if (root === "share" && rest.length > 0) return { ...store, share: written(store.share, rest, value, merge) };
  if (RESERVED.has(root)) return store;
  return { ...store, attributes: written(store.attributes, [root, ...rest], value, merge) };
}

/** The keys of a value, each as an attribute of its own. */
export function storedKeys(store: Store, value: unknown, merge = false): Store {
  if (!isRecord(value)) return store;
  const entries = Object.entries(value).filter(([key]) => !RESERVED.has(key));
  const attributes = merge
    ? (merged(store.attributes, Object.fromEntries(entries)) as Values)
    : { ...store.attributes, ...Object.fromEntries(entries) };
  return { ...store, attributes };
}

const written = (values: Values, steps: readonly string[], value: unknown, merge: boolean) =>
  (writtenAt(values, steps, value, merge) ?? {}) as Values;

// Copies are made by spreading and computed keys, which define: `__proto__` is a key like any other.
function writtenAt(container: unknown, steps: readonly string[], value: unknown, merge: boolean): unknown {
  const [step, ...rest] = steps;
  if (step === undefined) return merge ? merged(container, value) : value;
  if (INDEX.test(step) && !isRecord(container)) return inList(container, Number(step), rest, value, merge);
  const before = isRecord(container) ? container : {};
  const after = writtenAt(Object.hasOwn(before, step) ? before[step] : undefined, rest, value, merge);
  if (after !== undefined) return { ...before, [step]: after };
  if (!Object.hasOwn(before, step)) return container;
  return Object.fromEntries(Object.entries(before).filter(([key]) => key !== step));
}

function inList(container: unknown, index: number, rest: readonly string[], value: unknown, merge: boolean): unknown {
  const before: readonly unknown[] = Array.isArray(container) ? container : [];
  const after = writtenAt(before[index], rest, value, merge);
  if (after === undefined && index >= before.length) return container;
  const list = Array.from({ length: Math.max(before.length, index + 1) }, (_, at) => before[at] ?? null);
  list[index] = after ?? null;
  return list;
}

/** Objects are merged, all else is replaced. */
function merged(before: unknown, value: unknown): unknown {
  if (value === undefined) return before;
  if (!isRecord(before) || !isRecord(value)) return value;
  const entries = Object.entries(value).map(
    ([key, item]) => [key, merged(Object.hasOwn(before, key) ? before[key] : undefined, item)] as const,
  );
  return { ...before, ...Object.fromEntries(entries) };
}

/** As JSON. The order of keys is no difference. */
export function isSame(left: unknown, right: unknown): boolean {
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, index) => isSame(item, right[index]));
  }
  if (!isRecord(left) || !isRecord(right)) return left === right;
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every((key) => Object.hasOwn(right, key) && isSame(left[key], right[key]));
}

/** How many keys and items are copied when something is written at a path. */
export function widthAt(store: Store, path: string, value: unknown, merge = false): number {
  const [root = "", ...rest] = path.split(".");
  const steps = root === "share" ? rest : [root, ...rest];
  let before: unknown = root === "share" ? store.share : store.attributes;
  let width = 0;
  for (const step of steps) {
    if (typeof before !== "object" || before === null) return width;
    width += Array.isArray(before) ? before.length : Object.keys(before).length;
    before = Object.hasOwn(before, step) ? (before as Values)[step] : undefined;
  }
  return merge ? width + widthOfMerge(before, value) : width;
}

function widthOfMerge(before: unknown, value: unknown): number {
  if (!isRecord(before) || !isRecord(value)) return 0;
  const within = Object.entries(value).map(([key, item]) =>
    Object.hasOwn(before, key) ? widthOfMerge(before[key], item) : 0,
  );
  return within.reduce((sum, width) => sum + width, Object.keys(before).length);
}

/** Without those keys. */
export function without<T>(values: Readonly<Record<string, T>>, gone: (key: string) => boolean): Record<string, T> {
  return Object.fromEntries(Object.entries(values).filter(([key]) => !gone(key)));
}

const encoder = new TextEncoder();

/** Bytes of its JSON. */
export const bytesOf = (value: unknown): number =>
  value === undefined ? 0 : encoder.encode(JSON.stringify(value)).byteLength;

/** Whether no more than that many objects and lists stand within one another. */
export function isWithin(levels: number, value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((item) => isWithin(levels - 1, item));
}
