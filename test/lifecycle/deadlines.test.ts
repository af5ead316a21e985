import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import worker from "../../src/index.ts";
import { sweepNow } from "../../src/operations/sweep.ts";
import { alarmOf, inside, letDeadlinePass, objectOf, ring, traceOf } from "../support/faults.ts";
import { admin, bringTo, flowOf, outboxOf, rowOf, settle, someone } from "../support/given.ts";
import { deliver, namesOf, recordQueues, report } from "../support/queues.ts";

const START_TRIES = 5;
const seen = async (id: string) => (await (await admin()).call("getFlowById", { params: { id } })).body.data;

/** The next deadline passes without an answer, and the object's alarm rings. */
async function letWaitInVain(id: string): Promise<void> {
  await letDeadlinePass(id);
  await ring(id);
  await settle(id);
}

async function started() {
  const caller = await someone();
  const id = await flowOf(caller);
  const sent = await recordQueues(id);
  await caller.call("startFlow", { params: { id } });
  await settle(id);
  return {
    id,
    sent,
    start: () => caller.call("startFlow", { params: { id } }),
    stop: (query: Record<string, string> = {}) => caller.call("stopFlow", { params: { id }, query }),
  };
}

async function stopping() {
  const flow = await started();
  await flow.stop();
  await settle(flow.id);
  flow.sent.length = 0;
  return flow;
}

describe("a start that nobody answers", () => {
  it("has the object wake at its deadline, and not before does anything happen", async () => {
    const { id, sent } = await started();
    const trace = await traceOf(id);
    expect(trace.alarm).toBe((await rowOf(id))?.deadline_at);
    expect(await ring(id)).toBe(true);
    expect(namesOf(sent)).toEqual(["flow.starting"]);
    expect(await traceOf(id)).toEqual(trace);
  });

  it("is asked for again under the same startId and number, after twice as long each time", async () => {
    const { id, sent } = await started();
    const first = sent[0]!.body;
    for (let tries = 2; tries <= START_TRIES; tries += 1) {
      const before = Date.now();
      await letWaitInVain(id);
      const row = (await rowOf(id))!;
      expect(row).toMatchObject({ status: "starting", tries, status_seq: 1, start_id: first.headers["startId"] });
      expect(row.deadline_at! - before).toBeGreaterThanOrEqual(30_000 * 2 ** (tries - 1));
      expect(row.deadline_at! - Date.now()).toBeLessThanOrEqual(30_000 * 2 ** (tries - 1));
      expect(await alarmOf(id)).toBe(row.deadline_at);
      expect(sent).toHaveLength(tries);
      const { headers, payload } = sent.at(-1)!.body;
      expect(headers).toEqual({ ...first.headers, createdAt: expect.any(Number) });
      expect(payload).toEqual({ ...first.payload, updatedAt: expect.any(String) });
    }
  });

  it("counts as failed after the last try: it is stopped and told as timed out", async () => {
    const { id, sent } = await started();
    const startId = sent[0]!.body.headers["startId"] as string;
    for (let tries = 1; tries < START_TRIES; tries += 1) await letWaitInVain(id);
    expect(await seen(id)).toMatchObject({ status: "starting", lastError: null });
    await letWaitInVain(id);
    expect(namesOf(sent)).toEqual([...Array.from({ length: START_TRIES }, () => "flow.starting"), "flow.stopping"]);
    expect(sent.at(-1)!.body.headers).toMatchObject({ startId, statusSeq: 2 });
    const lastError = { code: "START_TIMEOUT", reason: expect.stringMatching(/./), at: expect.any(String) };
    expect(await seen(id)).toMatchObject({ status: "stopping", statusSeq: 2, stalled: false, lastError });
    expect((await rowOf(id))?.tries).toBe(1);

    await deliver("flow-reports", report("flow.started", id, { startId }));
    expect((await rowOf(id))?.status).toBe("stopping");
    await deliver("flow-reports", report("flow.stopped", id, { startId }));
    expect(await seen(id)).toMatchObject({ status: "inactive", lastError });
  });

  it.each([
    ["flow.started", "active"],
    ["flow.stopped", "inactive"],
  ])("is left alone once %s has come, however late the alarm", async (name, status) => {
    const { id, sent } = await started();
    await letDeadlinePass(id);
    await deliver("flow-reports", report(name, id));
    await ring(id);
    await objectOf(id).wake(id);
    expect(namesOf(sent)).toEqual(["flow.starting"]);
    expect(await rowOf(id)).toMatchObject({ status, tries: 0, deadline_at: null });
    expect(await alarmOf(id)).toBeNull();
  });

  it("is asked for once more, not twice, if two alarms come at once", async () => {
    const { id, sent } = await started();
    await letDeadlinePass(id);
    await Promise.all([ring(id), objectOf(id).wake(id), objectOf(id).wake(id)]);
    await settle(id);
    expect(sent).toHaveLength(2);
    expect((await rowOf(id))?.tries).toBe(2);
  });
});

