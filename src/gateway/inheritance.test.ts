import { describe, expect, it } from "vitest";

import {
  breakCauses,
  editScope,
  type Entry,
  type EntryDraft,
  type FlowDraft,
  type Flows,
  type Json,
  removeFlow,
  restore,
  type Scope,
  takeParentsValue,
  viewOf,
} from "./inheritance.ts";

const api: Scope = {};
const resource: Scope = { resource: "r" };
const operation: Scope = { resource: "r", operation: "o" };
const nothing: Flows = { resources: {} };

const draft = (id: string, config: Json = 0, enabled = true): EntryDraft => ({ id, type: "log", enabled, config });
const lists = (request: string, response = ""): FlowDraft => ({ request: of(request), response: of(response) });
/** "A B=2 -C": B has the config 2, C is disabled. */
const of = (text: string): EntryDraft[] =>
  text
    .split(" ")
    .filter((word) => word !== "")
    .map((word) => {
      const [id = "", value = "0"] = word.replace("-", "").split("=");
      return draft(id, Number(value), !word.startsWith("-"));
    });
const text = (entries: readonly EntryDraft[]) =>
  entries
    .map(({ id, enabled, config }) => `${enabled ? "" : "-"}${id}${config === 0 ? "" : `=${JSON.stringify(config)}`}`)
    .join(" ");
const request = (flows: Flows, scope: Scope) => text(viewOf(flows, scope).request);
const response = (flows: Flows, scope: Scope) => text(viewOf(flows, scope).response);
const isBroken = (flows: Flows, scope: Scope) => viewOf(flows, scope).breaks.length > 0;
const saved = (...steps: [Scope, string, string?][]): Flows =>
  steps.reduce((flows, [scope, ...both]) => editScope(flows, scope, lists(...both)), nothing);
const entryAt = (flows: Flows, scope: Scope, id: string) => viewOf(flows, scope).request.find((one) => one.id === id);

describe("what causes a break, and what does not", () => {
  it.each([
    ["the order of interceptors from the parent", "B A C X Y", "reordered", "B"],
    ["all of them turned round", "C B A X Y", "reordered", "C"],
    ["an own one moved before them", "X A B C Y", "own_before", "X"],
    ["an own one moved in among them", "A X B C Y", "own_among", "X"],
    ["an own one moved before the last of them", "A B Y C X", "own_among", "Y"],
    ["a new one before them", "N A B C X Y", "own_before", "N"],
    ["a new one among them", "A N B C X Y", "own_among", "N"],
    ["the first of them removed", "B C X Y", "inherited_removed", "A"],
    ["the last of them removed", "A B X Y", "inherited_removed", "C"],
    ["all of them removed", "X Y", "inherited_removed", "A"],
    ["everything removed", "", "inherited_removed", "A"],
    ["the order and a removal", "C B", "inherited_removed", "A"],
  ] as const)("breaks: %s (%s)", (_, child, cause, entry) => {
    const before = saved([api, "A B C"], [resource, "A B C X Y"]);
    const inRequest = editScope(before, resource, lists(child));
    expect(viewOf(inRequest, resource).breaks).toEqual([
      { cause, entry, list: "request", message: breakCauses[cause] },
    ]);
    const mirrored = saved([api, "P", "A B C"], [resource, "P Q", "A B C X Y"]);
    const inResponse = editScope(mirrored, resource, lists("P Q", child));
    expect(viewOf(inResponse, resource).breaks).toMatchObject([{ cause, entry, list: "response" }]);
  });

  it.each([
    ["the order of own ones after them", "A B C Y X"],
    ["a new one after them", "A B C N X Y"],
    ["a new one at the end", "A B C X Y N"],
    ["own ones removed", "A B C"],
    ["values of the inherited ones", "A=1 -B C=3 X Y"],
    ["values of its own ones", "A B C X=7 -Y"],
    ["nothing", "A B C X Y"],
  ])("does not break: %s (%s)", (_, child) => {
    const flows = editScope(saved([api, "A B C"], [resource, "A B C X Y"]), resource, lists(child));
    expect(viewOf(flows, resource).breaks).toEqual([]);
    const changed = editScope(flows, api, lists("Z A B C"));
    expect(request(changed, resource)).toBe(`Z ${child}`);
  });

  it("tells what was moved to the other list, and what the parent has no longer", () => {
    const moved = editScope(saved([api, "A B", "P"]), resource, lists("B", "A P"));
    expect(viewOf(moved, resource).breaks).toMatchObject([
      { cause: "inherited_moved", entry: "A", list: "request" },
      { cause: "inherited_moved", entry: "A", list: "response" },
    ]);
    const dropped = editScope(saved([api, "A B"], [resource, "B A"]), api, lists("A"));
    expect(viewOf(dropped, resource).breaks).toMatchObject([{ cause: "orphan_kept", entry: "B" }]);
  });

  it("one list breaks both", () => {
    const broken = saved([api, "A", "P"], [resource, "N A", "P"]);
    expect(response(editScope(broken, api, lists("A", "P Q")), resource)).toBe("P");
  });

  it("without a saved flow above nothing is inherited, so nothing is broken", () => {
    const flows = saved([operation, "X Y"]);
    expect(viewOf(flows, operation)).toMatchObject({ breaks: [], saved: true, runs: "operation" });
    expect(viewOf(editScope(flows, operation, lists("Y X")), operation).breaks).toEqual([]);
  });
});

