import { describe, expect, it } from "vitest";

import { checkFlow } from "./check.ts";

// The sentences and their order are those of the Open Integration Hub, to the letter.

const owner = { id: "u1", type: "user" };
const node = (more: object = {}) => ({ id: "n1", componentId: "5ca5c44c187c040010a9bb8b", function: "f", ...more });
const flow = (more: object = {}) => ({ graph: { nodes: [node()], edges: [] }, owners: [owner], ...more });
const graph = (nodes: unknown, edges: unknown) => flow({ graph: { nodes, edges } });
const withNode = (more: object) => graph([node(more)], []);
const twoNodes = [node(), node({ id: "n2" })];
const withEdge = (more: object) => graph(twoNodes, [{ source: "n1", target: "n2", ...more }]);
const withOwner = (more: object) => flow({ owners: [{ ...owner, ...more }] });

/** What is found by the strict check, without the hints. */
function told(input: unknown) {
  const checked = checkFlow(input, "strict");
  return checked.ok ? [] : checked.findings.map(({ message, error, pointer }) => ({ message, error, pointer }));
}

const anObject = '"{ a: 1 }" (type Object)';
const anArray = '"[]" (type Array)';
const abc = '"abc" (type string)';
const noString = (leaf: string, value = anObject) => `Cast to string failed for value ${value} at path "${leaf}"`;
const noId = (leaf: string, value = abc) =>
  `Cast to ObjectId failed for value ${value} at path "${leaf}" because of "BSONTypeError"`;
const noGraph = (value: string) =>
  `Cast to Embedded failed for value ${value} at path "graph" because of "ObjectExpectedError"`;
const noEntry = (leaf: string, value = abc) =>
  `Cast to embedded failed for value ${value} at path "${leaf}" because of "ObjectParameterError"`;
const tooLong = (leaf: string, value: string, most: number) =>
  `Path \`${leaf}\` (\`${value}\`) is longer than the maximum allowed length (${most}).`;

const a = { a: 1 };
const umlauts = "äöüäöüäöüäöü";

