import { asSaved, byId, sameJson, takenOver } from "./inheritance/entry.ts";
import { faultsOfEdit } from "./inheritance/faults.ts";
import {
  above,
  flowAt,
  type FlowDraft,
  type Flows,
  noFlow,
  parentOf,
  runningAt,
  type Scope,
  type StoredFlow,
  withFlow,
} from "./inheritance/flows.ts";
import { copied, healed, type InheritanceSettings, passedOn, withLists } from "./inheritance/follow.ts";

export { type Break, type BreakCause, breakCauses } from "./inheritance/break.ts";
export type { Entry, EntryDraft, Json, Stage, Values } from "./inheritance/entry.ts";
export { type EditFault, faultsOfEdit } from "./inheritance/faults.ts";
export type { Destination, FlowDraft, Flows, Level, ResourceFlows, Scope, StoredFlow } from "./inheritance/flows.ts";
export type { InheritanceSettings } from "./inheritance/follow.ts";
export {
  type DestinationView,
  type Effective,
  effective,
  type EffectiveEntry,
  type EntryView,
  type Origin,
  type ScopeView,
  type TimeoutView,
  viewOf,
} from "./inheritance/view.ts";

/*
 * A level without a saved flow runs its parent's: the nearest saved one above. A flow is broken exactly if the parent's
 * sequence is not a prefix of its own; then no change above reaches it or what is under it. An unbroken flow always is
 * the parent's sequence and then its own. Nothing is mutated, and what did not change is the very same object.
 */

/** Saves lists for a scope and passes the change on. Throws if `faultsOfEdit` finds any: ask it first. */
export function editScope(flows: Flows, scope: Scope, next: FlowDraft, settings: InheritanceSettings = {}): Flows {
  const [fault] = faultsOfEdit(flows, scope, next);
  if (fault !== undefined) throw new RangeError(`${fault.list}[${fault.index}]: ${fault.message}`);
  const parents = byId(parentOf(flows, scope));
  const own = flowAt(flows, scope);
  const known = byId(own ?? noFlow);
  const entry = (draft: FlowDraft["request"][number]) =>
    asSaved(draft, known.get(draft.id)?.base ?? parents.get(draft.id));
  const lists = { request: next.request.map(entry), response: next.response.map(entry) };
  return changed(flows, scope, withDestination(own === undefined ? lists : withLists(own, lists), next), settings);
}

/** Undoes a break: the parent's sequence, then its own. Overrides stay, unless all of its own is to be discarded. */
export function restore(
  flows: Flows,
  scope: Scope,
  { discard = false, ...settings }: InheritanceSettings & { readonly discard?: boolean } = {},
): Flows {
  const own = flowAt(flows, scope);
  if (own === undefined || above(scope) === undefined) return flows;
  const parent = parentOf(flows, scope);
  return changed(flows, scope, discard ? copied(parent, own) : healed(parent, own), settings);
}

/** Gives an inherited entry what the parent has now. Without such an entry the flows stay as they are. */
export function takeParentsValue(
  flows: Flows,
  scope: Scope,
  entryId: string,
  settings: InheritanceSettings = {},
): Flows {
  const own = flowAt(flows, scope);
  const parents = byId(parentOf(flows, scope)).get(entryId);
  if (own === undefined || parents === undefined) return flows;
  const taken = (list: StoredFlow["request"]) =>
    list.map((entry) => (entry.id === entryId ? takenOver(parents) : entry));
  const lists = { request: taken(own.request), response: taken(own.response) };
  return changed(flows, scope, withLists(own, lists), settings);
}

/** From now on the scope runs its parent's flow; for the flows below that is a change like any other. */
export const removeFlow = (flows: Flows, scope: Scope, settings: InheritanceSettings = {}): Flows =>
  changed(flows, scope, undefined, settings);

function changed(flows: Flows, scope: Scope, flow: StoredFlow | undefined, settings: InheritanceSettings): Flows {
  const next = withFlow(flows, scope, flow);
  return next === flows ? flows : passedOn(next, scope, runningAt(flows, scope), settings, runningAt(next, scope));
}

function withDestination(flow: StoredFlow, { destination }: FlowDraft): StoredFlow {
  if (sameJson(flow.destination ?? null, destination ?? null)) return flow;
  const { request, response } = flow;
  return destination === undefined ? { request, response } : { request, response, destination };
}