describe("a change of the parent's sequence", () => {
  const all = saved([api, "A B"], [resource, "A B R"], [operation, "A B R O"]);

  it.each([
    ["adds", "A B C", "A B C R", "A B C R O"],
    ["adds before", "C A B", "C A B R", "C A B R O"],
    ["removes", "B", "B R", "B R O"],
    ["reorders", "B A", "B A R", "B A R O"],
    ["takes all away", "", "R", "R O"],
  ])("%s: goes down to the operation", (_, parent, inResource, inOperation) => {
    const flows = editScope(all, api, lists(parent));
    expect([request(flows, resource), request(flows, operation)]).toEqual([inResource, inOperation]);
  });

  it("reaches an operation whose resource has no flow", () => {
    const flows = editScope(saved([api, "A"], [operation, "A O"]), api, lists("A B"));
    expect(request(flows, operation)).toBe("A B O");
    expect(viewOf(flows, resource)).toMatchObject({ saved: false, runs: "api" });
  });

  it("leaves a broken flow and all under it untouched", () => {
    const broken = editScope(all, resource, lists("R A B"));
    expect(request(broken, operation)).toBe("R A B O");
    const flows = editScope(broken, api, lists("A B C"));
    expect(flows.resources).toBe(broken.resources);
  });

  it("takes a new level between into account, and its going", () => {
    const flat = saved([api, "A B"], [operation, "A B O"]);
    const between = editScope(flat, resource, lists("A B R"));
    expect(request(between, operation)).toBe("A B R O");
    expect(request(removeFlow(between, resource), operation)).toBe("A B O");
    expect(request(removeFlow(flat, api), operation)).toBe("O");
    expect(removeFlow(removeFlow(flat, api), operation)).toEqual(nothing);
  });

  it("keeps the child's values when the parent moves an entry to its other list", () => {
    const flows = editScope(saved([api, "A B"], [resource, "A=5 B X"]), api, lists("B", "A"));
    expect([request(flows, resource), response(flows, resource)]).toEqual(["B X", "A=5"]);
  });

  it("a child's edit never changes its parent", () => {
    const flows = editScope(all, operation, lists("X"));
    expect([flows.all, flows.resources["r"]?.all]).toEqual([all.all, all.resources["r"]?.all]);
  });
});

