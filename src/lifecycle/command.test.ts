import { describe, expect, it } from "vitest";

import type { FlowDocument } from "../flows/model.ts";
import { commandOf, type CommandRow } from "./command.ts";

const bytes = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).byteLength;
const QUEUE_LIMIT = 128_000;
const now = 1_795_316_300_551;
const user = "5c0000000000000000000002";
const tenant = "5d0000000000000000000001";
const startId = "0b9c8a51-6a0e-4c12-9d9d-2f1d4f3f8a77";

const document: FlowDocument = {
  name: "FlowA",
  graph: { nodes: [{ id: "n1", componentId: "5ca5c44c187c040010a9bb8b", function: "f" }], edges: [] },
  type: "ordinary",
  owners: [
    { id: user, type: "user" },
    { id: tenant, type: "tenant" },
  ],
};

const rowOf = (changed: Partial<FlowDocument> = {}, row: Partial<CommandRow> = {}): CommandRow => ({
  id: "6b025a4bef2fe4ca09ca0056",
  document: JSON.stringify({ ...document, ...changed }),
  revision: 3,
  createdAt: Date.parse("2026-11-22T02:58:19.038Z"),
  updatedAt: Date.parse("2026-11-22T02:58:20.540Z"),
  status: "starting",
  statusSeq: 7,
  startId,
  startedBy: user,
  startedIn: null,
  ...row,
});

const payloadOf = (...args: Parameters<typeof commandOf>) => commandOf(...args).payload as Record<string, unknown>;

const owner = (type: string, id: string) => ({ type, id });
const filled = (text: string, times: number) => ({
  graph: { ...document.graph, nodes: [{ ...document.graph.nodes[0]!, fields: { text: text.repeat(times) } }] },
});

describe("a command", () => {
  it("is field by field what the Open Integration Hub publishes, tenant and our headers apart", () => {
    const { headers, payload } = commandOf("flow.starting", rowOf(), now);
    expect(headers).toEqual({
      name: "flow.starting",
      createdAt: 1_795_316_300_551,
      serviceName: "flow-repository",
      startId,
      revision: 3,
      statusSeq: 7,
    });
    const { tenant: runsFor, ...captured } = payload as Record<string, unknown>;
    expect(runsFor).toBe(tenant);
    // As text, so that the order of the keys is compared too.
    expect(JSON.stringify(captured)).toBe(
      '{"name":"FlowA","graph":{"nodes":[{"id":"n1","componentId":"5ca5c44c187c040010a9bb8b","function":"f"}],"edges":[]},' +
        '"type":"ordinary","owners":[{"id":"5c0000000000000000000002","type":"user"},{"id":"5d0000000000000000000001","type":"tenant"}],' +
        '"status":"starting","createdAt":"2026-11-22T02:58:19.038Z","updatedAt":"2026-11-22T02:58:20.540Z",' +
        '"id":"6b025a4bef2fe4ca09ca0056","startedBy":"5c0000000000000000000002"}',
    );
  });

  it("to stop says stopping and not who started the flow", () => {
    const { headers, payload } = commandOf("flow.stopping", rowOf({}, { status: "stopping", statusSeq: 8 }), now);
    expect(headers).toEqual({
      name: "flow.stopping",
      createdAt: now,
      serviceName: "flow-repository",
      startId,
      revision: 3,
      statusSeq: 8,
    });
    expect(payload).toEqual({
      ...document,
      tenant,
      status: "stopping",
      createdAt: "2026-11-22T02:58:19.038Z",
      updatedAt: "2026-11-22T02:58:20.540Z",
      id: "6b025a4bef2fe4ca09ca0056",
    });
  });

  it("says stopping also where force has made the flow inactive already", () => {
    expect(payloadOf("flow.stopping", rowOf({}, { status: "inactive" }), now)["status"]).toBe("stopping");
  });

  it("names no start for a flow that was never started under a startId", () => {
    const { headers } = commandOf("flow.stopping", rowOf({}, { startId: null }), now);
    expect(headers).not.toHaveProperty("startId");
  });

  it("to start leaves startedBy out where nobody is known", () => {
    expect(payloadOf("flow.starting", rowOf({}, { startedBy: null }), now)).not.toHaveProperty("startedBy");
  });

  it.each(["revision", "statusSeq", "startId", "startedAt", "lastError", "stalled", "deadlineAt", "tries", "href"])(
    "keeps %s out of the payload",
    (field) => {
      for (const name of ["flow.starting", "flow.stopping"] as const) {
        expect(payloadOf(name, rowOf(), now)).not.toHaveProperty(field);
      }
    },
  );

  it("carries everything that the document has", () => {
    const rich: FlowDocument = {
      ...document,
      description: "d",
      cron: "*/3 * * * *",
      fromTemplate: "5ca5c44c187c040010a9bb8d",
      flowSettings: { webhooks: { requireWebhookAuth: true } },
    };
    expect(payloadOf("flow.starting", rowOf(rich), now)).toMatchObject(rich);
  });
});

