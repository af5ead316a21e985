import { describe, expect, it } from "vitest";

import { firstStepFor, planOf } from "./plan.ts";

const node = (id: string, more: object = {}) => ({ id, componentId: undefined, function: undefined, ...more });

/** Nodes by one letter each, edges by two. */
const graph = (nodes: string, ...edges: string[]) => ({
  nodes: nodes.split("").map((id) => node(id)),
  edges: edges.map(([source, target]) => ({ source: source!, target: target! })),
});

const plan = (nodes: string, ...edges: string[]) => planOf(graph(nodes, ...edges));
const loopsIn = (nodes: string, ...edges: string[]): string =>
  [...plan(nodes, ...edges).steps.values()]
    .filter((step) => step.isInLoop)
    .map(({ id }) => id)
    .join("");

describe("the step at which a payload begins", () => {
  it.each([
    ["the only one", plan("a"), "a"],
    ["the first of a line", plan("ab", "ab"), "a"],
    ["the first of a line that is told backwards", plan("cba", "ab", "bc"), "a"],
    ["the first told of several", plan("abc", "ac", "bc"), "a"],
    ["none of a ring", plan("ab", "ab", "ba"), undefined],
    ["the one before a ring", plan("abc", "ab", "bc", "cb"), "a"],
    ["none of several without an edge", plan("ab"), undefined],
    ["none of no graph", plan(""), undefined],
  ])("is %s", (_, { entry }, expected) => {
    expect(entry).toBe(expected);
  });

  it.each([
    ["webhook", "hook"],
    ["schedule", "clock"],
    ["manual", "hook"],
  ])("is for %s the first of that component, else the entry", (trigger, expected) => {
    const nodes = [
      node("hook", { componentId: "webhook" }),
      node("clock", { componentId: "schedule" }),
      node("second", { componentId: "schedule" }),
      node("end"),
    ];
    const edges = ["hook", "clock", "second"].map((source) => ({ source, target: "end" }));
    expect(firstStepFor(planOf({ nodes, edges }), trigger)).toBe(expected);
  });
});

describe("the rank of a step", () => {
  it.each([
    ["a line", plan("abc", "ab", "bc"), { a: 0, b: 1, c: 2 }],
    ["a diamond with a longer side", plan("abcd", "ab", "bc", "cd", "ad"), { a: 0, b: 1, c: 2, d: 3 }],
    ["two lines", plan("abcd", "ab", "cd"), { a: 0, b: 1, c: 0, d: 1 }],
    ["a ring, which has none", plan("abc", "ab", "bc", "cb"), { a: 0, b: 1, c: 0 }],
    ["an edge to nowhere", plan("ab", "ab", "ax"), { a: 0, b: 1 }],
  ])("is its longest way from the beginning: %s", (_, { ranks }, expected) => {
    expect(Object.fromEntries(ranks)).toEqual(expected);
  });
});

describe("steps to which a message can come back", () => {
  it.each([
    ["no step of a line", loopsIn("abc", "ab", "bc"), ""],
    ["no step of a diamond", loopsIn("abcd", "ab", "ac", "bd", "cd"), ""],
    ["a step to itself", loopsIn("ab", "ab", "bb"), "b"],
    ["the ring in a line", loopsIn("abcd", "ab", "bc", "cb", "cd"), "bc"],
    ["two rings, and what lies between them", loopsIn("abcde", "ab", "ba", "bc", "cd", "de", "ed"), "abcde"],
    ["no step beside a ring", loopsIn("abxy", "ab", "ba", "xy"), "ab"],
    ["a double edge", loopsIn("ab", "ab", "ab"), ""],
  ])("are %s", (_, found, expected) => {
    expect(found).toBe(expected);
  });
});

describe("a planned step", () => {
  it("has what its node says, and its edges in their order", () => {
    const { steps } = planOf({
      nodes: [
        {
          id: "a",
          componentId: "http",
          function: "f",
          fields: { url: "x" },
          nodeSettings: { onError: "continue" },
          credentials_id: "s",
        },
        node("b"),
      ],
      edges: [
        { id: "e1", source: "a", target: "b", config: { condition: "data.ok", mapper: { x: "data.y" } } },
        { source: "a", target: "b", config: { condition: "", mapper: null } },
      ],
    });
    expect(steps.get("a")).toEqual({
      id: "a",
      component: "http",
      function: "f",
      fields: { url: "x" },
      settings: { onError: "continue" },
      secret: "s",
      isInLoop: false,
      edges: [
        { id: "e1", target: "b", condition: "data.ok", mapper: { x: "data.y" } },
        { id: undefined, target: "b", condition: undefined, mapper: undefined },
      ],
    });
  });

  it.each([undefined, null, "text", ["list"], 7])(
    "reads fields and settings that are no object as empty: %j",
    (value) => {
      const given = node("a", { fields: value, nodeSettings: value });
      expect(planOf({ nodes: [given], edges: [] }).steps.get("a")).toMatchObject({
        component: "",
        fields: {},
        settings: {},
        secret: undefined,
      });
    },
  );
});
