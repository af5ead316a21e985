import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  editScope,
  effective,
  type Entry,
  type EntryDraft,
  faultsOfEdit,
  type FlowDraft,
  type Flows,
  removeFlow,
  restore,
  type Scope,
  type StoredFlow,
  takeParentsValue,
  viewOf,
} from "./inheritance.ts";

const scopes: readonly Scope[] = [
  {},
  ...["p", "q"].flatMap((resource) => [{ resource }, ...["x", "y"].map((operation) => ({ resource, operation }))]),
];

/* A second telling of where flows stand, as plain as can be, so that the first is not judged by itself. */

const flowAt = (flows: Flows, { resource, operation }: Scope): StoredFlow | undefined => {
  if (resource === undefined) return flows.all;
  return operation === undefined ? flows.resources[resource]?.all : flows.resources[resource]?.operations[operation];
};
const aboveOf = ({ resource, operation }: Scope): readonly Scope[] => {
  if (resource === undefined) return [];
  return operation === undefined ? [{}] : [{ resource }, {}];
};
const isUnder = (scope: Scope, upper: Scope) => aboveOf(scope).some((one) => same(one, upper));
const same = (one: Scope, other: Scope) => one.resource === other.resource && one.operation === other.operation;
const empty: StoredFlow = { request: [], response: [] };
const parentOf = (flows: Flows, scope: Scope): StoredFlow =>
  aboveOf(scope)
    .map((one) => flowAt(flows, one))
    .find((flow) => flow !== undefined) ?? empty;
const runningAt = (flows: Flows, scope: Scope) => flowAt(flows, scope) ?? parentOf(flows, scope);

const all = ({ request, response }: StoredFlow): Entry[] => [...request, ...response];
const ids = (list: readonly EntryDraft[]) => list.map(({ id }) => id);
const find = (flow: StoredFlow, id: string) => all(flow).find((entry) => entry.id === id);
const startsWith = (child: readonly Entry[], parent: readonly Entry[]) =>
  JSON.stringify(ids(child).slice(0, parent.length)) === JSON.stringify(ids(parent));
const isWhole = (parent: StoredFlow, child: StoredFlow) =>
  startsWith(child.request, parent.request) && startsWith(child.response, parent.response);
const values = (entry: { enabled: boolean; config: unknown } | undefined) =>
  entry && JSON.stringify([entry.enabled, entry.config]);
const isSetByItself = (entry: Entry) => entry.base === undefined || values(entry) !== values(entry.base);
const savedScopes = (flows: Flows) => scopes.filter((scope) => flowAt(flows, scope) !== undefined);

const natural = fc.nat({ max: 9 });
const twist = fc.tuple(
  fc.constantFrom("insert" as const, "insert", "bring back", "remove", "move", "set", "set", "switch"),
  natural,
  natural,
);
const place = { scope: fc.constantFrom(...scopes), live: fc.boolean() };
const move = fc.oneof(
  {
    weight: 7,
    arbitrary: fc.record({ ...place, kind: fc.constant("edit" as const), twists: fc.array(twist, { maxLength: 3 }) }),
  },
  { weight: 2, arbitrary: fc.record({ ...place, kind: fc.constant("restore" as const), discard: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ ...place, kind: fc.constant("take" as const), at: natural }) },
  { weight: 1, arbitrary: fc.record({ ...place, kind: fc.constant("remove" as const) }) },
);
type Twist = Generated<typeof twist>;
type Move = Generated<typeof move>;
type Generated<T> = T extends fc.Arbitrary<infer Value> ? Value : never;
/** Some entries at the top and a flow at most scopes to begin with, so that there is something to inherit. */
const beginnings = fc
  .tuple(fc.array(twist, { maxLength: 3 }), fc.subarray([...scopes], { minLength: 2 }))
  .map(([twists, some]): Move[] => {
    const filled: Twist[] = [0, 1, 2].map((n) => ["insert", n, 2 * n + 1]);
    return some.map((scope) => ({
      scope,
      live: false,
      kind: "edit",
      twists: [...filled.slice(some.length % 3), ...twists],
    }));
  });
const moves = fc
  .tuple(beginnings, fc.array(move, { minLength: 1, maxLength: 25, size: "max" }))
  .map(([first, then]) => [...first, ...then]);