describe("the tenant in whose name a flow runs", () => {
  const other = "5d0000000000000000000009";

  it.each([
    [
      "the document's own where it is one of the owners",
      { tenant: other, owners: [owner("tenant", tenant), owner("tenant", other)] },
      other,
    ],
    ["not a foreign one that the document names", { tenant: other }, tenant],
    ["not one without an ObjectId", { tenant: "acme", owners: [owner("tenant", "acme")] }, undefined],
    ["the owner's where the document's is empty", { tenant: "" }, tenant],
    ["the first tenant among the owners", { owners: [owner("tenant", tenant), owner("tenant", other)] }, tenant],
    ["the first tenant with an ObjectId", { owners: [owner("tenant", "acme"), owner("tenant", other)] }, other],
    ["the owner's where the document says null", { tenant: null }, tenant],
    ["nobody's where the only tenant has no ObjectId", { owners: [owner("tenant", "acme")] }, undefined],
    ["nobody's where twelve characters only look like an id", { owners: [owner("tenant", "twelve chars")] }, undefined],
    ["nobody's where the hex is too long", { owners: [owner("tenant", `${tenant}0`)] }, undefined],
    ["nobody's where only users own it", { owners: [owner("user", user)] }, undefined],
    ["nobody's where nobody owns it", { owners: [] }, undefined],
  ])("is %s", (_, changed: Partial<FlowDocument>, expected) => {
    const payload = payloadOf("flow.starting", rowOf(changed), now);
    expect(payload["tenant"]).toBe(expected);
    expect("tenant" in payload).toBe(expected !== undefined);
  });
});

describe("a flow that does not fit a message", () => {
  it("is sent as a reference with id, revision and address", () => {
    const row = rowOf(filled("x", 300_000));
    const command = commandOf("flow.starting", row, now);
    expect(command.headers).toEqual(commandOf("flow.starting", rowOf(), now).headers);
    expect(command.payload).toEqual({
      tenant,
      status: "starting",
      createdAt: "2026-11-22T02:58:19.038Z",
      updatedAt: "2026-11-22T02:58:20.540Z",
      id: row.id,
      startedBy: user,
      revision: 3,
      href: `/flows/${row.id}`,
    });
    expect(bytes(command)).toBeLessThan(QUEUE_LIMIT);
  });

  it("is a reference also when it is to be stopped, without startedBy", () => {
    const payload = payloadOf("flow.stopping", rowOf(filled("x", 300_000)), now);
    expect(payload).toMatchObject({ status: "stopping", revision: 3, href: "/flows/6b025a4bef2fe4ca09ca0056" });
    expect(payload).not.toHaveProperty("startedBy");
    expect(payload).not.toHaveProperty("graph");
  });

  it.each([
    ["ASCII", "x", 1],
    ["umlauts", "ä", 2],
    ["Chinese", "流", 3],
    ["emoji", "🙂", 4],
    ["lone surrogates, which JSON escapes", "\ud800", 6],
    ["control characters, which JSON escapes", "\u0001", 6],
  ])("is told by its bytes, not its characters: %s", (_, text, width) => {
    const room = QUEUE_LIMIT - bytes(commandOf("flow.starting", rowOf(), now));
    const fits = Math.floor((room * 0.9) / width);
    const whole = commandOf("flow.starting", rowOf(filled(text, fits)), now);
    expect(whole.payload).toHaveProperty("graph");
    expect(bytes(whole)).toBeLessThan(QUEUE_LIMIT);
    const tooLong = Math.ceil(QUEUE_LIMIT / width);
    expect(commandOf("flow.starting", rowOf(filled(text, tooLong)), now).payload).not.toHaveProperty("graph");
  });

  it("never exceeds a message around the limit", () => {
    for (let length = 118_000; length <= 129_000; length += 50) {
      const command = commandOf("flow.starting", rowOf(filled("x", length)), now);
      expect(bytes(command)).toBeLessThan(QUEUE_LIMIT);
      const carried = Object.keys(command.payload as object).filter((key) => key === "graph" || key === "href");
      expect(carried).toHaveLength(1);
    }
  });

  it("never exceeds a message by what the reference itself carries", () => {
    const changed = { ...filled("x", 300_000), tenant: "t".repeat(300_000) };
    const command = commandOf("flow.starting", rowOf(changed), now);
    expect(bytes(command)).toBeLessThan(QUEUE_LIMIT);
    expect(command.payload).toMatchObject({ id: "6b025a4bef2fe4ca09ca0056", revision: 3 });
  });
});
