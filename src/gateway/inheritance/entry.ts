import { stages } from "../../apis/interceptors/interceptor.ts";
import type { Entry, EntryDraft, Json, Lists, Values } from "../../apis/model.ts";

export { stages } from "../../apis/interceptors/interceptor.ts";
export type { Entry, EntryDraft, Json, Lists, Stage, Values } from "../../apis/model.ts";

export const noEntries: Lists<never> = { request: [], response: [] };
export const entriesOf = <T>(lists: Lists<T>): T[] => stages.flatMap((stage) => lists[stage]);
export const byId = (lists: Lists): ReadonlyMap<string, Entry> =>
  new Map(entriesOf(lists).map((entry) => [entry.id, entry]));

export const valuesOf = ({ enabled, config, abortOnFail, when }: Values): Values => ({
  enabled,
  config,
  ...(abortOnFail !== undefined && { abortOnFail }),
  ...(when !== undefined && { when }),
});

export const sameValues = (one: Values, other: Values): boolean =>
  one.enabled === other.enabled &&
  (one.abortOnFail ?? true) === (other.abortOnFail ?? true) &&
  one.when === other.when &&
  sameJson(one.config, other.config);

/** Inherited, and as it was taken over. */
export const isAsTakenOver = (entry: Entry): boolean => entry.base !== undefined && sameValues(entry, entry.base);

/** The parent's entry as a child has it that changed nothing. */
export const takenOver = ({ id, type, ...rest }: Entry): Entry => ({
  id,
  type,
  ...valuesOf(rest),
  base: valuesOf(rest),
});

/** Whatever else the sender put beside these keys does not come in, least of all a base. */
export function asSaved({ id, type, ...rest }: EntryDraft, base: Values | undefined): Entry {
  const entry = { id, type, ...valuesOf(rest) };
  return base === undefined ? entry : { ...entry, base: valuesOf(base) };
}

export const sameEntry = (one: Entry, other: Entry): boolean =>
  one.id === other.id && one.type === other.type && sameValues(one, other) && sameBase(one.base, other.base);

const sameBase = (one: Values | undefined, other: Values | undefined): boolean =>
  one === undefined || other === undefined ? one === other : sameValues(one, other);

/** Deep equality; the order of keys says nothing. Without recursion, since nesting is the sender's choice. */
export function sameJson(left: Json, right: Json): boolean {
  const waiting: [Json | undefined, Json | undefined][] = [[left, right]];
  for (let pair = waiting.pop(); pair !== undefined; pair = waiting.pop()) {
    const [one, other] = pair;
    if (one === other) continue;
    if (!isCompound(one) || !isCompound(other) || Array.isArray(one) !== Array.isArray(other)) return false;
    const keys = Object.keys(one);
    if (keys.length !== Object.keys(other).length) return false;
    for (const key of keys) {
      if (!Object.hasOwn(other, key)) return false;
      waiting.push([one[key], other[key]]);
    }
  }
  return true;
}

type Compound = { readonly [key: string]: Json };
const isCompound = (value: Json | undefined): value is Compound => typeof value === "object" && value !== null;
