import type { Api, Flows, Level, Resource, Scope, StoredFlow } from "./model.ts";
import { type DocumentPath, shown } from "../platform/faults.ts";

/** A saved flow and where it stands. */
export interface Saved {
  readonly scope: Scope;
  readonly level: Level;
  readonly flow: StoredFlow;
  readonly path: DocumentPath;
}

/** Every saved flow, those above before those below. */
export function savedFlows({ all, resources }: Flows): Saved[] {
  const saved: Saved[] = [];
  if (all !== undefined) saved.push({ scope: {}, level: "api", flow: all, path: ["flows", "all"] });
  for (const [resource, flows] of Object.entries(resources)) {
    const path = ["flows", "resources", resource];
    if (flows.all !== undefined) {
      saved.push({ scope: { resource }, level: "resource", flow: flows.all, path: [...path, "all"] });
    }
    for (const [operation, flow] of Object.entries(flows.operations)) {
      saved.push({
        scope: { resource, operation },
        level: "operation",
        flow,
        path: [...path, "operations", operation],
      });
    }
  }
  return saved;
}

/** The flows of an operation that there are, the most specific first. */
export function upwards({ all, resources }: Flows, resource: string, operation?: string): StoredFlow[] {
  const own = Object.hasOwn(resources, resource) ? resources[resource]! : undefined;
  const single =
    operation !== undefined && own !== undefined && Object.hasOwn(own.operations, operation)
      ? own.operations[operation]
      : undefined;
  return [single, own?.all, all].filter((flow) => flow !== undefined);
}

/** The nearest flow above a scope. */
export function parentOf(flows: Flows, { resource, operation }: Scope): StoredFlow | undefined {
  if (resource === undefined) return undefined;
  return operation === undefined ? flows.all : upwards(flows, resource)[0];
}

export type Resources = ReadonlyMap<string, Resource>;

export const resourcesOf = ({ resources }: Api): Resources => new Map(resources.map((one) => [one.id, one]));

/** As people call it: `GET /orders/{id}`, `/orders/{id}`, `the whole API`. */
export function nameOfScope(resources: Resources, { resource, operation }: Scope): string {
  if (resource === undefined) return "the whole API";
  const own = resources.get(resource);
  const method = own?.operations.find(({ id }) => id === operation)?.method;
  const path = shown(own?.path ?? resource);
  return method === undefined ? path : `${method} ${path}`;
}
