import { describe, expect, it } from "vitest";

import { keptLetters, traceOf } from "../support/faults.ts";
import { admin, flowOf, newId, rowOf, settle, someone, type StoredState } from "../support/given.ts";
import { deliver, deliverMessages, namesOf, recordQueues, report } from "../support/queues.ts";

const current = "11111111-1111-4111-8111-111111111111";
const other = "22222222-2222-4222-8222-222222222222";
type Status = NonNullable<StoredState["status"]>;
const names = ["flow.started", "flow.stopped", "flow.failed"] as const;
const at = (status: Status): StoredState => ({ status, start_id: current, tries: 1 });

/** The columns of the lifecycle table that reports reach. */
const cells: readonly [Status, (typeof names)[number], Status, string[]][] = [
  ["inactive", "flow.started", "inactive", []],
  ["inactive", "flow.stopped", "inactive", []],
  ["inactive", "flow.failed", "inactive", []],
  ["starting", "flow.started", "active", []],
  ["starting", "flow.stopped", "inactive", []],
  ["starting", "flow.failed", "stopping", ["flow.stopping"]],
  ["active", "flow.started", "active", []],
  ["active", "flow.stopped", "inactive", []],
  ["active", "flow.failed", "stopping", ["flow.stopping"]],
  ["stopping", "flow.started", "stopping", []],
  ["stopping", "flow.stopped", "inactive", []],
  ["stopping", "flow.failed", "stopping", []],
];

const seen = async (id: string) => (await (await admin()).call("getFlowById", { params: { id } })).body.data;

