import { type Break, breaksOf } from "./break.ts";
import {
  byId,
  type Entry,
  type EntryDraft,
  isAsTakenOver,
  type Lists,
  sameValues,
  takenOver,
  type Values,
  valuesOf,
} from "./entry.ts";
import { flowAt, type Flows, type Level, noFlow, parentOf, type Saved, savedUpwards, type Scope } from "./flows.ts";

export type Origin = "inherited" | "overridden" | "own";

export interface EntryView extends EntryDraft {
  readonly origin: Origin;
  /** The level that brought it in. */
  readonly level: Level;
  /** What the parent has now, if that is not what it had when this was taken over. */
  readonly drift?: Values;
  /** It was inherited, and the parent has it no longer. It is this flow's own now; Restore drops it. */
  readonly orphaned?: true;
}

export interface DestinationView {
  readonly level: Level;
  readonly url: string;
  readonly certificate?: string;
}

export interface TimeoutView {
  readonly level: Level;
  /** Seconds, or what names a variable of the environment. */
  readonly timeout: number | string;
}

interface Ends {
  /** Of the most specific level that says a URL. */
  readonly destination?: DestinationView;
  /** Of the most specific level that says one. */
  readonly timeout?: TimeoutView;
}

export interface ScopeView extends Ends, Lists<EntryView> {
  /** Whether the scope has a flow of its own. If not, this is its parent's, all of it inherited. */
  readonly saved: boolean;
  /** The level whose flow runs; missing if no level has one. */
  readonly runs?: Level;
  /** One for each list that is broken; the flow is broken if there is any. */
  readonly breaks: readonly Break[];
}

/** What a user sees of a scope. */
export function viewOf(flows: Flows, scope: Scope): ScopeView {
  const upwards = savedUpwards(flows, scope);
  const own = flowAt(flows, scope);
  const parent = parentOf(flows, scope);
  const shown = own ?? copyOf(parent);
  const entry = entryView(parent, upwards);
  return {
    saved: own !== undefined,
    ...(upwards[0] && { runs: upwards[0].level }),
    request: shown.request.map(entry),
    response: shown.response.map(entry),
    breaks: own === undefined ? [] : breaksOf(parent, own),
    ...endsOf(upwards),
  };
}

export interface EffectiveEntry extends Omit<EntryDraft, "enabled"> {
  /** The level that brought it in. */
  readonly level: Level;
}

export interface Effective extends Ends, Lists<EffectiveEntry> {
  /** The level whose flow runs; missing if no level has one. */
  readonly runs?: Level;
}

/** What runs for calls of an operation. What is disabled does not. */
export function effective(flows: Flows, resource: string, operation: string): Effective {
  const upwards = savedUpwards(flows, { resource, operation });
  const flow = upwards[0]?.flow ?? noFlow;
  const levelOf = levels(upwards);
  const running = (list: readonly Entry[]): EffectiveEntry[] =>
    list.flatMap((entry) => {
      const { enabled, ...values } = valuesOf(entry);
      return enabled ? [{ id: entry.id, type: entry.type, ...values, level: levelOf(entry.id) }] : [];
    });
  return {
    ...(upwards[0] && { runs: upwards[0].level }),
    request: running(flow.request),
    response: running(flow.response),
    ...endsOf(upwards),
  };
}

const copyOf = ({ request, response }: Lists): Lists => ({
  request: request.map(takenOver),
  response: response.map(takenOver),
});

function entryView(parent: Lists, upwards: readonly Saved[]): (entry: Entry) => EntryView {
  const theirs = byId(parent);
  const levelOf = levels(upwards);
  return (entry) => {
    const { id, type, base } = entry;
    const view = { id, type, ...valuesOf(entry), level: levelOf(id) };
    const parents = theirs.get(id);
    if (base === undefined) return { ...view, origin: "own" };
    if (parents === undefined) return { ...view, origin: "own", orphaned: true };
    const drift = sameValues(parents, base) ? {} : { drift: valuesOf(parents) };
    return { ...view, origin: isAsTakenOver(entry) ? "inherited" : "overridden", ...drift };
  };
}

/** The uppermost level to which an entry can be followed without a gap. */
function levels(upwards: readonly Saved[]): (id: string) => Level {
  const known = upwards.map(({ level, flow }) => ({ level, ids: byId(flow) }));
  return (id) => {
    const gap = known.findIndex(({ ids }) => !ids.has(id));
    return known.at(gap === -1 ? -1 : gap - 1)!.level;
  };
}

function endsOf(upwards: readonly Saved[]): Ends {
  const said = upwards.map(({ level, flow }) => ({ level, ...flow.destination }));
  const where = said.find(({ url }) => url !== undefined);
  const until = said.find(({ timeout }) => timeout !== undefined);
  return {
    ...(where?.url !== undefined && { destination: destinationView(where.level, where.url, where.certificate) }),
    ...(until?.timeout !== undefined && { timeout: { level: until.level, timeout: until.timeout } }),
  };
}

const destinationView = (level: Level, url: string, certificate: string | undefined): DestinationView =>
  certificate === undefined ? { level, url } : { level, url, certificate };
