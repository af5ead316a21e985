import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import {
  alarmOf,
  databaseRefusing,
  evict,
  keptBy,
  keptLetters,
  objectOf,
  rebind,
  ring,
  ringUntilSent,
  startable,
} from "../support/faults.ts";
import { outboxOf, rowOf, settle } from "../support/given.ts";
import { deliver, namesOf, recordQueues, report } from "../support/queues.ts";

const down = Number.POSITIVE_INFINITY;

describe("a queue that does not take messages", () => {
  it("is answered by keeping them: an object that is evicted meanwhile delivers them once", async () => {
    const { id, start } = await startable();
    await recordQueues(id, down);
    expect((await start()).status).toBe(200);
    await settle(id);
    expect((await outboxOf(id)).map((message) => message.queue)).toEqual(["commands"]);
    expect(await alarmOf(id)).not.toBeNull();

    await evict(id);
    const sent = await recordQueues(id);
    expect(await ring(id)).toBe(true);
    expect(namesOf(sent)).toEqual(["flow.starting"]);
    expect(sent[0]!.body.headers["startId"]).toBe((await rowOf(id))?.start_id);
    await ring(id);
    expect(namesOf(sent)).toEqual(["flow.starting"]);
    expect(await outboxOf(id)).toEqual([]);
  });

  it("gets everything in order after ten refusals, each followed by an alarm", async () => {
    const { id, start, stop, edit } = await startable();
    const sent = await recordQueues(id, 10);
    for (const act of [() => edit("edited"), start, stop]) expect((await act()).status).toBe(200);
    await settle(id);
    expect(sent).toEqual([]);
    await ringUntilSent(id);
    expect(namesOf(sent)).toEqual(["flowrepo.flow.modified", "flow.starting", "flow.stopping"]);
    expect(sent.map((message) => message.queue)).toEqual(["notices", "commands", "commands"]);
  });

  it("is asked again after one second, then twice as long each time, up to a minute", async () => {
    const { id, start } = await startable();
    await recordQueues(id, down);
    await start();
    await settle(id);
    await evict(id);
    await recordQueues(id, down);
    for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
      const before = Date.now();
      await settle(id);
      const alarm = (await alarmOf(id))! - seconds * 1000;
      expect(alarm).toBeGreaterThanOrEqual(before);
      expect(alarm).toBeLessThanOrEqual(Date.now());
    }
  });

  it("holds up the messages of its own flow only", async () => {
    const [blocked, free] = [await startable(), await startable()];
    await recordQueues(blocked.id, down);
    const sent = await recordQueues(free.id);
    await Promise.all([blocked.start(), free.start()]);
    await Promise.all([settle(blocked.id), settle(free.id)]);
    expect(namesOf(sent)).toEqual(["flow.starting"]);
    expect(await outboxOf(blocked.id)).toHaveLength(1);
  });
});

describe("messages of one flow", () => {
  it("stay in the outbox until their queue has taken them, and go one at a time", async () => {
    const { id, start, stop } = await startable();
    await recordQueues(id, down);
    await start();
    await stop();
    await settle(id);
    const stored = (await outboxOf(id)).map((message) => message.body);
    const seen: [sent: string, stored: string[]][] = [];
    const send = async (body: unknown) => {
      seen.push([JSON.stringify(body), (await outboxOf(id)).map((message) => message.body)]);
    };
    await rebind(id, { FLOW_COMMANDS: { send } });
    await settle(id);
    expect(seen).toEqual([
      [stored[0], stored],
      [stored[1], stored.slice(1)],
    ]);
    expect(await outboxOf(id)).toEqual([]);
  });

  it("go out again, in order, if the outbox cannot be told that they went", async () => {
    const { id, start, stop } = await startable();
    const sent = await recordQueues(id);
    await rebind(id, { DB: databaseRefusing(/^DELETE FROM outbox/) });
    await start();
    await stop();
    await settle(id);
    expect(new Set(namesOf(sent))).toEqual(new Set(["flow.starting"]));
    expect(await outboxOf(id)).toHaveLength(2);
    const before = sent.length;
    await rebind(id, { DB: env.DB });
    await ringUntilSent(id);
    expect(namesOf(sent.slice(before))).toEqual(["flow.starting", "flow.stopping"]);
  });

  it("go out in order also when there are more than one round takes", async () => {
    const { id, caller } = await startable();
    await recordQueues(id, down);
    for (let round = 0; round < 60; round += 1) {
      await objectOf(id).apply({ flowId: id, trigger: round % 2 === 0 ? "start" : "forceStop", reach: null });
    }
    await settle(id);
    expect(await outboxOf(id)).toHaveLength(60);
    const sent = await recordQueues(id);
    await settle(id);
    const numbers = sent.map((message) => message.body.headers["statusSeq"]);
    expect(numbers).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
    expect((await caller.call("getFlowById", { params: { id } })).body.data.statusSeq).toBe(60);
  });

  it("that no queue would take are put aside, and those behind them go out", async () => {
    const { id, start } = await startable();
    const body = { headers: { name: "flow.huge" }, payload: { text: "x".repeat(130_000) } };
    await env.DB.prepare(
      "INSERT INTO outbox (flow_id, seq, queue, body, created_at) VALUES (?1, ?3, 'commands', ?2, ?3)",
    )
      .bind(id, JSON.stringify(body), Date.now())
      .run();
    const sent = await recordQueues(id);
    await start();
    await settle(id);
    expect(namesOf(sent)).toEqual(["flow.starting"]);
    expect(await outboxOf(id)).toEqual([]);
    expect((await keptLetters("flow-commands")).map((letter) => letter.body)).toEqual([body]);
  });

  it("go out once although alarms, wakes and relays come at once", async () => {
    const { id, start } = await startable();
    await recordQueues(id, down);
    await start();
    await settle(id);
    const sent = await recordQueues(id);
    await Promise.all([ring(id), objectOf(id).wake(id), settle(id), settle(id), objectOf(id).wake(id)]);
    await ring(id);
    expect(namesOf(sent)).toEqual(["flow.starting"]);
    expect((await rowOf(id))?.tries).toBe(1);
  });

  it("leave nothing behind in the object once the flow rests", async () => {
    const { id, start } = await startable();
    await start();
    await settle(id);
    expect(await keptBy(id)).toEqual(["flowId"]);
    await deliver("flow-reports", report("flow.started", id));
    await settle(id);
    expect([await alarmOf(id), await keptBy(id)]).toEqual([null, []]);
  });
});
