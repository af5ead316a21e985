import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import { sweepNow } from "../../src/operations/sweep.ts";
import type { Caller } from "../support/api.ts";
import {
  alarmOf,
  brokenDatabase,
  databaseWith,
  inside,
  rebind,
  ring,
  ringUntilSent,
  startable,
  traceOf,
} from "../support/faults.ts";
import { flowOf, outboxOf, rowOf, settle, someone, type StoredState } from "../support/given.ts";
import { deliver, namesOf, recordQueues, report } from "../support/queues.ts";

const unavailable = { message: "NO DB. Please try again later 0", code: 503, error: "STORAGE_UNAVAILABLE" };

describe("a database that fails", () => {
  it("in the commit of a start is answered 503, with an alarm set and nothing lost", async () => {
    const { id, start } = await startable();
    const sent = await recordQueues(id);
    const trace = await traceOf(id);
    const DB = databaseWith(({ commits, run }) => (commits ? Promise.reject(new Error("D1_ERROR: timeout")) : run()));
    await rebind(id, { DB });
    const answer = await start();
    expect([answer.status, answer.body]).toEqual([503, { errors: [unavailable] }]);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await alarmOf(id)).toBeLessThanOrEqual(Date.now() + 5000);
    await rebind(id, { DB: env.DB });
    expect((await traceOf(id)).row).toEqual(trace.row);

    await ring(id);
    expect(sent).toEqual([]);
    expect(await traceOf(id)).toEqual(trace);
    expect((await start()).body.data.status).toBe("starting");
    await settle(id);
    expect(namesOf(sent)).toEqual(["flow.starting"]);
  });

  it("after the commit is answered 503, and the message goes out by alarm", async () => {
    const { id, start } = await startable();
    const sent = await recordQueues(id);
    const DB = databaseWith(async ({ commits, run }) => {
      const done = await run();
      if (commits) throw new Error("D1_ERROR: the connection was lost");
      return done;
    });
    await rebind(id, { DB });
    expect((await start()).status).toBe(503);
    expect(await rowOf(id)).toMatchObject({ status: "starting", status_seq: 1 });
    expect(sent).toEqual([]);
    expect(await ring(id)).toBe(true);
    expect(namesOf(sent)).toEqual(["flow.starting"]);
    expect((await start()).body.data.status).toBe("starting");
    await settle(id);
    expect(namesOf(sent)).toEqual(["flow.starting"]);
  });

  it("after the commit loses no alarm to a courier that passed before the commit was there", async () => {
    const { id } = await startable();
    const alarm = await inside(id, async (object, state) => {
      const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const DB = databaseWith(async ({ commits, run }) => {
        if (!commits) return run();
        reached.resolve();
        await released.promise;
        await run();
        throw new Error("D1_ERROR: the connection was lost");
      });
      const open = object as unknown as { env: Record<string, unknown> };
      open.env = { ...open.env, DB };
      const started = object.apply({ flowId: id, trigger: "start", reach: null });
      await reached.promise;
      await object.relay(id);
      released.resolve();
      expect(await started).toEqual({ ok: false, error: "STORAGE_UNAVAILABLE" });
      return state.storage.getAlarm();
    });
    expect(await outboxOf(id)).toHaveLength(1);
    expect(alarm).not.toBeNull();
  });

  it.each(["flow.started", "flow.stopped", "flow.failed"])("under %s has it delivered again", async (name) => {
    const { id, start } = await startable();
    await start();
    await settle(id);
    await rebind(id, { DB: brokenDatabase() });
    const failed = await deliver("flow-reports", report(name, id));
    expect([failed.explicitAcks.length, failed.retryMessages.length]).toEqual([0, 1]);
    expect((await rowOf(id))?.status).toBe("starting");
    await rebind(id, { DB: env.DB });
    expect((await deliver("flow-reports", report(name, id))).explicitAcks).toHaveLength(1);
    expect((await rowOf(id))?.status_seq).toBe(2);
  });

  it("under an alarm has the object wake again", async () => {
    const { id, start } = await startable();
    const sent = await recordQueues(id, 1);
    await start();
    await settle(id);
    await rebind(id, { DB: brokenDatabase() });
    for (let rings = 0; rings < 8; rings += 1) {
      await ring(id);
      expect(await alarmOf(id)).not.toBeNull();
    }
    await rebind(id, { DB: env.DB });
    await ringUntilSent(id);
    expect(namesOf(sent)).toEqual(["flow.starting"]);
  });
});

