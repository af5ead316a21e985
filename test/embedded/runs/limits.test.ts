import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { limits } from "../../../src/runs/model.ts";
import type { Caller } from "../../support/api.ts";
import { someone } from "../../support/given.ts";
import { replaceNetwork } from "../../support/iam.ts";
import {
  activeFlow,
  begun,
  cameTo,
  ended,
  graphOf,
  heldAnswers,
  hurried,
  insideRun,
  line,
  logged,
  rested,
  ringRun,
  runOf,
  rushed,
  statesOf,
} from "../../support/runs.ts";

let caller: Caller;
beforeEach(async () => {
  caller = await someone();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const transform = (id: string, expression: string) => ({ id, componentId: "transform", fields: { expression } });
const wait = { id: "wait", componentId: "delay", fields: { seconds: 600 } };

const grow = (id: string, into: string) => ({
  id,
  componentId: "transform",
  fields: { expression: "$pad('', 600000, 'x')", into },
});

describe("a limit with its own code", () => {
  it("STEP_LIMIT: messages of a run", async () => {
    const id = await begun(caller, await activeFlow(caller, line(wait, { id: "end" })));
    await rested(id);
    // As if so many had been there.
    await logged(
      id,
      `INSERT INTO items (step, scope, place, input, state, seq) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${limits.items}) SELECT 'wait', 0, 0, 1, 'done', 1 FROM n`,
    );
    await insideRun(id, (state) => state.abort()).catch(() => undefined);
    await ringRun(id);
    expect(await runOf(caller, id)).toMatchObject({ status: "failed", error: { code: "STEP_LIMIT" } });
  });

  it("STEP_LIMIT: entries of a list", async () => {
    const data = Array.from({ length: limits.items + 1 }, () => 1);
    const flow = await activeFlow(caller, line({ id: "split", componentId: "split" }, { id: "end" }));
    const run = await rushed(caller, flow, data);
    expect(run).toMatchObject({ status: "failed", error: { code: "STEP_LIMIT", step: "split" } });
    expect(statesOf(run)).toEqual({ split: { failed: 1 } });
  });

  it("MESSAGE_TOO_LARGE: a message that a step makes", async () => {
    const run = await rushed(caller, await activeFlow(caller, line(grow("one", "data.a"), grow("two", "data.b"))));
    expect(run).toMatchObject({ status: "failed", error: { code: "MESSAGE_TOO_LARGE", step: "two" } });
    expect(statesOf(run)).toEqual({ one: { done: 1 }, two: { failed: 1 } });
  });

  it("MESSAGE_TOO_LARGE: a list that is put together", async () => {
    const graph = graphOf("in>split split>grow grow>join join>end", {
      split: { componentId: "split" },
      grow: { ...transform("grow", "$pad('', 500000, 'x')") },
      join: { componentId: "aggregate", fields: { expression: "$count(data)" } },
    });
    const flow = await activeFlow(caller, graph);
    const many = await rushed(
      caller,
      flow,
      Array.from({ length: 40 }, (_, index) => index),
    );
    expect(many).toMatchObject({ status: "failed", error: { code: "MESSAGE_TOO_LARGE", step: "join" } });
    const few = await rushed(
      caller,
      flow,
      Array.from({ length: 20 }, (_, index) => index),
    );
    expect([few.status, cameTo(few, "end")]).toEqual(["completed", [20]]);
  });

  it("MESSAGE_TOO_DEEP: levels of a message", async () => {
    const deep = "[".repeat(limits.levels) + "]".repeat(limits.levels);
    replaceNetwork(() => new Response(deep, { headers: { "content-type": "application/json" } }));
    const graph = line({ id: "call", componentId: "http", fields: { url: "https://target.example/" } });
    const run = await rushed(caller, await activeFlow(caller, graph));
    expect(run).toMatchObject({ status: "failed", error: { code: "MESSAGE_TOO_DEEP", step: "call" } });
  });

  it("RUN_TIMEOUT: the time that the flow gives", async () => {
    const flow = await activeFlow(caller, line(wait, { id: "end" }), { flowSettings: { run: { timeout: 60 } } });
    const id = await begun(caller, flow);
    await rested(id);
    const alarm = await insideRun(id, ({ storage }) => storage.getAlarm());
    expect(alarm! - Date.now()).toBeLessThanOrEqual(60_000);
    await logged(id, "UPDATE run SET ends_by = ?", Date.now());
    await ringRun(id);
    const run = await runOf(caller, id);
    expect(run).toMatchObject({ status: "failed", error: { code: "RUN_TIMEOUT" } });
    expect(statesOf(run)).toEqual({ wait: { cancelled: 1 } });
  });

  it("RUN_TIMEOUT is at most 30 days, and what is no number means that", async () => {
    for (const timeout of [undefined, "long", 1e12, -1]) {
      const flow = await activeFlow(caller, line(wait), { flowSettings: { run: { timeout } } });
      const id = await begun(caller, flow);
      const [row] = await logged<{ days: number }>(id, "SELECT (ends_by - started_at) / 86400000.0 AS days FROM run");
      expect(row!.days).toBe(30);
    }
  });

  it("RUN_CRASHED: a run that is taken up again without getting on", async () => {
    const id = await begun(caller, await activeFlow(caller, line(wait, { id: "end" })));
    await rested(id);
    await logged(id, "UPDATE run SET wakes = 5");
    await ringRun(id);
    expect(await runOf(caller, id)).toMatchObject({ status: "failed", error: { code: "RUN_CRASHED" } });
  });
});

describe("a run that is cancelled", () => {
  it("ends although it waits, once, and tells it", async () => {
    const flow = await activeFlow(caller, line(wait, { id: "end" }));
    const id = await begun(caller, flow);
    await rested(id);
    const cancel = () => caller.call("cancelRun", { params: { id } });
    expect((await Promise.all([cancel(), cancel()])).map(({ status }) => status)).toEqual([200, 200]);
    const run = await ended(caller, id);
    expect([run.status, run.error, statesOf(run)]).toEqual(["cancelled", null, { wait: { cancelled: 1 } }]);
    expect((await cancel()).status).toBe(200);
    const list = await caller.call("listRuns", { params: { id: flow } });
    expect(list.body.data).toMatchObject([{ id, status: "cancelled" }]);
  });

  it("lets the step that is at work finish, and begins no other", async () => {
    const { answer, letGo, count } = heldAnswers();
    replaceNetwork(() => answer());
    const call = { id: "call", componentId: "http", fields: { url: "https://target.example/" } };
    const id = await begun(caller, await activeFlow(caller, line(call, { id: "end" })));
    await expect.poll(count).toBe(1);
    await caller.call("cancelRun", { params: { id } });
    expect((await runOf(caller, id)).status).toBe("running");
    letGo(1);
    const run = await ended(caller, id);
    expect([run.status, statesOf(run)]).toEqual(["cancelled", { call: { done: 1 }, end: { cancelled: 1 } }]);
  });

  it("is another's to nobody", async () => {
    const id = await begun(caller, await activeFlow(caller, line(wait)));
    const other = await someone();
    expect((await other.call("cancelRun", { params: { id } })).status).toBe(404);
    expect((await hurried(caller, id)).status).toBe("completed");
  });
});