describe("a report", () => {
  it.each(cells.flatMap((cell) => [[...cell, "its start"] as const, [...cell, "no start"] as const]))(
    "that finds the flow %s and says %s leaves it %s, sends %j and is acknowledged if it names %s",
    async (...cell) => {
      const [from, name, to, commands, named] = cell;
      const id = await flowOf(await someone(), {}, at(from));
      const sent = await recordQueues(id);
      const result = await deliver("flow-reports", report(name, id, named === "its start" ? { startId: current } : {}));
      expect([result.explicitAcks.length, result.retryMessages.length]).toEqual([1, 0]);
      await settle(id);
      expect(namesOf(sent)).toEqual(commands);
      const row = await rowOf(id);
      expect(row).toMatchObject({ status: to, start_id: current, status_seq: from === to ? 0 : 1 });
      expect(row?.deadline_at !== null).toBe(commands.length > 0);
    },
  );

  it.each(cells)("about another start finds the flow %s, says %s and changes nothing", async (from, name) => {
    const id = await flowOf(await someone(), {}, at(from));
    const trace = await traceOf(id);
    const result = await deliver("flow-reports", report(name, id, { startId: other, reason: "r" }));
    expect(result.explicitAcks).toHaveLength(1);
    await settle(id);
    expect(await traceOf(id)).toEqual(trace);
  });

  it("may name its start in the payload too", async () => {
    const id = await flowOf(await someone(), {}, at("starting"));
    const message = report("flow.started", id);
    await deliver("flow-reports", { ...message, payload: { id, startId: other } });
    expect((await rowOf(id))?.status).toBe("starting");
    await deliver("flow-reports", { ...message, payload: { id, startId: current } });
    expect((await rowOf(id))?.status).toBe("active");
  });

  it("that a start failed tells why, until the next start", async () => {
    const caller = await someone();
    const id = await flowOf(caller, {}, at("starting"));
    await deliver("flow-reports", report("flow.failed", id, { startId: current, reason: "No such component" }));
    const error = { code: "FLOW_FAILED", reason: "No such component", at: expect.any(String) };
    expect(await seen(id)).toMatchObject({ status: "stopping", lastError: error });
    await deliver("flow-reports", report("flow.stopped", id, { startId: current }));
    expect(await seen(id)).toMatchObject({ status: "inactive", lastError: error });
    await caller.call("startFlow", { params: { id } });
    expect(await seen(id)).toMatchObject({ status: "starting", lastError: null });
  });

  it.each([
    ["without a reason", {}],
    ["with an empty reason", { reason: "" }],
    ["with a reason that is no text", { reason: { stack: "x" } }],
    ["with an endless reason", { reason: "x".repeat(100_000) }],
  ])("of a failure %s has the flow stopped and something to read", async (_, more) => {
    const id = await flowOf(await someone(), {}, at("active"));
    const message = report("flow.failed", id, { startId: current });
    await deliver("flow-reports", { ...message, payload: { id, ...more } });
    const { status, lastError } = await seen(id);
    expect([status, lastError.code]).toEqual(["stopping", "FLOW_FAILED"]);
    expect(lastError.reason.length).toBeGreaterThan(0);
    expect(lastError.reason.length).toBeLessThanOrEqual(2000);
  });

  it.each([{ startId: current }, {}])(
    "of a start that comes after the stop does not flip the flow back: %j",
    async (by) => {
      const caller = await someone();
      const id = await flowOf(caller, {}, at("starting"));
      await caller.call("stopFlow", { params: { id } });
      await deliver("flow-reports", report("flow.started", id, by));
      expect((await rowOf(id))?.status).toBe("stopping");
      await deliver("flow-reports", report("flow.stopped", id, by), report("flow.started", id, by));
      expect((await rowOf(id))?.status).toBe("inactive");
    },
  );

  const [a, b, c] = names;
  it.each(
    [
      [a, b, c],
      [a, c, b],
      [b, a, c],
      [b, c, a],
      [c, a, b],
      [c, b, a],
    ].flatMap((order) => [[order, "its start"] as const, [order, "no start"] as const]),
  )("in the order %j and again and reversed never moves a flow backwards, naming %s", async (order, named) => {
    const caller = await someone();
    const id = await flowOf(caller, {}, at("starting"));
    const ranks = { starting: 0, active: 1, stopping: 2, inactive: 3 };
    const by = named === "its start" ? { startId: current } : {};
    let rank = 0;
    for (const name of [...order, ...order, ...order.toReversed()]) {
      expect((await deliver("flow-reports", report(name, id, by))).explicitAcks).toHaveLength(1);
      const now = ranks[(await rowOf(id))!.status as Status];
      expect(now).toBeGreaterThanOrEqual(rank);
      rank = now;
    }
    expect(rank).toBe(ranks.inactive);
    await caller.call("startFlow", { params: { id } });
    await deliver("flow-reports", ...order.map((name) => report(name, id, { startId: current })));
    expect((await rowOf(id))?.status).toBe("starting");
  });

  it.each([
    ["a malformed id", report("flow.started", "nope")],
    ["an id that is a number", { headers: { name: "flow.started" }, payload: { id: 5 } }],
    ["no id", { headers: { name: "flow.stopped" }, payload: {} }],
    ["null for a payload", { headers: { name: "flow.failed" }, payload: null }],
    ["no payload", { headers: { name: "flow.failed" } }],
    ["no headers", { payload: { id: newId() } }],
    ["a name that is a number", { headers: { name: 1 }, payload: { id: newId() } }],
    ["an unknown name", report("flow.exploded", newId())],
    ["the name of an inherited property", report("constructor", newId())],
    ["a command's name", report("flow.starting", newId())],
    ["only text", "flow.started"],
    ["nothing", null],
    ["a list", [report("flow.started", newId())]],
    ["an owner's deletion without an id", { headers: { name: "iam.user.deleted" }, payload: {} }],
  ])("with %s is acknowledged and kept, and does not hold up the next", async (_, body) => {
    const id = await flowOf(await someone(), {}, at("starting"));
    const before = await keptLetters("flow-reports");
    const result = await deliver("flow-reports", body, report("flow.started", id, { startId: current }));
    expect([result.explicitAcks.length, result.retryMessages.length]).toEqual([2, 0]);
    expect((await rowOf(id))?.status).toBe("active");
    const kept = (await keptLetters("flow-reports")).filter(
      (letter) => !before.some(({ id: had }) => had === letter.id),
    );
    expect(kept.map((letter) => letter.body)).toEqual([body]);
    expect(kept[0]!.reason).not.toBe("");
  });

  it.each(names)("%s about a flow that is gone is acknowledged and forgotten", async (name) => {
    const before = await keptLetters("flow-reports");
    const result = await deliver("flow-reports", report(name, newId(), { startId: current }));
    expect([result.explicitAcks.length, result.retryMessages.length]).toEqual([1, 0]);
    expect(await keptLetters("flow-reports")).toEqual(before);
  });
});

it("a command is not carried out here while the orchestrator is an external one", async () => {
  const sent: unknown[] = [];
  const queue = { send: (body: unknown) => Promise.resolve(sent.push(body)) };
  const body = { headers: { name: "flow.stopping", startId: current }, payload: { id: newId(), graph: null } };
  const message = { id: newId(), timestamp: new Date(), attempts: 1, body };
  const result = await deliverMessages("flow-commands", [message], { FLOW_REPORTS: queue });
  expect([result.explicitAcks, result.retryMessages.map(({ msgId }) => msgId)]).toEqual([[], [message.id]]);
  expect(sent).toEqual([]);
});
