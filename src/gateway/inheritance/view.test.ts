import { describe, expect, it } from "vitest";

import {
  type Destination,
  editScope,
  effective,
  type EntryDraft,
  faultsOfEdit,
  type FlowDraft,
  type Flows,
  type Json,
  removeFlow,
  type Scope,
  viewOf,
} from "../inheritance.ts";
import { sameJson } from "./entry.ts";

const api: Scope = {};
const resource: Scope = { resource: "r" };
const operation: Scope = { resource: "r", operation: "o" };
const nothing: Flows = { resources: {} };

const draft = (id: string, given: Partial<EntryDraft> = {}): EntryDraft => ({
  id,
  type: "log",
  enabled: true,
  config: {},
  ...given,
});
const flow = (request: EntryDraft[], response: EntryDraft[] = [], destination?: Destination): FlowDraft =>
  destination === undefined ? { request, response } : { request, response, destination };
const saved = (...steps: [Scope, FlowDraft][]): Flows =>
  steps.reduce((flows, [scope, next]) => editScope(flows, scope, next), nothing);

describe("conditions and what a failure does are values", () => {
  const given = draft("A", { when: "true", abortOnFail: false });
  const flows = saved([api, flow([given])], [resource, flow([given])]);

  it("runs with them, and a child takes them over", () => {
    const values = { when: "true", abortOnFail: false };
    expect(effective(flows, "r", "o").request).toEqual([{ id: "A", type: "log", config: {}, ...values, level: "api" }]);
    expect(flows.resources["r"]?.all?.request[0]?.base).toEqual({ enabled: true, config: {}, ...values });
    expect(viewOf(flows, operation).request).toMatchObject([{ ...values, origin: "inherited" }]);
  });

  it.each([
    ["another condition", { when: "false" }],
    ["no condition", { when: undefined }],
    ["another way to fail", { abortOnFail: true }],
  ])("%s overrides, and drifts where the parent changes", (_, change) => {
    const { when, ...rest } = { ...given, ...change };
    const changed = when === undefined ? rest : { ...rest, when };
    expect(viewOf(editScope(flows, resource, flow([changed])), resource).request).toMatchObject([
      { origin: "overridden" },
    ]);
    const [drifted] = viewOf(editScope(flows, api, flow([changed])), resource).request;
    expect(drifted).toMatchObject({ origin: "inherited", when: "true", abortOnFail: false, drift: { enabled: true } });
    expect(drifted?.drift?.when).toBe(when);
  });

  it("says nothing by not saying that a failure ends the call", () => {
    const plain = saved([api, flow([draft("A")])], [resource, flow([draft("A", { abortOnFail: true })])]);
    expect(viewOf(plain, resource).request).toMatchObject([{ origin: "inherited" }]);
  });
});

describe("what runs", () => {
  const [A, R, O, P] = [draft("A"), draft("R"), draft("O"), draft("P")] as const;
  const all = saved([api, flow([A], [P])], [resource, flow([A, R], [P])], [operation, flow([A, R, O], [P])]);

  it("tells of each entry the level that brought it in", () => {
    const { runs, request, response } = effective(all, "r", "o");
    expect(runs).toBe("operation");
    expect(request.map(({ id, level }) => [id, level])).toEqual([
      ["A", "api"],
      ["R", "resource"],
      ["O", "operation"],
    ]);
    expect(response).toEqual([{ id: "P", type: "log", config: {}, level: "api" }]);
  });

  it.each([
    ["r", "other", "resource", ["A", "R"]],
    ["other", "o", "api", ["A"]],
  ])("%s/%s runs the flow of the %s", (ofResource, ofOperation, runs, ids) => {
    const running = effective(all, ofResource, ofOperation);
    expect([running.runs, running.request.map(({ id }) => id)]).toEqual([runs, ids]);
  });

  it("leaves out what is disabled", () => {
    const flows = editScope(all, operation, flow([{ ...A, enabled: false }, R, O], [P]));
    expect(effective(flows, "r", "o").request.map(({ id }) => id)).toEqual(["R", "O"]);
  });

  it("is nothing where nothing is saved", () => {
    expect(effective(nothing, "r", "o")).toEqual({ request: [], response: [] });
    expect(viewOf(nothing, operation)).toEqual({ saved: false, request: [], response: [], breaks: [] });
  });

  it("shows an inherited flow as inherited, though it overrides there", () => {
    const flows = saved([api, flow([A])], [resource, flow([{ ...A, config: { n: 1 } }])]);
    expect(viewOf(flows, operation)).toMatchObject({
      saved: false,
      runs: "resource",
      request: [{ id: "A", origin: "inherited", level: "api", config: { n: 1 } }],
    });
    expect(viewOf(flows, resource).request).toMatchObject([{ origin: "overridden", level: "api" }]);
  });

  it.each<[string, (Destination | undefined)[], object]>([
    ["none", [undefined, undefined, undefined], {}],
    [
      "of the API",
      [{ url: "a", timeout: 5, certificate: "c" }, undefined, undefined],
      { destination: { level: "api", url: "a", certificate: "c" }, timeout: { level: "api", timeout: 5 } },
    ],
    [
      "the most specific, each by itself",
      [{ url: "a", timeout: 5 }, { timeout: "LIMIT" }, { url: "o" }],
      { destination: { level: "operation", url: "o" }, timeout: { level: "resource", timeout: "LIMIT" } },
    ],
    [
      "a certificate stays with its URL",
      [{ url: "a", certificate: "c" }, { url: "r" }, { timeout: 1 }],
      { destination: { level: "resource", url: "r" }, timeout: { level: "operation", timeout: 1 } },
    ],
  ])("destination and timeout: %s", (_, [first, second, third], expected) => {
    const flows = saved([api, flow([], [], first)], [resource, flow([], [], second)], [operation, flow([], [], third)]);
    expect(effective(flows, "r", "o")).toEqual({ runs: "operation", request: [], response: [], ...expected });
    expect(viewOf(flows, operation)).toMatchObject(expected);
  });

  it("a destination goes when it is not sent, and is no change to the flows below", () => {
    const placed = editScope(all, api, flow([A], [P], { url: "a" }));
    expect(placed.resources).toBe(all.resources);
    expect(editScope(placed, api, flow([A], [P]))).toEqual(all);
  });
});

