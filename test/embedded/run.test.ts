import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";

import type { Caller } from "../support/api.ts";
import { keptLetters } from "../support/faults.ts";
import { flowOf, newId, rowOf, someone } from "../support/given.ts";
import { replaceNetwork } from "../support/iam.ts";
import { deliverMessages } from "../support/queues.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const patient = { timeout: 15_000, interval: 25 };

async function seen(caller: Caller, id: string) {
  return (await caller.call("getFlowById", { params: { id } })).body.data;
}
const comesTo = (id: string, status: string) =>
  expect.poll(async () => (await rowOf(id))?.status, patient).toBe(status);

const graphOf = (...nodes: { id: string; componentId?: string; fields?: unknown }[]) => ({
  nodes,
  edges: nodes.slice(1).map((node, index) => ({ source: nodes[index]!.id, target: node.id })),
});
const big = { text: "ä".repeat(150_000) };

describe("the product on its own", () => {
  it("makes the seed's example live after a start, and takes it down after a stop", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    expect((await caller.call("startFlow", { params: { id } })).body.data.status).toBe("starting");
    await comesTo(id, "active");
    expect(await seen(caller, id)).toMatchObject({ status: "active", startedBy: caller.sub, lastError: null });
    expect((await caller.call("stopFlow", { params: { id } })).body.data.status).toBe("stopping");
    await comesTo(id, "inactive");
    expect(await seen(caller, id)).toMatchObject({ status: "inactive", statusSeq: 4, lastError: null });
    expect(await keptLetters("flow-reports")).toEqual([]);
  });

  it("starts a flow again and again", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    for (let round = 0; round < 3; round += 1) {
      await caller.call("startFlow", { params: { id } });
      await comesTo(id, "active");
      await caller.call("stopFlow", { params: { id } });
      await comesTo(id, "inactive");
    }
    expect((await rowOf(id))?.status_seq).toBe(12);
  });

  it("starts and stops several flows", async () => {
    const caller = await someone();
    const ids = await Promise.all(Array.from({ length: 20 }, () => flowOf(caller)));
    expect((await caller.call("startMultipleFlows", { body: ids })).status).toBe(200);
    for (const id of ids) await comesTo(id, "active");
    expect((await caller.call("stopMultipleFlows", { body: ids })).status).toBe(200);
    for (const id of ids) await comesTo(id, "inactive");
  });

  it("refuses a flow with an unknown component, names it and its step, and starts it once it is mended", async () => {
    const caller = await someone();
    const id = await flowOf(caller, {
      graph: graphOf({ id: "in", componentId: "webhook" }, { id: "out", componentId: "teleport" }),
    });
    await caller.call("startFlow", { params: { id } });
    await comesTo(id, "inactive");
    const lastError = {
      code: "FLOW_FAILED",
      reason: "Unknown component: teleport (step out).",
      at: expect.any(String),
    };
    expect(await seen(caller, id)).toMatchObject({ status: "inactive", lastError });
    const mended = graphOf({ id: "in", componentId: "webhook" }, { id: "out", componentId: "log" });
    expect((await caller.call("updateFlow", { params: { id }, body: { graph: mended } })).status).toBe(200);
    await caller.call("startFlow", { params: { id } });
    await comesTo(id, "active");
    expect(await seen(caller, id)).toMatchObject({ lastError: null });
  });

  it("runs no component by an id, be it of somebody else's private one", async () => {
    const caller = await someone();
    const componentId = newId();
    const id = await flowOf(caller, { graph: graphOf({ id: "in", componentId }) });
    await caller.call("startFlow", { params: { id } });
    await comesTo(id, "inactive");
    const reason = `Unknown component: ${componentId} (step in).`;
    expect(await seen(caller, id)).toMatchObject({ status: "inactive", lastError: { code: "FLOW_FAILED", reason } });
  });

  it("makes a flow live that is bigger than a message, and takes it down", async () => {
    const caller = await someone();
    const id = await flowOf(caller, { graph: graphOf({ id: "in", componentId: "http", fields: big }) });
    await caller.call("startFlow", { params: { id } });
    await comesTo(id, "active");
    await caller.call("stopFlow", { params: { id } });
    await comesTo(id, "inactive");
    expect(await seen(caller, id)).toMatchObject({ lastError: null, statusSeq: 4 });
  });

  it("looks into a flow that is bigger than a message too", async () => {
    const caller = await someone();
    const id = await flowOf(caller, { graph: graphOf({ id: "in", componentId: "teleport", fields: big }) });
    await caller.call("startFlow", { params: { id } });
    await comesTo(id, "inactive");
    expect((await seen(caller, id)).lastError.reason).toBe("Unknown component: teleport (step in).");
  });

  it("leaves a flow inactive that was stopped by force at once", async () => {
    const caller = await someone();
    const [id, other] = [await flowOf(caller), await flowOf(caller)];
    await caller.call("startFlow", { params: { id } });
    await caller.call("stopFlow", { params: { id }, query: { force: "true" } });
    // What is started later is reported later: then the reports of the first are in.
    await caller.call("startFlow", { params: { id: other } });
    await comesTo(other, "active");
    expect((await rowOf(id))?.status).toBe("inactive");
  });

  it("keeps a command that it cannot read", async () => {
    const command = { headers: { name: "flow.starting", mark: newId() }, payload: null };
    await env.FLOW_COMMANDS.send(command);
    await expect
      .poll(async () => (await keptLetters("flow-commands")).map((letter) => letter.body), patient)
      .toContainEqual(command);
  });
});

