import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  fitting,
  flowOf,
  fromBus,
  isReference,
  ProductMessage,
  subjectOf,
  tenantOf,
  toBus,
  withDocument,
} from "./message.ts";

const flow = "6b025a4bef2fe4ca09ca0056";
const user = "5c0000000000000000000002";
const tenant = "5d0000000000000000000001";
const foreign = "5f0000000000000000000009";
const owners = [
  { id: user, type: "user" },
  { id: tenant, type: "tenant" },
];
const headers = { name: "flow.starting", createdAt: 1795316300551, serviceName: "flow-repository" };
const ours = { startId: "0b9c8a51-6a0e-4c12-9d9d-2f1d4f3f8a77", revision: 3, statusSeq: 7, force: true };

/** What the original published, as captured from its exchange. */
const captured =
  `{"headers":{"name":"flow.starting","createdAt":1795316300551,"serviceName":"flow-repository"},"payload":{"name":"FlowA",` +
  `"graph":{"nodes":[{"id":"n1","componentId":"5ca5c44c187c040010a9bb8b","function":"f"}],"edges":[]},"type":"ordinary",` +
  `"owners":[{"id":"${user}","type":"user"},{"id":"${tenant}","type":"tenant"}],"status":"starting",` +
  `"createdAt":"2026-11-22T02:58:19.038Z","updatedAt":"2026-11-22T02:58:20.540Z","id":"${flow}","startedBy":"${user}"}}`;

/** The same command as the product has it: its own keys besides, and in its own order. */
const command = {
  name: "FlowA",
  kind: "integration",
  graph: {
    nodes: [{ id: "n1", componentId: "5ca5c44c187c040010a9bb8b", function: "f", retry: { most: 3 } }],
    edges: [],
    layout: {},
  },
  type: "ordinary",
  owners,
  values: { a: 1 },
  instance: { revision: 3, values: {} },
  revision: 3,
  startId: ours.startId,
  tenant,
  status: "starting",
  createdAt: "2026-11-22T02:58:19.038Z",
  updatedAt: "2026-11-22T02:58:20.540Z",
  id: flow,
  startedBy: user,
};

const messageOf = (payload: object, name = "flow.starting"): ProductMessage =>
  ProductMessage.parse({ headers: { ...headers, ...ours, name }, payload });
const sent = (payload: object, name?: string): string => toBus(messageOf(payload, name)).content.toString();
const payloadOf = (payload: object, name?: string): Record<string, unknown> =>
  (JSON.parse(sent(payload, name)) as { payload: Record<string, unknown> }).payload;

const unreadable = (payload: string) => ({ headers: { name: "unreadable" }, payload });

