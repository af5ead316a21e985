import { type Fault, fault } from "../platform/faults.ts";
import { type Configs, faultsOfList, placedEntries, type PlacedEntry } from "./entry-check.ts";
import type { Api, Entry, Scope } from "./model.ts";
import { nameOfScope, parentOf, resourcesOf, type Saved, savedFlows } from "./scopes.ts";

/** What is wrong with the flows of an API, each by itself and among each other. */
export function faultsOfFlows(api: Api, configs: Configs): Fault[] {
  const saved = savedFlows(api.flows);
  return [
    ...saved.flatMap(({ flow, level, path }) => faultsOfList(flow, level, path, configs)),
    ...faultsOfInheritance(api, saved),
  ];
}

interface Standing extends PlacedEntry<Entry> {
  readonly saved: Saved;
}

/** An id belongs to one flow, which brought it in; wherever else it stands it was inherited and has a base. */
function faultsOfInheritance(api: Api, saved: readonly Saved[]): Fault[] {
  const standing = saved.flatMap((one) =>
    placedEntries<Entry>(one.flow, one.path).map((placed): Standing => ({ ...placed, saved: one })),
  );
  const resources = resourcesOf(api);
  const parentIds = new Map(saved.map((one) => [one, idsAbove(api, one)]));
  return [...Map.groupBy(standing, ({ entry }) => entry.id).values()].flatMap((all) => {
    const [first] = all;
    const owner = all.find(({ entry }) => entry.base === undefined);
    return all.flatMap((one): Fault[] => {
      const { entry, path, saved: here } = one;
      if (entry.type !== first!.entry.type) {
        const message = `The interceptor "${entry.id}" is of the type ${first!.entry.type} in ${nameOfScope(resources, first!.saved.scope)}. One of another type needs an id of its own.`;
        return [fault("TYPE_CHANGED", [...path, "type"], message)];
      }
      if (entry.base === undefined && parentIds.get(here)!.has(entry.id)) {
        const message = `The interceptor "${entry.id}" comes from the flow above. Give its values there as base, or use another id.`;
        return [fault("BASE_REQUIRED", [...path, "base"], message)];
      }
      if (entry.base !== undefined && here.level === "api") {
        return [fault("BASE_NOT_ALLOWED", [...path, "base"], "There is nothing above the whole API. Leave base out.")];
      }
      if (owner === undefined || here === owner.saved) return [];
      if (entry.base !== undefined && isBelow(owner.saved.scope, here.scope)) return [];
      const message = `The id "${entry.id}" is taken by an interceptor of ${nameOfScope(resources, owner.saved.scope)}. A new one needs an id of its own.`;
      return [fault("ID_TAKEN", [...path, "id"], message)];
    });
  });
}

const isBelow = (upper: Scope, scope: Scope): boolean =>
  upper.resource === undefined || (upper.resource === scope.resource && upper.operation === undefined);

function idsAbove({ flows }: Api, { scope }: Saved): ReadonlySet<string> {
  const parent = parentOf(flows, scope);
  return new Set(parent === undefined ? [] : placedEntries(parent, []).map(({ entry }) => entry.id));
}
