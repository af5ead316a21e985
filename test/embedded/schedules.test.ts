import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import { documentOf, findFlow } from "../../src/flows/store.ts";
import { databaseOf } from "../../src/db/client.ts";
import { schedulesOf } from "../../src/runs/schedule.ts";
import type { Caller } from "../support/api.ts";
import { bringTo, flowOf, rowOf, someone } from "../support/given.ts";
import { firstMessage, runsOf } from "../support/hooks.ts";
import { activeFlow, ended, line, runOf } from "../support/runs.ts";

interface Kept {
  readonly startId: string | null;
  readonly schedules: { readonly step: string; readonly due: number; readonly queued?: number }[];
}

const live = (id: string) => env.LIVE_FLOW.getByName(id);
const kept = (id: string): Promise<Kept | undefined> =>
  runInDurableObject(live(id), (_, { storage }) => storage.get<Kept>("kept"));
const alarmOf = (id: string): Promise<number | null> =>
  runInDurableObject(live(id), (_, { storage }) => storage.getAlarm());
const ring = (id: string): Promise<boolean> => runDurableObjectAlarm(live(id));

/** Lets the schedules of a flow have been due at a time. */
const letBeDue = (id: string, due: number, which = 0): Promise<void> =>
  runInDurableObject(live(id), async (_, { storage }) => {
    const found = (await storage.get<Kept>("kept"))!;
    const schedules = found.schedules.map((one, index) => (index === which ? { ...one, due } : one));
    await storage.put("kept", { ...found, schedules });
    await storage.setAlarm(Date.now() + 60_000);
  });

const hour = 3600_000;
const hourly = "0 * * * *";
const receives = line({ id: "first" }, { id: "note", componentId: "log", fields: { message: "seen" } });
const waits = line({ id: "first" }, { id: "wait", componentId: "delay", fields: { seconds: 3600 } });

/** Takes up the schedules of a flow as its start does. */
async function ariseOf(id: string, startId = "start"): Promise<void> {
  const row = (await findFlow(databaseOf(env.DB), id, null))!;
  await live(id).arise(id, startId, schedulesOf(documentOf(row)));
}

async function scheduled(caller: Caller, graph: unknown = receives, more: Record<string, unknown> = { cron: hourly }) {
  const id = await activeFlow(caller, graph, more);
  await ariseOf(id);
  return id;
}
const overlapping = (overlap: string) => ({ cron: hourly, flowSettings: { schedule: { overlap } } });

const patient = { timeout: 15_000, interval: 20 };
const comesTo = (id: string, status: string) =>
  expect.poll(async () => (await rowOf(id))?.status, patient).toBe(status);

