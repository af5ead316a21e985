import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Caller } from "../support/api.ts";
import {
  crashExecution,
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
  filesKept,
} from "../support/executions.ts";
import { brokenDatabase } from "../support/faults.ts";
import { someone } from "../support/given.ts";
import { replaceNetwork } from "../support/iam.ts";
import { heldAnswers } from "../support/runs.ts";

let caller: Caller;
beforeEach(async () => {
  caller = await someone();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const exchange = { command: "exchange", name: "score", url: "https://score.example/", method: "POST", body: {} };
const shown = route("shown", { export: { points: "{{score.points}}" } });
const commands = [route("first"), exchange, shown];
const objectOf = (uuid: string) => env.EXECUTION.getByName(uuid);
const keysOf = (asked: readonly { headers: Headers }[]) =>
  new Set(asked.map(({ headers }) => headers.get("idempotency-key")));

/** Has the next commit of the object break off. */
const breakCommit = (uuid: string): Promise<void> =>
  runInDurableObject(objectOf(uuid), (_, { storage }) => {
    const real = storage.transactionSync.bind(storage);
    let broken = false;
    vi.spyOn(storage, "transactionSync").mockImplementation((act) => {
      if (broken) return real(act);
      broken = true;
      throw new Error("The disk is gone.");
    });
  });

describe("an execution that is cut off", () => {
  it("before a submit is committed has it taken by the second attempt, once", async () => {
    const asked = replaceNetwork(() => Response.json({ points: 1 }));
    const { client } = await walk(caller, commands);
    await breakCommit(client.uuid);
    expect((await client.submit({ a: 1 })).body).toMatchObject({ uri: "/shown", export: { points: 1 } });
    expect(asked).toHaveLength(1);
  });

  it("after a commit, before the exchange, makes it when the alarm rings", async () => {
    const held = heldAnswers();
    const asked = replaceNetwork(() => held.answer(Response.json({ points: 2 })));
    const { client } = await walk(caller, commands);
    const { uuid } = client;
    const submitted = client.submit({ a: 1 }, client.route.uuid, "0");
    await expect.poll(() => held.count()).toBe(1);
    expect((await submitted).status).toBe(202);
    // As the disk is when the object ended right behind the commit: planned, and not begun.
    await noted(uuid, "UPDATE pending SET attempts = 0, due_at = ?", Date.now());
    await crashExecution(uuid);
    held.letGo(1, 2);
    await ringExecution(uuid);
    expect((await client.look()).body).toMatchObject({ uri: "/shown", export: { points: 2 } });
    expect(keysOf(asked).size).toBe(1);
  });

  it("during the exchange makes it again under the same key, and whoever waits is told the end of it", async () => {
    const held = heldAnswers();
    const asked = replaceNetwork(() => held.answer(Response.json({ points: 3 })));
    const { client } = await walk(caller, commands);
    const waiting = client.submit({ a: 1 });
    await expect.poll(() => held.count()).toBe(1);
    await crashExecution(client.uuid);
    const [left] = await noted<{ attempts: number; due_at: number }>(client.uuid, "SELECT * FROM pending");
    expect(left).toMatchObject({ attempts: 1 });
    expect(left!.due_at - Date.now()).toBeGreaterThan(40_000);
    const { alarm } = await keptOfExecution(client.uuid);
    expect(alarm).toBeLessThanOrEqual(left!.due_at);
    held.letGo(2);
    await hastenExecution(client.uuid);
    expect(held.count()).toBe(2);
    expect(await waiting).toMatchObject({ status: 200, body: { uri: "/shown", export: { points: 3 } } });
    expect(keysOf(asked).size).toBe(1);
    expect((await client.look()).body.uuid).toBe(client.route.uuid);
  });

  it("again and again during the exchange gives it up", async () => {
    const held = heldAnswers();
    replaceNetwork(() => held.answer());
    const { client } = await walk(caller, commands);
    await client.submit({}, client.route.uuid, "0");
    await expect.poll(() => held.count()).toBe(1);
    await noted(client.uuid, "UPDATE pending SET attempts = 20, due_at = 0");
    await crashExecution(client.uuid);
    await ringExecution(client.uuid);
    expect((await client.look()).body).toMatchObject({ status: 500, code: "EXCHANGE_BROKEN" });
    held.letGo(1);
  });

  it("before the end is told tells it when the alarm rings, once", async () => {
    const { client } = await walk(caller, [route("first")]);
    expect(await uploaded(client)).toMatchObject({ status: 201 });
    expect(await filesKept(client.uuid)).toHaveLength(1);
    await rebindExecution(client.uuid, { DB: brokenDatabase() });
    expect((await client.submit({})).body).toMatchObject({ terminal: true });
    expect(await rowOfExecution(client.uuid)).toMatchObject({ status: "running" });
    const { alarm } = await keptOfExecution(client.uuid);
    expect(alarm! - Date.now()).toBeLessThanOrEqual(30_000);
    await ringExecution(client.uuid);
    expect(await rowOfExecution(client.uuid)).toMatchObject({ status: "running" });
    await crashExecution(client.uuid);
    await ringExecution(client.uuid);
    expect(await rowOfExecution(client.uuid)).toMatchObject({
      status: "terminated",
      outcome: '{"kind":"success"}',
    });
    expect(await filesKept(client.uuid)).toEqual([]);
    await env.DB.prepare("UPDATE executions SET outcome = 'kept' WHERE uuid = ?").bind(client.uuid).run();
    await ringExecution(client.uuid);
    expect(await rowOfExecution(client.uuid)).toMatchObject({ outcome: "kept" });
  });

  it("by an eviction between any two requests goes on as if nothing had been", async () => {
    replaceNetwork(() => Response.json({ points: 4 }));
    const { client, first } = await walk(caller, [route("first"), route("second"), exchange, shown]);
    const evict = () => evictDurableObject(objectOf(client.uuid));
    await evict();
    expect((await client.look()).body).toEqual(first.body);
    await evict();
    expect((await client.submit({ a: 1 })).body).toMatchObject({ uri: "/second", backEnabled: true });
    await evict();
    expect((await client.back({ b: 2 })).body).toMatchObject({ uri: "/first", payload: { a: 1 } });
    await evict();
    expect((await client.submit({ a: 3 })).body).toMatchObject({ uri: "/second", payload: { b: 2 } });
    await evict();
    expect((await client.submit({ b: 4 })).body).toMatchObject({ uri: "/shown", export: { points: 4 } });
    await evict();
    const end = await client.submit({});
    await evict();
    expect((await client.look()).body).toEqual(end.body);
  });

  it("by a crash while somebody waits for a route goes on waiting", async () => {
    const held = heldAnswers();
    replaceNetwork(() => held.answer(Response.json({ points: 5 })));
    const { client } = await walk(caller, commands);
    await client.submit({}, client.route.uuid, "0");
    await expect.poll(() => held.count()).toBe(1);
    const waiting = client.look();
    await crashExecution(client.uuid);
    held.letGo(1, 2);
    await hastenExecution(client.uuid);
    expect(await waiting).toMatchObject({ status: 200, body: { export: { points: 5 } } });
  });
});

describe("an alarm", () => {
  it("that rings twice, or for nothing, does nothing twice", async () => {
    const held = heldAnswers();
    const asked = replaceNetwork(() => held.answer(Response.json({ points: 6 })));
    const { client } = await walk(caller, commands);
    await client.submit({}, client.route.uuid, "0");
    await expect.poll(() => held.count()).toBe(1);
    await Promise.all([ringExecution(client.uuid), ringExecution(client.uuid)]);
    held.letGo(1, 2);
    expect((await client.look()).body).toMatchObject({ export: { points: 6 } });
    await ringExecution(client.uuid);
    expect((await client.look()).body.uuid).toBe(client.route.uuid);
    expect(asked).toHaveLength(1);
  });

  it("of an object that holds no execution leaves nothing behind", async () => {
    const uuid = crypto.randomUUID();
    await ringExecution(uuid);
    expect(await keptOfExecution(uuid)).toEqual({ tables: [], alarm: null });
  });
});

describe("a database that is down", () => {
  it("when an execution begins does not hinder it; it is entered later", async () => {
    const { name } = await openFlow(caller, { commands });
    const real = env.DB;
    const client = await started(name);
    await expect.poll(() => rowOfExecution(client.uuid)).not.toBeNull();
    // As the list is when the beginning could not be entered.
    await real.prepare("DELETE FROM executions WHERE uuid = ?").bind(client.uuid).run();
    await noted(client.uuid, "UPDATE execution SET told = 0");
    await noted(client.uuid, "UPDATE execution SET told = 0");
    await crashExecution(client.uuid);
    await rebindExecution(client.uuid, { DB: brokenDatabase() });
    await ringExecution(client.uuid);
    expect(await rowOfExecution(client.uuid)).toBeNull();
    expect((await client.look()).body).toMatchObject({ uri: "/first" });
    const { alarm } = await keptOfExecution(client.uuid);
    expect(alarm! - Date.now()).toBeLessThanOrEqual(30_000);
    await rebindExecution(client.uuid, { DB: real });
    await ringExecution(client.uuid);
    expect(await rowOfExecution(client.uuid)).toMatchObject({ status: "running", workflow: name });
  });

  it("until the end has beginning and end told as one", async () => {
    const { client } = await walk(caller, [route("first")]);
    await expect.poll(() => rowOfExecution(client.uuid)).not.toBeNull();
    await rebindExecution(client.uuid, { DB: brokenDatabase() });
    await env.DB.prepare("DELETE FROM executions WHERE uuid = ?").bind(client.uuid).run();
    await client.submit({});
    await rebindExecution(client.uuid, { DB: env.DB });
    await ringExecution(client.uuid);
    expect(await rowOfExecution(client.uuid)).toMatchObject({ status: "terminated", revision: 1 });
  });
});