describe("a stop that nobody answers", () => {
  it("is asked for again without end, and told as stalled after the third time", async () => {
    const { id, sent } = await stopping();
    await letWaitInVain(id);
    expect(await seen(id)).toMatchObject({ status: "stopping", stalled: false, lastError: null });
    await letWaitInVain(id);
    const lastError = { code: "STOP_TIMEOUT", reason: expect.stringMatching(/./), at: expect.any(String) };
    expect(await seen(id)).toMatchObject({ status: "stopping", stalled: true, lastError });
    for (let more = 0; more < 10; more += 1) await letWaitInVain(id);
    expect(await seen(id)).toMatchObject({ status: "stopping", statusSeq: 2, stalled: true, lastError });
    expect(namesOf(sent)).toEqual(Array.from({ length: 12 }, () => "flow.stopping"));
    expect(new Set(sent.map((message) => message.body.headers["statusSeq"]))).toEqual(new Set([2]));
    expect((await rowOf(id))!.deadline_at! - Date.now()).toBeLessThanOrEqual(3_600_000);
    expect((await rowOf(id))!.deadline_at! - Date.now()).toBeGreaterThan(3_500_000);
  });

  it("does not hide why it became necessary", async () => {
    const { id } = await started();
    await deliver("flow-reports", report("flow.failed", id, { reason: "No such component" }));
    const { lastError } = await seen(id);
    expect(lastError).toMatchObject({ code: "FLOW_FAILED", reason: "No such component" });
    for (let tries = 0; tries < 4; tries += 1) await letWaitInVain(id);
    expect(await seen(id)).toMatchObject({ status: "stopping", stalled: true, lastError });
  });

  it("is ended by force, after which the flow starts as any other", async () => {
    const { id, sent, start, stop } = await stopping();
    for (let tries = 0; tries < 3; tries += 1) await letWaitInVain(id);
    expect((await start()).status).toBe(409);
    expect((await stop({ force: "true" })).body.data).toEqual({ id, status: "inactive" });
    expect(await seen(id)).toMatchObject({ status: "inactive", stalled: false });
    await settle(id);
    expect([await alarmOf(id), await outboxOf(id)]).toEqual([null, []]);
    sent.length = 0;
    expect((await start()).body.data.status).toBe("starting");
    await settle(id);
    expect(namesOf(sent)).toEqual(["flow.starting"]);
    expect(await seen(id)).toMatchObject({ stalled: false, lastError: null });
  });

  it("ends with a late answer also when it has stalled", async () => {
    const { id } = await stopping();
    for (let tries = 0; tries < 3; tries += 1) await letWaitInVain(id);
    await deliver("flow-reports", report("flow.stopped", id));
    expect(await seen(id)).toMatchObject({ status: "inactive", stalled: false });
  });
});

