import { type DocumentPath, type Fault, warning } from "../platform/faults.ts";
import { refusalOf } from "./address-check.ts";
import { type Configs, placedEntries } from "./entry-check.ts";
import { type Variables, withVariables } from "./environment.ts";
import { interceptorOf } from "./interceptors.ts";
import type { Api, Destination, EntryDraft, Lists } from "./model.ts";
import { savedFlows } from "./scopes.ts";

interface Calling extends Lists<EntryDraft> {
  readonly destination?: Destination;
}

/** Addresses that the gateway will not call unless the settings of the deployment let it. */
export function warningsOfPrivate(flow: Calling, path: DocumentPath, configs: Configs, variables: Variables): Fault[] {
  const url = flow.destination?.url;
  const own = url === undefined ? [] : [{ text: url, path: [...path, "destination", "url"] }];
  const inConfigs = placedEntries<EntryDraft>(flow, path).flatMap(({ entry, path: at }) =>
    (interceptorOf(entry.type)?.addresses ?? []).flatMap(({ field }) => {
      const text = configs.valid(entry)?.[field];
      return typeof text === "string" ? [{ text, path: [...at, "config", field] }] : [];
    }),
  );
  return [...own, ...inConfigs].flatMap((one) => {
    const refusal = refusalOf(withVariables(one.text, variables));
    return refusal === undefined ? [] : [warning("ADDRESS_PRIVATE", one.path, refusal)];
  });
}

/** Those of the environment that is live. */
export function privateAddresses({ flows, environments, environment }: Api, configs: Configs): Fault[] {
  const variables = environment === undefined ? {} : (environments[environment]?.variables ?? {});
  return savedFlows(flows).flatMap(({ flow, path }) => warningsOfPrivate(flow, path, configs, variables));
}
