import { entryOf, namespaceOfRoute, type Placed, routeInUse, type RouteCommand } from "./blocks.ts";
import { type DocumentPath, type Fault, fault, listOf, warning } from "../platform/faults.ts";
import { faultsOfFields, faultsOfPattern } from "./fields-check.ts";
import type { Case, CommandOf, Exchange, Switch, Workflow } from "./model.ts";
import { isHostOpen } from "./url.ts";

/** What is wrong with one command by itself. What stands within it is not looked at. */
export function faultsOfCommand(workflow: Workflow, { command, path }: Placed): Fault[] {
  const namespace = "namespace" in command ? reserved(command.namespace, [...path, "namespace"]) : [];
  switch (command.command) {
    case "route":
      return [...faultsOfRoute(workflow, command, path), ...namespace];
    case "exchange":
      return [...faultsOfExchange(command, path), ...namespace];
    case "function":
      return [...unregistered("function", workflow.functions, command.name, path), ...namespace];
    case "path":
      return unregistered("path", workflow.paths, command.name, path);
    case "set":
      return Object.keys(command.values).flatMap((key) => reserved(key, [...path, "values", key]));
    case "switch":
      return faultsOfSwitch(command, path);
    case "wait":
      return [...faultsOfWait(command, path), ...namespace];
    case "sharable":
      return [...faultsOfSharable(command, path), ...namespace];
    default:
      return [];
  }
}

/** What is wrong with what stands beside the commands: fields and registered routes. */
export const faultsOfDefinitions = (workflow: Workflow): Fault[] => [
  ...faultsOfFields(workflow.validate, ["validate"]),
  ...Object.entries(workflow.routes ?? {}).flatMap(([name, route]) => [
    ...faultsOfFields(route.validate, ["routes", name, "validate"]),
    ...reserved(route.namespace, ["routes", name, "namespace"]),
  ]),
  ...Object.entries(workflow.functions ?? {}).flatMap(([name, { validate }]) =>
    faultsOfFields(validate, ["functions", name, "validate"]),
  ),
];

function faultsOfRoute(workflow: Workflow, route: RouteCommand, path: DocumentPath): Fault[] {
  const used = routeInUse(workflow, route);
  const namespace = namespaceOfRoute(used);
  const faults = [
    ...faultsOfUri(workflow, route, used, path),
    ...faultsOfFields(route.validate, [...path, "validate"]),
  ];
  if (used.terminal === true) return faults;
  if (used.namespace === undefined) faults.push(...reserved(route.name, [...path, "name"]));
  if (namespace === undefined) {
    const fields = Object.keys(route.validate ?? {});
    faults.push(...fields.flatMap((field) => reserved(field, [...path, "validate", field])));
    if (used.validate === undefined && faults.length === 0) {
      const message =
        "What is submitted here is not kept. Give the route a name or a namespace, or validate its fields.";
      faults.push(warning("ROUTE_PAYLOAD_LOST", path, message));
    }
  }
  return faults;
}

function faultsOfUri(workflow: Workflow, route: RouteCommand, used: RouteCommand, path: DocumentPath): Fault[] {
  if (!isBlank(used.uri)) return [];
  const isKnown = route.name === undefined || entryOf(workflow.routes, route.name) !== undefined;
  if (!isKnown && route.uri === undefined) return unregistered("route", workflow.routes, route.name!, path);
  const message = "A route requires a uri, here or where it is registered.";
  return [fault("ROUTE_URI_REQUIRED", [...path, "uri"], message)];
}

