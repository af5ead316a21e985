import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Caller } from "../../support/api.ts";
import { brokenDatabase } from "../../support/faults.ts";
import { someone } from "../../support/given.ts";
import { replaceNetwork } from "../../support/iam.ts";
import {
  activeFlow,
  begun,
  crash,
  ended,
  graphOf,
  hasten,
  heldAnswers,
  insideRun,
  logged,
  ran,
  rebindRun,
  rested,
  ringRun,
  runOf,
  startedAs,
  statesOf,
} from "../../support/runs.ts";

let caller: Caller;
beforeEach(async () => {
  caller = await someone();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const call = (path: string) => ({
  componentId: "http",
  fields: { method: "POST", url: `https://target.example/${path}`, into: "metadata.answer" },
});
const pause = { componentId: "delay", fields: { seconds: 600 } };

describe("beside a step that is slow", () => {
  it("what becomes due meanwhile goes on", async () => {
    const { answer, letGo, count } = heldAnswers();
    replaceNetwork(({ url }) => (url.endsWith("slow") ? answer() : Response.json({})));
    const graph = graphOf("in>slow in>wait wait>quick", { slow: call("slow"), wait: pause, quick: call("quick") });
    const run = await begun(caller, await activeFlow(caller, graph));
    await expect.poll(count).toBe(1);
    await expect.poll(async () => statesOf(await runOf(caller, run))["wait"]).toEqual({ waiting: 1 });
    await logged(run, "UPDATE items SET due_at = 0 WHERE step = 'wait'");
    // Nobody rings: the object looks by itself.
    await expect.poll(async () => statesOf(await runOf(caller, run))["quick"], { timeout: 5000 }).toEqual({ done: 1 });
    letGo(1);
    expect((await ended(caller, run)).status).toBe("completed");
  });

  it("a run whose time is over ends", async () => {
    const { answer, letGo, count } = heldAnswers();
    replaceNetwork(() => answer());
    const run = await begun(caller, await activeFlow(caller, graphOf("in>slow", { slow: call("slow") })));
    await expect.poll(count).toBe(1);
    await logged(run, "UPDATE run SET ends_by = 0");
    await ringRun(run);
    const shown = await ended(caller, run);
    expect(shown).toMatchObject({ status: "failed", error: { code: "RUN_TIMEOUT" } });
    letGo(1);
  });

  it("a cancelled run begins nothing, and writes down what its steps at work come to", async () => {
    const { answer, letGo, count } = heldAnswers();
    replaceNetwork(() => answer());
    const graph = graphOf("in>one in>two one>after two>after", {
      one: call("one"),
      two: call("two"),
      after: call("after"),
    });
    const run = await begun(caller, await activeFlow(caller, graph));
    await expect.poll(count).toBe(2);
    await caller.call("cancelRun", { params: { id: run } });
    letGo(1);
    await expect.poll(async () => statesOf(await runOf(caller, run))["one"]).toEqual({ done: 1 });
    expect(await runOf(caller, run)).toMatchObject({ status: "running" });
    letGo(2);
    const shown = await ended(caller, run);
    expect(shown.status).toBe("cancelled");
    expect(statesOf(shown)).toEqual({ in: { done: 1 }, one: { done: 1 }, two: { done: 1 }, after: { cancelled: 2 } });
    expect(count()).toBe(2);
  });
});

const listed = async (flow: string) => (await caller.call("listRuns", { params: { id: flow } })).body.data;

describe("a run of whose beginning the list did not hear", () => {
  it("is told of when it is looked at again, and once", async () => {
    replaceNetwork(() => Response.json({}));
    const graph = graphOf("in>wait wait>quick", { in: {}, wait: pause, quick: call("quick") });
    const flow = await activeFlow(caller, graph);
    const run = await begun(caller, flow);
    await rested(run);
    await env.DB.prepare("DELETE FROM runs WHERE flow_id = ?").bind(flow).run();
    await crash(run);
    await ringRun(run);
    expect(await listed(flow)).toMatchObject([{ id: run, status: "running" }]);
    await crash(run);
    await ringRun(run);
    expect(await listed(flow)).toMatchObject([{ id: run, status: "running" }]);
    await hasten(run);
    await ended(caller, run);
    await expect.poll(() => listed(flow)).toMatchObject([{ id: run, status: "completed" }]);
  });

  it("is looked at again soon", async () => {
    const graph = graphOf("in>wait", { in: {}, wait: pause });
    const flow = await activeFlow(caller, graph);
    const id = `run_${flow}_${"0".repeat(28)}`;
    await rebindRun(id, { DB: brokenDatabase() });
    await startedAs(caller, flow, graph, id);
    await rested(id);
    const alarm = () => insideRun(id, ({ storage }) => storage.getAlarm());
    await expect.poll(async () => (await alarm())! - Date.now()).toBeLessThan(10_000);
    await crash(id);
    await ringRun(id);
    expect(await listed(flow)).toMatchObject([{ id, status: "running" }]);
  });
});

describe("restarts of a run that put together a part of a list", () => {
  it("leave the count of what is missing in the scope around it as it was", async () => {
    const bad = new Set(["/b"]);
    replaceNetwork(({ url }) => new Response(null, { status: bad.has(new URL(url).pathname) ? 400 : 200 }));
    const item = {
      ...call(""),
      fields: { method: "POST", url: "https://target.example/{{data}}", into: "metadata.a" },
    };
    const graph = graphOf("in>outer outer>inner inner>item item>part part>whole", {
      outer: { componentId: "split" },
      inner: { componentId: "split" },
      item,
      part: { componentId: "aggregate", fields: { partial: true } },
      whole: { componentId: "aggregate" },
    });
    const flow = await activeFlow(caller, graph);
    const { id } = await ran(caller, flow, [["a", "b"]]);
    for (let times = 0; times < 2; times += 1) {
      await caller.call("restartRun", { params: { id } });
      expect((await ended(caller, id)).status).toBe("failed");
    }
    expect(await logged(id, "SELECT id, open, failed FROM scopes ORDER BY id")).toMatchObject([
      { open: 0, failed: 0 },
      { open: 0, failed: 0 },
      { open: 0, failed: 1 },
    ]);
    bad.clear();
    await caller.call("restartRun", { params: { id } });
    expect((await ended(caller, id)).status).toBe("completed");
  });
});
