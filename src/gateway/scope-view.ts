import type { Api, Json, Scope, Values } from "../apis/model.ts";
import { shown } from "../platform/faults.ts";
import { isRecord } from "../platform/shape.ts";
import { AppError } from "../platform/errors.ts";
import { type EntryView, viewOf } from "./inheritance.ts";
import { sameJson, valuesOf } from "./inheritance/entry.ts";
import { flowAt } from "./inheritance/flows.ts";

/** The word in an address for all resources, or all operations of one. */
export const ALL = "all";

/** The scope that an address names, if the API has it. */
export function scopeOf({ resources }: Api, resource: string, operation: string): Scope {
  if (isAll(resource)) {
    if (isAll(operation)) return {};
    throw new AppError("API_SCOPE_NOT_FOUND", { detail: `Of all resources there is only ${ALL}/${ALL}.` });
  }
  const found = resources.find(({ id }) => id === resource);
  if (found === undefined) throw new AppError("API_SCOPE_NOT_FOUND", { detail: "The API has no such resource." });
  if (isAll(operation)) return { resource };
  if (found.operations.some(({ id }) => id === operation)) return { resource, operation };
  throw new AppError("API_SCOPE_NOT_FOUND", { detail: "The resource has no such operation." });
}

const isAll = (word: string): boolean => word.toLowerCase() === ALL;

/** The scope as addresses name it. */
export const wordsOf = ({ resource = ALL, operation = ALL }: Scope) => ({ resource, operation });

/** What a user sees of a scope. */
export function shownScope({ flows }: Api, scope: Scope) {
  const { request, response, breaks, runs, destination, timeout, saved } = viewOf(flows, scope);
  return {
    ...wordsOf(scope),
    saved,
    runs: runs ?? null,
    broken: breaks.length > 0,
    breaks,
    request: request.map(shownEntry),
    response: response.map(shownEntry),
    destination: destination ?? null,
    timeout: timeout ?? null,
    own: flowAt(flows, scope)?.destination ?? null,
  };
}

export type ShownScope = ReturnType<typeof shownScope>;

const shownEntry = (entry: EntryView) =>
  entry.drift === undefined ? entry : { ...entry, parentNow: sentenceOf(valuesOf(entry), entry.drift) };

const MOST_VALUES = 5;

/** What the parent has otherwise than this entry does. */
function sentenceOf(mine: Values, parents: Values): string {
  const differing = differences(fieldsOf(mine), fieldsOf(parents));
  if (differing.length === 0) return "The parent now has the same values as here.";
  const rest = differing.length > MOST_VALUES ? ` and ${differing.length - MOST_VALUES} more` : "";
  return `The parent now has ${differing.slice(0, MOST_VALUES).join(", ")}${rest}.`;
}

type Fields = ReadonlyMap<string, Json>;

const fieldsOf = ({ config, enabled, abortOnFail = true, when }: Values): Fields =>
  new Map<string, Json>([
    ["enabled", enabled],
    ["abortOnFail", abortOnFail],
    ...(when === undefined ? [] : [["when", when] as const]),
    ...Object.entries(isRecord(config) ? (config as Record<string, Json>) : {}).map(
      ([name, value]) => [`config.${shown(name)}`, value] as const,
    ),
  ]);

function differences(mine: Fields, parents: Fields): string[] {
  const names = new Set([...parents.keys(), ...mine.keys()]);
  return [...names].flatMap((name) => {
    const value = parents.get(name);
    const own = mine.get(name);
    if (value === undefined) return [`no ${name}`];
    return own !== undefined && sameJson(value, own) ? [] : [`${name} ${shown(JSON.stringify(value))}`];
  });
}
