import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { databaseOf } from "../../../src/db/client.ts";
import { findFlow } from "../../../src/flows/store.ts";
import type { CancelRuns, Envelope } from "../../../src/messages/model.ts";
import { beganAt, beginRun, calledRunId } from "../../../src/runs/begin.ts";
import { cancelRuns } from "../../../src/runs/take-down.ts";
import type { Caller } from "../../support/api.ts";
import { bringTo, someone } from "../../support/given.ts";
import { deliverMessages } from "../../support/queues.ts";
import { activeFlow, begun, ended, insideRun, line, rested, runOf } from "../../support/runs.ts";

let caller: Caller;
beforeEach(async () => {
  caller = await someone();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const waits = line({ id: "first" }, { id: "wait", componentId: "delay", fields: { seconds: 3600 } });
/** The start that flows of tests have. */
const START = "start";
const HOUR_MS = 3600_000;

const statusesOf = (...ids: string[]): Promise<string[]> =>
  Promise.all(ids.map(async (id) => (await runOf(caller, id)).status as string));
const areCancelled = async (...ids: string[]): Promise<void> => {
  for (const id of ids) expect((await ended(caller, id)).status).toBe("cancelled");
};
/** The rows of runs that never began, before all others. */
const enterLost = (flow: string, many: number) => {
  const text =
    "INSERT INTO runs (flow_id, status, id, trigger, revision, request_id, started_at) VALUES (?, 'running', ?, 'manual', 1, 'r', ?)";
  const ids = Array.from({ length: many }, (_, index) => `run_${flow}_${`${index}`.padStart(28, "0")}`);
  return env.DB.batch(ids.map((id) => env.DB.prepare(text).bind(flow, id, Date.now() + HOUR_MS)));
};
/** Objects of which some cannot be reached, and how often each was asked. */
function objects(...broken: string[]) {
  const asked: string[] = [];
  const getByName = (id: string) => {
    asked.push(id);
    if (!broken.includes(id)) return env.RUN.getByName(id);
    return { cancel: () => Promise.reject(new Error("The object cannot be reached.")) };
  };
  return { asked, env: { ...env, RUN: { getByName } } as unknown as Env };
}

describe("runs of a later start", () => {
  it("are left alone though their ids are older: those that a run called", async () => {
    const flow = await activeFlow(caller, waits);
    const early = await begun(caller, flow);
    await rested(early);
    const before = Date.now() + 1;
    await expect.poll(() => Date.now()).toBeGreaterThan(before);
    const row = (await findFlow(databaseOf(env.DB), flow, null))!;
    const id = await calledRunId(early, 7, flow);
    const late = await beginRun(env, row, { id, trigger: "flow", message: { data: 1 }, requestId: "r" });
    expect(beganAt(late)).toBeLessThan(before);
    const { cancelled, rest } = await cancelRuns(env, { flowId: flow, after: "", startId: "the one before", before });
    expect([cancelled, rest]).toEqual([1, []]);
    await areCancelled(early);
    await rested(late);
    expect(await statusesOf(late)).toEqual(["running"]);
  });

  it("are walked past in stretches, however many there are", async () => {
    const flow = await activeFlow(caller, waits);
    await enterLost(flow, 200);
    const run = await begun(caller, flow);
    const first = { flowId: flow, after: "", startId: "the one before", before: Date.now() + 1 };
    const { cancelled, rest } = await cancelRuns(env, first);
    expect([cancelled, rest]).toEqual([0, [{ ...first, after: `run_${flow}_${"199".padStart(28, "0")}` }]]);
    expect(await cancelRuns(env, rest[0]!)).toEqual({ cancelled: 1, rest: [] });
    await areCancelled(run);
  });
});

describe("a run of the start that ended", () => {
  it("is cancelled though it began after the stop, if no other start came", async () => {
    const flow = await activeFlow(caller, waits);
    const run = await begun(caller, flow);
    const asked = { flowId: flow, after: "", startId: START, before: Date.now() - HOUR_MS };
    expect(await cancelRuns(env, { ...asked, startId: "another" })).toEqual({ cancelled: 0, rest: [] });
    expect(await cancelRuns(env, asked)).toEqual({ cancelled: 1, rest: [] });
    await areCancelled(run);
  });

  it("is cancelled if it was begun under an even earlier one", async () => {
    const flow = await activeFlow(caller, waits);
    const run = await begun(caller, flow);
    const before = Date.now() + 1;
    await env.DB.prepare("UPDATE flows SET start_id = 'the third' WHERE id = ?").bind(flow).run();
    expect(await cancelRuns(env, { flowId: flow, after: "", startId: "the second", before })).toMatchObject({
      cancelled: 1,
    });
    await areCancelled(run);
  });

  it("is told apart by a forced stop itself", async () => {
    const flow = await activeFlow(caller, waits);
    const run = await begun(caller, flow);
    // As if its clock were ahead.
    await env.DB.prepare("UPDATE runs SET started_at = started_at + ? WHERE id = ?").bind(HOUR_MS, run).run();
    await caller.call("stopFlow", { params: { id: flow }, query: { force: "true" } });
    expect((await ended(caller, run)).status).toBe("cancelled");
  });
});

it("of a flow that is deleted, all runs are cancelled", async () => {
  const flow = await activeFlow(caller, waits);
  const run = await begun(caller, flow);
  await rested(run);
  await env.DB.prepare("UPDATE runs SET started_at = started_at + ? WHERE id = ?").bind(HOUR_MS, run).run();
  await bringTo(flow, { status: "inactive" });
  expect((await caller.call("deleteFlow", { params: { id: flow } })).status).toBe(200);
  const look = () =>
    insideRun(run, ({ storage }) => storage.sql.exec<{ status: string }>("SELECT status FROM run").one().status);
  await expect.poll(look, { timeout: 15_000 }).toBe("cancelled");
});

const threeRuns = async () => {
  const flow = await activeFlow(caller, waits);
  const runs = [await begun(caller, flow), await begun(caller, flow), await begun(caller, flow)] as const;
  const asked: CancelRuns = { flowId: flow, after: "", startId: START, before: Date.now() + 1 };
  return { flow, runs, asked };
};

describe("runs that cannot be reached", () => {
  it("keep no others from being cancelled, and are asked again by themselves", async () => {
    const { runs, asked } = await threeRuns();
    const once = await cancelRuns(objects(runs[1]).env, asked);
    expect(once).toEqual({ cancelled: 2, rest: [{ ...asked, runs: [runs[1]] }] });
    await areCancelled(runs[0], runs[2]);
    expect(await statusesOf(runs[1])).toEqual(["running"]);
    const again = objects();
    expect(await cancelRuns(again.env, once.rest[0]!)).toEqual({ cancelled: 1, rest: [] });
    expect(again.asked).toEqual([runs[1]]);
    await areCancelled(runs[1]);
  });

  it("do not keep a page from being followed by the next, even if none of it was reached", async () => {
    const { flow, runs, asked } = await threeRuns();
    await enterLost(flow, 200);
    const lost = Array.from({ length: 200 }, (_, index) => `run_${flow}_${`${index}`.padStart(28, "0")}`);
    const { cancelled, rest } = await cancelRuns(objects(...lost).env, asked);
    expect([cancelled, rest]).toEqual([
      0,
      [
        { ...asked, after: lost.at(-1) },
        { ...asked, runs: lost },
      ],
    ]);
    expect(await cancelRuns(env, rest[0]!)).toEqual({ cancelled: 3, rest: [] });
    await areCancelled(...runs);
  });

  it("become fewer with each message, or that message is tried again", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const { runs, asked } = await threeRuns();
    const sent: Envelope[] = [];
    const chores = {
      sendBatch: (messages: { body: Envelope }[]) => Promise.resolve(sent.push(...messages.map(({ body }) => body))),
    };
    const deliver = (payload: unknown, ...broken: string[]) => {
      const body = { headers: { name: "runs.cancel" }, payload };
      const message = { id: crypto.randomUUID(), timestamp: new Date(), attempts: 1, body };
      return deliverMessages("flow-chores", [message], { ...objects(...broken).env, FLOW_CHORES: chores });
    };
    expect((await deliver(asked, runs[0], runs[1])).retryMessages).toEqual([]);
    expect(sent.map(({ payload }) => payload)).toEqual([{ ...asked, runs: [runs[0], runs[1]] }]);
    expect((await deliver(sent[0]!.payload, runs[1])).retryMessages).toEqual([]);
    expect(sent.slice(1).map(({ payload }) => payload)).toEqual([{ ...asked, runs: [runs[1]] }]);
    expect((await deliver(sent[1]!.payload, runs[1])).retryMessages).toHaveLength(1);
    expect(sent).toHaveLength(2);
    expect((await deliver(sent[1]!.payload)).retryMessages).toEqual([]);
    await areCancelled(...runs);
    expect(sent).toHaveLength(2);
  });
});
