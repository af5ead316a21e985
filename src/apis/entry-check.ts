import { type DocumentPath, type Fault, fault } from "../platform/faults.ts";
import { faultsOfShape } from "../platform/shape.ts";
import { type Interceptor, interceptorOf, type Place } from "./interceptors.ts";
import { type Stage, stages } from "./interceptors/interceptor.ts";
import type { EntryDraft, Lists } from "./model.ts";

export const MOST_CONFIG_BYTES = 64 * 1024;
export const MOST_CONFIG_LEVELS = 20;

export interface PlacedEntry<E extends EntryDraft = EntryDraft> {
  readonly entry: E;
  readonly stage: Stage;
  readonly path: DocumentPath;
}

/** The entries of both lists, with where they stand. */
export const placedEntries = <E extends EntryDraft>(lists: Lists<E>, path: DocumentPath): PlacedEntry<E>[] =>
  stages.flatMap((stage) => lists[stage].map((entry, index) => ({ entry, stage, path: [...path, stage, index] })));

/** What became of a config: as its type reads it, or what is wrong with it. */
export type ReadConfig =
  | { readonly ok: true; readonly config: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** Reads configs, each once however many flows have inherited it. */
export class Configs {
  readonly #read = new Map<string, ReadConfig>();

  of({ type, config }: EntryDraft): ReadConfig {
    const text = JSON.stringify(config);
    const key = `${type} ${text}`;
    const known = this.#read.get(key);
    if (known !== undefined) return known;
    const read = readConfig(interceptorOf(type)!, config, text);
    this.#read.set(key, read);
    return read;
  }

  /** The config as its type reads it; undefined if it is none, which is told elsewhere. */
  valid(entry: EntryDraft): Readonly<Record<string, unknown>> | undefined {
    const read = this.of(entry);
    return read.ok ? read.config : undefined;
  }
}

function readConfig({ type, config: schema }: Interceptor, config: unknown, text: string): ReadConfig {
  const size = faultOfConfigSize(config, text);
  if (size !== undefined) return { ok: false, faults: [size] };
  const parsed = schema.safeParse(config);
  if (parsed.success) return { ok: true, config: parsed.data as Record<string, unknown> };
  const noun = `The config of ${type}`;
  return { ok: false, faults: faultsOfShape(parsed.error.issues, config, { schema, noun }) };
}

function faultOfConfigSize(config: unknown, text: string): Fault | undefined {
  const bytes = new TextEncoder().encode(text).length;
  if (bytes > MOST_CONFIG_BYTES) {
    return fault(
      "CONFIG_TOO_LARGE",
      [],
      `The config has ${bytes} bytes as JSON; at most ${MOST_CONFIG_BYTES} are possible.`,
    );
  }
  if (levelsOf(config) <= MOST_CONFIG_LEVELS) return undefined;
  return fault(
    "CONFIG_TOO_DEEP",
    [],
    `The config is nested more than ${MOST_CONFIG_LEVELS} levels deep. Make it flatter.`,
  );
}

const levelsOf = (value: unknown): number =>
  typeof value === "object" && value !== null ? 1 + Math.max(0, ...Object.values(value).map(levelsOf)) : 0;

/** What is wrong with the lists of one flow by themselves. */
export const faultsOfList = (lists: Lists<EntryDraft>, place: Place, path: DocumentPath, configs: Configs): Fault[] => {
  const placed = placedEntries(lists, path);
  return [
    ...placed.flatMap((one) => faultsOfEntry(one, place, configs)),
    ...repeatedIds(placed),
    ...repeatedVariables(placed, configs),
  ];
};

function faultsOfEntry({ entry, stage, path }: PlacedEntry, place: Place, configs: Configs): Fault[] {
  const { type, stages: allowed, scopes } = interceptorOf(entry.type)!;
  const faults: Fault[] = [];
  if (!allowed.includes(stage)) {
    const message = `${type} cannot stand on the ${stage}. It stands on the ${allowed.join(" and the ")}.`;
    faults.push(fault("STAGE_NOT_ALLOWED", [...path, "type"], message));
  }
  if (!scopes.includes(place)) {
    const message = `${type} cannot stand in the flow of ${words[place]}. It stands in those of ${scopes.map((one) => words[one]).join(", ")}.`;
    faults.push(fault("SCOPE_NOT_ALLOWED", [...path, "type"], message));
  }
  const read = configs.of(entry);
  if (read.ok) return faults;
  return [...faults, ...read.faults.map((one) => ({ ...one, path: [...path, "config", ...one.path] }))];
}

const words: Readonly<Record<Place, string>> = {
  api: "the whole API",
  resource: "a resource",
  operation: "an operation",
  plan: "a plan",
};

function repeatedIds(placed: readonly PlacedEntry[]): Fault[] {
  const seen = new Set<string>();
  return placed.flatMap(({ entry: { id }, path }) => {
    const isRepeated = seen.has(id);
    seen.add(id);
    if (!isRepeated) return [];
    const message = `The id "${id}" stands here twice. An id stands once in a flow, whichever list it is on.`;
    return [fault("ID_REPEATED", [...path, "id"], message)];
  });
}

/** Names in the context of a call: two that are the same would overwrite each other. */
function repeatedVariables(placed: readonly PlacedEntry[], configs: Configs): Fault[] {
  const seen = new Map<string, string>();
  return placed.flatMap(({ entry, path }) => {
    const name = configs.valid(entry)?.["variable"];
    if (typeof name !== "string") return [];
    const other = seen.get(name);
    if (other === undefined) seen.set(name, entry.id);
    if (other === undefined) return [];
    const message = `The variable "${name}" is that of the interceptor "${other}". It must be unique in a flow.`;
    return [fault("VARIABLE_REPEATED", [...path, "config", "variable"], message)];
  });
}
