import { type DocumentPath, type Fault, fault, listOf, shown, warning } from "../platform/faults.ts";
import { faultOfAddress } from "./address-check.ts";
import { type Configs, placedEntries } from "./entry-check.ts";
import { type Variables, variablesIn, withVariables } from "./environment.ts";
import { interceptorOf } from "./interceptors.ts";
import { receivedBy } from "./match.ts";
import type { Api, Destination, EntryDraft, Lists, Scope } from "./model.ts";
import { faultOfDestination, type Given } from "./path-params.ts";
import { nameOfScope, type Resources, resourcesOf, type Saved, savedFlows } from "./scopes.ts";
import { faultOfTimeout, faultsOfTimeouts } from "./timeout.ts";

/** What is wrong with what depends on an environment. In one that is not live, it is a warning. */
export function faultsOfEnvironments(api: Api, configs: Configs): Fault[] {
  const { environments, environment } = api;
  const names = Object.keys(environments);
  const live = environment !== undefined && Object.hasOwn(environments, environment) ? environment : undefined;
  const faults = [...faultsOfChoice(environment, names), ...savedFlows(api.flows).flatMap(faultsOfCertificate)];
  if (live === undefined && names.length > 0) return faults;
  const saved = savedFlows(api.flows);
  const judge = new Judge(resourcesOf(api), configs);
  const judged = [
    ...judge.all(saved, live === undefined ? {} : environments[live]!.variables),
    ...names
      .filter((name) => name !== live)
      .flatMap((name) =>
        judge
          .all(saved, environments[name]!.variables)
          .map((one) => warning(one.code, one.path, `In the environment ${name}: ${one.message}`)),
      ),
  ];
  return [...faults, ...once(judged)];
}

function faultsOfChoice(environment: string | undefined, names: readonly string[]): Fault[] {
  if (environment === undefined && names.length === 0) return [];
  if (environment === undefined) {
    return [fault("ENVIRONMENT_REQUIRED", ["environment"], `Say which environment is live: one of ${listOf(names)}.`)];
  }
  if (names.includes(environment)) return [];
  const known = names.length === 0 ? "There are none." : `There are ${listOf(names)}.`;
  return [fault("ENVIRONMENT_UNKNOWN", ["environment"], `Unknown environment "${shown(environment)}". ${known}`)];
}

function faultsOfCertificate({ flow: { destination = {} }, path }: Saved): Fault[] {
  const { url, certificate } = destination;
  if (certificate === undefined || url !== undefined) return [];
  const message = "A certificate belongs to a url. Give the url here, or leave the certificate out.";
  return [fault("CERTIFICATE_WITHOUT_URL", [...path, "destination", "certificate"], message)];
}

/** What does not depend on the environment would be told of each. */
function once(faults: readonly Fault[]): Fault[] {
  const told = new Set<string>();
  return faults.filter(({ code, path, message, warning: passes }) => {
    const key = JSON.stringify([
      code,
      path,
      passes === true ? message.replace(/^In the environment [\w-]+: /, "") : message,
    ]);
    const isNew = !told.has(key);
    told.add(key);
    return isNew;
  });
}

/** Holds flows against the variables of an environment. */
class Judge {
  readonly #resources: Resources;
  readonly #configs: Configs;
  /** Many flows name the same addresses. */
  readonly #judged = new Map<string, string | undefined>();

  constructor(resources: Resources, configs: Configs) {
    this.#resources = resources;
    this.#configs = configs;
  }

  all(flows: readonly Saved[], variables: Variables): Fault[] {
    return flows.flatMap((saved) => [
      ...(saved.flow.destination === undefined ? [] : this.#ofDestination(saved, saved.flow.destination, variables)),
      ...faultsOfReferences(saved.flow, saved.path, this.#configs, variables),
    ]);
  }

  #ofDestination({ scope, path }: Saved, { url, timeout, certificate }: Destination, variables: Variables): Fault[] {
    const at = (key: string) => [...path, "destination", key];
    const faults = this.#faultsOfTimeout(scope, timeout, variables).map((text) =>
      fault("TIMEOUT_INVALID", at("timeout"), text),
    );
    if (url === undefined) return faults;
    const unknown = unknownVariables(url, at("url"), variables);
    if (unknown.length > 0) return [...faults, ...unknown];
    const given = this.#givenTo(scope.resource);
    if (given === undefined) return faults;
    const address = withVariables(url, variables);
    const sentence = this.#faultOfDestination(address, given);
    if (sentence !== undefined) return [...faults, fault("DESTINATION_INVALID", at("url"), sentence)];
    if (certificate !== undefined && /^http:/i.test(address)) {
      const message = "A certificate is shown to https alone. Use an https address, or leave the certificate out.";
      faults.push(fault("CERTIFICATE_WITHOUT_TLS", at("certificate"), message));
    }
    return faults;
  }

  #faultsOfTimeout(scope: Scope, timeout: Destination["timeout"], variables: Variables): string[] {
    if (timeout === undefined) return [];
    const literal = faultOfTimeout(timeout);
    if (literal !== undefined) return [literal];
    const levels = [{ scope: nameOfScope(this.#resources, scope), timeout }];
    return faultsOfTimeouts(levels, variables).map(({ message }) => message);
  }

  #faultOfDestination(address: string, given: Given): string | undefined {
    const key = JSON.stringify([address, given]);
    if (!this.#judged.has(key)) this.#judged.set(key, faultOfDestination(address, given));
    return this.#judged.get(key);
  }

  /** Undefined if there is no such resource, which is told elsewhere. */
  #givenTo(id: string | undefined): Given | undefined {
    if (id === undefined) return { kind: "path" };
    const resource = this.#resources.get(id);
    return resource && { kind: "values", ...receivedBy(resource.path) };
  }
}

/** What is wrong with variables and addresses in configs. Without variables (in a plan) only what can be seen is told. */
export function faultsOfReferences(
  lists: Lists<EntryDraft>,
  path: DocumentPath,
  configs: Configs,
  variables?: Variables,
): Fault[] {
  return placedEntries(lists, path).flatMap(({ entry, path: at }) => {
    const config = configs.valid(entry);
    if (config === undefined) return [];
    const inConfig = variables === undefined ? [] : unknownVariables(entry.config, [...at, "config"], variables);
    const addresses = (interceptorOf(entry.type)?.addresses ?? []).flatMap((field) => {
      const text = config[field.field];
      if (typeof text !== "string") return [];
      const sentence = faultOfAddress(withVariables(text, variables ?? {}), field);
      return sentence === undefined ? [] : [fault("ADDRESS_INVALID", [...at, "config", field.field], sentence)];
    });
    return [...inConfig, ...addresses];
  });
}

function unknownVariables(value: unknown, path: DocumentPath, variables: Variables): Fault[] {
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([key, item]) =>
      unknownVariables(item, [...path, Array.isArray(value) ? Number(key) : key], variables),
    );
  }
  if (typeof value !== "string") return [];
  const missing = new Set(variablesIn(value).filter((name) => !Object.hasOwn(variables, name)));
  return [...missing].map((name) => {
    const known = listOf(Object.keys(variables));
    const message = `The environment has no variable ${name}. ${known === "" ? "It has none." : `It has ${known}.`}`;
    return fault("VARIABLE_UNKNOWN", path, message);
  });
}
