import { describe, expect, it } from "vitest";

import { checkGraph } from "./graph.ts";

/** A graph of nodes named by letters, with edges written as "ab". */
const graph = (nodes: string, ...edges: string[]) => ({
  nodes: nodes.split("").map((id) => ({ id })),
  edges: edges.map(([source, target]) => ({ source, target })),
});
const places = (found: { error: string; pointer: string }[]) =>
  found.map(({ error, pointer }) => `${error} ${pointer}`);
const roundsIn = (input: unknown) =>
  checkGraph(input).structure.map(({ message }) => message.replace("Edges form a cycle: ", ""));

const ring = (length: number) => ({
  nodes: Array.from({ length }, (_, index) => ({ id: `n${index}` })),
  edges: Array.from({ length }, (_, index) => ({ source: `n${index}`, target: `n${(index + 1) % length}` })),
});

describe("data may not go round", () => {
  it.each([
    ["a node to itself", graph("a", "aa"), ["a -> a."]],
    ["two nodes", graph("ab", "ab", "ba"), ["a -> b -> a."]],
    ["three nodes", graph("abc", "ab", "bc", "ca"), ["a -> b -> c -> a."]],
    ["a cycle behind a tail, without the tail", graph("abcd", "ab", "bc", "cd", "db"), ["b -> c -> d -> b."]],
    ["a cycle that no node leads into", graph("abc", "ab", "bc", "cb"), ["b -> c -> b."]],
    ["a cycle that is listed last", graph("abcd", "ab", "cd", "dc"), ["c -> d -> c."]],
    ["two cycles apart", graph("abcd", "ab", "ba", "cd", "dc"), ["a -> b -> a.", "c -> d -> c."]],
    ["a cycle on one arm of a diamond", graph("abcd", "ab", "ac", "bd", "cd", "cc"), ["c -> c."]],
  ])("%s", (_, input, rounds) => {
    expect(roundsIn(input)).toEqual(rounds);
  });

  it.each([
    ["a single node", graph("a")],
    ["a chain", graph("abc", "ab", "bc")],
    ["a diamond", graph("abcd", "ab", "ac", "bd", "cd")],
    ["a diamond whose arms are tied", graph("abcd", "ab", "ac", "cb", "bd", "cd", "ad")],
    ["two edges between the same nodes", graph("ab", "ab", "ab")],
    ["several beginnings", graph("abc", "ac", "bc")],
    ["nodes that nothing leads to", graph("abc", "ab")],
  ])("%s goes nowhere twice", (_, input) => {
    expect(checkGraph(input)).toEqual({ missingEdges: [], dangling: [], structure: [] });
  });

  /** The same, with the edges at these places marked. */
  const looping = (input: ReturnType<typeof graph>, value: unknown, ...marked: number[]) => ({
    ...input,
    edges: input.edges.map((edge, index) => (marked.includes(index) ? { ...edge, config: { loop: value } } : edge)),
  });

  it.each<[string, unknown, string[]]>([
    ["a node to itself", looping(graph("a", "aa"), true, 0), []],
    ["a ring by its last edge", looping(graph("abc", "ab", "bc", "ca"), true, 2), []],
    ["a ring by its first edge", looping(graph("abc", "ab", "bc", "ca"), true, 0), []],
    ["one of two rings", looping(graph("abcd", "ab", "ba", "cd", "dc"), true, 1), ["c -> d -> c."]],
    ["a ring beside which another goes", looping(graph("ab", "ab", "ba", "ba"), true, 1), ["a -> b -> a."]],
    ["a ring that says it does not", looping(graph("ab", "ab", "ba"), false, 1), ["a -> b -> a."]],
    ["a ring that says it in words", looping(graph("ab", "ab", "ba"), "true", 1), ["a -> b -> a."]],
  ])("unless an edge says so: %s", (_, input, rounds) => {
    expect(roundsIn(input)).toEqual(rounds);
  });

  it("the edge that closes the round is the place of the fault, and a way out is told", () => {
    expect(checkGraph(graph("abc", "bc", "ca", "ab")).structure).toEqual([
      {
        message: "Edges form a cycle: a -> b -> c -> a.",
        code: 400,
        error: "GRAPH_CYCLE",
        pointer: "/graph/edges/1",
        detail: "Remove one of these edges.",
      },
    ]);
  });

  it("also over 50,000 nodes, told in few words", () => {
    const [found, ...others] = checkGraph(ring(50_000)).structure;
    expect(others).toEqual([]);
    expect(found?.pointer).toBe("/graph/edges/49999");
    expect(found?.message).toMatch(/^Edges form a cycle: n0 -> n1 -> .* -> … -> n0\.$/);
    expect(found?.message.length).toBeLessThan(2000);
    const open = ring(50_000);
    expect(checkGraph({ ...open, edges: open.edges.slice(0, -1) }).structure).toEqual([]);
  });

  it("also where very many ways lead through", () => {
    const rungs = Array.from({ length: 200 }, (_, index) => index);
    const nodes = [...rungs, 200].flatMap((index) => [{ id: `n${index}` }, { id: `l${index}` }, { id: `r${index}` }]);
    const edges = rungs.flatMap((index) => [
      { source: `n${index}`, target: `l${index}` },
      { source: `n${index}`, target: `r${index}` },
      { source: `l${index}`, target: `n${index + 1}` },
      { source: `r${index}`, target: `n${index + 1}` },
    ]);
    expect(checkGraph({ nodes, edges }).structure).toEqual([]);
    expect(checkGraph({ nodes, edges: [...edges, { source: "n200", target: "n0" }] }).structure).toHaveLength(1);
  });

  it("a graph with very many cycles is told about a few of them", () => {
    const nodes = Array.from({ length: 500 }, (_, index) => ({ id: `n${index}` }));
    const edges = nodes.flatMap(({ id }) => [
      { source: id, target: id },
      { source: id, target: "n0" },
      { source: "n0", target: id },
    ]);
    const { structure } = checkGraph({ nodes, edges });
    expect(structure.length).toBeGreaterThan(0);
    expect(structure.length).toBeLessThanOrEqual(20);
  });
});