const loseAlarm = (id: string) => inside(id, (_, state) => state.storage.deleteAll());
const age = (id: string, seconds: number) =>
  env.DB.prepare("UPDATE outbox SET created_at = ? WHERE flow_id = ?")
    .bind(Date.now() - seconds * 1000, id)
    .run();

/** A started flow whose command waits in the outbox, with nothing left that would wake its object. */
async function stranded() {
  const caller = await someone();
  const id = await flowOf(caller);
  await recordQueues(id, Number.POSITIVE_INFINITY);
  await caller.call("startFlow", { params: { id } });
  await settle(id);
  await loseAlarm(id);
  return { id, sent: await recordQueues(id) };
}

describe("the sweep", () => {
  it.each([
    ["sweepNow", () => sweepNow(createScheduledController(), env)],
    ["the Worker's schedule", () => worker.scheduled(createScheduledController(), env)],
  ])("by %s delivers messages whose object has lost its alarm", async (_, run) => {
    const { id, sent } = await stranded();
    expect(await ring(id)).toBe(false);
    await age(id, 61);
    await run();
    expect(namesOf(sent)).toEqual(["flow.starting"]);
    expect(await outboxOf(id)).toEqual([]);
    expect(await alarmOf(id)).toBe((await rowOf(id))?.deadline_at);
  });

  it("leaves young messages to their object", async () => {
    const { id, sent } = await stranded();
    await age(id, 50);
    await sweepNow(createScheduledController(), env);
    expect(sent).toEqual([]);
    await age(id, 61);
    await sweepNow(createScheduledController(), env);
    expect(namesOf(sent)).toEqual(["flow.starting"]);
  });

  it("sees to a deadline whose object has lost its alarm", async () => {
    const { id, sent } = await started();
    await loseAlarm(id);
    await bringTo(id, { deadline_at: Date.now() - 50_000 });
    await sweepNow(createScheduledController(), env);
    expect(sent).toHaveLength(1);
    await bringTo(id, { deadline_at: Date.now() - 61_000 });
    await sweepNow(createScheduledController(), env);
    await settle(id);
    expect(namesOf(sent)).toEqual(["flow.starting", "flow.starting"]);
    expect((await rowOf(id))?.tries).toBe(2);
    expect(await alarmOf(id)).toBe((await rowOf(id))?.deadline_at);
  });

  it("wakes every flow that waits although one of them cannot be served", async () => {
    const [broken, waiting] = [await stranded(), await stranded()];
    await recordQueues(broken.id, Number.POSITIVE_INFINITY);
    await age(broken.id, 120);
    await age(waiting.id, 61);
    await sweepNow(createScheduledController(), env);
    expect(namesOf(waiting.sent)).toEqual(["flow.starting"]);
    expect(await outboxOf(broken.id)).toHaveLength(1);
    expect(await alarmOf(broken.id)).not.toBeNull();
  });

  it("is not kept from other flows by one that has a great many messages", async () => {
    const [broken, waiting] = [await stranded(), await stranded()];
    await recordQueues(broken.id, Number.POSITIVE_INFINITY);
    await age(broken.id, 3600);
    await age(waiting.id, 61);
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
       INSERT INTO outbox (seq, flow_id, queue, body, created_at)
       SELECT -i, flow_id, queue, body, created_at FROM outbox, n WHERE flow_id = ?`,
    )
      .bind(broken.id)
      .run();
    await sweepNow(createScheduledController(), env);
    expect(namesOf(waiting.sent)).toEqual(["flow.starting"]);
  });

  it("delivers the notice of a flow that is deleted already", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    await recordQueues(id, Number.POSITIVE_INFINITY);
    await caller.call("deleteFlow", { params: { id } });
    await settle(id);
    await loseAlarm(id);
    const sent = await recordQueues(id);
    await age(id, 61);
    await sweepNow(createScheduledController(), env);
    expect(namesOf(sent)).toEqual(["flowrepo.flow.deleted"]);
    expect([await outboxOf(id), await alarmOf(id)]).toEqual([[], null]);
  });
});