/** A user who sees a scope, changes some of it, and saves it. */
function twisted(flows: Flows, scope: Scope, twists: readonly Twist[], fresh: () => string): FlowDraft {
  const view = viewOf(flows, scope);
  const draft = { request: [...view.request] as EntryDraft[], response: [...view.response] as EntryDraft[] };
  const everywhere = savedScopes(flows).flatMap((one) => all(flowAt(flows, one)!));
  for (const [kind, first, second] of twists) {
    const list = first % 2 === 0 ? draft.request : draft.response;
    const target = second % 4 === 0 ? draft.response : draft.request;
    const at = first % (list.length + 1);
    const to = second % (target.length + 1);
    const entry = list[at];
    if (kind === "insert") target.splice(to, 0, { id: fresh(), type: "log", enabled: true, config: { n: first } });
    if (kind === "bring back" && everywhere.length > 0) target.splice(to, 0, everywhere[first % everywhere.length]!);
    if (kind === "remove") list.splice(at, 1);
    if (kind === "move" && entry !== undefined) target.splice(to, 0, ...list.splice(at, 1));
    if (kind === "set" && entry !== undefined) list[at] = { ...entry, config: { n: second } };
    if (kind === "switch" && entry !== undefined) list[at] = { ...entry, enabled: !entry.enabled };
  }
  return draft;
}

interface Step {
  readonly before: Flows;
  readonly after: Flows;
  readonly move: Move;
}

/** Does the moves one after the other on frozen flows, so that whatever mutates one throws. */
function driven(given: readonly Move[], look: (step: Step) => void): Flows {
  let count = 0;
  const fresh = () => `n${(count += 1)}`;
  let flows = frozen<Flows>({ resources: {} });
  for (const one of given) {
    const before = flows;
    flows = frozen(moved(before, one, fresh));
    look({ before, after: flows, move: one });
  }
  return flows;
}

function moved(flows: Flows, one: Move, fresh: () => string): Flows {
  const { scope } = one;
  const settings = { valueInheritance: one.live ? ("live" as const) : ("copied" as const) };
  if (one.kind === "restore") return restore(flows, scope, { ...settings, discard: one.discard });
  if (one.kind === "remove") return removeFlow(flows, scope, settings);
  if (one.kind === "take") {
    return takeParentsValue(flows, scope, ids(all(runningAt(flows, scope)))[one.at] ?? "none", settings);
  }
  const draft = twisted(flows, scope, one.twists, fresh);
  return faultsOfEdit(flows, scope, draft).length > 0 ? flows : editScope(flows, scope, draft, settings);
}

function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.values(Object.freeze(value)).forEach(frozen);
  return value;
}

/** The saved flows that a change reaches: unbroken ones, below unbroken ones. */
const isReached = (flows: Flows, changed: Scope, scope: Scope): boolean => {
  const flow = flowAt(flows, scope);
  if (!isUnder(scope, changed) || flow === undefined || !isWhole(parentOf(flows, scope), flow)) return false;
  const next = aboveOf(scope).find((one) => same(one, changed) || flowAt(flows, one) !== undefined)!;
  return same(next, changed) || isReached(flows, changed, next);
};

const holds = (look: (step: Step) => void) => {
  const property = fc.property(moves, (given) => void driven(given, look));
  fc.assert(property, { numRuns: 200 });
};
const eachSaved = (look: (flow: StoredFlow, parent: StoredFlow, scope: Scope, flows: Flows) => void) =>
  holds(({ after }) => savedScopes(after).forEach((at) => look(flowAt(after, at)!, parentOf(after, at), at, after)));
type Pair = readonly [flow: StoredFlow, parent: StoredFlow];
/** Each saved flow below the changed scope, with its parent, before and after. */
const eachBelow = (look: (was: Pair, is: Pair, at: Scope, step: Step) => void) =>
  holds((step) => {
    for (const at of savedScopes(step.before).filter((one) => isReached(step.before, step.move.scope, one))) {
      look(
        [flowAt(step.before, at)!, parentOf(step.before, at)],
        [flowAt(step.after, at)!, parentOf(step.after, at)],
        at,
        step,
      );
    }
  });

