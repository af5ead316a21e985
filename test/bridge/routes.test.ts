import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { expect, it, vi } from "vitest";

import { as, call, tokenFor } from "../support/api.ts";
import { exampleFlow, flowOf, newId, someone } from "../support/given.ts";
import { brokenDatabase, wire } from "../support/wire.ts";

const on = { env: { BRIDGE: "worker" } };
const bridge = await as({ sub: "bridge", permissions: ["bridge"] });

/** Has the flow's object hand its messages to the bridge. */
const bridged = (flowId: string): Promise<void> =>
  runInDurableObject(env.FLOW_OBJECT.getByName(flowId), (instance) => {
    const object = instance as unknown as { env: Record<string, unknown> };
    object.env = { ...object.env, BRIDGE: "worker" };
  });

interface Leased {
  readonly leaseId: string;
  readonly message: { headers: { name: string; statusSeq?: number }; payload: Record<string, unknown> };
}

/** What there is for the bridge about one flow; everything else is put back. */
async function pulled(flowId: string): Promise<Leased[]> {
  const { body } = await bridge.call("pullBridgeCommands", { ...on, query: { wait: "1" } });
  const all = body.data as Leased[];
  const mine = all.filter(({ message }) => (message.payload["id"] ?? message.payload["flowId"]) === flowId);
  const others = all.filter((one) => !mine.includes(one));
  const retries = others.map(({ leaseId }) => ({ leaseId, delaySeconds: 0 }));
  if (retries.length > 0) await bridge.call("settleBridgeCommands", { ...on, body: { retries } });
  return mine;
}

const take = async (messages: unknown, changed: Record<string, unknown> = {}) =>
  bridge.call("takeBridgeReports", { env: { ...on.env, ...changed }, body: messages });
const report = (name: string, id: string, createdAt = Date.now()) => ({
  headers: { name, createdAt, serviceName: "component-orchestrator" },
  payload: { id },
});

it.each([
  ["pullBridgeCommands", {}],
  ["getBridgeFlow", {}],
  ["settleBridgeCommands", { body: {} }],
  ["takeBridgeReports", { body: {} }],
])("%s is not there unless it is switched on", async (operationId, sent) => {
  const { status, body } = await bridge.call(operationId, {
    params: { id: newId(), revision: "1" },
    ...sent,
  });
  expect({ status, body }).toMatchObject({ status: 404, body: { errors: [{ error: "NOT_FOUND" }] } });
});

it("hands out the command of a start and takes the report, as often as they come", async () => {
  const owner = await someone();
  const id = await flowOf(owner);
  await bridged(id);
  expect((await owner.call("startFlow", { params: { id } })).body.data.status).toBe("starting");
  await expect.poll(async () => (await pulled(id)).length, { timeout: 5000 }).toBeGreaterThan(0);
  const started = report("flow.started", id);
  expect((await take(started)).body.data).toEqual([{ taken: true, outcome: "move" }]);
  expect((await take([started, started])).body.data).toEqual([
    { taken: true, outcome: "seen before" },
    { taken: true, outcome: "seen before" },
  ]);
  expect((await owner.call("getFlowById", { params: { id } })).body.data.status).toBe("active");
});

it("keeps a report that comes again from answering for a later start", async () => {
  const owner = await someone();
  const id = await flowOf(owner, {}, { status: "stopping" });
  const stopped = report("flow.stopped", id);
  expect((await take(stopped)).body.data[0].outcome).toBe("move");
  await owner.call("startFlow", { params: { id } });
  expect((await take(stopped)).body.data).toEqual([{ taken: true, outcome: "seen before" }]);
  expect((await owner.call("getFlowById", { params: { id } })).body.data.status).toBe("starting");
  expect((await take(report("flow.started", id))).body.data[0].outcome).toBe("move");
});

it("handles reports about one flow in their order and answers each in its place", async () => {
  const owner = await someone();
  const [one, other] = [
    await flowOf(owner, {}, { status: "starting" }),
    await flowOf(owner, {}, { status: "stopping" }),
  ];
  const messages = [
    report("flow.started", one),
    report("flow.stopped", other),
    report("flow.stopped", one, Date.now() + 1),
  ];
  expect((await take(messages)).body.data.map((entry: { outcome: string }) => entry.outcome)).toEqual([
    "move",
    "move",
    "move",
  ]);
  expect((await owner.call("getFlowById", { params: { id: one } })).body.data.status).toBe("inactive");
});

it.each([
  ["of which nobody knows", { headers: { name: "flow.exploded" }, payload: {} }],
  ["without headers", { payload: { id: "6b0259e4ef2fe4ca09ca001d" } }],
  ["about no flow", { headers: { name: "flow.started" }, payload: { id: "nobody" } }],
  ["with no payload", { headers: { name: "flow.failed" }, payload: null }],
])("keeps a message %s where an operator finds it", async (_, message) => {
  expect((await take([message])).body.data).toEqual([{ taken: true, outcome: "kept as dead letter" }]);
});