describe("values", () => {
  const all = saved([api, "A=10"], [resource, "A=10 R=1"], [operation, "A=10 R=1"], [{ resource: "q" }, "A=10"]);

  it("an edit at the API reaches no flow that exists, and shows as drift", () => {
    const flows = editScope(all, api, lists("A=20"));
    expect(flows.resources).toBe(all.resources);
    expect(entryAt(flows, resource, "A")).toMatchObject({
      config: 10,
      origin: "inherited",
      level: "api",
      drift: { enabled: true, config: 20 },
    });
    expect(entryAt(flows, operation, "A")).not.toHaveProperty("drift");
    expect(request(flows, { resource: "q", operation: "new" })).toBe("A=10");
    expect(request(flows, { resource: "other" })).toBe("A=20");
  });

  it("an edit at the resource reaches the operations that did not set it themselves", () => {
    const twice = editScope(all, { resource: "r", operation: "set" }, lists("A=11 -R=1"));
    const flows = editScope(twice, resource, lists("A=20 R=2"));
    expect(request(flows, operation)).toBe("A=20 R=2");
    expect(entryAt(flows, operation, "A")).toMatchObject({ origin: "inherited", level: "api" });
    expect(entryAt(flows, { resource: "r", operation: "set" }, "A")).toMatchObject({
      config: 11,
      origin: "overridden",
      drift: { config: 20 },
    });
    expect(request(flows, { resource: "r", operation: "set" })).toBe("A=11 -R=1");
    expect(flows.all).toBe(all.all);
  });

  it("what the resource did not edit reaches nobody, though an operation differs", () => {
    const drifted = editScope(saved([api, "A=10"], [operation, "A=10"]), api, lists("A=20"));
    expect(request(editScope(drifted, resource, lists("A=20")), operation)).toBe("A=10");
    expect(request(editScope(drifted, resource, lists("A=30")), operation)).toBe("A=30");
  });

  it("with live inheritance an edit at the API reaches all that did not set it themselves", () => {
    const flows = editScope(all, api, lists("-A=20"), { valueInheritance: "live" });
    expect([request(flows, resource), request(flows, operation)]).toEqual(["-A=20 R=1", "-A=20 R=1"]);
    const set = editScope(all, resource, lists("A=11 R=1"));
    expect(request(editScope(set, api, lists("A=20"), { valueInheritance: "live" }), operation)).toBe("A=11 R=1");
  });

  it("the parent's value can be taken, and goes on down from a resource", () => {
    const drifted = editScope(all, api, lists("A=20"));
    const flows = takeParentsValue(drifted, resource, "A");
    expect([request(flows, resource), request(flows, operation)]).toEqual(["A=20 R=1", "A=20 R=1"]);
    expect(entryAt(flows, resource, "A")).not.toHaveProperty("drift");
    expect(takeParentsValue(flows, resource, "A")).toBe(flows);
    const agreed = takeParentsValue(editScope(drifted, resource, lists("A=20 R=1")), resource, "A");
    expect(entryAt(agreed, resource, "A")).toEqual({ ...draft("A", 20), origin: "inherited", level: "api" });
    expect(takeParentsValue(flows, resource, "R")).toBe(flows);
  });

  it("the order of keys is no edit", () => {
    const one: FlowDraft = { request: [draft("A", { a: 1, b: [{ c: 2, d: 3 }] })], response: [] };
    const other: FlowDraft = { request: [draft("A", { b: [{ d: 3, c: 2 }], a: 1 })], response: [] };
    const flows = editScope(editScope(nothing, api, one), resource, other);
    expect(entryAt(flows, resource, "A")?.origin).toBe("inherited");
    expect(editScope(flows, api, other)).toBe(flows);
  });

  it("a base that the user sends is not believed", () => {
    const entry: Entry = { ...draft("A", 1), base: { enabled: false, config: 9 } };
    const flows = editScope(saved([api, "A=5"]), resource, { request: [entry, { ...entry, id: "N" }], response: [] });
    expect(flows.resources["r"]?.all?.request).toEqual([
      { ...draft("A", 1), base: { enabled: true, config: 5 } },
      draft("N", 1),
    ]);
  });
});

describe("restore", () => {
  const broken = saved([api, "A B=1"], [resource, "X B=2 Y A"], [operation, "X B=2 Y A O"]);

  it("puts the parent's sequence first and keeps own entries and overrides", () => {
    const flows = restore(broken, resource);
    expect([request(flows, resource), isBroken(flows, resource)]).toEqual(["A B=2 X Y", false]);
    expect(request(flows, operation)).toBe("A B=2 X Y O");
    expect(restore(flows, resource)).toBe(flows);
  });

  it("discards both, and keeps where calls go", () => {
    const destination = { url: "https://example.com", timeout: 3 };
    const placed = editScope(broken, resource, { ...lists("X B=2 Y A"), destination });
    const flows = restore(placed, resource, { discard: true });
    expect(flows.resources["r"]?.all).toEqual({
      request: [draft("A"), draft("B", 1)].map((one) => ({
        ...one,
        base: { enabled: one.enabled, config: one.config },
      })),
      response: [],
      destination,
    });
    expect(request(flows, operation)).toBe("A B=1 O");
  });

  it("brings what it missed, drops what the parent dropped, and takes no value unasked", () => {
    const missed = editScope(broken, api, lists("C=3 B=7"));
    expect(entryAt(missed, resource, "A")).toMatchObject({ origin: "own", orphaned: true, level: "resource" });
    const flows = restore(missed, resource);
    expect(request(flows, resource)).toBe("C=3 B=2 X Y");
    expect(entryAt(flows, resource, "B")).toMatchObject({ origin: "overridden", drift: { config: 7 } });
  });

  it.each([
    ["All/All", api],
    ["a scope without a flow", { resource: "none" }],
  ])("leaves %s as it is", (_, scope) => {
    expect(restore(broken, scope, { discard: true })).toBe(broken);
    expect(takeParentsValue(broken, scope, "A")).toBe(broken);
  });
});
