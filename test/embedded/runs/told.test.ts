import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Caller } from "../../support/api.ts";
import { brokenDatabase, databaseRefusing } from "../../support/faults.ts";
import { someone } from "../../support/given.ts";
import {
  activeFlow,
  begun,
  ended,
  freshRunId,
  graphOf,
  hasten,
  insideRun,
  logged,
  rebindRun,
  rested,
  ringRun,
  runOf,
  startedAs,
  statesOf,
} from "../../support/runs.ts";

let caller: Caller;
beforeEach(async () => {
  caller = await someone();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const graph = graphOf("wait>end", { wait: { componentId: "delay", fields: { seconds: 600 } } });
/** A database that lets the statements that match wait until it is told to go on. */
const databaseHolding = (matching: RegExp, isFree: () => boolean): D1Database =>
  new Proxy(env.DB, {
    get(target, key) {
      if (key === "withSession") return () => databaseHolding(matching, isFree);
      if (key === "prepare") {
        return (text: string) => (matching.test(text) ? held(target.prepare(text), isFree) : target.prepare(text));
      }
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? (value as () => unknown).bind(target) : value;
    },
  });

const held = (statement: D1PreparedStatement, isFree: () => boolean): D1PreparedStatement =>
  new Proxy(statement, {
    get(target, key) {
      if (key === "bind") return (...values: unknown[]) => held(target.bind(...values), isFree);
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== "function") return value;
      return async (...values: unknown[]) => {
        while (!isFree()) await scheduler.wait(2);
        return Reflect.apply(value as () => unknown, target, values) as unknown;
      };
    },
  });

const listed = async (flow: string) => (await caller.call("listRuns", { params: { id: flow } })).body.data;
const rowOf = async (id: string) =>
  (await logged<{ status: string; told: number }>(id, "SELECT status, told FROM run"))[0];

describe("the end of a run", () => {
  it("is told to the list once the database answers again", async () => {
    const flow = await activeFlow(caller, graph);
    const id = await begun(caller, flow);
    await rested(id);
    await rebindRun(id, { DB: brokenDatabase() });
    await hasten(id);
    expect(await rowOf(id)).toEqual({ status: "completed", told: 0 });
    expect(await listed(flow)).toMatchObject([{ id, status: "running" }]);
    const alarm = await insideRun(id, ({ storage }) => storage.getAlarm());
    expect(alarm! - Date.now()).toBeLessThanOrEqual(60_000);
    await rebindRun(id, { DB: env.DB });
    await ringRun(id);
    expect(await rowOf(id)).toEqual({ status: "completed", told: 2 });
    expect(await listed(flow)).toMatchObject([{ id, status: "completed" }]);
  });

  it("enters the run where its beginning could not be entered", async () => {
    const flow = await activeFlow(caller, graph);
    const id = freshRunId(flow);
    await rebindRun(id, { DB: databaseRefusing(/INSERT INTO runs/) });
    await startedAs(caller, flow, graph, id);
    expect(await listed(flow)).toEqual([]);
    await rebindRun(id, { DB: env.DB });
    await hasten(id);
    expect(await listed(flow)).toMatchObject([{ id, status: "completed" }]);
  });

  it("that comes as soon as the beginning leaves one entry", async () => {
    const flow = await activeFlow(caller, graphOf("a>b"));
    const ids = await Promise.all(Array.from({ length: 20 }, () => begun(caller, flow)));
    for (const id of ids) await ended(caller, id);
    const all = await listed(flow);
    expect(all.map(({ status }: { status: string }) => status)).toEqual(ids.map(() => "completed"));
    const { results } = await env.DB.prepare("SELECT id FROM runs WHERE flow_id = ?").bind(flow).all();
    expect(results).toHaveLength(ids.length);
  });

  it("and restarts right behind it leave the run as it is, listed once", async () => {
    const flow = await activeFlow(caller, graph);
    const id = await begun(caller, flow);
    for (let round = 0; round < 15; round += 1) {
      await caller.call("cancelRun", { params: { id } });
      const restart = async () => (await caller.call("restartRun", { params: { id } })).status;
      await expect.poll(restart, { interval: 0 }).toBe(200);
    }
    expect(await rowOf(id)).toEqual({ status: "running", told: 0 });
    expect(await listed(flow)).toMatchObject([{ id, status: "running", error: null, endedAt: null }]);
    await hasten(id);
    const run = await ended(caller, id);
    expect([run.status, statesOf(run)]).toEqual(["completed", { wait: { done: 1 }, end: { done: 1 } }]);
    await expect.poll(() => listed(flow)).toMatchObject([{ id, status: "completed" }]);
  });

  it("is told before a restart makes it none", async () => {
    const flow = await activeFlow(caller, graph);
    const id = await begun(caller, flow);
    await rested(id);
    let isFree = false;
    await rebindRun(id, { DB: databaseHolding(/UPDATE runs/, () => isFree) });
    await caller.call("cancelRun", { params: { id } });
    await expect.poll(() => rowOf(id)).toEqual({ status: "cancelled", told: 0 });
    const restarted = env.RUN.getByName(id).restart(caller.sub);
    expect(await rowOf(id)).toEqual({ status: "cancelled", told: 0 });
    isFree = true;
    expect(await restarted).toBe("restarted");
    await rested(id);
    expect(await rowOf(id)).toEqual({ status: "running", told: 0 });
    expect(await listed(flow)).toMatchObject([{ id, status: "running" }]);
  });

  it("is told to the list after the beginning, however long that takes", async () => {
    const flow = await activeFlow(caller, graph);
    const id = freshRunId(flow);
    let isFree = false;
    await rebindRun(id, { DB: databaseHolding(/INSERT INTO runs/, () => isFree) });
    const started = startedAs(caller, flow, graphOf("a>b"), id);
    await expect.poll(() => rowOf(id)).toEqual({ status: "completed", told: 0 });
    isFree = true;
    await started;
    await expect.poll(() => rowOf(id)).toEqual({ status: "completed", told: 2 });
    const { results } = await env.DB.prepare("SELECT id, status FROM runs WHERE flow_id = ?").bind(flow).all();
    expect(results).toEqual([{ id, status: "completed" }]);
  });

  it("is known of no run that was never begun, and nothing is kept of one", async () => {
    const flow = await activeFlow(caller, graph);
    const id = freshRunId(flow);
    for (const operation of ["getRun", "cancelRun", "restartRun"]) {
      expect((await caller.call(operation, { params: { id } })).status).toBe(404);
    }
    expect((await caller.call("replayRun", { params: { id }, body: {} })).status).toBe(404);
    expect(await env.RUN.getByName(id).end()).toBeUndefined();
    expect(
      await insideRun(id, ({ storage }) =>
        storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'run'").toArray(),
      ),
    ).toEqual([]);
  });
});

describe("a run that was restarted", () => {
  it("is kept until its own end is old enough", async () => {
    const flow = await activeFlow(caller, graph);
    const id = await begun(caller, flow);
    await caller.call("cancelRun", { params: { id } });
    await ended(caller, id);
    await expect.poll(() => rowOf(id)).toMatchObject({ told: 2 });
    await caller.call("restartRun", { params: { id } });
    await ringRun(id);
    expect(await runOf(caller, id)).toMatchObject({ status: "running", waiting: true });
  });
});