const recorder = () => {
  const sent: unknown[] = [];
  return { sent, send: (body: unknown) => Promise.resolve(sent.push(body)) };
};

describe("a command", () => {
  const startId = "11111111-1111-4111-8111-111111111111";
  const command = (name: string, payload: unknown, id = newId()) => ({
    id,
    timestamp: new Date(),
    attempts: 1,
    body: { headers: { name, startId }, payload },
  });
  const reported = (name: string, payload: unknown) => ({
    headers: { name, startId, createdAt: expect.any(Number), serviceName: "embedded-orchestrator" },
    payload,
  });
  const graph = graphOf({ id: "in", componentId: "http" });

  it.each([
    ["flow.starting", { graph }, "flow.started", {}],
    ["flow.stopping", { graph }, "flow.stopped", {}],
    ["flow.stopping", {}, "flow.stopped", {}],
    ["flow.starting", { graph: { nodes: 5 } }, "flow.failed", { reason: expect.stringContaining("graph") }],
    ["flow.starting", { href: "/flows/x" }, "flow.failed", { reason: expect.stringContaining("gone") }],
  ])("%s with %j is reported as %s under its startId, each time it comes", async (name, more, as, reason) => {
    const id = newId();
    const queue = recorder();
    const message = command(name, { id, ...more });
    const result = await deliverMessages("flow-commands", [message, message], { FLOW_REPORTS: queue });
    expect(result.retryMessages).toEqual([]);
    expect(queue.sent).toEqual([reported(as, { id, ...reason }), reported(as, { id, ...reason })]);
  });

  it("has no credentials looked up, whatever its steps name", async () => {
    const asked = replaceNetwork(() => Response.json({ data: { value: { passphrase: "secret" } } }));
    const id = newId();
    const queue = recorder();
    const withSecret = { nodes: [{ id: "in", componentId: "http", credentials_id: newId() }], edges: [] };
    const message = command("flow.starting", { id, startedBy: newId(), graph: withSecret });
    await deliverMessages("flow-commands", [message], { FLOW_REPORTS: queue });
    expect(queue.sent).toEqual([reported("flow.started", { id })]);
    expect(asked).toEqual([]);
  });

  it("comes again if its report cannot be sent", async () => {
    const refusing = { send: () => Promise.reject(new Error("The queue is down.")) };
    const message = command("flow.starting", { id: newId(), graph });
    const result = await deliverMessages("flow-commands", [message], { FLOW_REPORTS: refusing });
    expect(result.explicitAcks).toEqual([]);
    expect(result.retryMessages.map(({ msgId }) => msgId)).toEqual([message.id]);
  });
});
