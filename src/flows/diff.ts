import { createPatch, type Operation } from "rfc6902";
import { z } from "zod";

import { isRecord } from "../platform/shape.ts";
import { MOST_EDGES, type FlowDocument } from "./model.ts";

const texts = ["name", "description", "type", "tenant", "cron", "fromTemplate"] as const;
const parts = [
  ...texts,
  "flowSettings",
  "values",
  "templateRevision",
  "workflow",
  "api",
  "owner",
  "node",
  "edge",
] as const;

export const Change = z
  .object({
    what: z.enum(parts).meta({ description: "The key of the flow, or the kind of entry in it.", example: "node" }),
    kind: z.enum(["added", "removed", "changed"]).meta({
      description: "What happened to it. A key is added when it had been missing or null before.",
      example: "changed",
    }),
    id: z.string().optional().meta({
      description: "Id of the node, owner or edge. An edge without an id is told as source → target.",
      example: "step_2",
    }),
    fields: z
      .array(z.string())
      .optional()
      .meta({
        description: "Which fields of the entry changed. order without an id: the entries that stayed changed places.",
        example: ["name", "fields"],
      }),
    before: z.string().nullish().meta({ description: "The old text of a key of the flow.", example: "*/3 * * * *" }),
    after: z.string().nullish().meta({ description: "The new text of a key of the flow.", example: "*/5 * * * *" }),
  })
  .meta({ id: "Change", description: "One thing in which two revisions of a flow differ." });
export type Change = z.infer<typeof Change>;

export const JsonPatchOperation = z
  .object({
    op: z.enum(["add", "remove", "replace"]).meta({ description: "What to do there.", example: "replace" }),
    path: z.string().meta({ description: "Where in the flow: a JSON Pointer.", example: "/graph/nodes/1/name" }),
    value: z.unknown().optional().meta({ description: "What to put there; remove has none.", example: "A name" }),
  })
  .meta({ id: "JsonPatchOperation", description: "A step of a JSON Patch (RFC 6902)." });
export type JsonPatchOperation = z.infer<typeof JsonPatchOperation>;

/** What is changed, for people. Empty if both are the same JSON, whatever the order of keys. */
export function changesBetween(before: FlowDocument, after: FlowDocument): Change[] {
  return [
    ...texts.flatMap((key) =>
      kindsOf(before[key], after[key]).map((kind) => ({ what: key, kind, before: before[key], after: after[key] })),
    ),
    ...kindsOf(before.flowSettings, after.flowSettings).map((kind) => ({ what: "flowSettings" as const, kind })),
    ...kindsOf(valuesIn(before), valuesIn(after)).map((kind) => ({ what: "values" as const, kind })),
    ...kindsOf(before.instance?.revision, after.instance?.revision).map((kind) => ({
      what: "templateRevision" as const,
      kind,
    })),
    ...(["workflow", "api"] as const).flatMap((what) =>
      kindsOf(before[what], after[what]).map((kind) => ({ what, kind })),
    ),
    ...changedEntries("owner", before.owners, after.owners, [sameKey(idOf)]),
    ...changedEntries("node", before.graph.nodes, after.graph.nodes, [sameKey(idOf)]),
    ...changedEntries("edge", before.graph.edges, after.graph.edges, edgeKeys),
  ];
}

/** Whoever detaches an instance keeps its values. */
const valuesIn = ({ instance, values }: FlowDocument) => instance?.values ?? values;

/** The kind of change, or none. */
function kindsOf(before: unknown, after: unknown): Change["kind"][] {
  if (isSame(before, after)) return [];
  if (isGiven(before) === isGiven(after)) return ["changed"];
  return [isGiven(after) ? "added" : "removed"];
}

const isGiven = (value: unknown) => value !== undefined && value !== null;

function changedEntries(
  what: Change["what"],
  before: readonly Entry[],
  after: readonly Entry[],
  keys: readonly Keys[],
): Change[] {
  const pairs = pairsOf(before, after, keys);
  const beforeAt = new Map(pairs.map(([from, to]) => [to, before[from]]));
  const staying = new Set(pairs.map(([from]) => from));
  return [
    ...before
      .filter((_, index) => !staying.has(index))
      .map((entry) => ({ what, kind: "removed" as const, id: nameOf(entry) })),
    ...after.flatMap((entry, index): Change[] => {
      const old = beforeAt.get(index);
      if (old === undefined) return [{ what, kind: "added", id: nameOf(entry) }];
      const fields = changedFields(old, entry);
      return fields.length === 0 ? [] : [{ what, kind: "changed", id: nameOf(entry), fields }];
    }),
    ...(rising(pairs).length === pairs.length ? [] : [{ what, kind: "changed" as const, fields: ["order"] }]),
  ];
}

/** Whatever has an id is named by it; only edges may have none. */
const nameOf = (entry: Entry) => idOf(entry) ?? `${String(entry["source"])} → ${String(entry["target"])}`;

function changedFields(before: Entry, after: Entry): string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].filter((key) => !isSame(before[key], after[key])).toSorted();
}

/** Turns the one document into the other. However much differs, it is at most about twice as long as a document. */
export const patchBetween = (before: FlowDocument, after: FlowDocument) =>
  patchOf(before, after, 0) as JsonPatchOperation[];

