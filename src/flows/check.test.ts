import { describe, expect, it } from "vitest";

import { checkFlow } from "./check.ts";
import { exampleFlow } from "./example.ts";
import { MOST_EDGES, MOST_NODES, MOST_OWNERS, type FlowDocument, type FlowValidation } from "./model.ts";

const modes = ["strict", "lenient"] as const;
const COMPONENT = "5ca5c44c187c040010a9bb8b";
const owners = [{ id: "u1", type: "user" }];
const node = (more: object = {}) => ({ id: "n1", componentId: COMPONENT, function: "f", ...more });
const flow = (more: object = {}) => ({ graph: { nodes: [node()], edges: [] }, owners, ...more });
const withNode = (more: object) => flow({ graph: { nodes: [node(more)], edges: [] } });
const withEdge = (more: object) =>
  flow({ graph: { nodes: [node(), node({ id: "n2" })], edges: [{ source: "n1", target: "n2", ...more }] } });
/** Nodes one after another, the last of which leads back to the first. */
const crowd = (numbers: { nodes: number; edges: number; owners: number }) =>
  flow({
    graph: {
      nodes: Array.from({ length: numbers.nodes }, (_, index) => node({ id: `n${index}` })),
      edges: Array.from({ length: numbers.edges }, (_, index) => ({
        source: `n${index % numbers.nodes}`,
        target: `n${numbers.nodes === 1 ? "x" : (index + 1) % numbers.nodes}`,
      })),
    },
    owners: Array.from({ length: numbers.owners }, (_, index) => ({ id: `u${index}`, type: "user" })),
  });
const text = (length: number) => "x".repeat(length);

function told(input: unknown, mode: FlowValidation): { error: string; pointer: string; message: string }[] {
  const checked = checkFlow(input, mode);
  return checked.ok ? [] : checked.findings.map(({ error, pointer, message }) => ({ error, pointer, message }));
}

function passed(input: unknown, mode: FlowValidation): FlowDocument {
  const checked = checkFlow(input, mode);
  if (!checked.ok) throw new Error(`The flow was refused: ${JSON.stringify(checked.findings)}`);
  return checked.document;
}

const places = (input: unknown, mode: FlowValidation) =>
  told(input, mode).map(({ error, pointer }) => `${error} ${pointer}`);

describe("leniently checked", () => {
  it("the example that the original ships passes as it is", () => {
    expect(passed({ ...exampleFlow, owners }, "lenient")).toEqual({ ...exampleFlow, owners });
    expect(places({ ...exampleFlow, owners }, "strict")).toEqual([
      "NODE_FUNCTION_REQUIRED /graph/nodes/0/function",
      "NODE_COMPONENT_REQUIRED /graph/nodes/0/componentId",
      "NODE_FUNCTION_REQUIRED /graph/nodes/1/function",
      "NODE_COMPONENT_REQUIRED /graph/nodes/1/componentId",
    ]);
  });

  it.each([
    { componentId: "rest-api" },
    { componentId: "abcdefghijkl" },
    { componentId: "5CA5C44C187C040010A9BB8B" },
    { componentId: text(64) },
    { componentId: "" },
    { componentId: null },
    { function: "" },
    { function: null },
    { id: text(64) },
  ])("a node with %j passes and stays as it is", (more) => {
    expect(passed(withNode(more), "lenient").graph.nodes).toEqual([node(more)]);
  });

  it.each([{ id: text(64) }, { config: { condition: text(2000) } }])("an edge with %j passes", (more) => {
    expect(passed(withEdge(more), "lenient").graph.edges).toEqual([{ source: "n1", target: "n2", ...more }]);
  });

  it.each([
    ["/graph/nodes/0/id", 64, withNode({ id: text(65) })],
    ["/graph/nodes/0/componentId", 64, withNode({ componentId: text(65) })],
    ["/graph/edges/0/id", 64, withEdge({ id: text(65) })],
    ["/graph/edges/0/config/condition", 2000, withEdge({ config: { condition: text(2001) } })],
  ])("%s may have at most %i characters", (pointer, most, input) => {
    const message = expect.stringContaining(`is longer than the maximum allowed length (${most}).`) as string;
    expect(told(input, "lenient")).toEqual([{ error: "TOO_LONG", pointer, message }]);
  });

  it.each([
    ["GRAPH_REQUIRED /graph", flow({ graph: null })],
    ["NODE_ID_REQUIRED /graph/nodes/0/id", withNode({ id: "" })],
    ["NODES_REQUIRED /graph/nodes", flow({ graph: { nodes: [] } })],
    ["EDGE_SOURCE_UNKNOWN /graph/edges/0/source", withEdge({ source: "zz" })],
    ["EDGES_REQUIRED /graph/edges", flow({ graph: { nodes: [node(), node({ id: "n2" })] } })],
    ["OWNER_TYPE_REQUIRED /owners/0/type", flow({ owners: [{ id: "u1" }] })],
    ["STATUS_NOT_WRITABLE /status", flow({ status: "active" })],
    ["CRON_INVALID /cron", flow({ cron: "@daily" })],
    ["WRONG_TYPE /graph/nodes/0/credentials_id", withNode({ credentials_id: "my-secret" })],
  ])("%s is a fault too", (place, input) => {
    expect(places(input, "lenient")).toEqual([place]);
  });
});

