import { nameOfScope, resourcesOf, savedFlows } from "../apis/scopes.ts";
import type { Api, Json, Scope, StoredFlow } from "../apis/model.ts";
import { listOf } from "../platform/faults.ts";
import { sameJson } from "./inheritance/entry.ts";

const MOST_CHARACTERS = 500;
const MOST_NAMES = 5;

/** What was changed in an API, in short sentences. Fewer names are told if they would become too long. */
export function wordsForApi(before: Api, after: Api): string {
  const sentences = (most: number) => [
    ...(before.basePath === after.basePath ? [] : [`Base path changed to ${after.basePath}.`]),
    ...keys.flatMap(([key, title]) => (same(before[key], after[key]) ? [] : [`${title} changed.`])),
    ...differences("resource", byId(before), byId(after), most),
    ...differences("flow", byScope(before), byScope(after), most),
    ...differences("plan", asMap(before.plans), asMap(after.plans), most),
    ...differences("environment", byName(before), byName(after), most),
  ];
  for (let most = MOST_NAMES; most > 0; most -= 1) {
    const words = sentences(most).join(" ");
    if (words.length <= MOST_CHARACTERS) return words === "" ? "No change." : words;
  }
  return sentences(0).join(" ").slice(0, MOST_CHARACTERS);
}

const keys = [
  ["hostnames", "Host names"],
  ["environment", "Live environment"],
  ["settings", "Settings"],
] as const;

const byId = ({ resources }: Api) => new Map<string, unknown>(resources.map((one) => [one.id, one]));
const byName = ({ environments }: Api) => new Map<string, unknown>(Object.entries(environments));
const asMap = (ids: readonly string[]) => new Map<string, unknown>(ids.map((id) => [id, id]));

function byScope(api: Api): Map<string, unknown> {
  const resources = resourcesOf(api);
  const name = (scope: Scope) => nameOfScope(resources, scope);
  return new Map<string, StoredFlow>(savedFlows(api.flows).map(({ scope, flow }) => [name(scope), flow]));
}

function differences(
  noun: string,
  before: ReadonlyMap<string, unknown>,
  after: ReadonlyMap<string, unknown>,
  most: number,
): string[] {
  const kinds = {
    added: [...after.keys()].filter((key) => !before.has(key)),
    removed: [...before.keys()].filter((key) => !after.has(key)),
    changed: [...after.keys()].filter((key) => before.has(key) && !same(before.get(key), after.get(key))),
  };
  return Object.entries(kinds).flatMap(([kind, names]) => {
    if (names.length === 0) return [];
    const count = `${names.length} ${noun}${names.length === 1 ? "" : "s"} ${kind}`;
    const rest = names.length > most ? ` and ${names.length - most} more` : "";
    return [most === 0 ? `${count}.` : `${count} (${listOf(names.slice(0, most))}${rest}).`];
  });
}

const same = (one: unknown, other: unknown): boolean => sameJson((one ?? null) as Json, (other ?? null) as Json);
