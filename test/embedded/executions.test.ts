import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";

import type { Caller } from "../support/api.ts";
import { call } from "../support/api.ts";
import { comesTo, freshName, route, rowOfExecution, started, type Client } from "../support/executions.ts";
import { keptLetters } from "../support/faults.ts";
import { rowOf, someone } from "../support/given.ts";

let caller: Caller;
beforeEach(async () => {
  caller = await someone();
});

const create = async (name: string, more: object = {}): Promise<string> => {
  const workflow = { name, access: "public", commands: [route("first"), route("second")], ...more };
  const answer = await caller.call("addFlow", { body: { name: "Onboarding", kind: "workflow", workflow } });
  expect(answer.status).toBe(201);
  return answer.body.data.id;
};
const begin = (id: string) => caller.call("startFlow", { params: { id } });
const halt = (id: string, query: Record<string, string> = {}) => caller.call("stopFlow", { params: { id }, query });
const startable = async (name: string): Promise<number> =>
  (await call(undefined, "startExecution", { params: { name } })).status;
const entered = async (name: string): Promise<Client> => {
  const client = await started(name, { from: "here" });
  expect((await client.look()).body.uri).toBe("/first");
  await expect.poll(() => rowOfExecution(client.uuid)).toMatchObject({ status: "running" });
  return client;
};
const ends = (client: Client) =>
  expect
    .poll(() => rowOfExecution(client.uuid), { timeout: 15_000, interval: 25 })
    .toMatchObject({ status: "terminated" });

describe("a workflow in the product on its own", () => {
  it("is made, started and walked; after a stop none begins, and what is under way goes on", async () => {
    const name = freshName();
    const id = await create(name);
    expect(await startable(name)).toBe(404);
    expect((await begin(id)).body.data.status).toBe("starting");
    await comesTo(id, "active");
    const client = await entered(name);
    await halt(id);
    await comesTo(id, "inactive");
    expect(await startable(name)).toBe(404);
    expect((await client.submit({})).body.uri).toBe("/second");
    expect((await client.submit({})).body.terminal).toBe(true);
    await ends(client);
    await begin(id);
    await comesTo(id, "active");
    expect(await startable(name)).toBe(201);
    expect(await keptLetters("flow-reports")).toEqual([]);
    expect(await keptLetters("flow-chores")).toEqual([]);
  });

  it("is checked by the rules of scripts alone, whether it is asked for or stored", async () => {
    const body = { name: "Onboarding", kind: "workflow", workflow: { name: freshName(), commands: [route("first")] } };
    const { data } = (await caller.call("validateFlow", { body })).body;
    expect(data).toEqual({ valid: true, findings: [] });
    const faulty = { ...body, workflow: { ...body.workflow, commands: [{ command: "path", name: "none" }] } };
    const found = (await caller.call("validateFlow", { body: faulty })).body.data;
    expect(found).toMatchObject({ valid: false, findings: [{ pointer: "/workflow/commands/0/name" }] });
  });

  it("ends what is under way by a stop with force", async () => {
    const name = freshName();
    const id = await create(name);
    await begin(id);
    await comesTo(id, "active");
    const clients = [await entered(name), await entered(name)];
    await halt(id, { force: "true" });
    for (const client of clients) {
      await ends(client);
      expect(await client.submit({})).toMatchObject({ status: 400, body: { code: "EXECUTION_TERMINATED" } });
    }
    expect(await startable(name)).toBe(404);
  });

  it("ends what is under way when it is deleted", async () => {
    const name = freshName();
    const id = await create(name);
    await begin(id);
    await comesTo(id, "active");
    const client = await entered(name);
    await halt(id);
    await comesTo(id, "inactive");
    expect((await caller.call("deleteFlow", { params: { id } })).status).toBe(200);
    await ends(client);
    expect(await env.DB.prepare("SELECT 1 FROM open_workflows WHERE flow_id = ?").bind(id).first()).toBeNull();
  });

  it("does not start under a name that is taken, and does once it is free", async () => {
    const name = freshName();
    const id = await create(name);
    await begin(id);
    await comesTo(id, "active");
    const second = await create(name);
    await begin(second);
    await expect.poll(async () => (await rowOf(second))?.last_error, { timeout: 15_000 }).not.toBeNull();
    await comesTo(second, "inactive");
    const { lastError } = (await caller.call("getFlowById", { params: { id: second } })).body.data;
    expect(lastError).toMatchObject({ code: "FLOW_FAILED", reason: expect.stringContaining(`called ${name}`) });
    await halt(id);
    await comesTo(id, "inactive");
    await begin(second);
    await comesTo(second, "active");
    const client = await entered(name);
    expect(await rowOfExecution(client.uuid)).toMatchObject({ flow_id: second });
  });

  it("that is too large for a message starts as well", async () => {
    const name = freshName();
    const id = await create(name, { commands: [route("first", { export: { text: "ä".repeat(150_000) } })] });
    await begin(id);
    await comesTo(id, "active");
    const client = await entered(name);
    expect(client.route.export.text).toHaveLength(150_000);
  });

  it("is started and stopped beside integration flows in one request", async () => {
    const names = [freshName(), freshName()];
    const ids = [await create(names[0]!), await create(names[1]!)];
    const plain = await caller.call("addFlow", {
      body: { name: "plain", graph: { nodes: [{ id: "in", componentId: "webhook", function: "receive" }], edges: [] } },
    });
    const all = [...ids, plain.body.data.id as string];
    expect((await caller.call("startMultipleFlows", { body: all })).status).toBe(200);
    for (const id of all) await comesTo(id, "active");
    for (const name of names) expect(await startable(name)).toBe(201);
    expect((await caller.call("stopMultipleFlows", { body: all })).status).toBe(200);
    for (const id of all) await comesTo(id, "inactive");
    for (const name of names) expect(await startable(name)).toBe(404);
  });
});
