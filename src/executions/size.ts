import { bytesOf, isWithin } from "./attributes.ts";
import { MOST } from "./limits.ts";
import type { State } from "./state.ts";

/** Smaller ones are measured again: to remember them would take more than they are. */
const REMEMBERED = 256;
/** Each character is one byte of JSON. */
const SIMPLE = /^[\w .,:/-]{0,200}$/;

const known = new WeakMap<object, number>();

/**
 * What a value takes: bytes of its JSON, and what memory holds besides. Values never change, so each is measured once,
 * however often it is referred to; and it counts as often, for in storage each stands on its own.
 */
export function sizeOf(value: unknown): number {
  if (typeof value === "string") return 14 + bytesOfText(value);
  if (typeof value === "number") return Math.max(8, String(value).length);
  if (typeof value !== "object" || value === null) return value === undefined ? 0 : 8;
  const before = known.get(value);
  if (before !== undefined) return before;
  const size = Array.isArray(value) ? sizeOfList(value) : sizeOfRecord(value);
  if (size >= REMEMBERED) known.set(value, size);
  return size;
}

const sizeOfList = (list: readonly unknown[]): number => list.reduce<number>((sum, item) => sum + sizeOf(item), 32);

function sizeOfRecord(record: object): number {
  let size = 32;
  for (const [key, item] of Object.entries(record)) if (item !== undefined) size += bytesOfText(key) + 2 + sizeOf(item);
  return size;
}

const bytesOfText = (text: string): number => (SIMPLE.test(text) ? text.length + 2 : bytesOf(text));

/** Whether a value from outside is more than an execution can hold. */
export const isTooLarge = (value: unknown): boolean => !isWithin(MOST.depth, value) || sizeOf(value) > MOST.attributes;

/** Whether an execution can be kept as it is. */
export function isKeepable({ history, ...rest }: State): boolean {
  let left: number = MOST.shown;
  for (const shown of history) {
    left -= sizeOf(shown);
    if (left < 0) return false;
  }
  return sizeOf(rest) <= MOST.state;
}
