import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import { MOST_FAULTS } from "../../src/templates/verdicts.ts";
import type { Caller } from "../support/api.ts";
import { brokenDatabase, databaseWith } from "../support/faults.ts";
import { bringTo, rowOf, settle, someone } from "../support/given.ts";
import { deliver, report } from "../support/queues.ts";
import { edit, flow, instanceOf, templateOf } from "./given.ts";
import { beginWith, inside, jobOf, multiply, outcomes, patient, rebind, ringOn } from "./jobs.ts";

const kinds = [
  ["start", "inactive", "starting"],
  ["stop", "active", "stopping"],
] as const;
const unavailable = [{ error: "STORAGE_UNAVAILABLE" }];

/** A template with some instances of the caller, in a state. */
async function instancesOf(caller: Caller, count: number, status: "inactive" | "active") {
  const id = await templateOf(caller);
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) ids.push(await instanceOf(caller, id));
  for (const flowId of ids) await bringTo(flowId, status === "active" ? { status, start_id: "s" } : { status });
  return { id, ids };
}

/** Has the writes of one flow's column refused by the database itself, while something is done. */
async function whilePoisoned(flowId: string, column: string, act: () => Promise<void>): Promise<void> {
  const name = `poison_${flowId}`;
  await env.DB.prepare(
    `CREATE TRIGGER ${name} BEFORE UPDATE OF ${column} ON flows WHEN OLD.id = '${flowId}' BEGIN SELECT raise(ABORT, 'poisoned'); END`,
  ).run();
  try {
    await act();
  } finally {
    await env.DB.prepare(`DROP TRIGGER ${name}`).run();
  }
}

const refusing = () =>
  databaseWith(({ commits, run }) => (commits ? Promise.reject(new Error("D1_ERROR: timeout")) : run()));

/** Has an instance been waited for since long. */
const waitLong = (job: string) =>
  inside(job, (_, { storage }) => void storage.sql.exec("UPDATE instances SET since = 1"));

const statusesOf = (ids: readonly string[]) => Promise.all(ids.map(async (id) => (await rowOf(id))?.status));

describe.each(kinds)("a job that is to %s while the database fails", { timeout: 60_000 }, (kind, from, to) => {
  it("has the instances wait, and goes on once it answers", async () => {
    const caller = await someone();
    const { id, ids } = await instancesOf(caller, 3, from);
    const job = await beginWith(caller, id, { DB: refusing() }, { kind });
    const alarms = [await ringOn(job), await ringOn(job), await ringOn(job)];
    const before = await jobOf(caller, id, job);
    expect(before).toMatchObject({ state: "running", counts: { waiting: 3, done: 0, failed: 0 } });
    for (const { errors } of before.instances) expect(errors).toMatchObject(unavailable);
    expect(await statusesOf(ids)).toEqual([from, from, from]);
    expect(alarms[2]! - Date.now()).toBeGreaterThan(2000);

    await rebind(job, { DB: env.DB });
    await ringOn(job);
    const after = await jobOf(caller, id, job);
    expect(after).toMatchObject({ state: "done", reason: null, counts: { waiting: 0, done: 3, failed: 0 } });
    expect(JSON.stringify(after.instances)).not.toContain("errors");
    expect(await statusesOf(ids)).toEqual([to, to, to]);
  });

  it("gives them up in the end", async () => {
    const caller = await someone();
    const { id, ids } = await instancesOf(caller, 2, from);
    const job = await beginWith(caller, id, { DB: refusing() }, { kind });
    for (let rings = 1; rings < MOST_FAULTS; rings += 1) await ringOn(job);
    expect((await jobOf(caller, id, job)).counts).toMatchObject({ waiting: 2, failed: 0 });
    await ringOn(job);
    const { state, instances } = await jobOf(caller, id, job);
    expect(state).toBe("done");
    expect(instances).toMatchObject(ids.map((flowId) => ({ id: flowId, outcome: "failed", errors: unavailable })));
  });

  it("for one of them alone, holds up none of the others", async () => {
    const caller = await someone();
    const { id, ids } = await instancesOf(caller, 3, from);
    const poisoned = ids[1]!;
    const job = await beginWith(caller, id, {}, { kind });
    await whilePoisoned(poisoned, "status", async () => {
      await ringOn(job);
      expect((await jobOf(caller, id, job)).counts).toMatchObject({ waiting: 3 });
      await ringOn(job);
      expect((await jobOf(caller, id, job)).counts).toMatchObject({ waiting: 1, done: 2 });
      for (let rings = 2; rings < MOST_FAULTS; rings += 1) await ringOn(job);
    });
    const ended = await jobOf(caller, id, job);
    expect(ended.state).toBe("done");
    expect(outcomes(ended)).toEqual({ [ids[0]!]: "done", [poisoned]: "failed", [ids[2]!]: "done" });
    expect(await statusesOf(ids)).toEqual([to, from, to]);
  });

  it("waits as a whole, however many instances there are left", async () => {
    const caller = await someone();
    const { id, ids } = await instancesOf(caller, 1, from);
    await multiply(ids[0]!, 60);
    await env.DB.prepare("UPDATE flows SET status = ?, start_id = 's' WHERE from_template = ?").bind(from, id).run();
    const job = await beginWith(caller, id, { DB: refusing() }, { kind });
    for (const atLeast of [500, 1500, 3500]) {
      expect(await ringOn(job)).toBeGreaterThan(Date.now() + atLeast);
      expect((await jobOf(caller, id, job)).counts).toMatchObject({ waiting: 50, done: 0, failed: 0 });
    }
    await rebind(job, { DB: env.DB });
    await expect
      .poll(async () => {
        await ringOn(job);
        return (await jobOf(caller, id, job)).state;
      }, patient)
      .toBe("done");
    expect((await jobOf(caller, id, job)).counts).toMatchObject({ done: 60, failed: 0 });
  });

  it("before anything is drawn, loses nothing", async () => {
    const caller = await someone();
    const { id, ids } = await instancesOf(caller, 2, from);
    const job = await beginWith(caller, id, { DB: brokenDatabase() }, { kind });
    for (let rings = 0; rings < MOST_FAULTS + 1; rings += 1) expect(await ringOn(job)).toBeGreaterThan(Date.now());
    await rebind(job, { DB: env.DB });
    await ringOn(job);
    expect(await jobOf(caller, id, job)).toMatchObject({ state: "done", counts: { done: 2 } });
    expect(await statusesOf(ids)).toEqual([to, to]);
  });
});