/** What lies deeper is replaced as a whole: each level compares all that is in it. */
const MOST_DEPTH = 12;

function patchOf(before: unknown, after: unknown, depth: number): Operation[] {
  if (isSame(before, after)) return [];
  if (depth < MOST_DEPTH && isShortList(before) && isShortList(after)) return patchOfLists(before, after, depth);
  if (depth < MOST_DEPTH && isRecord(before) && isRecord(after)) {
    return createPatch(before, after, (old, now, pointer) =>
      pointer.tokens.length === 1 ? undefined : patchAt(pointer.toString(), old, now, depth + 1),
    );
  }
  return [{ op: "replace", path: "", value: after }];
}

function patchAt(place: string, before: unknown, after: unknown, depth: number): Operation[] {
  const patch = patchOf(before, after, depth);
  const naming = patch.reduce((sum, { path }) => sum + OPERATION + place.length + path.length, 0);
  if (naming > MOST_NAMING && naming > JSON.stringify(after).length) {
    return [{ op: "replace", path: place, value: after }];
  }
  return patch.map((operation) => ({ ...operation, path: place + operation.path }));
}

/** Where the operations take longer to tell what to change than the value itself is, it is replaced as a whole. */
const MOST_NAMING = 10_000;
const OPERATION = '{"op":"replace","path":""}'.length;

const isShortList = (value: unknown): value is unknown[] => Array.isArray(value) && value.length <= MOST_EDGES;

/** The library compares each entry with each, which 10,000 edges do not allow. */
function patchOfLists(before: readonly unknown[], after: readonly unknown[], depth: number): Operation[] {
  const kept = rising(pairsOf(before, after, [sameKey(idOf), sameKey(JSON.stringify), sameKey(withoutId(() => ""))]));
  const staying = { before: new Set(kept.map(([from]) => from)), after: new Set(kept.map(([, to]) => to)) };
  const leaving = [...before.keys()].filter((index) => !staying.before.has(index));
  const coming = [...after.keys()].filter((index) => !staying.after.has(index));
  return [
    ...leaving.toReversed().map((index): Operation => ({ op: "remove", path: `/${index}` })),
    ...coming.map((index): Operation => ({ op: "add", path: `/${index}`, value: after[index] })),
    ...kept.flatMap(([from, to]) => patchAt(`/${to}`, before[from], after[to], depth + 1)),
  ];
}

type Entry = Record<string, unknown>;
type Key = (entry: unknown) => string | undefined;
type Keys = readonly [ofBefore: Key, ofAfter: Key];
type Pair = readonly [from: number, to: number];

const sameKey = (key: Key): Keys => [key, key];
const idOf: Key = (entry) =>
  isRecord(entry) && typeof entry["id"] === "string" && entry["id"] !== "" ? entry["id"] : undefined;
const endsOf: Key = (entry) => (isRecord(entry) ? JSON.stringify([entry["source"], entry["target"]]) : undefined);
const withoutId =
  (key: Key): Key =>
  (entry) =>
    idOf(entry) === undefined ? key(entry) : undefined;

/** Two edges that both have an id are one only if it is the same. */
const edgeKeys = [
  sameKey(idOf),
  sameKey(withoutId(endsOf)),
  [withoutId(endsOf), endsOf],
  [endsOf, withoutId(endsOf)],
] as const;

/** Where each entry went: pairs with the same key, the first with the first. What one key paired, the next leave. */
function pairsOf(before: readonly unknown[], after: readonly unknown[], keys: readonly Keys[]): Pair[] {
  const to = new Map<number, number>();
  const taken = new Set<number>();
  for (const [ofBefore, ofAfter] of keys) {
    const free = [...after.keys()].filter((index) => !taken.has(index));
    const groups = Map.groupBy(free, (index) => ofAfter(after[index]));
    const open = new Map([...groups].map(([key, indices]) => [key, indices.values()]));
    for (const [index, entry] of before.entries()) {
      const key = to.has(index) ? undefined : ofBefore(entry);
      const next = key === undefined ? undefined : open.get(key)?.next().value;
      if (next === undefined) continue;
      to.set(index, next);
      taken.add(next);
    }
  }
  return [...to].toSorted(([left], [right]) => left - right);
}

/** As many of the pairs as can stay where they are while the others move: the longest rising subsequence. */
function rising(pairs: readonly Pair[]): Pair[] {
  type Run = { pair: Pair; rest: Run | undefined };
  const runs: Run[] = [];
  for (const pair of pairs) {
    let [low, high] = [0, runs.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (runs[middle]!.pair[1] < pair[1]) low = middle + 1;
      else high = middle;
    }
    runs[low] = { pair, rest: runs[low - 1] };
  }
  const longest: Pair[] = [];
  for (let run = runs.at(-1); run !== undefined; run = run.rest) longest.push(run.pair);
  return longest.toReversed();
}

/** Whether both are the same JSON, in which keys have no order. */
export function isSame(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((entry, index) => isSame(entry, right[index]));
  }
  if (!isRecord(left) || !isRecord(right)) return false;
  const keys = keysOf(left);
  return (
    keys.length === keysOf(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && isSame(left[key], right[key]))
  );
}

const keysOf = (value: Record<string, unknown>) => Object.keys(value).filter((key) => value[key] !== undefined);
