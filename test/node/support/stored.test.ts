import { describe, expect, it } from "vitest";

import { readHookable, readLogged, readScheduled, readStartable } from "./stored.ts";

const id = "5ca5c44c187c040010a9bb8b";
const node = { id: "n1", componentId: id, function: "f" };
const owners = [{ id: "alice", type: "user" }];
const good = { id, tenant: id, startedBy: id, graph: { nodes: [node], edges: [] }, owners, cron: "* * * * *" };

describe("what the original's services read", () => {
  it.each([
    ["all that a command has", good],
    ["no tenant, no starter, no edges", { id, graph: { nodes: [node] } }],
    ["more than is read", { ...good, name: "Orders", status: "starting", graph: { nodes: [{ ...node, fields: {} }] } }],
  ])("the orchestrator takes %s", (_, payload) => {
    expect(readStartable(payload)).toEqual({
      id,
      graph: payload.graph,
      ...("tenant" in payload ? { tenant: id, startedBy: id } : {}),
    });
  });

  it.each([
    ["nothing", null, "payload"],
    ["an id of its own kind", { ...good, id: "flow-1" }, "id"],
    ["a tenant by name", { ...good, tenant: "acme" }, "tenant"],
    ["an empty tenant", { ...good, tenant: "" }, "tenant"],
    ["a starter by name", { ...good, startedBy: "alice" }, "startedBy"],
    ["no graph", { id }, "graph"],
    ["a node without an id", { id, graph: { nodes: [{ ...node, id: undefined }] } }, "graph.nodes.0.id"],
    [
      "a node without a component",
      { id, graph: { nodes: [{ ...node, componentId: "" }] } },
      "graph.nodes.0.componentId",
    ],
    ["a node without a function", { id, graph: { nodes: [{ id: "n1", componentId: id }] } }, "graph.nodes.0.function"],
  ])("the orchestrator refuses %s", (_, payload, field) => {
    expect(() => readStartable(payload)).toThrow(new RegExp(`^${field}: `, "u"));
  });

  it.each([
    ["an owner without a type", { ...good, owners: [{ id: "alice" }] }, "owners.0.type"],
    ["a secret by name", { ...good, flowSettings: { webhooks: { hmacAuthSecret: "mine" } } }, "flowSettings.webhooks"],
    ["a tenant by name", { ...good, tenant: "acme" }, "tenant"],
  ])("webhooks refuse %s", (_, payload, field) => {
    expect(() => readHookable(payload)).toThrow(field);
  });

  it("the scheduler keeps graph and cron, the audit log headers and payload", () => {
    expect(readScheduled(good)).toEqual({ id, graph: good.graph, cron: good.cron });
    const entry = {
      headers: { name: "flowrepo.flow.created", serviceName: "flow-repository", createdAt: 1 },
      payload: { tenant: "", user: id, flowId: id },
    };
    expect(readLogged(entry)).toEqual(entry);
    expect(() => readLogged({ ...entry, payload: { tenant: "", user: id } })).toThrow("payload.flowId");
  });
});
