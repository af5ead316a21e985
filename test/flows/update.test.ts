import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import type { Answer, Caller } from "../support/api.ts";
import { admin, exampleFlow, flowOf, settle, someone } from "../support/given.ts";
import { namesOf, recordQueues } from "../support/queues.ts";

const patch = (caller: Caller, id: string, body: unknown): Promise<Answer> =>
  caller.call("updateFlow", { params: { id }, body });

const get = async (caller: Caller, id: string): Promise<Record<string, unknown>> =>
  (await caller.call("getFlowById", { params: { id } })).body.data as Record<string, unknown>;

const otherGraph = {
  nodes: [{ id: "only", componentId: "5ca5c44c187c040010a9bb8b", function: "f", fields: { a: 1 } }],
  edges: [],
};
const everyKey = {
  name: "A name",
  description: "A description",
  type: "ordinary",
  tenant: "5d0000000000000000000001",
  cron: "*/3 * * * *",
  fromTemplate: "5ca5c44c187c040010a9bb8d",
  flowSettings: { webhooks: { requireWebhookAuth: true } },
};

describe("an edit", () => {
  it("answers the flow as it is from then on", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const before = await get(caller, id);
    const { status, body } = await patch(caller, id, { name: "A better name" });
    expect(status).toBe(200);
    expect(body).toEqual({
      data: { ...before, name: "A better name", revision: 2, updatedAt: expect.any(String) },
      meta: {},
    });
    expect(await get(caller, id)).toEqual(body.data);
  });

  it.each(Object.entries({ ...everyKey, graph: otherGraph }))("sets %s and leaves all else", async (key, value) => {
    const caller = await someone();
    const id = await flowOf(caller);
    const before = await get(caller, id);
    expect((await patch(caller, id, { [key]: value })).body.data).toEqual({
      ...before,
      [key]: value,
      revision: 2,
      updatedAt: expect.any(String),
    });
  });

  it.each(Object.keys(everyKey))("empties %s by null and leaves all else", async (key) => {
    const caller = await someone();
    const id = await flowOf(caller, everyKey);
    const { status, body } = await patch(caller, id, { [key]: null });
    expect(status).toBe(200);
    expect(body.data).toMatchObject({ ...everyKey, [key]: null });
  });

  it("replaces what a key holds and does not merge into it", async () => {
    const caller = await someone();
    const id = await flowOf(caller, { flowSettings: { a: { b: 1 }, c: 2 } });
    const { body } = await patch(caller, id, { graph: otherGraph, flowSettings: { a: { d: 3 } } });
    expect(body.data).toMatchObject({ name: exampleFlow().name });
    expect(body.data.graph).toEqual(otherGraph);
    expect(body.data.flowSettings).toEqual({ a: { d: 3 } });
  });

  it("keeps what it is given under fields as it is, empty and odd keys too", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const fields = { empty: {}, list: [], $set: { "a.b": null }, nested: { a: {} }, "": 0 };
    const graph = { nodes: [{ id: "n", fields, nodeSettings: { a: {} } }], edges: [] };
    expect((await patch(caller, id, { graph })).body.data.graph).toEqual(graph);
  });

  it("casts as storing does: numbers to text, ids to small letters", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const { body } = await patch(caller, id, { name: 7, fromTemplate: "5CA5C44C187C040010A9BB8D" });
    expect(body.data).toMatchObject({ name: "7", fromTemplate: "5ca5c44c187c040010a9bb8d" });
  });

  it.each([
    ["nothing", {}],
    ["what is there already", exampleFlow()],
    ["keys that no flow has", { color: "red", toString: 1, startedBy: "x", owner: "y" }],
  ])("with %s is a new revision of the same flow", async (_, body) => {
    const caller = await someone();
    const id = await flowOf(caller);
    const before = await get(caller, id);
    await env.DB.prepare("UPDATE flows SET created_at = 1000, updated_at = 1000 WHERE id = ?").bind(id).run();
    const began = Date.now();
    const { data } = (await patch(caller, id, body)).body;
    expect(data).toEqual({ ...before, createdAt: data.createdAt, updatedAt: data.updatedAt, revision: 2 });
    expect(data.createdAt).toBe("1970-01-01T00:00:01.000Z");
    expect(Date.parse(data.updatedAt as string)).toBeGreaterThanOrEqual(began);
  });

  it.each([
    ["createdAt", "2001-01-01T00:00:00.000Z"],
    ["createdAt", "garbage"],
    ["updatedAt", "2001-01-01T00:00:00.000Z"],
    ["_id", "5ca5c44c187c040010a9bb8d"],
    ["__v", 9],
    ["revision", 9],
    ["statusSeq", 9],
    ["startedBy", "5ca5c44c187c040010a9bb8d"],
    ["startedAt", "2001-01-01T00:00:00.000Z"],
    ["lastError", { code: "FLOW_FAILED" }],
    ["stalled", true],
    ["status", "inactive"],
    ["status", ""],
    ["status", null],
  ])("does not set %s to %j, which is the repository's", async (key, value) => {
    const caller = await someone();
    const id = await flowOf(caller);
    const before = await get(caller, id);
    const { status, body } = await patch(caller, id, { [key]: value, name: "New" });
    expect(status).toBe(200);
    expect(body.data).toEqual({ ...before, name: "New", revision: 2, updatedAt: body.data.updatedAt });
    expect(Date.parse(body.data.updatedAt as string)).toBeGreaterThanOrEqual(Date.parse(before["updatedAt"] as string));
  });

  it("takes the whole flow back as the web UI sends it, its id included", async () => {
    const caller = await someone();
    const id = await flowOf(caller, everyKey);
    const flow = await get(caller, id);
    const { status, body } = await patch(caller, id, { ...flow, name: "Renamed" });
    expect(status).toBe(200);
    expect(body.data).toEqual({ ...flow, name: "Renamed", revision: 2, updatedAt: body.data.updatedAt });
  });

  it("may carry the id in capital letters", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const { status, body } = await patch(caller, id.toUpperCase(), { id: id.toUpperCase(), name: "x" });
    expect([status, body.data.id, body.data.name]).toEqual([200, id, "x"]);
  });

  it("tells whoever listens", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const sent = await recordQueues(id);
    await patch(caller, id, { name: "New" });
    await expect.poll(() => namesOf(sent)).toEqual(["flowrepo.flow.modified"]);
    expect(sent[0]).toMatchObject({
      queue: "notices",
      body: {
        headers: { name: "flowrepo.flow.modified", serviceName: "flow-repository", createdAt: expect.any(Number) },
        payload: { tenant: caller.tenant, user: caller.sub, flowId: id },
      },
    });
  });

  it("by a colleague is an edit like any other and names the colleague in the notice", async () => {
    const owner = await someone();
    const id = await flowOf(owner);
    const sent = await recordQueues(id);
    const colleague = await someone({ tenant: owner.tenant! });
    expect((await patch(colleague, id, { name: "Ours" })).status).toBe(200);
    await expect.poll(() => sent.map((message) => message.body.payload["user"])).toEqual([colleague.sub]);
  });
});