describe("a value of the wrong type is told in mongoose's words", () => {
  it.each([
    ["/name", noString("name"), flow({ name: a })],
    ["/description", noString("description"), flow({ description: a })],
    ["/graph", noGraph(abc), flow({ graph: "abc" })],
    ["/graph", noGraph('"5" (type number)'), flow({ graph: 5 })],
    ["/graph", noGraph('"false" (type boolean)'), flow({ graph: false })],
    ["/graph", noGraph('"" (type string)'), flow({ graph: "" })],
    ["/graph", noGraph(anArray), flow({ graph: [] })],
    ["/graph/nodes", noEntry("nodes"), graph("abc", [])],
    ["/graph/nodes/0", noEntry("nodes"), graph(["abc"], [])],
    ["/graph/nodes/0/id", noString("id"), withNode({ id: a })],
    ["/graph/nodes/0/id", noString("id", anArray), withNode({ id: [] })],
    ["/graph/nodes/0/componentId", noId("componentId"), withNode({ componentId: "abc" })],
    ["/graph/nodes/0/componentId", noId("componentId", anObject), withNode({ componentId: a })],
    ["/graph/nodes/0/componentId", noId("componentId", '"5" (type number)'), withNode({ componentId: 5 })],
    [
      "/graph/nodes/0/componentId",
      noId("componentId", `"${umlauts}" (type string)`),
      withNode({ componentId: umlauts }),
    ],
    ["/graph/nodes/0/function", noString("function"), withNode({ function: a })],
    ["/graph/nodes/0/function", noString("function", anArray), withNode({ function: [] })],
    ["/graph/nodes/0/name", noString("name"), withNode({ name: a })],
    ["/graph/nodes/0/credentials_id", noId("credentials_id"), withNode({ credentials_id: "abc" })],
    ["/graph/nodes/0/description", noString("description"), withNode({ description: a })],
    ["/graph/edges", noEntry("edges"), graph([node()], "abc")],
    ["/graph/edges/0", noEntry("edges"), graph([node()], ["abc"])],
    ["/graph/edges/0/id", noString("id"), withEdge({ id: a })],
    ["/graph/edges/0/config/condition", noString("config.condition"), withEdge({ config: { condition: a } })],
    ["/type", noString("type"), flow({ type: a })],
    ["/tenant", noString("tenant"), flow({ tenant: a })],
    ["/owners", noEntry("owners"), flow({ owners: "abc" })],
    ["/owners/0", noEntry("owners"), flow({ owners: ["abc"] })],
    ["/owners/0/id", noString("id"), withOwner({ id: a })],
    ["/owners/0/type", noString("type"), withOwner({ type: a })],
    ["/cron", noString("cron"), flow({ cron: a })],
    ["/fromTemplate", noId("fromTemplate"), flow({ fromTemplate: "abc" })],
  ])("%s: %s", (pointer, message, input) => {
    expect(told(input)).toEqual([{ message, error: "WRONG_TYPE", pointer }]);
  });

  it.each([
    [[1, "x", true, null], "[ 1, 'x', true, null ]", "Array"],
    [{ "a b": 1, a_b: "x" }, "{ 'a b': 1, a_b: 'x' }", "Object"],
    [{ a: "it's" }, `{ a: "it's" }`, "Object"],
    [{ a: {}, b: [], c: null }, "{ a: {}, b: [], c: null }", "Object"],
    [{ a: { b: { c: { d: 1 } } } }, "{ a: { b: { c: [Object] } } }", "Object"],
    [{ a: { b: { c: [1] } } }, "{ a: { b: { c: [Array] } } }", "Object"],
  ])("%j is shown as Node.js shows it", (name, shown, type) => {
    expect(told(flow({ name })).map(({ message }) => message)).toEqual([noString("name", `"${shown}" (type ${type})`)]);
  });

  it("a huge value is not shown whole", () => {
    const wide = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`key${index}`, "x".repeat(1000)]));
    expect(told(flow({ name: wide }))[0]?.message.length).toBeLessThan(5000);
  });
});

const sentences = {
  GRAPH_REQUIRED: "Flows require a graph.",
  NODE_FUNCTION_REQUIRED: "Flow nodes require a function.",
  NODE_COMPONENT_REQUIRED: "Flow nodes require a componentId.",
  NODE_ID_REQUIRED: "Flow nodes require an id.",
  NODES_REQUIRED: "Flows require at least one node.",
  EDGES_REQUIRED: "Flows with more than one node require edges.",
  OWNER_TYPE_REQUIRED: "Flow owners require a type.",
  OWNER_ID_REQUIRED: "Flow owners require an id.",
  STATUS_NOT_WRITABLE: "Flow status cannot be set manually. Use the flow start/stop end points instead.",
  EDGE_SOURCE_UNKNOWN: 'Edge source with id "zz" could not be found among nodes.',
  EDGE_TARGET_UNKNOWN: 'Edge target with id "zz" could not be found among nodes.',
  CRON_INVALID: "Invalid cron expression.",
};
const text = (length: number) => "x".repeat(length);