it("asks for messages again when the storage is down, and for those behind them", async () => {
  const id = newId();
  const messages = [
    report("iam.user.deleted", id),
    report("iam.user.deleted", id, 1),
    report("iam.user.deleted", "else"),
  ];
  const { status, body } = await take(messages, { DB: brokenDatabase() });
  expect(status).toBe(200);
  expect(body.data).toEqual([
    { taken: false, outcome: "STORAGE_UNAVAILABLE" },
    { taken: false, outcome: "held up" },
    { taken: false, outcome: "STORAGE_UNAVAILABLE" },
  ]);
});

it("takes an owner off all flows before it answers", async () => {
  const owner = await someone();
  const ids = await Promise.all(Array.from({ length: 3 }, () => flowOf(owner, { owners: [] })));
  expect((await take(report("iam.user.deleted", owner.sub))).body.data[0]).toEqual({
    taken: true,
    outcome: "removed 3, stopped 0",
  });
  const { owners } = (await owner.call("getFlowById", { params: { id: ids[0]! } })).body.data;
  expect(owners).toEqual([{ id: owner.tenant, type: "tenant" }]);
});

it("refuses more than a hundred messages, and bodies that are none", async () => {
  const many = Array.from({ length: 101 }, () => report("flow.started", newId()));
  expect((await take(many)).status).toBe(400);
  expect((await bridge.call("settleBridgeCommands", { ...on, body: { acks: ["x"] } })).body.errors[0]).toMatchObject({
    error: "INVALID_BODY",
    pointer: "/acks/0",
  });
  expect((await bridge.call("pullBridgeCommands", { ...on, query: { most: "101" } })).status).toBe(400);
});

it("tells the document that a command refers to, present and earlier, to nobody else", async () => {
  const owner = await someone();
  const id = await flowOf(owner);
  await owner.call("updateFlow", { params: { id }, body: { name: "Renamed" } });
  const ask = (revision: string) => bridge.call("getBridgeFlow", { ...on, params: { id, revision } });
  expect((await ask("2")).body.data.name).toBe("Renamed");
  expect((await ask("1")).body.data.name).toBe(exampleFlow().name);
  expect((await ask("3")).body.errors[0].error).toBe("REVISION_NOT_FOUND");
  const stranger = await as({ sub: newId(), permissions: ["flows.read", "flows.control"] });
  expect((await stranger.call("getBridgeFlow", { ...on, params: { id, revision: "1" } })).status).toBe(403);
});

it("names the permission as a setting says", async () => {
  const authorization = `Bearer ${await tokenFor({ sub: "bridge", permissions: ["hub.bridge"] })}`;
  const answer = await call(authorization, "pullBridgeCommands", {
    env: { ...on.env, BRIDGE_PERMISSION: "hub.bridge" },
  });
  expect(answer.status).toBe(200);
});

it("is part of the service's health where the bridge fetches here: what nobody fetches for two minutes fails", async () => {
  const health = async () => (await call(undefined, "getHealth", on)).body;
  await runInDurableObject(env.BRIDGE_MAILBOX.getByName("mailbox"), (_, { storage }) => {
    storage.sql.exec("DELETE FROM messages");
  });
  const id = newId();
  vi.useFakeTimers({ now: Date.now() - 121_000, toFake: ["Date"] });
  await runInDurableObject(env.BRIDGE_MAILBOX.getByName("mailbox"), (box) =>
    box.put(id, JSON.stringify({ headers: { name: "flow.starting" }, payload: { id } })),
  );
  vi.useRealTimers();
  expect(await health()).toMatchObject({
    status: "fail",
    details: { queue: { status: "pass" }, bridge: { status: "fail" } },
  });
  const acks = (await pulled(id)).map(({ leaseId }) => leaseId);
  await bridge.call("settleBridgeCommands", { ...on, body: { acks } });
  expect(await health()).toMatchObject({
    status: "pass",
    details: { bridge: { status: "pass" } },
  });
});

it("leases nothing to who asks for the head alone", async () => {
  const id = newId();
  await runInDurableObject(env.BRIDGE_MAILBOX.getByName("mailbox"), (box) =>
    box.put(id, JSON.stringify({ headers: { name: "flow.starting" }, payload: { id } })),
  );
  const { authorization } = bridge;
  expect((await wire("HEAD", "/bridge/commands?lease=3600", { ...on, headers: { authorization } })).status).toBe(200);
  expect(await pulled(id)).toHaveLength(1);
});

it.each([
  ["long before the present start", 6 * 60_000, "stale", "starting"],
  ["before it, as by a clock that is behind", 60_000, "move", "inactive"],
])("a report without a startId that was made %s is judged so", async (_, earlier, outcome, status) => {
  const owner = await someone();
  const id = await flowOf(owner);
  await owner.call("startFlow", { params: { id } });
  expect((await take(report("flow.stopped", id, Date.now() - earlier))).body.data[0].outcome).toBe(outcome);
  expect((await owner.call("getFlowById", { params: { id } })).body.data.status).toBe(status);
});