describe("edits at the same time", () => {
  it("of two keys both survive", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const answers = await Promise.all([patch(caller, id, { name: "N" }), patch(caller, id, { description: "D" })]);
    expect(answers.map((answer) => answer.status)).toEqual([200, 200]);
    expect(new Set(answers.map((answer) => answer.body.data.revision as number))).toEqual(new Set([2, 3]));
    expect(await get(caller, id)).toMatchObject({ name: "N", description: "D", revision: 3 });
  });

  it("of ten keys all survive, and each is told", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const sent = await recordQueues(id);
    const friend = { id: caller.sub, type: "editor" };
    const owners = [...((await get(caller, id))["owners"] as unknown[]), friend];
    const all = { ...everyKey, graph: otherGraph, owners, status: "inactive" };
    const answers = await Promise.all(Object.entries(all).map(([key, value]) => patch(caller, id, { [key]: value })));
    expect(answers.map((answer) => answer.status)).toEqual(Array.from({ length: 10 }, () => 200));
    expect(await get(caller, id)).toMatchObject({ ...all, revision: 11 });
    await settle(id);
    expect(namesOf(sent)).toEqual(Array.from({ length: 10 }, () => "flowrepo.flow.modified"));
  });

  it("by an admin count too", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    await Promise.all([patch(caller, id, { name: "N" }), patch(await admin(), id, { description: "D" })]);
    expect(await get(caller, id)).toMatchObject({ name: "N", description: "D", revision: 3 });
  });
});
