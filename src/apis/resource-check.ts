import { type DocumentPath, type Fault, fault, listOf, shown } from "../platform/faults.ts";
import { faultOfBase, faultsOfRoutes } from "./match.ts";
import type { Api } from "./model.ts";
import { savedFlows } from "./scopes.ts";

/** What is wrong with the addresses that an API answers, and with what names its resources. */
export function faultsOfResources(api: Api): Fault[] {
  const { basePath, hostnames = [], resources, plans } = api;
  const base = faultOfBase(basePath);
  const routes = faultsOfRoutes(resources).map(({ index, operation, message }) =>
    operation === undefined
      ? fault("ROUTE_INVALID", ["resources", index, "path"], message)
      : fault("METHOD_INVALID", ["resources", index, "operations", operation, "method"], message),
  );
  return [
    ...(base === undefined ? [] : [fault("BASE_PATH_INVALID", ["basePath"], base)]),
    ...repeated(hostnames, ["hostnames"], "host name"),
    ...repeatedIds(resources, ["resources"], "resource"),
    ...resources.flatMap(({ operations }, index) =>
      repeatedIds(operations, ["resources", index, "operations"], "operation"),
    ),
    ...routes,
    ...repeated(plans, ["plans"], "plan"),
    ...unknownScopes(api),
  ];
}

const repeatedIds = (list: readonly { readonly id: string }[], path: DocumentPath, noun: string): Fault[] =>
  repeated(
    list.map(({ id }) => id),
    path,
    noun,
    "id",
  );

function repeated(names: readonly string[], path: DocumentPath, noun: string, ...key: string[]): Fault[] {
  const seen = new Set<string>();
  return names.flatMap((name, index) => {
    const isRepeated = seen.has(name);
    seen.add(name);
    if (!isRepeated) return [];
    return [fault("ID_REPEATED", [...path, index, ...key], `The ${noun} "${name}" stands here twice. Leave one out.`)];
  });
}

/** Flows of what the API does not have. */
function unknownScopes({ resources, flows }: Api): Fault[] {
  const operationsOf = new Map(resources.map(({ id, operations }) => [id, operations.map((one) => one.id)]));
  const faults = Object.keys(flows.resources)
    .filter((id) => !operationsOf.has(id))
    .map((id) => {
      const message = `The API has no resource "${shown(id)}". ${known("Resources", operationsOf.keys())}`;
      return fault("RESOURCE_UNKNOWN", ["flows", "resources", id], message);
    });
  const single = savedFlows(flows).flatMap(({ scope: { resource, operation }, path }) => {
    const operations = operationsOf.get(resource ?? "");
    if (operation === undefined || operations === undefined || operations.includes(operation)) return [];
    const message = `The resource "${resource}" has no operation "${shown(operation)}". ${known("Operations", operations)}`;
    return [fault("OPERATION_UNKNOWN", path, message)];
  });
  return [...faults, ...single];
}

const known = (noun: string, ids: Iterable<string>): string => {
  const listed = listOf(ids);
  return listed === "" ? `There are no ${noun.toLowerCase()}.` : `${noun} are ${listed}.`;
};
