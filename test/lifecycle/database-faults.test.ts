import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

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
import { flowOf, outboxOf, rowOf, settle, someone } from "../support/given.ts";
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

describe.each([
  ["startMultipleFlows", "starting"],
  ["stopMultipleFlows", "stopping"],
] as const)("%s while the database fails", (operationId, to) => {
  const states = to === "starting" ? {} : ({ status: "active", start_id: "a start" } as const);

  it("tells it of the flow that it fails for, and changes the others", async () => {
    const caller = await someone();
    const [broken, fine] = [await flowOf(caller, {}, states), await flowOf(caller, {}, states)];
    await rebind(broken, { DB: brokenDatabase() });
    const answer = await caller.call(operationId, { body: [broken, fine] });
    expect([answer.status, answer.body]).toEqual([
      200,
      [{ errors: [{ ...unavailable, flowId: broken }] }, { data: { id: fine, status: to }, meta: {} }],
    ]);
  });

  it("is answered 503 as a whole if it fails for every flow", async () => {
    const caller = await someone();
    const ids = [await flowOf(caller, {}, states), await flowOf(caller, {}, states)];
    for (const id of ids) await rebind(id, { DB: brokenDatabase() });
    const answer = await caller.call(operationId, { body: ids });
    expect([answer.status, answer.body]).toEqual([503, { errors: [unavailable] }]);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
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