describe("edges lead from node to node", () => {
  it.each([
    ["a known source and target", graph("ab", "ab"), []],
    ["an unknown source", graph("ab", "xb"), ["EDGE_SOURCE_UNKNOWN /graph/edges/0/source"]],
    ["an unknown target", graph("ab", "ax"), ["EDGE_TARGET_UNKNOWN /graph/edges/0/target"]],
    [
      "both unknown, the source first, edge by edge",
      graph("ab", "xy", "ab", "yx"),
      [
        "EDGE_SOURCE_UNKNOWN /graph/edges/0/source",
        "EDGE_TARGET_UNKNOWN /graph/edges/0/target",
        "EDGE_SOURCE_UNKNOWN /graph/edges/2/source",
        "EDGE_TARGET_UNKNOWN /graph/edges/2/target",
      ],
    ],
    ["another case", graph("ab", "Ab"), ["EDGE_SOURCE_UNKNOWN /graph/edges/0/source"]],
    [
      "no node at all",
      graph("", "aa"),
      ["EDGE_SOURCE_UNKNOWN /graph/edges/0/source", "EDGE_TARGET_UNKNOWN /graph/edges/0/target"],
    ],
  ])("%s", (_, input, expected) => {
    expect(places(checkGraph(input).dangling)).toEqual(expected);
  });

  it.each([{ toString: 1, valueOf: 1 }, Object.create(null) as object, { a: 1 }, ["a"], null, 7])(
    "an end that is %j is not found and not stumbled over",
    (source) => {
      const found = checkGraph({ nodes: [{ id: "a" }], edges: [{ source, target: "a" }] });
      expect(places(found.dangling)).toEqual(["EDGE_SOURCE_UNKNOWN /graph/edges/0/source"]);
    },
  );
});

describe("several nodes need edges", () => {
  it.each([
    ["one node without edges", graph("a"), []],
    ["two nodes without edges", graph("ab"), ["EDGES_REQUIRED /graph/edges"]],
    ["two nodes without a list of edges", { nodes: graph("ab").nodes }, ["EDGES_REQUIRED /graph/edges"]],
    ["two nodes and an edge", graph("ab", "ab"), []],
    ["three nodes and an edge", graph("abc", "ab"), []],
    ["no node", graph(""), []],
  ])("%s", (_, input, expected) => {
    expect(places(checkGraph(input).missingEdges)).toEqual(expected);
  });
});

describe("the ids of nodes differ", () => {
  it("every repetition is told at its place", () => {
    const found = checkGraph(graph("abaab", "ab")).structure;
    expect(places(found)).toEqual([
      "NODE_ID_REPEATED /graph/nodes/2/id",
      "NODE_ID_REPEATED /graph/nodes/3/id",
      "NODE_ID_REPEATED /graph/nodes/4/id",
    ]);
    expect(found[0]?.message).toBe('Node id "a" is used more than once.');
  });

  it("missing ids are no repetitions", () => {
    const nodes = [{}, {}, { id: "" }, { id: "" }, null, null, { id: null }, { id: null }, { id: {} }, { id: {} }];
    expect(checkGraph({ nodes, edges: [] }).structure).toEqual([]);
  });

  it("ids that every object has are ids like others", () => {
    const nodes = [{ id: "__proto__" }, { id: "constructor" }, { id: "toString" }];
    const edges = [
      { source: "__proto__", target: "constructor" },
      { source: "constructor", target: "toString" },
    ];
    expect(checkGraph({ nodes, edges })).toEqual({ missingEdges: [], dangling: [], structure: [] });
    const back = { source: "toString", target: "__proto__" };
    expect(roundsIn({ nodes, edges: [...edges, back] })).toEqual([
      "__proto__ -> constructor -> toString -> __proto__.",
    ]);
  });
});

it.each([undefined, null, 5, "x", [], {}, { nodes: "x", edges: {} }, { nodes: null, edges: null }])(
  "%j has no nodes and so no fault of this kind",
  (input) => {
    expect(checkGraph(input)).toEqual({ missingEdges: [], dangling: [], structure: [] });
  },
);

it("broken nodes and edges do not hide the faults of the others", () => {
  const input = {
    nodes: [null, 5, { id: "a" }, { id: "a" }],
    edges: [null, 5, [], {}, { source: "a", target: "a" }, { source: "x", target: "a" }],
  };
  const found = checkGraph(input);
  // Nodes without an id are what edges without an end lead to, as in the original.
  expect(places(found.dangling)).toEqual(["EDGE_SOURCE_UNKNOWN /graph/edges/5/source"]);
  expect(places(found.structure)).toEqual(["NODE_ID_REPEATED /graph/nodes/3/id", "GRAPH_CYCLE /graph/edges/4"]);
});
