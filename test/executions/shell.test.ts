import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { databaseOf } from "../../src/db/client.ts";
import { openWorkflow } from "../../src/executions/open.ts";
import { findFlow } from "../../src/flows/store.ts";
import type { Caller } from "../support/api.ts";
import { crashExecution, freshName, noted, openFlow, ringExecution, route, walk } from "../support/executions.ts";
import { bringTo, flowOf, someone } from "../support/given.ts";
import { replaceNetwork } from "../support/iam.ts";
import { heldAnswers } from "../support/runs.ts";

let caller: Caller;
beforeEach(async () => {
  caller = await someone();
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe("an alarm", () => {
  it("does what becomes due while a call that it took up is slow", async () => {
    const { answer, letGo, count } = heldAnswers();
    replaceNetwork(() => answer());
    const exchange = { command: "exchange", name: "score", url: "https://score.example/", async: true };
    const pause = { command: "wait", seconds: 1 };
    const { client } = await walk(caller, [route("first"), exchange, pause, route("second")]);
    expect((await client.submit({}, undefined, "0")).status).toBe(202);
    await expect.poll(count).toBe(1);
    await crashExecution(client.uuid);
    await noted(client.uuid, "UPDATE pending SET due_at = 0 WHERE attempts > 0");
    const ringing = ringExecution(client.uuid);
    await expect.poll(count).toBe(2);
    expect((await client.look("10")).body).toMatchObject({ uri: "/second" });
    letGo(1, 2);
    await ringing;
  });

  it("gives up an execution that breaks its object each time", async () => {
    const { client } = await walk(caller, [route("first"), { command: "wait", seconds: 600 }, route("second")]);
    await client.submit({}, undefined, "0");
    await noted(client.uuid, "UPDATE pending SET due_at = 0");
    await noted(client.uuid, "UPDATE execution SET script = '{'");
    for (let times = 1; times <= 8; times += 1) {
      await crashExecution(client.uuid);
      await ringExecution(client.uuid);
      expect(await noted(client.uuid, "SELECT wakes FROM execution")).toEqual([{ wakes: times }]);
    }
    expect((await client.look("0")).status).toBe(202);
    await crashExecution(client.uuid);
    await ringExecution(client.uuid);
    expect(await client.look()).toMatchObject({ status: 500, body: { code: "EXECUTION_BROKEN" } });
  });

  it("that rings for other reasons counts nothing", async () => {
    const { client } = await walk(caller, [route("first"), { command: "wait", seconds: 600 }, route("second")]);
    for (let times = 0; times < 10; times += 1) {
      await crashExecution(client.uuid);
      await ringExecution(client.uuid);
    }
    expect(await noted(client.uuid, "SELECT wakes FROM execution")).toEqual([{ wakes: 0 }]);
    expect((await client.look()).body).toMatchObject({ uri: "/first" });
  });

  it("begins to count anew with each thing that is done", async () => {
    const { client } = await walk(caller, [route("first"), { command: "wait", seconds: 600 }, route("second")]);
    await client.submit({}, undefined, "0");
    await crashExecution(client.uuid);
    await noted(client.uuid, "UPDATE execution SET wakes = 4");
    await noted(client.uuid, "UPDATE pending SET due_at = 0");
    await ringExecution(client.uuid);
    expect((await client.look()).body).toMatchObject({ uri: "/second" });
    expect(await noted(client.uuid, "SELECT wakes FROM execution")).toEqual([{ wakes: 0 }]);
  });
});

describe("one execution", () => {
  it("takes so many submits in a minute", async () => {
    const now = Date.now();
    vi.spyOn(Date, "now").mockImplementation(() => now);
    const asks = route("first", { validate: { a: { rule: "string" } } });
    const { client } = await walk(caller, [asks]);
    for (let times = 0; times < 120; times += 1) expect((await client.submit({}, undefined, "0")).status).toBe(422);
    const refused = await client.submit({ a: "b" });
    expect(refused).toMatchObject({ status: 429, body: { code: "TOO_MANY_SUBMITS" } });
    expect(refused.headers.get("retry-after")).toBe("60");
  });
});

const open = async (id: string) => {
  await bringTo(id, { status: "active" });
  const row = (await findFlow(databaseOf(env.DB), id, null))!;
  return openWorkflow(databaseOf(env.DB), row, Date.now());
};
const twin = (by: Caller, name: string) =>
  flowOf(by, { kind: "workflow", graph: undefined, workflow: { name, access: "public", commands: [route("first")] } });

describe("a public name", () => {
  it("stays its owner's while the flow is stopped, for a month", async () => {
    const name = freshName();
    const { id } = await openFlow(caller, { name, commands: [route("first")] });
    await bringTo(id, { status: "inactive" });
    const stranger = await someone();
    const theirs = await twin(stranger, name);
    expect(await open(theirs)).toBe(`Another public workflow is called ${name}. Choose another workflow.name.`);
    expect(await open(await twin(caller, name))).toBeUndefined();
    await env.DB.prepare("UPDATE flows SET status = 'inactive', updated_at = ? WHERE home = ?")
      .bind(Date.now() - 31 * 24 * 3600_000, caller.tenant)
      .run();
    expect(await open(theirs)).toBeUndefined();
  });
});
