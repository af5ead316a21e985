import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Caller } from "../support/api.ts";
import {
  crashExecution,
  expireExecution,
  filesKept,
  hastenExecution,
  keptOfExecution,
  noted,
  openFlow,
  rebindExecution,
  ringExecution,
  route,
  rowOfExecution,
  started,
  uploaded,
  walk,
} from "../support/executions.ts";
import { brokenDatabase } from "../support/faults.ts";
import { someone } from "../support/given.ts";
import { replaceNetwork } from "../support/iam.ts";
import { heldAnswers } from "../support/runs.ts";
import { recordConsole } from "../support/wire.ts";

let caller: Caller;
beforeEach(async () => {
  caller = await someone();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const HOUR_S = 3600;
const shown = route("shown");
const shownPaid = route("shown", { export: { paid: "{{paid}}" } });
const wait = (more: object) => ({ command: "wait", ...more });
const begun = async (...commands: object[]) => started((await openFlow(caller, { commands, log: true })).name);
const dueAt = async (uuid: string): Promise<number | undefined> =>
  (await noted<{ due_at: number }>(uuid, "SELECT due_at FROM pending"))[0]?.due_at;
const signal = (uuid: string, name: string, payload?: unknown) =>
  caller.call("signalExecution", { params: { uuid }, body: { name, payload } });

describe("a wait", () => {
  it("for seconds ends when its time is over, by the alarm", async () => {
    const client = await begun(wait({ seconds: HOUR_S }), shown);
    const due = (await dueAt(client.uuid))!;
    expect(due - Date.now()).toBeGreaterThan((HOUR_S - 60) * 1000);
    await expect.poll(async () => (await keptOfExecution(client.uuid)).alarm).toBe(due);
    await ringExecution(client.uuid);
    expect((await client.look("0")).status).toBe(202);
    expect(await dueAt(client.uuid)).toBe(due);
    const waiting = client.look();
    await hastenExecution(client.uuid);
    expect(await waiting).toMatchObject({ status: 200, body: { uri: "/shown" } });
  });

  it("of a moment ends by itself", async () => {
    const client = await begun(wait({ seconds: 0.2 }), shown);
    expect(await client.look()).toMatchObject({ status: 200, body: { uri: "/shown" } });
  });

  it("for an event ends with it, whether somebody waits for the route or not", async () => {
    const client = await begun(wait({ event: "paid", namespace: "paid" }), shownPaid);
    const waiting = client.look();
    expect((await signal(client.uuid, "other", { amount: 1 })).status).toBe(200);
    expect((await client.look("0")).status).toBe(202);
    expect((await signal(client.uuid, "paid", { amount: 150 })).status).toBe(200);
    expect(await waiting).toMatchObject({ status: 200, body: { export: { paid: { amount: 150 } } } });
  });

  it("for an event that came before takes it, once, also after a crash", async () => {
    const paid = wait({ event: "paid", namespace: "paid" });
    const { client } = await walk(caller, [route("first"), paid, shownPaid, paid, route("late")]);
    await signal(client.uuid, "paid", 1);
    await crashExecution(client.uuid);
    expect((await client.submit({})).body).toMatchObject({ uri: "/shown", export: { paid: 1 } });
    expect((await client.submit({}, client.route.uuid, "0")).status).toBe(202);
    await signal(client.uuid, "paid");
    expect((await client.look()).body.uri).toBe("/late");
  });

  it("for an event that does not come in time goes on without it", async () => {
    const client = await begun(wait({ event: "paid", seconds: HOUR_S, namespace: "paid" }), shownPaid);
    expect((await dueAt(client.uuid))! - Date.now()).toBeGreaterThan((HOUR_S - 60) * 1000);
    await hastenExecution(client.uuid);
    const { body } = await client.look();
    expect([body.uri, body.export.paid ?? null]).toEqual(["/shown", null]);
    expect((await signal(client.uuid, "paid", 1)).status).toBe(200);
    expect((await client.look()).body.uuid).toBe(body.uuid);
  });
});

const run = async () => {
  const share = { command: "sharable", of: "execution", namespace: "link" };
  const walked = await walk(caller, [share, route("first", { export: "{{link.token}}" })], { log: true });
  expect(await uploaded(walked.client)).toMatchObject({ status: 201 });
  await expect.poll(() => rowOfExecution(walked.client.uuid)).toMatchObject({ status: "running" });
  return { ...walked, uuid: walked.client.uuid, token: walked.first.body.export as string };
};

const sharable = (token: string) => env.DB.prepare("SELECT * FROM sharables WHERE token = ?").bind(token).first();

describe("the time of an execution that is over", () => {
  it("answers 404 at once, and by the alarm all of it is gone but its row", async () => {
    const { client, uuid, token } = await run();
    expect(await filesKept(uuid)).toHaveLength(1);
    expect(await sharable(token)).not.toBeNull();
    await expireExecution(uuid);
    const gone = { status: 404, body: { code: "EXECUTION_NOT_FOUND" } };
    expect(await client.look()).toMatchObject(gone);
    expect(await client.submit({})).toMatchObject(gone);
    expect(await client.back()).toMatchObject(gone);
    expect((await uploaded(client)).status).toBe(404);
    await ringExecution(uuid);
    expect(await rowOfExecution(uuid)).toMatchObject({
      status: "expired",
      outcome: null,
      ended_at: expect.any(Number),
    });
    expect(await filesKept(uuid)).toEqual([]);
    expect(await sharable(token)).toBeNull();
    expect(await keptOfExecution(uuid)).toEqual({ tables: [], alarm: null });
    expect(await client.look()).toMatchObject(gone);
    expect(await keptOfExecution(uuid)).toEqual({ tables: [], alarm: null });
    const detail = await caller.call("getExecutionDetail", { params: { uuid } });
    expect(detail.body.data).toMatchObject({ status: "expired", route: null, expiresAt: null, workflow: null });
    expect((await caller.call("getExecutionEvents", { params: { uuid } })).body.data).toEqual([]);
    expect(await signal(uuid, "paid")).toMatchObject({ status: 404 });
    expect((await caller.call("terminateExecution", { params: { uuid } })).status).toBe(200);
    expect(await rowOfExecution(uuid)).toMatchObject({ status: "expired" });
  });

  it("is as long as the workflow says, and the alarm stands for it", async () => {
    const { client } = await walk(caller, [route("first")], { expires: 90 });
    const { alarm } = await keptOfExecution(client.uuid);
    const detail = await caller.call("getExecutionDetail", { params: { uuid: client.uuid } });
    const expires = Date.parse(detail.body.data.expiresAt);
    expect(expires - Date.parse(detail.body.data.startedAt)).toBe(90_000);
    await expect.poll(async () => (await keptOfExecution(client.uuid)).alarm).toBe(expires);
    expect(alarm).toBeLessThanOrEqual(expires);
  });

  it("leaves the row of one that had ended as it was", async () => {
    const { client, uuid } = await run();
    await client.submit({});
    await expect.poll(() => rowOfExecution(uuid)).toMatchObject({ status: "terminated" });
    const row = await rowOfExecution(uuid);
    await expireExecution(uuid);
    await ringExecution(uuid);
    expect(await rowOfExecution(uuid)).toEqual(row);
    expect(await keptOfExecution(uuid)).toEqual({ tables: [], alarm: null });
  });

  it("tells an end that could not be told before", async () => {
    const { client, uuid } = await run();
    await rebindExecution(uuid, { DB: brokenDatabase() });
    await client.submit({});
    expect(await rowOfExecution(uuid)).toMatchObject({ status: "running" });
    await expireExecution(uuid);
    await ringExecution(uuid);
    expect(await rowOfExecution(uuid)).toMatchObject({ status: "terminated" });
  });

  it("waits for the database before anything is thrown away", async () => {
    const { uuid } = await run();
    await expireExecution(uuid);
    await rebindExecution(uuid, { DB: brokenDatabase() });
    await ringExecution(uuid);
    const kept = await keptOfExecution(uuid);
    expect(kept.tables).toContain("execution");
    expect(kept.alarm! - Date.now()).toBeLessThanOrEqual(60_000);
    await rebindExecution(uuid, { DB: env.DB });
    await ringExecution(uuid);
    expect(await rowOfExecution(uuid)).toMatchObject({ status: "expired" });
    expect(await keptOfExecution(uuid)).toEqual({ tables: [], alarm: null });
  });

  it.each([500, 200])(
    "wakes whoever waits, and an exchange that is answered %i then changes nothing",
    async (status) => {
      const held = heldAnswers();
      const lines = recordConsole();
      let answered = false;
      replaceNetwork(async () => {
        await held.answer();
        answered = true;
        return Response.json({}, { status });
      });
      const exchange = { command: "exchange", name: "score", url: "https://score.example/" };
      const client = await begun(exchange, shown);
      const { uuid } = client;
      await expect.poll(() => held.count()).toBe(1);
      const waiting = client.look();
      await expect.poll(() => rowOfExecution(uuid)).not.toBeNull();
      await rebindExecution(uuid, { LOG_LEVEL: "info" });
      await runInDurableObject(env.EXECUTION.getByName(uuid), (instance) => {
        const { opened } = instance as unknown as { opened: { facts: object } };
        opened.facts = { ...opened.facts, expiresAt: Date.now() - 1 };
      });
      await ringExecution(uuid);
      expect(await waiting).toMatchObject({ status: 404, body: { code: "EXECUTION_NOT_FOUND" } });
      held.letGo(1);
      await expect.poll(() => answered).toBe(true);
      expect(await keptOfExecution(uuid)).toEqual({ tables: [], alarm: null });
      expect(lines.of("execution.interrupted")).toEqual([]);
      expect(await rowOfExecution(uuid)).toMatchObject({ status: "expired" });
    },
  );
});