describe("each fault is told in the original's words, at its place", () => {
  it.each([
    ["GRAPH_REQUIRED", "/graph", flow({ graph: undefined })],
    ["GRAPH_REQUIRED", "/graph", flow({ graph: null })],
    ["NODE_FUNCTION_REQUIRED", "/graph/nodes/0/function", withNode({ function: undefined })],
    ["NODE_FUNCTION_REQUIRED", "/graph/nodes/0/function", withNode({ function: null })],
    ["NODE_FUNCTION_REQUIRED", "/graph/nodes/0/function", withNode({ function: "" })],
    ["NODE_COMPONENT_REQUIRED", "/graph/nodes/0/componentId", withNode({ componentId: undefined })],
    ["NODE_COMPONENT_REQUIRED", "/graph/nodes/0/componentId", withNode({ componentId: null })],
    ["NODE_ID_REQUIRED", "/graph/nodes/0/id", withNode({ id: undefined })],
    ["NODE_ID_REQUIRED", "/graph/nodes/0/id", withNode({ id: null })],
    ["NODE_ID_REQUIRED", "/graph/nodes/0/id", withNode({ id: "" })],
    ["NODES_REQUIRED", "/graph/nodes", graph([], [])],
    ["NODES_REQUIRED", "/graph/nodes", graph(undefined, [])],
    ["NODES_REQUIRED", "/graph/nodes", graph(null, [])],
    ["EDGES_REQUIRED", "/graph/edges", graph(twoNodes, undefined)],
    ["EDGES_REQUIRED", "/graph/edges", graph(twoNodes, null)],
    ["EDGES_REQUIRED", "/graph/edges", graph(twoNodes, [])],
    ["OWNER_TYPE_REQUIRED", "/owners/0/type", withOwner({ type: undefined })],
    ["OWNER_TYPE_REQUIRED", "/owners/0/type", withOwner({ type: "" })],
    ["OWNER_ID_REQUIRED", "/owners/0/id", withOwner({ id: undefined })],
    ["OWNER_ID_REQUIRED", "/owners/0/id", withOwner({ id: null })],
    ["OWNER_ID_REQUIRED", "/owners/0/id", withOwner({ id: "" })],
    ["STATUS_NOT_WRITABLE", "/status", flow({ status: "active" })],
    ["STATUS_NOT_WRITABLE", "/status", flow({ status: "Inactive" })],
    ["STATUS_NOT_WRITABLE", "/status", flow({ status: 1 })],
    ["EDGE_SOURCE_UNKNOWN", "/graph/edges/0/source", withEdge({ source: "zz" })],
    ["EDGE_TARGET_UNKNOWN", "/graph/edges/0/target", withEdge({ target: "zz" })],
    ["CRON_INVALID", "/cron", flow({ cron: "not a cron" })],
    ["CRON_INVALID", "/cron", flow({ cron: 5 })],
  ] as const)("%s at %s", (error, pointer, input) => {
    expect(told(input)).toEqual([{ message: sentences[error], error, pointer }]);
  });

  it.each([
    ["/graph/nodes/0/id", "id", 30, (value: string) => withNode({ id: value })],
    ["/graph/edges/0/id", "id", 10, (value: string) => withEdge({ id: value })],
    [
      "/graph/edges/0/config/condition",
      "config.condition",
      30,
      (value: string) => withEdge({ config: { condition: value } }),
    ],
  ])("TOO_LONG at %s, which is %s, beyond %i characters", (pointer, leaf, most, make) => {
    expect(told(make(text(most)))).toEqual([]);
    const message = tooLong(leaf, text(most + 1), most);
    expect(told(make(text(most + 1)))).toEqual([{ message, error: "TOO_LONG", pointer }]);
  });

  it("an edge without ends is incomplete and, if every node has an id, dangling too", () => {
    expect(told(graph([node()], [{}])).map(({ message }) => message)).toEqual([
      "Flow edges require a target.",
      "Flow edges require a source.",
      'Edge source with id "undefined" could not be found among nodes.',
      'Edge target with id "undefined" could not be found among nodes.',
    ]);
    expect(told(graph([node(), node({ id: undefined })], [{}])).map(({ message }) => message)).toEqual([
      "Flow nodes require an id.",
      "Flow edges require a target.",
      "Flow edges require a source.",
    ]);
  });

  it.each([undefined, null, "", "inactive"])("the status %j is no fault", (status) => {
    expect(told(flow({ status }))).toEqual([]);
  });
});

