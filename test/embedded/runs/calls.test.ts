import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Caller } from "../../support/api.ts";
import { bringTo, newId, someone } from "../../support/given.ts";
import { replaceNetwork } from "../../support/iam.ts";
import {
  activeFlow,
  begun,
  crash,
  cameTo,
  ended,
  hurried,
  insideRun,
  line,
  logged,
  ran,
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

const double = line({ id: "double", componentId: "transform", fields: { expression: "data.n * 2" } });
const slow = line({ id: "wait", componentId: "delay", fields: { seconds: 600 } }, { id: "pass" });
const calling = (flow: string, fields: object = {}, more: object = {}) =>
  activeFlow(caller, line({ id: "call", componentId: "flow", fields: { flow, ...fields }, ...more }, { id: "end" }));
const runsOf = async (flow: string, by = caller) => (await by.call("listRuns", { params: { id: flow } })).body.data;
const onlyRunOf = async (flow: string): Promise<string> => {
  const runs = await runsOf(flow);
  expect(runs).toHaveLength(1);
  return runs[0].id;
};

const call = (path: string) => ({
  id: path,
  componentId: "http",
  fields: { url: `https://target.example/${path}` },
});

describe("a flow that calls another", () => {
  it("goes on with what that one ended with, at once", async () => {
    const flow = await activeFlow(caller, double);
    const run = await ran(caller, await calling(flow), { n: 4 });
    expect(run).toMatchObject({ status: "completed", error: null });
    expect(cameTo(run, "end")).toEqual([8]);
    expect(await runsOf(flow)).toMatchObject([{ status: "completed", trigger: "flow", requestId: run.requestId }]);
  });

  it.each([
    [
      "what it replied",
      line(
        { id: "reply", componentId: "reply", fields: { body: { ok: true } } },
        { id: "later", componentId: "transform", fields: { expression: "1" } },
      ),
      { ok: true },
    ],
    ["the text that it replied", line({ id: "reply", componentId: "reply", fields: { body: "fine" } }), "fine"],
    ["nothing, of one that filtered", line({ id: "no", componentId: "filter", fields: { condition: "false" } }), null],
  ])("gets %s", async (_, graph, data) => {
    const run = await ran(caller, await calling(await activeFlow(caller, graph)), {});
    expect([run.status, cameTo(run, "end")]).toEqual(["completed", [data]]);
  });

  it("hands over what it is told, and puts the result where it is told", async () => {
    const flow = await activeFlow(caller, double);
    const run = await ran(caller, await calling(flow, { payload: { n: "{{data.m + 1}}" }, into: "data.twice" }), {
      m: 2,
    });
    expect(cameTo(run, "end")).toEqual([{ m: 2, twice: 6 }]);
  });

  it("does not wait where it is told not to", async () => {
    const flow = await activeFlow(caller, slow);
    const run = await ran(caller, await calling(flow, { wait: false }), { n: 1 });
    expect([run.status, cameTo(run, "end")]).toEqual(["completed", [{ n: 1 }]]);
    const called = await onlyRunOf(flow);
    expect(await hurried(caller, called)).toMatchObject({ status: "completed", trigger: "flow" });
  });

  it("is told of the end although its object was taken out of memory", async () => {
    const flow = await activeFlow(caller, slow);
    const id = await begun(caller, await calling(flow), { n: 1 });
    await rested(id);
    await evictDurableObject(env.RUN.getByName(id));
    await hurried(caller, await onlyRunOf(flow));
    const run = await ended(caller, id);
    expect([run.status, cameTo(run, "end")]).toEqual(["completed", [{ n: 1 }]]);
  });

  it("looks for the end itself if nobody told it", async () => {
    const flow = await activeFlow(caller, slow);
    const id = await begun(caller, await calling(flow), { n: 1 });
    expect((await rested(id))! - Date.now()).toBeLessThanOrEqual(60_000);
    const called = await onlyRunOf(flow);
    await insideRun(called, ({ storage }) => {
      storage.sql.exec("UPDATE run SET facts = json_remove(facts, '$.calledBy')");
    });
    await crash(called);
    await hurried(caller, called);
    expect(await runOf(caller, id)).toMatchObject({ status: "running", items: [{ state: "waiting" }] });
    expect(await hurried(caller, id)).toMatchObject({ status: "completed" });
  });

  it("is told twice and goes on once", async () => {
    const flow = await activeFlow(caller, slow);
    const id = await begun(caller, await calling(flow), { n: 1 });
    await rested(id);
    const called = await onlyRunOf(flow);
    await hurried(caller, called);
    await logged(called, "UPDATE run SET told = 0");
    await ringRun(called);
    const run = await ended(caller, id);
    expect(statesOf(run)).toEqual({ call: { done: 1 }, end: { done: 1 } });
  });

  it("goes on at once when that one ended before its call was written down", async () => {
    const flow = await activeFlow(caller, slow);
    const id = await begun(caller, await calling(flow), { n: 1 });
    const later = (await rested(id))! + 3_600_000;
    await logged(id, "UPDATE items SET state = 'due', memo = NULL, due_at = ? WHERE step = 'call'", later);
    await hurried(caller, await onlyRunOf(flow));
    const run = await ended(caller, id);
    expect([run.status, cameTo(run, "end")]).toEqual(["completed", [{ n: 1 }]]);
  });

  it("begins one run, however often the step is tried", async () => {
    const flow = await activeFlow(caller, slow);
    const id = await begun(caller, await calling(flow), { n: 1 });
    await rested(id);
    await logged(id, "UPDATE items SET state = 'due', memo = NULL, due_at = 0 WHERE step = 'call'");
    await ringRun(id);
    await hurried(caller, await onlyRunOf(flow));
    expect((await ended(caller, id)).status).toBe("completed");
  });

  it("fails where that one failed, and is taken up again together with it", async () => {
    let status = 400;
    const asked = replaceNetwork(({ url }) => new Response(null, { status: url.endsWith("/b") ? status : 200 }));
    const flow = await activeFlow(caller, line(call("a"), call("b")));
    const run = await ran(caller, await calling(flow), {});
    expect(run).toMatchObject({ status: "failed", error: { code: "CALLED_FLOW_FAILED", step: "call" } });
    const called = await onlyRunOf(flow);
    expect(run.error.message).toContain(called);
    status = 200;
    expect((await caller.call("restartRun", { params: { id: run.id } })).status).toBe(200);
    expect(await ended(caller, run.id)).toMatchObject({ status: "completed", error: null });
    expect(await onlyRunOf(flow)).toBe(called);
    expect(await runsOf(flow)).toMatchObject([{ status: "completed" }]);
    expect(asked.map(({ url }) => url.at(-1))).toEqual(["a", "b", "b"]);
  });

  it("is refused a flow that is not its starter's, not active, or none", async () => {
    const other = await someone();
    const foreign = await activeFlow(other, double);
    const inactive = await activeFlow(caller, double);
    await bringTo(inactive, { status: "inactive" });
    for (const flow of [foreign, inactive, newId(), "none"]) {
      const run = await rushed(caller, await calling(flow), {});
      expect(run).toMatchObject({
        status: "failed",
        error: { code: "CALLED_FLOW_UNKNOWN", step: "call" },
        items: [{ attempts: 1 }],
      });
    }
    expect(await runsOf(foreign, other)).toEqual([]);
  });

  it("may call a flow of the starter's tenant", async () => {
    const colleague = await someone({ tenant: caller.tenant! });
    const flow = await activeFlow(colleague, double);
    expect(await ran(caller, await calling(flow), { n: 1 })).toMatchObject({ status: "completed" });
  });

  it("ends ten deep", async () => {
    const flow = await calling(newId());
    const node = JSON.stringify({ flow });
    await env.DB.prepare(
      "UPDATE flows SET document = json_set(document, '$.graph.nodes[0].fields', json(?)) WHERE id = ?",
    )
      .bind(node, flow)
      .run();
    const run = await ran(caller, flow, {});
    expect(run).toMatchObject({ status: "failed", error: { code: "CALLED_FLOW_FAILED" } });
    const runs = await runsOf(flow);
    expect(runs).toHaveLength(11);
    const codes = runs.map(({ error }: { error: { code: string } }) => error.code);
    expect(codes.filter((code: string) => code === "CALL_DEPTH")).toHaveLength(1);
  });

  it("stays as it is when a run that it called is cancelled but for its own end", async () => {
    const flow = await activeFlow(caller, slow);
    const id = await begun(caller, await calling(flow, {}, { nodeSettings: { onError: "continue" } }), { n: 1 });
    await rested(id);
    await caller.call("cancelRun", { params: { id: await onlyRunOf(flow) } });
    const run = await ended(caller, id);
    expect([run.status, cameTo(run, "end")]).toEqual(["completed", [{ n: 1 }]]);
  });
});