describe("a command", () => {
  it("has the bytes that the original published, and the tenant that its webhooks need", () => {
    expect(sent(command)).toBe(captured.replace(`"owners"`, `"tenant":"${tenant}","owners"`));
    expect(toBus(messageOf(command)).routingKey).toBe("flow.starting");
  });

  it("has every key of the original in its order", () => {
    const whole = {
      ...command,
      flowSettings: { webhooks: { requireWebhookAuth: true } },
      fromTemplate: "5ca5c44c187c040010a9bb8c",
      cron: "*/3 * * * *",
      description: "A description",
      graph: {
        edges: [{ target: "b", source: "a", config: { loop: true, mapper: { x: "y" }, condition: "c" }, id: "e" }],
        nodes: [
          { nodeSettings: 1, fields: 2, description: 3, credentials_id: 4, name: 5, function: 6, componentId: 7 },
        ],
      },
    };
    const told = payloadOf(whole);
    expect(Object.keys(told).join(" ")).toBe(
      "name description graph type tenant owners status cron fromTemplate flowSettings createdAt updatedAt id startedBy",
    );
    expect(JSON.stringify(told["graph"])).toBe(
      `{"nodes":[{"componentId":7,"function":6,"name":5,"credentials_id":4,"description":3,"fields":2,"nodeSettings":1}],` +
        `"edges":[{"id":"e","config":{"condition":"c","mapper":{"x":"y"}},"source":"a","target":"b"}]}`,
    );
  });

  it("is the same whatever the order of its keys", () => {
    const entries = Object.entries(command);
    const shuffled = fc.shuffledSubarray(entries, { minLength: entries.length });
    fc.assert(
      fc.property(shuffled, (some) => {
        expect(sent(Object.fromEntries(some))).toBe(sent(command));
      }),
      { numRuns: 50 },
    );
  });

  it("is always something that the original could have sent", () => {
    const known = new Set(Object.keys(payloadOf({ ...command, description: "", cron: "", fromTemplate: "" })));
    known.add("flowSettings");
    const keys = fc.constantFrom(...known, "kind", "values", "instance", "revision", "startId", "href", "__proto__");
    fc.assert(
      fc.property(fc.dictionary(keys, fc.jsonValue({ maxDepth: 3 })), (payload) => {
        const told = payloadOf(payload);
        expect(Object.keys(told).filter((key) => !known.has(key))).toEqual([]);
        expect(told["tenant"]).toMatch(/^[0-9a-f]{24}$/i);
      }),
      { numRuns: 50 },
    );
  });

  it.each(["flow.starting", "flow.stopping"])("%s has no headers but the original's", (name) => {
    const { headers: told } = JSON.parse(sent(command, name)) as { headers: object };
    expect(JSON.stringify(told)).toBe(JSON.stringify({ ...headers, name }));
  });

  it("keeps null where the document has it", () => {
    const nulls = { name: null, description: null, type: null, cron: null, fromTemplate: null, flowSettings: null };
    const node = { id: "n", componentId: null, credentials_id: null, fields: null };
    const edge = { id: null, config: { condition: null, mapper: null }, source: "n", target: "n" };
    expect(payloadOf({ ...nulls, graph: { nodes: [node], edges: [edge, { ...edge, config: null }] } })).toMatchObject({
      ...nulls,
      graph: { nodes: [node], edges: [edge, { ...edge, config: null }] },
    });
  });

  it.each([
    [
      { nodes: null, edges: "none" },
      { nodes: [], edges: [] },
    ],
    [{}, { nodes: [], edges: [] }],
    [
      { nodes: [null, 1, "n", [], { id: "n", x: 1 }], edges: [null, false, [{}], {}] },
      { nodes: [{ id: "n" }], edges: [{}] },
    ],
    [
      { edges: [{ config: { loop: true } }, { config: "always" }] },
      { nodes: [], edges: [{ config: {} }, { config: "always" }] },
    ],
  ])("has of the graph %j what the original knows", (graph, known) => {
    expect(payloadOf({ ...command, graph })["graph"]).toEqual(known);
  });

  it("begins its headers where the product left them out", () => {
    const before = Date.now();
    const { content } = toBus({ headers: { name: "flow.stopping" }, payload: {} });
    const { headers: told } = JSON.parse(content.toString()) as { headers: { createdAt: number; serviceName: string } };
    expect(told.serviceName).toBe("flow-repository");
    expect(told.createdAt).toBeGreaterThanOrEqual(before);
  });
});