/** A database in which those commits fail. */
const failing = (which: (commit: number) => boolean) => {
  let commits = 0;
  return databaseWith((batch) => {
    const fails = batch.commits && which((commits += 1));
    return fails ? Promise.reject(new Error("D1_ERROR: timeout")) : batch.run();
  });
};

describe.each([
  ["startMultipleFlows", "starting"],
  ["stopMultipleFlows", "stopping"],
] as const)("%s while the database fails", (operationId, to) => {
  const states = to === "starting" ? {} : ({ status: "active", start_id: "a start" } as const);

  /** Flows of the caller, more than are committed in one step. */
  async function manyOf(caller: Caller): Promise<string[]> {
    const bodies = Array.from({ length: 251 }, () => ({ graph: { nodes: [{ id: "a" }] } }));
    const { body } = await caller.call("addFlow", { body: bodies });
    const { status = "inactive", start_id: startId = null } = states as StoredState;
    await env.DB.prepare("UPDATE flows SET status = ?, start_id = ? WHERE home = ?")
      .bind(status, startId, caller.tenant)
      .run();
    return (body.data as { id: string }[]).map(({ id }) => id);
  }

  it("tells it of the flows that it fails for, and changes the others", async () => {
    const caller = await someone();
    const ids = await manyOf(caller);
    const before = await rowOf(ids[0]!);
    const sent = await recordQueues(ids[250]!);
    const answer = await caller.call(operationId, { body: ids, env: { DB: failing((commit) => commit === 1) } });
    expect([answer.status, answer.body]).toEqual([
      200,
      [
        ...ids.slice(0, 250).map((flowId) => ({ errors: [{ ...unavailable, flowId }] })),
        { data: { id: ids[250], status: to }, meta: {} },
      ],
    ]);
    expect(await rowOf(ids[0]!)).toEqual(before);
    const found = env.DB.prepare("SELECT count(*) AS n FROM flows WHERE home = ? AND status = ?");
    expect(await found.bind(caller.tenant, to).first("n")).toBe(1);
    await settle(ids[250]!);
    expect(namesOf(sent).filter((name) => !name.startsWith("flowrepo."))).toEqual([`flow.${to}`]);
  });

  it("is answered 503 as a whole if it fails for every flow", async () => {
    for (const DB of [failing(() => true), brokenDatabase()]) {
      const caller = await someone();
      const ids = [await flowOf(caller, {}, states), await flowOf(caller, {}, states)];
      const traces = await Promise.all(ids.map(traceOf));
      const answer = await caller.call(operationId, { body: ids, env: { DB } });
      expect([answer.status, answer.body]).toEqual([503, { errors: [unavailable] }]);
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(await Promise.all(ids.map(traceOf))).toEqual(traces);
    }
  });

  it("after the commit, with its answer lost, leaves the messages to the sweep", async () => {
    const caller = await someone();
    const ids = [await flowOf(caller, {}, states), await flowOf(caller, {}, states)];
    const recorded = await Promise.all(ids.map((id) => recordQueues(id)));
    const DB = databaseWith(async ({ commits, run }) => {
      const done = await run();
      if (commits) throw new Error("D1_ERROR: the connection was lost");
      return done;
    });
    expect((await caller.call(operationId, { body: ids, env: { DB } })).status).toBe(503);
    for (const id of ids) {
      expect(await rowOf(id)).toMatchObject({ status: to, status_seq: 1 });
      await env.DB.prepare("UPDATE outbox SET created_at = created_at - 61000 WHERE flow_id = ?").bind(id).run();
    }
    await sweepNow(createScheduledController(), env);
    expect(recorded.map(namesOf)).toEqual([[`flow.${to}`], [`flow.${to}`]]);
    expect((await caller.call(operationId, { body: ids })).body).toEqual(
      ids.map((id) => ({ data: { id, status: to }, meta: {} })),
    );
  });
});

it("an object that dies right after the commit still delivers, and the caller gets an answer", async () => {
  const { id, start } = await startable();
  await inside(id, (object, state) => {
    const DB = databaseWith(async ({ commits, run }) => {
      const done = await run();
      if (commits) state.abort("The test ends this object.");
      return done;
    });
    const open = object as unknown as { env: Record<string, unknown> };
    open.env = { ...open.env, DB, FLOW_COMMANDS: { send: () => Promise.reject(new Error("down")) } };
  });
  expect([200, 503]).toContain((await start()).status);
  const sent = await recordQueues(id);
  expect((await rowOf(id))?.status).toBe("starting");
  await ringUntilSent(id);
  expect(namesOf(sent)).toEqual(["flow.starting"]);
});
