import { describe, expect, it } from "vitest";

import { admin, exampleFlow, flowOf, newId, someone } from "../support/given.ts";

const flow = (nodes: unknown[], edges: unknown[] = []) => ({ graph: { nodes, edges } });
const told = ({ error, pointer, warning }: { error: string; pointer: string; warning?: true }) =>
  `${warning ? "warning " : ""}${error} ${pointer}`;

async function checked(body: unknown) {
  const { data } = (await (await someone()).call("validateFlow", { body })).body;
  return { valid: data.valid as boolean, findings: (data.findings as Parameters<typeof told>[0][]).map(told) };
}

describe("a check of a flow that runs here", () => {
  it("finds nothing in the seed's example", async () => {
    expect(await checked(exampleFlow())).toEqual({ valid: true, findings: [] });
  });

  it("tells all that would keep it from running, and storing takes it nevertheless", async () => {
    const nodes = [
      { id: "a", componentId: "filter", fields: { condition: "data.(" } },
      { id: "b", componentId: "teleport" },
      { id: "c", componentId: newId() },
    ];
    const edges = [
      { source: "a", target: "b", config: { condition: "(" } },
      { source: "b", target: "c", config: { mapper: { name: "(" } } },
    ];
    expect(await checked(flow(nodes, edges))).toEqual({
      valid: false,
      findings: [
        "FIELDS_INVALID /graph/nodes/0/fields/condition",
        "COMPONENT_UNKNOWN /graph/nodes/1/componentId",
        "COMPONENT_UNKNOWN /graph/nodes/2/componentId",
        "CONDITION_INVALID /graph/edges/0/config/condition",
        "MAPPER_INVALID /graph/edges/1/config/mapper/name",
      ],
    });
    expect(await flowOf(await someone(), flow(nodes, edges))).toMatch(/^[0-9a-f]{24}$/);
  });

  it("tells it beside what keeps the flow from being stored", async () => {
    const nodes = [{ id: "a", componentId: "teleport" }, { componentId: "filter" }];
    expect(await checked(flow(nodes, [{ source: "a", target: "x" }]))).toEqual({
      valid: false,
      findings: [
        "NODE_ID_REQUIRED /graph/nodes/1/id",
        "EDGE_TARGET_UNKNOWN /graph/edges/0/target",
        "COMPONENT_UNKNOWN /graph/nodes/0/componentId",
        "FIELDS_INVALID /graph/nodes/1/fields/condition",
      ],
    });
  });

  it("leaves a flow valid of which only something is odd", async () => {
    const node = { id: "a", componentId: "manual", fields: { smaple: 1 }, nodeSettings: { retry: { attempts: 50 } } };
    expect(await checked(flow([node]))).toEqual({
      valid: true,
      findings: [
        "warning FIELDS_INVALID /graph/nodes/0/fields/smaple",
        "warning SETTINGS_INVALID /graph/nodes/0/nodeSettings/retry/attempts",
      ],
    });
  });

  it("knows a component once it is mapped, and what it says of its fields", async () => {
    const [operator, id] = [await admin(), newId()];
    const fields = { type: "object", properties: { at: { type: "integer" } }, required: ["at"] };
    const body = { name: "CRM", endpoint: "https://crm.example.com/", functions: [{ name: "poll", fields }] };
    await operator.call("mapComponent", { params: { id }, body });
    const node = { id: "a", componentId: id.toUpperCase(), function: "poll" };
    expect(await checked(flow([{ ...node, fields: { at: 1 } }]))).toEqual({ valid: true, findings: [] });
    const wrong = { valid: false, findings: ["FIELDS_INVALID /graph/nodes/0/fields/at"] };
    expect(await checked(flow([{ ...node, fields: { at: "x" } }]))).toEqual(wrong);
    await operator.call("unmapComponent", { params: { id } });
    const unknown = { valid: false, findings: ["COMPONENT_UNKNOWN /graph/nodes/0/componentId"] };
    expect(await checked(flow([node]))).toEqual(unknown);
  });

  it("does not answer many times what was sent", async () => {
    const nodes = Array.from({ length: 2000 }, (_, index) => ({ id: `n${index}`, componentId: "teleport" }));
    const edges = nodes.slice(1).map(({ id }) => ({ source: "n0", target: id }));
    const { valid, findings } = await checked(flow(nodes, edges));
    expect([valid, findings.length, findings.at(-1)]).toEqual([false, 501, "MORE_FINDINGS "]);
  });

  it("takes a cycle over an edge that says so, and refuses any other", async () => {
    const nodes = [{ id: "a" }, { id: "b" }];
    const there = { source: "a", target: "b" };
    const back = { source: "b", target: "a", config: { condition: "data.more", loop: true } };
    expect(await checked(flow(nodes, [there, back]))).toEqual({ valid: true, findings: [] });
    expect((await checked(flow(nodes, [there, { ...back, config: { loop: false } }]))).findings).toEqual([
      "GRAPH_CYCLE /graph/edges/1",
    ]);
    expect((await checked(flow(nodes, [there, { ...back, config: { loop: "yes" } }]))).findings).toEqual([
      "WRONG_TYPE /graph/edges/1/config/loop",
      "GRAPH_CYCLE /graph/edges/1",
    ]);
    const caller = await someone();
    const id = await flowOf(caller, flow(nodes, [there, back]));
    expect((await caller.call("getFlowById", { params: { id } })).body.data.graph.edges[1].config).toEqual(back.config);
  });
});