describe("whatever is edited in whichever order", () => {
  it("a flow is broken exactly if its parent's sequence is not a prefix of its own", () => {
    eachSaved((flow, parent, scope, flows) => {
      expect(viewOf(flows, scope).breaks.length === 0).toBe(isWhole(parent, flow));
    });
  });

  it("a change reaches what is below it and unbroken, and nothing else", () => {
    holds(({ before, after, move: { scope } }) => {
      const others = scopes.filter((one) => !same(one, scope) && !isReached(before, scope, one));
      for (const one of others) expect(flowAt(after, one)).toBe(flowAt(before, one));
    });
  });

  it("an unbroken child becomes its parent's sequence and what the parent never gave, in its order", () => {
    eachBelow(([was, parentWas], [is, parentIs]) => {
      for (const list of ["request", "response"] as const) {
        const others = ids(was[list]).filter((id) => !find(parentWas, id) && !find(parentIs, id));
        expect(ids(is[list])).toEqual([...ids(parentIs[list]), ...others]);
      }
    });
  });

  it("own entries and overrides are never lost by an edit above, and keep their values", () => {
    eachBelow(([was], [is, parentIs]) => {
      const stays = ({ id, base }: Entry) => base === undefined || find(parentIs, id) !== undefined;
      const kept = all(was).filter((entry) => isSetByItself(entry) && stays(entry));
      expect(kept.map(({ id }) => find(is, id))).toEqual(kept);
    });
  });

  it("values pass on from a resource, or everywhere if live, to who did not set them; new ones are copied", () => {
    eachBelow(([was, parentWas], [is, parentIs], at, { before, move: { live, scope } }) => {
      // The level that changed is the next one above: the parent, or the scope that lost or got a flow.
      const next = aboveOf(at).find((one) => same(one, scope) || flowAt(before, one) !== undefined)!;
      for (const entry of all(parentIs)) {
        const mine = find(was, entry.id);
        const earlier = find(parentWas, entry.id);
        const isEdited = earlier !== undefined && values(earlier) !== values(entry);
        const passes = isEdited && (live || next.resource !== undefined) && mine && !isSetByItself(mine);
        const base = { enabled: entry.enabled, config: entry.config };
        expect(find(is, entry.id)).toEqual(mine === undefined || passes ? { ...entry, base } : mine);
      }
    });
  });

  it("restore heals, keeps what is own, and is done after once", () => {
    holds(({ before, after, move: one }) => {
      const was = flowAt(before, one.scope);
      if (one.kind !== "restore" || was === undefined || one.scope.resource === undefined) return;
      const [is, parent] = [flowAt(after, one.scope)!, parentOf(after, one.scope)];
      for (const list of ["request", "response"] as const) {
        const own = one.discard ? [] : was[list].filter(({ base, id }) => base === undefined && !find(parent, id));
        expect(is[list].slice(parent[list].length)).toEqual(own);
        expect(ids(is[list]).slice(0, parent[list].length)).toEqual(ids(parent[list]));
      }
      for (const entry of all(parent)) {
        const mine = one.discard ? undefined : find(was, entry.id);
        expect(find(is, entry.id)).toEqual(
          mine ?? { ...entry, base: { enabled: entry.enabled, config: entry.config } },
        );
      }
      expect(restore(after, one.scope, { discard: one.discard })).toBe(after);
    });
  });

  it("drift is told exactly if the parent's value is not the base, and origins follow from the base", () => {
    eachSaved((flow, parent, scope, flows) => {
      const view = viewOf(flows, scope);
      for (const shown of [...view.request, ...view.response]) {
        const [entry, parents] = [find(flow, shown.id)!, find(parent, shown.id)];
        const origin = isSetByItself(entry) ? "overridden" : "inherited";
        expect(shown.origin).toBe(parents === undefined ? "own" : origin);
        expect(shown.orphaned ?? false).toBe(parents === undefined && entry.base !== undefined);
        const drifts = parents !== undefined && values(parents) !== values(entry.base);
        expect(values(shown.drift)).toBe(drifts ? values(parents) : undefined);
      }
    });
  });

  it("ids stand once in a flow, belong to one owner, and whatever the parent has too has a base", () => {
    eachSaved((flow, parent, scope, flows) => {
      expect(new Set(ids(all(flow))).size).toBe(all(flow).length);
      for (const entry of all(flow)) {
        const owners = savedScopes(flows).filter((one) => {
          const found = find(flowAt(flows, one)!, entry.id);
          return found !== undefined && found.base === undefined;
        });
        expect(owners.length).toBeLessThanOrEqual(1);
        expect(owners.every((one) => same(one, scope) || isUnder(scope, one))).toBe(true);
        expect(entry.base !== undefined || find(parent, entry.id) === undefined).toBe(true);
      }
    });
  });

  it("what runs is the nearest saved flow without what is disabled, and saving it unchanged changes nothing", () => {
    holds(({ after }) => {
      for (const scope of savedScopes(after)) expect(editScope(after, scope, flowAt(after, scope)!)).toBe(after);
      for (const { resource, operation } of scopes) {
        if (operation === undefined) continue;
        const enabled = all(runningAt(after, { resource, operation })).filter((entry) => entry.enabled);
        const { request, response } = effective(after, resource, operation);
        expect([...request, ...response].map(({ id }) => id)).toEqual(ids(enabled));
      }
    });
  });

  it("the moves come by every kind of flow", () => {
    const seen = new Set<string>();
    const look = ({ before, after, move: { kind, scope } }: Step) => {
      if (after !== before) seen.add(kind);
      const { breaks, request } = viewOf(after, scope);
      for (const { cause } of breaks) seen.add(cause);
      for (const entry of request) seen.add(entry.orphaned ? "orphan" : entry.origin).add(entry.drift ? "drift" : "");
    };
    for (const given of fc.sample(moves, { numRuns: 300, seed: 1 })) driven(given, look);
    const expected = ["edit", "restore", "take", "remove", "reordered", "own_before", "own_among", "inherited_removed"];
    const origins = ["inherited_moved", "orphan_kept", "orphan", "inherited", "overridden", "own", "drift"];
    expect([...expected, ...origins].filter((one) => !seen.has(one))).toEqual([]);
  });
});
