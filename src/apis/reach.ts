import { type Fault, listOf, warning } from "../platform/faults.ts";
import { type Configs, placedEntries } from "./entry-check.ts";
import { interceptorOf } from "./interceptors.ts";
import type { Api, Entry } from "./model.ts";
import { nameOfScope, resourcesOf, savedFlows, upwards } from "./scopes.ts";

/** What can be stored and run, and will surely not do what its author wants. */
export const warningsOfReach = (api: Api, configs: Configs): Fault[] => [
  ...withoutDestination(api),
  ...withoutApp(api, configs),
];

const answers = new Set(["mock", "destination"]);

/** Operations of which no call gets anywhere. */
function withoutDestination(api: Api): Fault[] {
  const lost = api.resources.flatMap(({ id: resource, operations }) =>
    operations
      .map(({ id: operation }) => ({ resource, operation }))
      .filter((scope) => {
        const flows = upwards(api.flows, scope.resource, scope.operation);
        if (flows.some(({ destination }) => destination?.url !== undefined)) return false;
        return !(flows[0]?.request ?? []).some((entry) => entry.enabled && (answers.has(entry.type) || issues(entry)));
      }),
  );
  if (lost.length === 0) return [];
  const resources = resourcesOf(api);
  const names = listOf(lost.map((scope) => nameOfScope(resources, scope)));
  return [warning("DESTINATION_MISSING", ["flows"], `No destination, and no mock, is there for ${names}.`)];
}

const issues = ({ type, config }: Entry): boolean =>
  type === "oauth" && (config as { readonly action?: unknown }).action === "issue";

/** Interceptors that ask for the app where nothing has told it, and plans that will never run. */
function withoutApp(api: Api, configs: Configs): Fault[] {
  const identifies = (entry: Entry): boolean => {
    const config = entry.enabled ? configs.valid(entry) : undefined;
    return config !== undefined && interceptorOf(entry.type)?.identifies?.(config) === true;
  };
  const saved = savedFlows(api.flows);
  const early = saved.flatMap(({ flow, path }) => {
    const known = flow.request.findIndex(identifies);
    return placedEntries<Entry>({ request: flow.request, response: [] }, path).flatMap(({ entry, path: at }, index) => {
      if ((known !== -1 && known < index) || configs.valid(entry)?.["by"] !== "app") return [];
      const message = `Nothing before "${entry.id}" tells which app calls: all calls count together. Put clientId or the like before it.`;
      return [warning("APP_NOT_KNOWN", [...at, "config", "by"], message)];
    });
  });
  if (api.plans.length === 0 || saved.some(({ flow }) => flow.request.some(identifies))) return early;
  const message =
    "No interceptor tells which app calls, so no plan ever runs. Add clientId, accessToken, oauth or the like.";
  return [...early, warning("APP_NOT_KNOWN", ["plans"], message)];
}