describe("faults of an edit", () => {
  const all = saved(
    [api, flow([draft("A"), draft("B")])],
    [resource, flow([draft("B"), draft("A"), draft("R")])],
    [{ resource: "q" }, flow([draft("A"), draft("B"), draft("Q")])],
  );

  it.each<[string, Scope, FlowDraft, string[]]>([
    ["an id twice in a list", api, flow([draft("X"), draft("X")]), ["ID_REPEATED request 1"]],
    ["an id on both lists", api, flow([draft("X")], [draft("X")]), ["ID_REPEATED response 0"]],
    ["an id of a flow beside", resource, flow([draft("A"), draft("Q")]), ["ID_TAKEN request 1"]],
    ["an id of a flow below", api, flow([draft("R")]), ["ID_TAKEN request 0"]],
    ["an inherited one of another type", resource, flow([draft("A", { type: "cors" })]), ["TYPE_CHANGED request 0"]],
    ["an own one of another type", resource, flow([draft("R", { type: "cors" })]), ["TYPE_CHANGED request 0"]],
    ["none: inherited, own and new ones", resource, flow([draft("N"), draft("R")], [draft("A")]), []],
  ])("%s", (_, scope, next, expected) => {
    const faults = faultsOfEdit(all, scope, next);
    expect(faults.map(({ code, list, index }) => `${code} ${list} ${index}`)).toEqual(expected);
  });

  it("are thrown by whoever did not ask for them", () => {
    expect(() => editScope(all, api, flow([draft("X"), draft("R")]))).toThrow('request[1]: The id "R" is taken by');
  });

  it("a dropped entry may come back to those that kept it, as what it was", () => {
    const dropped = editScope(all, api, flow([draft("B")]));
    expect(faultsOfEdit(dropped, { resource: "q" }, flow([draft("A")]))).toMatchObject([{ code: "ID_TAKEN" }]);
    const kept = editScope(dropped, operation, flow([draft("R"), draft("A")]));
    expect(faultsOfEdit(kept, { resource: "q" }, flow([draft("A")]))).toHaveLength(1);
    expect(faultsOfEdit(dropped, api, flow([draft("A", { type: "cors" })]))).toMatchObject([{ code: "TYPE_CHANGED" }]);
    const back = editScope(dropped, api, flow([draft("B"), draft("A", { config: 5 })]));
    expect(viewOf(back, resource)).toMatchObject({
      request: [{ id: "B" }, { id: "A", origin: "inherited", config: {}, drift: { config: 5 } }, { id: "R" }],
      breaks: [],
    });
  });
});

it("ids are plain keys, whatever they are", () => {
  const scope: Scope = { resource: "__proto__", operation: "constructor" };
  expect(viewOf(nothing, scope).saved).toBe(false);
  const flows = editScope(editScope(nothing, scope, flow([draft("toString")])), { resource: "x" }, flow([]));
  expect(viewOf(flows, scope)).toMatchObject({ saved: true, request: [{ id: "toString", origin: "own" }] });
  expect(Object.keys(flows.resources)).toEqual(["__proto__", "x"]);
  expect(removeFlow(flows, { resource: "x" }).resources).toHaveProperty(["__proto__"]);
  expect(({} as { operations?: unknown }).operations).toBe(undefined);
});

describe("equality of JSON", () => {
  it.each<[Json, Json, boolean]>([
    [{ a: 1, b: { c: [1, 2] } }, { b: { c: [1, 2] }, a: 1 }, true],
    [[1, 2], [2, 1], false],
    [[], {}, false],
    [{}, null, false],
    [null, null, true],
    [0, false, false],
    ["1", 1, false],
    [{ a: 1 }, { a: 1, b: 2 }, false],
    [{ a: null }, { b: null }, false],
    [JSON.parse('{"__proto__": 1}') as Json, {}, false],
    [JSON.parse('{"__proto__": {}}') as Json, JSON.parse('{"x": {}}') as Json, false],
    [{ toString: 1 }, { valueOf: 1 }, false],
  ])("%j and %j: %s", (one, other, expected) => {
    expect([sameJson(one, other), sameJson(other, one)]).toEqual([expected, expected]);
  });

  it("takes any depth", () => {
    const [one, other] = [1, 1].map((n) => Array.from({ length: 100_000 }).reduce<Json>((inner) => [inner], n));
    expect(sameJson(one!, other!)).toBe(true);
  });
});
