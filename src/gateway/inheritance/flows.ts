import type { Flows, Level, ResourceFlows, Scope, StoredFlow } from "../../apis/model.ts";
import { noEntries } from "./entry.ts";

export type { Destination, FlowDraft, Flows, Level, ResourceFlows, Scope, StoredFlow } from "../../apis/model.ts";

export const noFlow: StoredFlow = noEntries;
const noFlows: ResourceFlows = { operations: {} };

export function levelOf({ resource, operation }: Scope): Level {
  if (operation !== undefined) return "operation";
  return resource === undefined ? "api" : "resource";
}

export const nameOf = ({ resource, operation }: Scope): string => `${resource ?? "All"}/${operation ?? "All"}`;

/** The scope above, saved or not. */
export function above(scope: Scope): Scope | undefined {
  if (scope.resource === undefined) return undefined;
  return scope.operation === undefined ? {} : { resource: scope.resource };
}

/** The flow of exactly this scope. */
export function flowAt(flows: Flows, { resource, operation }: Scope): StoredFlow | undefined {
  if (resource === undefined) return flows.all;
  const own = found(flows.resources, resource);
  return operation === undefined ? own?.all : own && found(own.operations, operation);
}

export interface Saved {
  readonly level: Level;
  readonly flow: StoredFlow;
}

/** The saved flows of the scope and of those above it, the most specific first. */
export function savedUpwards(flows: Flows, scope: Scope): Saved[] {
  const saved: Saved[] = [];
  for (let at: Scope | undefined = scope; at !== undefined; at = above(at)) {
    const flow = flowAt(flows, at);
    if (flow !== undefined) saved.push({ level: levelOf(at), flow });
  }
  return saved;
}

/** What runs at the scope: its own flow, or else its parent's. */
export const runningAt = (flows: Flows, scope: Scope): StoredFlow => savedUpwards(flows, scope)[0]?.flow ?? noFlow;

/** The nearest saved flow above. Without any, the parent has nothing. */
export function parentOf(flows: Flows, scope: Scope): StoredFlow {
  const next = above(scope);
  return next === undefined ? noFlow : runningAt(flows, next);
}

/** The scopes whose parent this is, saved or not: those below without another saved one between. */
export function childrenOf(flows: Flows, { resource, operation }: Scope): Scope[] {
  if (operation !== undefined) return [];
  const resources = resource === undefined ? Object.keys(flows.resources) : [resource];
  return resources.flatMap((name): Scope[] => {
    const own = found(flows.resources, name) ?? noFlows;
    if (resource === undefined && own.all !== undefined) return [{ resource: name }];
    return Object.keys(own.operations).map((key) => ({ resource: name, operation: key }));
  });
}

/** Every saved flow with its scope. */
export function everySaved(flows: Flows): (readonly [Scope, StoredFlow])[] {
  const scopes = Object.entries(flows.resources).flatMap(([resource, { operations }]): Scope[] => [
    { resource },
    ...Object.keys(operations).map((operation) => ({ resource, operation })),
  ]);
  return [{}, ...scopes].flatMap((scope) => {
    const flow = flowAt(flows, scope);
    return flow === undefined ? [] : [[scope, flow] as const];
  });
}

/** The flows with this one saved at the scope, or none there. A resource that has none left is not kept. */
export function withFlow(flows: Flows, scope: Scope, flow: StoredFlow | undefined): Flows {
  const { resource, operation } = scope;
  if (flow === flowAt(flows, scope)) return flows;
  if (resource === undefined) return withAll(flows, flow);
  const own = found(flows.resources, resource) ?? noFlows;
  const changed =
    operation === undefined ? withAll(own, flow) : { ...own, operations: put(own.operations, operation, flow) };
  const isEmpty = changed.all === undefined && Object.keys(changed.operations).length === 0;
  return { ...flows, resources: put(flows.resources, resource, isEmpty ? undefined : changed) };
}

function withAll<T extends { readonly all?: StoredFlow }>(given: T, all: StoredFlow | undefined): T {
  if (all !== undefined) return { ...given, all };
  const { all: _, ...rest } = given;
  return rest as T;
}

/** Ids are the user's words, `__proto__` among them: a spread and fromEntries make plain keys of all. */
const put = <T>(record: Readonly<Record<string, T>>, key: string, value: T | undefined): Readonly<Record<string, T>> =>
  value === undefined
    ? Object.fromEntries(Object.entries(record).filter(([name]) => name !== key))
    : { ...record, [key]: value };

const found = <T>(record: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined;