function faultsOfExchange(exchange: Exchange, path: DocumentPath): Fault[] {
  const faults = faultsOfFields(exchange.validate, [...path, "validate"]);
  if (isBlank(exchange.url)) {
    faults.push(fault("EXCHANGE_URL_REQUIRED", [...path, "url"], "An exchange requires a url."));
  }
  if (isHostOpen(exchange.url)) {
    const message =
      "The scheme and host of a url cannot hold expressions. Write them out, or make the whole url one expression.";
    faults.push(fault("URL_HOST_TEMPLATED", [...path, "url"], message));
  }
  if (exchange.namespace === undefined) faults.push(...reserved(exchange.name, [...path, "name"]));
  if (exchange.async !== true) return faults;
  if (exchange.fallback !== undefined) {
    const message =
      "An async exchange has no fallback: the script has gone on when it fails. Wait for it, or leave it.";
    faults.push(fault("FALLBACK_ASYNC", [...path, "fallback"], message));
  }
  if (exchange.namespace === undefined && exchange.name === undefined) {
    const message = "An async exchange requires a namespace or a name, so that its end can be told.";
    faults.push(fault("ASYNC_UNNAMED", [...path, "async"], message));
  }
  return faults;
}

const kinds = ["equals", "in", "matches", "condition"] as const;

function faultsOfSwitch({ value, cases }: Switch, path: DocumentPath): Fault[] {
  const faults = cases.flatMap((one, index) => faultsOfCase(one, [...path, "cases", index]));
  const needs = cases.some((one) => kinds.some((kind) => kind !== "condition" && Object.hasOwn(one, kind)));
  if (value === undefined && needs) {
    const message = "A switch requires a value, unless every case has a condition.";
    faults.unshift(fault("SWITCH_VALUE_REQUIRED", [...path, "value"], message));
  }
  return faults;
}

function faultsOfCase(one: Case, path: DocumentPath): Fault[] {
  const present = kinds.filter((kind) => Object.hasOwn(one, kind));
  const faults = one.matches === undefined ? [] : faultsOfPattern(one.matches, [...path, "matches"]);
  if (present.length === 1) return faults;
  const found = present.length === 0 ? "none" : listOf(present);
  const message = `A case has exactly one of ${listOf(kinds)}; here it has ${found}.`;
  return [fault("CASE_INVALID", path, message), ...faults];
}

function faultsOfWait({ seconds, event }: CommandOf<"wait">, path: DocumentPath): Fault[] {
  if (seconds !== undefined || event !== undefined) return [];
  return [fault("WAIT_EMPTY", path, "A wait requires seconds, an event, or both.")];
}

function faultsOfSharable(sharable: CommandOf<"sharable">, path: DocumentPath): Fault[] {
  if (sharable.of !== "payload" || sharable.payload !== undefined) return [];
  return [fault("PAYLOAD_REQUIRED", [...path, "payload"], "A sharable of a payload requires the payload.")];
}

function unregistered(
  kind: "route" | "function" | "path",
  registry: Readonly<Record<string, unknown>> | undefined,
  name: string,
  path: DocumentPath,
): Fault[] {
  if (entryOf(registry, name) !== undefined) return [];
  const names = Object.keys(registry ?? {});
  const known = names.length === 0 ? `No ${kind} is registered.` : `Registered are ${listOf(names)}.`;
  const advice = kind === "route" ? " Give it a uri, or register it." : "";
  return [fault(`${kind.toUpperCase()}_UNKNOWN`, [...path, "name"], `Unknown ${kind} "${name}". ${known}${advice}`)];
}

/** Attributes that the execution itself provides, and a name that no object should be given. */
function reserved(attribute: string | undefined, path: DocumentPath): Fault[] {
  const parts = attribute?.split(".") ?? [];
  const isTaken = ["it", "init", "execution"].includes(parts[0]!) || attribute === "share";
  if (!isTaken && !parts.includes("__proto__")) return [];
  const advice = attribute === "share" ? "Use share with a name, such as share.total." : "Use another name.";
  return [fault("NAMESPACE_RESERVED", path, `"${attribute}" is reserved: it cannot be set. ${advice}`)];
}

const isBlank = (text: string | undefined): boolean => text === undefined || text.trim() === "";
