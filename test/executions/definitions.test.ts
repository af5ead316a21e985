import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";

import { endExecutions } from "../../src/executions/take-down.ts";
import { timeUuid } from "../../src/executions/uuid.ts";
import type { Caller } from "../support/api.ts";
import { call } from "../support/api.ts";
import { comesTo, freshName, route, rowOfExecution, started, type Client } from "../support/executions.ts";
import { flowOf, rowOf, someone } from "../support/given.ts";

let caller: Caller;
beforeEach(async () => {
  caller = await someone();
});

const first = route("first");
const stored = (by: Caller, workflow: object) =>
  flowOf(by, { kind: "workflow", graph: undefined, workflow: { access: "public", ...workflow } });
const begin = async (by: Caller, id: string): Promise<void> => {
  expect((await by.call("startFlow", { params: { id } })).status).toBe(200);
  await comesTo(id, "active");
};
const halt = async (id: string, query: Record<string, string> = {}): Promise<void> => {
  expect((await caller.call("stopFlow", { params: { id }, query })).status).toBe(200);
  await comesTo(id, "inactive");
};
const entered = async (name: string): Promise<Client> => {
  const client = await started(name);
  await client.look();
  await expect.poll(() => rowOfExecution(client.uuid)).toMatchObject({ status: "running" });
  return client;
};
const pinned = async (text: string): Promise<number> =>
  (await call(undefined, "startExecution", { params: { name: text } })).status;
const ends = (client: Client) =>
  expect.poll(() => rowOfExecution(client.uuid), { timeout: 15_000 }).toMatchObject({ status: "terminated" });

describe("where another orchestrator starts flows", () => {
  it("workflows are opened here, and one that is under way goes on with its revision", async () => {
    const name = freshName();
    const id = await stored(caller, { name, commands: [first, route("old")] });
    await begin(caller, id);
    const old = await entered(name);
    await halt(id);
    expect(await call(undefined, "startExecution", { params: { name } })).toMatchObject({ status: 404 });
    const workflow = { name, access: "public", commands: [route("new")] };
    expect((await caller.call("updateFlow", { params: { id }, body: { workflow } })).status).toBe(200);
    await begin(caller, id);
    expect((await old.submit({})).body.uri).toBe("/old");
    const fresh = await entered(name);
    expect(fresh.route.uri).toBe("/new");
    expect(await rowOfExecution(old.uuid)).toMatchObject({ revision: 1, flow_id: id });
    expect(await rowOfExecution(fresh.uuid)).toMatchObject({ revision: 2, flow_id: id });
    expect([await pinned(`${name}:1`), await pinned(`${name}:2`)]).toEqual([404, 201]);
    const detail = async ({ uuid }: Client) =>
      (await caller.call("getExecutionDetail", { params: { uuid } })).body.data;
    expect((await detail(old)).workflow.commands).toHaveLength(2);
    expect((await detail(fresh)).workflow.commands).toHaveLength(1);
  });

  it("a name that is taken fails the start, with the reason", async () => {
    const name = freshName();
    await begin(caller, await stored(caller, { name, commands: [first] }));
    const second = await stored(caller, { name, access: "owners", commands: [first] });
    await caller.call("startFlow", { params: { id: second } });
    await expect
      .poll(async () => (await rowOf(second))?.last_error)
      .toContain(`Another active workflow is called ${name}.`);
    await comesTo(second, "inactive");
    expect((await entered(name)).route.uri).toBe("/first");
  });

  it("a stop by force ends what is under way, and nothing else", async () => {
    const name = freshName();
    const id = await stored(caller, { name, commands: [first] });
    const otherName = freshName();
    const other = await stored(caller, { name: otherName, commands: [first] });
    await begin(caller, id);
    await begin(caller, other);
    const [one, two, theirs] = [await entered(name), await entered(name), await entered(otherName)];
    await halt(id, { force: "true" });
    await ends(one);
    await ends(two);
    expect(await one.look()).toMatchObject({ status: 400, body: { code: "EXECUTION_TERMINATED" } });
    expect((await theirs.look()).status).toBe(200);
  });

  it("a deletion ends what is under way", async () => {
    const name = freshName();
    const id = await stored(caller, { name, commands: [first] });
    await begin(caller, id);
    const client = await entered(name);
    await halt(id);
    expect((await client.look()).status).toBe(200);
    expect((await caller.call("deleteFlow", { params: { id } })).status).toBe(200);
    await ends(client);
  });
});

const many = async () => {
  const name = freshName();
  const id = await stored(caller, { name, commands: [first] });
  await begin(caller, id);
  return { id, clients: [await entered(name), await entered(name)] as const };
};
const objectsWithout = (...broken: string[]): Env => {
  const getByName = (uuid: string) =>
    broken.includes(uuid)
      ? { endIf: () => Promise.reject(new Error("The object cannot be reached.")) }
      : env.EXECUTION.getByName(uuid);
  return { ...env, EXECUTION: { getByName } } as unknown as Env;
};

const later = (asked: object) => [{ asked: { ...asked, after: "", again: true }, delaySeconds: 60 }];

describe("taking down executions", () => {
  it("leaves what began later alone, unless it began under the start that ended", async () => {
    const { id, clients } = await many();
    const { started_at: at } = (await rowOfExecution(clients[0].uuid)) as { started_at: number };
    const asked = { flowId: id, after: "", startId: "another", before: at };
    await endExecutions(env, asked);
    expect((await clients[0].look()).status).toBe(200);
    const startId = (await rowOf(id))!.start_id!;
    await endExecutions(env, { ...asked, startId });
    for (const client of clients) await ends(client);
  });

  it("ends what began before, under whichever start", async () => {
    const { id, clients } = await many();
    const asked = { flowId: id, after: "", startId: "another", before: Date.now() + 1 };
    expect((await endExecutions(env, asked)).ended).toBe(2);
    for (const client of clients) await ends(client);
  });

  it("asks by themselves for those that could not be reached, and fails if none could", async () => {
    const { id, clients } = await many();
    const [one, two] = clients;
    const asked = { flowId: id, after: "", before: Date.now() + 1 };
    const failed = { ...asked, uuids: [one.uuid] };
    const reached = await endExecutions(objectsWithout(one.uuid), asked);
    expect(reached).toEqual({ ended: 1, rest: [{ asked: failed }, ...later(asked)] });
    await ends(two);
    await expect(endExecutions(objectsWithout(one.uuid), failed)).rejects.toMatchObject({ code: "FLOW_UNAVAILABLE" });
    expect(await endExecutions(env, failed)).toEqual({ ended: 1, rest: [] });
    await ends(one);
  });

  it("goes in stretches, and looks once more later", async () => {
    const { id, clients } = await many();
    const before =
      "INSERT INTO executions (uuid, flow_id, home, workflow, revision, status, started_at) VALUES (?, ?, '', 'w', 1, 'expired', 1)";
    await env.DB.batch(Array.from({ length: 200 }, (_, n) => env.DB.prepare(before).bind(timeUuid(n + 1), id)));
    const asked = { flowId: id, after: "", before: Date.now() + 1 };
    const { ended, rest } = await endExecutions(env, asked);
    expect([ended, rest.length]).toEqual([0, 1]);
    expect(await endExecutions(env, rest[0]!.asked)).toEqual({ ended: 2, rest: later(asked) });
    for (const client of clients) await ends(client);
    const last = { ...asked, after: rest[0]!.asked.after, again: true };
    expect(await endExecutions(env, last)).toEqual({ ended: 0, rest: [] });
  });
});