describe("the tenant of a flow", () => {
  const named = [{ id: "acme", type: "tenant" }];
  it.each([
    ["its own", { tenant: foreign, owners, startedBy: user }, foreign],
    ["a tenant that owns it", { owners, startedBy: user }, tenant],
    [
      "a tenant that owns it, in capitals",
      { owners: [{ id: tenant.toUpperCase(), type: "tenant" }] },
      tenant.toUpperCase(),
    ],
    ["a tenant that owns it, where its own is no id", { tenant: "acme", owners }, tenant],
    ["who started it, where its tenant is no id", { owners: named, startedBy: user }, user],
    ["who started it, where nobody owns it", { tenant: null, startedBy: user }, user],
    ["an account that owns it", { owners: [...named, { id: user, type: "user" }], startedBy: "auth0|1" }, user],
  ])("is %s", (_, document, expected) => {
    expect(tenantOf(document)).toBe(expected);
  });

  it.each([
    [
      "a tenant",
      [{ owners: named }, { owners: named, startedBy: "bob", id: flow }, { owners: [{ id: "x" }, ...named] }],
    ],
    ["an account", [{ owners: [{ id: "bob", type: "user" }] }, { owners: [{ id: "bob", type: "user" }], id: "other" }]],
    ["the flow", [{ id: "a flow" }, { id: "a flow", owners: [] }, { id: "a flow", owners: "nobody" }]],
  ])("stands for %s alone where there is no id, and stays", (_, documents) => {
    const tenants = new Set(documents.map((document) => tenantOf(document)));
    expect([...tenants]).toEqual([expect.stringMatching(/^[0-9a-f]{24}$/)]);
  });

  it("is another for every other tenant", () => {
    const id = fc.string({ minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(fc.uniqueArray(id, { minLength: 2, maxLength: 5 }), (ids) => {
        const tenants = ids.map((one) => tenantOf({ owners: [{ id: one, type: "tenant" }], id: flow }));
        expect(new Set(tenants).size).toBe(ids.length);
      }),
    );
  });
});

describe("a notice", () => {
  it.each(["flowrepo.flow.created", "flowrepo.flow.modified", "flowrepo.flow.deleted"])("%s goes as it is", (name) => {
    const payload = { tenant: "", user: "auth0|1", flowId: flow, kind: "integration", more: null };
    expect(sent(payload, name)).toBe(JSON.stringify({ headers: { ...headers, name }, payload }));
    expect(flowOf(messageOf(payload, name))).toBe(flow);
  });
});

describe("a reference to a flow", () => {
  const identity = { status: "starting", createdAt: "c", updatedAt: "u", id: flow, startedBy: user };
  const reference = { ...identity, tenant, revision: 3, href: `/flows/${flow}` };
  const document = { name: "Large", tenant: foreign, status: "draft", id: "another", graph: command.graph, owners };

  it.each([
    [true, reference],
    [false, { ...reference, graph: {} }],
    [false, identity],
    [false, { ...identity, href: 1 }],
  ])("is told (%s) by an address instead of a graph", (expected, payload) => {
    expect(isReference(messageOf(payload))).toBe(expected);
  });

  it("becomes the command that it stands for", () => {
    const whole = withDocument(messageOf(reference), document);
    expect(isReference(whole)).toBe(false);
    expect(toBus(whole).content.toString()).toBe(
      sent({ ...identity, name: "Large", tenant, graph: command.graph, owners }),
    );
  });

  it("never runs in the name of a tenant that only the document names", () => {
    const { tenant: _, ...withoutTenant } = reference;
    const ownedByUser = { ...document, owners: [{ id: user, type: "user" }] };
    const whole = withDocument(messageOf(withoutTenant), ownedByUser);
    expect(toBus(whole).content.toString()).not.toContain(foreign);
    expect(tenantOf(whole.payload)).toBe(user);
  });
});

const deep = `{"a":${"[".repeat(200)}${"]".repeat(200)}}`;
describe("a message of the bus", () => {
  it.each<[string, string | Buffer, unknown, string]>([
    ["a report", `{"headers":{"name":"flow.started"},"payload":{"id":"6B"}}`, undefined, "6b"],
    ["without payload", `{"headers":{}}`, undefined, ""],
    ["with an odd id", `{"payload":{"id":1}}`, undefined, ""],
    ["with an odd payload", `{"payload":["id"]}`, undefined, ""],
    ["bad JSON", `{"headers":`, unreadable(`{"headers":`), ""],
    ["empty", "", unreadable(""), ""],
    ["a scalar", `"flow.started"`, unreadable(`"flow.started"`), ""],
    ["null", "null", unreadable("null"), ""],
    ["a list", "[{}]", unreadable("[{}]"), ""],
    ["nested without end", deep, unreadable(deep), ""],
    ["binary", Buffer.from([0xff, 0x00, 0xfe]), unreadable("\uFFFD\u0000\uFFFD"), ""],
  ])("%s is handed over", (_, content, expected, subject) => {
    const message = fromBus(Buffer.from(content));
    expect(message).toEqual(expected ?? JSON.parse(content.toString()));
    expect(subjectOf(message)).toBe(subject);
  });

  it("is cut if it is large and cannot be read", () => {
    expect(fromBus(Buffer.from("x".repeat(20_000)))).toEqual(unreadable("x".repeat(10_000)));
  });
});

describe("what is to fit a queue", () => {
  const large = "é".repeat(60_000);
  const report = { headers: { ...headers, startId: "s", more: large }, payload: { id: flow, reason: large, x: large } };

  it("stays as it is if it fits", () => {
    const small = { headers: { more: 1 }, payload: { id: flow, x: "x".repeat(99_000) } };
    expect(fitting(small)).toBe(small);
  });

  it("is left with what the product reads of it", () => {
    expect(fitting(report)).toEqual({
      headers: { ...headers, startId: "s" },
      payload: { id: flow, reason: "é".repeat(2000) },
    });
    expect(fitting({ headers: large, payload: large })).toEqual({ headers: {}, payload: {} });
    expect(fitting({ payload: { startId: "s", reason: { large } } })).toEqual({
      headers: {},
      payload: { startId: "s" },
    });
  });

  it("fits, whatever was large in it", () => {
    const text = fc.constantFrom("a", large);
    const key = fc.constantFrom("name", "serviceName", "createdAt", "startId", "id", "reason", "x");
    const part = fc.oneof(text, fc.dictionary(key, fc.oneof(text, fc.array(text, { maxLength: 2 }))));
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom("headers", "payload", "x"), part), (message) => {
        expect(Buffer.byteLength(JSON.stringify(fitting(message)))).toBeLessThanOrEqual(100_000);
      }),
      { numRuns: 40 },
    );
  });
});