describe("an upgrade", { timeout: 60_000 }, () => {
  const upgrade = { kind: "upgrade", revision: 2, restart: true } as const;

  it("that one instance does not take, is made of the others", async () => {
    const caller = await someone();
    const { id, ids } = await instancesOf(caller, 3, "inactive");
    await edit(caller, id, { name: "Second" });
    const job = await beginWith(caller, id, {}, upgrade);
    await whilePoisoned(ids[0]!, "document", async () => {
      for (let rings = 0; rings < MOST_FAULTS; rings += 1) await ringOn(job);
    });
    const ended = await jobOf(caller, id, job);
    expect(ended.state).toBe("done");
    expect(outcomes(ended)).toEqual({ [ids[0]!]: "failed", [ids[1]!]: "done", [ids[2]!]: "done" });
    const revisions = await Promise.all(ids.map(async (flowId) => (await flow(caller, flowId)).instance.revision));
    expect(revisions).toEqual([1, 2, 2]);
  });

  const unreachable = {
    getByName: () => ({
      apply: () => Promise.reject(Object.assign(new Error("lost"), { remote: true })),
      relay: () => Promise.resolve(),
    }),
  };

  it("starts again what it stopped, though the object could not be reached for a while", async () => {
    const caller = await someone();
    const { id, ids } = await instancesOf(caller, 1, "active");
    const [running] = ids as [string];
    await edit(caller, id, { name: "Second" });
    const job = await beginWith(caller, id, {}, upgrade);
    await ringOn(job);
    expect((await rowOf(running))?.status).toBe("stopping");
    await deliver("flow-reports", report("flow.stopped", running));
    await rebind(job, { FLOW_OBJECT: unreachable });
    for (let rings = 0; rings < 5; rings += 1) await ringOn(job);
    expect((await jobOf(caller, id, job)).instances).toMatchObject([
      { outcome: "waiting", errors: [{ error: "FLOW_UNAVAILABLE" }] },
    ]);
    await rebind(job, { FLOW_OBJECT: env.FLOW_OBJECT });
    await ringOn(job);
    expect(outcomes(await jobOf(caller, id, job))).toEqual({ [running]: "done" });
    expect(await rowOf(running)).toMatchObject({ status: "starting", revision: 2 });
    await settle(running);
  });

  it("tells of an instance that it had to leave stopped", async () => {
    const caller = await someone();
    const { id, ids } = await instancesOf(caller, 1, "active");
    const [running] = ids as [string];
    await edit(caller, id, { name: "Second" });
    const job = await beginWith(caller, id, {}, upgrade);
    await ringOn(job);
    await deliver("flow-reports", report("flow.stopped", running));
    await rebind(job, { FLOW_OBJECT: unreachable });
    for (let rings = 0; rings <= MOST_FAULTS; rings += 1) await ringOn(job);
    const [instance] = (await jobOf(caller, id, job)).instances;
    expect(instance).toMatchObject({ outcome: "failed", errors: [{ error: "FLOW_UNAVAILABLE" }] });
    expect(instance.errors[0].detail).toContain("not started again");
  });

  it("starts again what was detached while it was stopped", async () => {
    const caller = await someone();
    const { id, ids } = await instancesOf(caller, 1, "active");
    const [running] = ids as [string];
    await edit(caller, id, { name: "Second" });
    const job = await beginWith(caller, id, {}, upgrade);
    await ringOn(job);
    await deliver("flow-reports", report("flow.stopped", running));
    expect((await caller.call("detachFlow", { params: { id: running } })).status).toBe(200);
    await ringOn(job);
    expect(outcomes(await jobOf(caller, id, job))).toEqual({ [running]: "skipped" });
    expect((await rowOf(running))?.status).toBe("starting");
    await settle(running);
  });

  it.each([
    [
      "a fault",
      async (job: string) => {
        await rebind(job, { DB: brokenDatabase() });
        await ringOn(job);
        await rebind(job, { DB: env.DB });
      },
    ],
    [
      "a pause",
      async (_job: string, steer: (verb: string) => Promise<unknown>) => {
        await steer("pause");
        await steer("resume");
      },
    ],
  ])("does not count the time of %s as a failure to stop", async (_, interrupt) => {
    const caller = await someone();
    const { id, ids } = await instancesOf(caller, 1, "active");
    await edit(caller, id, { name: "Second" });
    const job = await beginWith(caller, id, {}, upgrade);
    await ringOn(job);
    await waitLong(job);
    await interrupt(job, (verb) => caller.call(`${verb}Job`, { params: { id, job } }));
    await ringOn(job);
    expect(outcomes(await jobOf(caller, id, job))).toEqual({ [ids[0]!]: "waiting" });
    await waitLong(job);
    await ringOn(job);
    expect(outcomes(await jobOf(caller, id, job))).toEqual({ [ids[0]!]: "failed" });
  });
});