describe("a scheduled flow", () => {
  it("begins a run when it is due, with both spellings of the times, and looks forward to the next", async () => {
    const caller = await someone();
    const id = await scheduled(caller);
    const due = Date.now() - 5;
    await letBeDue(id, due);
    expect(await ring(id)).toBe(true);
    const [run, ...more] = await runsOf(id);
    expect(more).toEqual([]);
    const next = (await kept(id))!.schedules[0]!.due;
    expect(next).toBeGreaterThan(Date.now());
    expect(next % hour).toBe(0);
    expect(await alarmOf(id)).toBe(next);
    const times = [new Date(due).toISOString(), new Date(next).toISOString()];
    expect(await firstMessage(run!.id)).toEqual({
      attachments: {},
      data: {
        sheduledTimestamp: times[0],
        nextSheduledTimestamp: times[1],
        scheduledTimestamp: times[0],
        nextScheduledTimestamp: times[1],
      },
      metadata: { source: { name: "scheduler", type: "scheduler", externalExecId: run!.id } },
    });
    expect(await ended(caller, run!.id)).toMatchObject({ status: "completed", trigger: "schedule" });
  });

  it("makes up for an outage with one run, however many were missed", async () => {
    const id = await scheduled(await someone());
    await letBeDue(id, Date.now() - 100 * hour);
    await ring(id);
    await ring(id);
    expect(await runsOf(id)).toHaveLength(1);
    expect((await kept(id))!.schedules[0]!.due).toBeGreaterThan(Date.now());
  });

  it("begins one run if its alarm rings twice, also if what it did was forgotten", async () => {
    const id = await scheduled(await someone());
    const due = Date.now() - 5;
    await letBeDue(id, due);
    await Promise.all([live(id).look(), live(id).look()]);
    await letBeDue(id, due);
    await ring(id);
    expect(await runsOf(id)).toHaveLength(1);
  });

  it("begins nothing before it is due", async () => {
    const id = await scheduled(await someone());
    await ring(id);
    expect(await runsOf(id)).toEqual([]);
    expect(await alarmOf(id)).toBe((await kept(id))!.schedules[0]!.due);
  });

  it("begins each of several schedules at its own step, whether or not the other's run is under way", async () => {
    const caller = await someone();
    const graph = {
      nodes: [
        { id: "a", componentId: "schedule", fields: { cron: hourly } },
        { id: "b", componentId: "schedule", fields: { cron: "30 * * * *" } },
        { id: "wait", componentId: "delay", fields: { seconds: 3600 } },
      ],
      edges: ["a", "b"].map((source) => ({ source, target: "wait" })),
    };
    const id = await scheduled(caller, graph, {});
    const due = Date.now() - 5;
    for (const which of [0, 1]) await letBeDue(id, due, which);
    await ring(id);
    const runs = await Promise.all((await runsOf(id)).map((run) => runOf(caller, run.id)));
    expect(new Set(runs.map(({ items }) => items[0].step as string))).toEqual(new Set(["a", "b"]));
  });

  it("tries again what could not be begun, as the same run", async () => {
    const id = await scheduled(await someone());
    await letBeDue(id, Date.now() - 5);
    await runInDurableObject(live(id), async (instance) => {
      const object = instance as unknown as { env: Record<string, unknown>; look: () => Promise<void> };
      const whole = object.env;
      object.env = { ...whole, RUN: { getByName: () => ({ start: () => Promise.reject(new Error("gone")) }) } };
      await object.look();
      object.env = whole;
    });
    expect(await runsOf(id)).toEqual([]);
    expect(await alarmOf(id)).toBeLessThanOrEqual(Date.now() + 5000);
    await ring(id);
    expect(await runsOf(id)).toHaveLength(1);
  });
});

const begunTwice = async (overlap: string) => {
  const caller = await someone();
  const id = await scheduled(caller, waits, overlapping(overlap));
  await letBeDue(id, Date.now() - 2 * hour);
  await ring(id);
  await letBeDue(id, Date.now() - hour);
  await ring(id);
  return { caller, id, runs: await runsOf(id) };
};

describe("a run that is due while the one before is under way", () => {
  it("is left out by skip", async () => {
    const { caller, id, runs } = await begunTwice("skip");
    expect(runs).toHaveLength(1);
    expect((await kept(id))!.schedules[0]).not.toHaveProperty("queued");
    await caller.call("cancelRun", { params: { id: runs[0]!.id } });
    await ended(caller, runs[0]!.id);
    await ring(id);
    expect(await runsOf(id)).toHaveLength(1);
    await letBeDue(id, Date.now() - 5);
    await ring(id);
    expect(await runsOf(id)).toHaveLength(2);
  });

  it("begins at once by allow", async () => {
    expect((await begunTwice("allow")).runs).toHaveLength(2);
  });

  it("begins after it by queue, once, however many were due", async () => {
    const { caller, id, runs } = await begunTwice("queue");
    expect(runs).toHaveLength(1);
    await letBeDue(id, Date.now() - 5);
    await ring(id);
    expect(await runsOf(id)).toHaveLength(1);
    expect(await alarmOf(id)).toBeLessThanOrEqual(Date.now() + 60_000);
    await caller.call("cancelRun", { params: { id: runs[0]!.id } });
    await expect.poll(async () => (await runsOf(id)).length, patient).toBe(2);
    expect((await kept(id))!.schedules[0]).not.toHaveProperty("queued");
    await ring(id);
    expect(await runsOf(id)).toHaveLength(2);
  });

  it("does not wait for runs that others began", async () => {
    const caller = await someone();
    const id = await scheduled(caller, waits, overlapping("skip"));
    await caller.call("startRun", { params: { id }, body: {} });
    await letBeDue(id, Date.now() - 5);
    await ring(id);
    expect((await runsOf(id)).map(({ trigger }) => trigger).toSorted()).toEqual(["manual", "schedule"]);
  });
});

