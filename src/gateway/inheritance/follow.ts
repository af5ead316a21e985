import { byId, type Entry, isAsTakenOver, type Lists, sameEntry, sameValues, takenOver } from "./entry.ts";
import { isBroken } from "./break.ts";
import { childrenOf, flowAt, type Flows, type Scope, type StoredFlow, withFlow } from "./flows.ts";

export interface InheritanceSettings {
  /** `copied`: an edit of a value at the API reaches no flow that exists; `live`: all that did not set it themselves. */
  readonly valueInheritance?: "copied" | "live";
}

/** Passes on what became of a scope, from what ran there to what runs there now, to the saved flows below. */
export function passedOn(flows: Flows, scope: Scope, was: Lists, settings: InheritanceSettings, is: Lists): Flows {
  if (was === is) return flows;
  const passesValues = settings.valueInheritance === "live" || scope.resource !== undefined;
  return childrenOf(flows, scope).reduce((sofar, below) => {
    const child = flowAt(flows, below);
    if (child === undefined || isBroken(was, child)) return sofar;
    const followed = follow(was, is, child, passesValues);
    return passedOn(withFlow(sofar, below, followed), below, child, settings, followed);
  }, flows);
}

/** An unbroken child after its parent changed: the parent's new sequence, and then what the parent never gave. */
function follow(was: Lists, is: Lists, child: StoredFlow, passesValues: boolean): StoredFlow {
  const earlier = byId(was);
  const entry = (parents: Entry, mine: Entry): Entry => {
    const before = earlier.get(parents.id);
    const isEdited = before !== undefined && !sameValues(before, parents);
    return passesValues && isEdited && isAsTakenOver(mine) ? takenOver(parents) : mine;
  };
  return inSequence(is, child, entry, ({ id }) => !earlier.has(id));
}

/** As the flow would stand had it never been broken. The parent's values are not taken unasked. */
export const healed = (parent: Lists, child: StoredFlow): StoredFlow =>
  inSequence(
    parent,
    child,
    (_, mine) => mine,
    ({ base }) => base === undefined,
  );

/** The parent's copy. Where calls go is no interceptor and stays. */
export const copied = (parent: Lists, child: StoredFlow): StoredFlow =>
  inSequence(parent, child, takenOver, () => false);

/** The parent's sequence, then those of the child's others that stay, in their order. */
function inSequence(
  parent: Lists,
  child: StoredFlow,
  entry: (parents: Entry, mine: Entry) => Entry,
  stays: (other: Entry) => boolean,
): StoredFlow {
  const theirs = byId(parent);
  const own = byId(child);
  const first = (parents: Entry): Entry => {
    const mine = own.get(parents.id);
    return mine === undefined ? takenOver(parents) : entry(parents, mine);
  };
  const listOf = (of: "request" | "response") => [
    ...parent[of].map(first),
    ...child[of].filter((other) => !theirs.has(other.id) && stays(other)),
  ];
  return withLists(child, { request: listOf("request"), response: listOf("response") });
}

/** The flow with these lists. What is as before is the very same, so that identity tells whether anything changed. */
export function withLists(flow: StoredFlow, { request, response }: Lists): StoredFlow {
  const before = byId(flow);
  const next = { request: shared(before, flow.request, request), response: shared(before, flow.response, response) };
  return next.request === flow.request && next.response === flow.response ? flow : { ...flow, ...next };
}

function shared(before: ReadonlyMap<string, Entry>, list: readonly Entry[], next: readonly Entry[]): readonly Entry[] {
  const entries = next.map((entry) => {
    const earlier = before.get(entry.id);
    return earlier !== undefined && sameEntry(earlier, entry) ? earlier : entry;
  });
  return entries.length === list.length && entries.every((entry, index) => entry === list[index]) ? list : entries;
}