describe("all faults are told at once, in the original's order", () => {
  it("first wrong types as in the schema, then what is missing or too long, then what does not fit", () => {
    const nodes = [{ id: text(31), name: a, credentials_id: "abc", componentId: "abc" }, {}];
    const edges = [
      { id: text(11), config: { condition: text(31) } },
      { source: "zz", target: "zz" },
      { source: text(31), target: text(31), id: a },
    ];
    const wrong = { name: a, description: a, type: a, tenant: a, fromTemplate: "abc", owners: [{}, { id: a }] };
    const input = { cron: "x", status: "active", graph: { edges, nodes }, ...wrong };
    expect(told(input).map(({ pointer, message }) => [pointer, message])).toEqual([
      ["/name", noString("name")],
      ["/description", noString("description")],
      ["/graph/nodes/0/componentId", noId("componentId")],
      ["/graph/nodes/0/name", noString("name")],
      ["/graph/nodes/0/credentials_id", noId("credentials_id")],
      ["/graph/edges/2/id", noString("id")],
      ["/type", noString("type")],
      ["/tenant", noString("tenant")],
      ["/owners/1/id", noString("id")],
      ["/fromTemplate", noId("fromTemplate")],
      ["/graph/nodes/0/function", sentences.NODE_FUNCTION_REQUIRED],
      ["/graph/nodes/0/id", tooLong("id", text(31), 30)],
      ["/graph/nodes/1/function", sentences.NODE_FUNCTION_REQUIRED],
      ["/graph/nodes/1/componentId", sentences.NODE_COMPONENT_REQUIRED],
      ["/graph/nodes/1/id", sentences.NODE_ID_REQUIRED],
      ["/graph/edges/0/target", "Flow edges require a target."],
      ["/graph/edges/0/source", "Flow edges require a source."],
      ["/graph/edges/0/id", tooLong("id", text(11), 10)],
      ["/graph/edges/0/config/condition", tooLong("config.condition", text(31), 30)],
      ["/owners/0/type", sentences.OWNER_TYPE_REQUIRED],
      ["/owners/0/id", sentences.OWNER_ID_REQUIRED],
      ["/owners/1/type", sentences.OWNER_TYPE_REQUIRED],
      ["/status", sentences.STATUS_NOT_WRITABLE],
      ["/graph/edges/1/source", sentences.EDGE_SOURCE_UNKNOWN],
      ["/graph/edges/1/target", sentences.EDGE_TARGET_UNKNOWN],
      ["/cron", sentences.CRON_INVALID],
      // The original goes round for ever; what it does not know comes after all that it does.
      ["/graph/edges/2", `Edges form a cycle: ${text(31)} -> ${text(31)}.`],
    ]);
  });

  const nodeLacks = ["NODE_FUNCTION_REQUIRED", "NODE_COMPONENT_REQUIRED", "NODE_ID_REQUIRED"];
  const ownerLacks = ["OWNER_TYPE_REQUIRED", "OWNER_ID_REQUIRED"];
  const dangling = ["EDGE_SOURCE_UNKNOWN", "EDGE_TARGET_UNKNOWN"];
  it.each([
    ["missing edges after the nodes", { nodes: [{}, node()] }, [...nodeLacks, "EDGES_REQUIRED"], []],
    [
      "missing nodes before the edges",
      { edges: [{ source: "zz" }] },
      ["NODES_REQUIRED", "EDGE_TARGET_REQUIRED"],
      dangling,
    ],
    ["a missing graph before the owners", null, ["GRAPH_REQUIRED"], []],
  ])("%s", (_, wrong, before, after) => {
    const errors = told(flow({ graph: wrong, owners: [{}], cron: "x", status: "active", fromTemplate: "abc" }));
    const expected = ["WRONG_TYPE", ...before, ...ownerLacks, "STATUS_NOT_WRITABLE", ...after, "CRON_INVALID"];
    expect(errors.map(({ error }) => error)).toEqual(expected);
  });
});