describe.each(modes)("checked in %s mode", (mode) => {
  it.each([null, 1, "flow", true, [], [flow()], undefined])("%j is not a flow", (input) => {
    expect(places(input, mode)).toEqual(["WRONG_TYPE "]);
  });

  it("the ids of nodes must differ, also after numbers have become text", () => {
    const nodes = [node(), node({ id: 2 }), node(), node({ id: "2" })];
    const edges = [{ source: "n1", target: "2" }];
    expect(told(flow({ graph: { nodes, edges } }), mode)).toEqual([
      { error: "NODE_ID_REPEATED", pointer: "/graph/nodes/2/id", message: expect.stringContaining('"n1"') as string },
      { error: "NODE_ID_REPEATED", pointer: "/graph/nodes/3/id", message: expect.stringContaining('"2"') as string },
    ]);
  });

  it("a cycle is told with the ids on the way round", () => {
    const edges = ["ab", "bc", "ca"].map(([source, target]) => ({ source, target }));
    const nodes = [node({ id: "a" }), node({ id: "b" }), node({ id: "c" })];
    expect(told(flow({ graph: { nodes, edges } }), mode)).toEqual([
      {
        error: "GRAPH_CYCLE",
        pointer: "/graph/edges/2",
        message: expect.stringContaining("a -> b -> c -> a") as string,
      },
    ]);
  });

  it("as many nodes, edges and owners as are possible are checked like few", () => {
    const ring = crowd({ nodes: MOST_NODES, edges: MOST_NODES, owners: MOST_OWNERS });
    expect(places(ring, mode)).toEqual([`GRAPH_CYCLE /graph/edges/${MOST_NODES - 1}`]);
    const dangling = crowd({ nodes: 1, edges: 500, owners: 0 });
    expect(places(dangling, mode)).toEqual(
      Array.from({ length: 500 }, (_, index) => `EDGE_TARGET_UNKNOWN /graph/edges/${index}/target`),
    );
  });

  it("of very many faults the first are told, and how many more there are", () => {
    const dangling = told(crowd({ nodes: 1, edges: MOST_EDGES, owners: 0 }), mode);
    expect(dangling[0]?.pointer).toBe("/graph/edges/0/target");
    expect(dangling.length).toBeLessThan(1000);
    const message = `There are ${MOST_EDGES - dangling.length + 1} more findings.`;
    expect(dangling.at(-1)).toEqual({ error: "MORE_FINDINGS", pointer: "", message });
  });

  it.each([
    ["/graph/nodes", { nodes: MOST_NODES + 1, edges: 1, owners: 1 }],
    ["/graph/edges", { nodes: 2, edges: MOST_EDGES + 1, owners: 1 }],
    ["/owners", { nodes: 1, edges: 0, owners: MOST_OWNERS + 1 }],
  ])("more entries at %s than are possible are told as one fault", (place, numbers) => {
    expect(places(crowd(numbers), mode)).toEqual([`TOO_MANY ${place}`]);
  });

  it("empty places among nodes, edges and owners are told, not stumbled over", () => {
    const graph = { nodes: [null, node()], edges: [null, { source: "n1", target: "n1", config: null }] };
    expect(places(flow({ graph, owners: [null] }), mode)).toEqual([
      "WRONG_TYPE /graph/nodes/0",
      "WRONG_TYPE /graph/edges/0",
      "WRONG_TYPE /owners/0",
      "GRAPH_CYCLE /graph/edges/1",
    ]);
  });

  it("an end of an edge that cannot be shown as text is told", () => {
    const input = withEdge({ source: JSON.parse('{"toString":1,"valueOf":1}') });
    expect(places(input, mode)).toContain("WRONG_TYPE /graph/edges/0/source");
  });

  it("very many faults are told and not stumbled over", () => {
    const edges = Array.from({ length: 200_000 }, () => 0);
    expect(places(flow({ graph: { nodes: [node()], edges } }), mode)).not.toEqual([]);
  });

  it("nothing is told twice of a place that should be text and is an empty list", () => {
    const input = flow({
      graph: { nodes: [node({ id: [] })], edges: [{ source: [], target: [] }] },
      owners: [{ id: [] }],
    });
    const found = places(input, mode);
    expect(found).toEqual([...new Set(found)]);
  });

  it("what is not of the flow's form is dropped without a word", () => {
    const more = {
      _id: "x",
      __v: 0,
      id: "x",
      createdAt: "garbage",
      updatedAt: 1,
      startedBy: "x",
      revision: 9,
      constructor: 1,
    };
    const edge = { source: "n1", target: "n2" };
    const input = {
      ...more,
      status: "inactive",
      owners: [{ ...owners[0], ...more, id: "u1" }],
      graph: {
        ...more,
        nodes: [{ ...more, ...node() }, node({ id: "n2" })],
        edges: [{ ...more, ...edge, id: "e", config: { ...more, condition: "c" } }],
      },
    };
    const edges = [{ id: "e", config: { condition: "c" }, ...edge }];
    expect(passed(input, mode)).toEqual({ graph: { nodes: [node(), node({ id: "n2" })], edges }, owners });
  });

  it.each([
    "{}",
    "[]",
    "null",
    "0",
    "false",
    '""',
    '"text"',
    '{"a":{},"b":[],"c":null,"d":{"e":{"f":[{}]}}}',
    '{"$set":{"a.b":1},"$where":"1","":{"~":"/"}}',
    '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
    '[[[]],{"toString":null}]',
  ])("%s is kept as it is wherever anything may stand", (json) => {
    const kept = (): unknown => JSON.parse(json);
    const input = flow({
      graph: {
        nodes: [node({ fields: kept(), nodeSettings: kept() }), node({ id: "n2" })],
        edges: [{ config: { mapper: kept() }, source: "n1", target: "n2" }],
      },
      flowSettings: kept(),
    });
    expect(JSON.stringify(passed(input, mode))).toBe(JSON.stringify(input));
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  });

  it("numbers and booleans become text where text is wanted", () => {
    const nodes = [node({ id: 1, name: 1.5, function: true }), node({ id: false, description: 0 })];
    const edges = [{ id: 7, source: 1, target: "false", config: { condition: true } }];
    const input = {
      name: 5,
      description: true,
      graph: { nodes, edges },
      type: 0,
      tenant: -1,
      owners: [{ id: 5, type: 6 }],
    };
    expect(passed(input, mode)).toEqual({
      name: "5",
      description: "true",
      graph: {
        nodes: [node({ id: "1", name: "1.5", function: "true" }), node({ id: "false", description: "0" })],
        edges: [{ id: "7", source: "1", target: "false", config: { condition: "true" } }],
      },
      type: "0",
      tenant: "-1",
      owners: [{ id: "5", type: "6" }],
    });
  });

  it("references become lower-case hex", () => {
    const input = { ...withNode({ credentials_id: "5CA5C44C187C040010A9BB8C" }), fromTemplate: "abcdefghijkl" };
    const document = passed(input, mode);
    expect(document.graph.nodes[0]?.credentials_id).toBe("5ca5c44c187c040010a9bb8c");
    expect(document.fromTemplate).toBe("6162636465666768696a6b6c");
  });

  it.each([undefined, null, []])("a single node may have %j for edges and gets a list", (edges) => {
    expect(passed(flow({ graph: { nodes: [node()], edges } }), mode).graph).toEqual({ nodes: [node()], edges: [] });
  });

  it("null stays where something may be missing, and an empty text too", () => {
    const empty = {
      name: null,
      description: "",
      type: null,
      tenant: null,
      cron: null,
      fromTemplate: null,
      flowSettings: null,
    };
    const input = { ...withNode({ name: null, credentials_id: null, description: "" }), ...empty };
    expect(passed(input, mode)).toEqual(input);
  });

  it("the keys stand in the order of the schema", () => {
    const input = {
      owners,
      cron: "* * * * *",
      graph: { edges: [], nodes: [{ function: "f", componentId: COMPONENT, id: "a" }] },
    };
    const document = passed({ ...input, name: "x" }, mode);
    expect(Object.keys(document)).toEqual(["name", "graph", "owners", "cron"]);
    expect(Object.keys(document.graph)).toEqual(["nodes", "edges"]);
    expect(Object.keys(document.graph.nodes[0]!)).toEqual(["id", "componentId", "function"]);
  });
});

describe("strictly checked", () => {
  it.each([
    ["5CA5C44C187C040010A9BB8B", COMPONENT],
    ["abcdefghijkl", "6162636465666768696a6b6c"],
    [123456789012, "313233343536373839303132"],
  ])("the componentId %j becomes %s", (componentId, stored) => {
    expect(passed(withNode({ componentId }), "strict").graph.nodes).toEqual([node({ componentId: stored })]);
  });
});