const startOf = async (caller: Caller, id: string) => {
  await caller.call("startFlow", { params: { id } });
  await comesTo(id, "active");
  return (await rowOf(id))!.start_id!;
};

const stopOf = async (caller: Caller, id: string) => {
  await caller.call("stopFlow", { params: { id } });
  await comesTo(id, "inactive");
};

describe("start and stop", () => {
  it("take schedules up and down, again and again", async () => {
    const caller = await someone();
    const id = await flowOf(caller, { graph: receives, cron: hourly });
    for (let round = 0; round < 2; round += 1) {
      const startId = await startOf(caller, id);
      expect(await kept(id)).toMatchObject({ startId, schedules: [{ step: "first" }] });
      expect(await alarmOf(id)).toBe((await kept(id))!.schedules[0]!.due);
      await stopOf(caller, id);
      expect([await kept(id), await alarmOf(id)]).toEqual([undefined, null]);
    }
    expect(await runsOf(id)).toEqual([]);
  });

  it("leave alone a flow without schedules", async () => {
    const caller = await someone();
    const id = await flowOf(caller, { graph: receives });
    await startOf(caller, id);
    expect(await kept(id)).toBeUndefined();
  });

  it.each(["inactive", "stopping"] as const)("nothing is begun of a flow that is %s when it is due", async (status) => {
    const id = await scheduled(await someone());
    await letBeDue(id, Date.now() - 5);
    await bringTo(id, { status });
    await ring(id);
    expect(await runsOf(id)).toEqual([]);
    expect([await kept(id), await alarmOf(id)]).toEqual([undefined, null]);
  });

  it("nothing is begun of a flow that is gone", async () => {
    const id = await scheduled(await someone());
    await letBeDue(id, Date.now() - 5);
    await env.DB.prepare("DELETE FROM flows WHERE id = ?").bind(id).run();
    await ring(id);
    expect(await kept(id)).toBeUndefined();
  });

  it("a flow whose report is on the way waits for it", async () => {
    const id = await scheduled(await someone());
    await letBeDue(id, Date.now() - 5);
    await bringTo(id, { status: "starting" });
    await ring(id);
    expect(await runsOf(id)).toEqual([]);
    await bringTo(id, { status: "active" });
    await ring(id);
    expect(await runsOf(id)).toHaveLength(1);
  });

  it("commands of an earlier start change nothing, whenever they come", async () => {
    const id = await scheduled(await someone());
    const before = await kept(id);
    const late = [() => ariseOf(id, "an earlier start"), () => live(id).fall("an earlier start"), () => ariseOf(id)];
    for (const command of late) {
      await command();
      expect(await kept(id)).toEqual(before);
    }
    await live(id).fall("start");
    expect(await kept(id)).toBeUndefined();
  });

  it("a start that was overtaken by an earlier one is taken up when that is found out", async () => {
    const id = await activeFlow(await someone(), receives, { cron: hourly });
    await ariseOf(id, "an earlier start");
    await letBeDue(id, Date.now() - 5);
    await ring(id);
    expect(await runsOf(id)).toEqual([]);
    expect(await kept(id)).toMatchObject({ startId: "start", schedules: [{ step: "first" }] });
    expect(await alarmOf(id)).toBe((await kept(id))!.schedules[0]!.due);
  });

  it.each([
    ["a time zone", { timezone: "Mars/Olympus" }, "flowSettings.schedule.timezone: Use an IANA time zone"],
    ["an overlap", { overlap: "perhaps" }, "flowSettings.schedule.overlap: "],
  ])("a start with %s that there is not fails, and says why", async (_, schedule, reason) => {
    const caller = await someone();
    const id = await flowOf(caller, { graph: receives, cron: hourly, flowSettings: { schedule } });
    await caller.call("startFlow", { params: { id } });
    await comesTo(id, "inactive");
    const { lastError } = (await caller.call("getFlowById", { params: { id } })).body.data;
    expect(lastError).toMatchObject({ code: "FLOW_FAILED", reason: expect.stringContaining(reason) });
    expect(await kept(id)).toBeUndefined();
  });
});
