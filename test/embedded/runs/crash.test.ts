import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";

import type { Caller } from "../../support/api.ts";
import { someone } from "../../support/given.ts";
import { replaceNetwork } from "../../support/iam.ts";
import {
  activeFlow,
  begun,
  crash,
  ended,
  freshRunId,
  graphOf,
  hasten,
  heldAnswers,
  hurried,
  insideRun,
  line,
  logged,
  rested,
  ringRun,
  runOf,
  startedAs,
  statesOf,
  wakeRun,
} from "../../support/runs.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const call = (id: string) => ({
  id,
  componentId: "http",
  fields: { method: "POST", url: `https://target.example/${id}` },
});
const pause = { componentId: "delay", fields: { seconds: 600 } };
const wait = { id: "wait", ...pause };
const pathsOf = (asked: readonly { url: string }[]) => asked.map(({ url }) => new URL(url).pathname.slice(1));

/** A run of two calls with a wait between; whatever calls `second` finds its run crashed as often as told. */
async function crashing(caller: Caller, times: number) {
  let left = times;
  let run = "";
  const asked = replaceNetwork(async ({ url }) => {
    if (!url.endsWith("/second") || left === 0) return Response.json({});
    left -= 1;
    await crash(run);
    // Nobody hears this any more.
    return new Promise<Response>(() => undefined);
  });
  const flow = await activeFlow(
    caller,
    line(call("first"), wait, call("second"), { id: "log", componentId: "log", fields: { message: "done" } }),
  );
  run = await begun(caller, flow);
  await rested(run);
  return { run, asked, crashes: () => times - left };
}

describe("a crash between an effect and its record", () => {
  it("has the alarm try the step again under the same key, and no other step", async () => {
    const caller = await someone();
    const { run, asked, crashes } = await crashing(caller, 1);
    await logged(run, "UPDATE items SET due_at = 0 WHERE due_at IS NOT NULL");
    await wakeRun(run);
    await expect.poll(crashes).toBe(1);
    const shown = await ended(caller, run);
    expect(shown.status).toBe("completed");
    expect(pathsOf(asked)).toEqual(["first", "second", "second"]);
    const keys = asked.map(({ headers }) => headers.get("idempotency-key"));
    expect(keys).toEqual([`${run}/first/1`, `${run}/second/3`, `${run}/second/3`]);
    expect(statesOf(shown)).toEqual({ first: { done: 1 }, wait: { done: 1 }, second: { done: 1 }, log: { done: 1 } });
  });

  it("again and again without getting on ends the run, and leaves what was done as it is", async () => {
    const caller = await someone();
    const { run, asked, crashes } = await crashing(caller, 100);
    for (let rings = 0; rings < 8 && (await runOf(caller, run)).status === "running"; rings += 1) await hasten(run);
    const shown = await ended(caller, run);
    expect(shown).toMatchObject({ status: "failed", error: { code: "RUN_CRASHED" } });
    expect(crashes()).toBe(6);
    expect(statesOf(shown)).toEqual({ first: { done: 1 }, wait: { done: 1 }, second: { cancelled: 1 } });
    expect(pathsOf(asked).filter((path) => path === "first")).toHaveLength(1);
  });

  it("counts anew once the run gets on", async () => {
    const caller = await someone();
    const { run } = await crashing(caller, 4);
    const shown = await hurried(caller, run);
    expect(shown.status).toBe("completed");
    expect(await logged(run, "SELECT wakes FROM run")).toEqual([{ wakes: 0 }]);
  });
});

describe("an object that was taken out of memory", () => {
  it("goes on from its log", async () => {
    const caller = await someone();
    const { run, asked } = await crashing(caller, 0);
    await evictDurableObject(env.RUN.getByName(run));
    const shown = await hurried(caller, run);
    expect(shown.status).toBe("completed");
    expect(pathsOf(asked)).toEqual(["first", "second"]);
  });

  it("has an alarm standing for its next message, and before its end always one", async () => {
    const caller = await someone();
    const { run } = await crashing(caller, 0);
    const next = (await rested(run))!;
    expect(next).toBeGreaterThan(Date.now() + 500_000);
    expect(await insideRun(run, ({ storage }) => storage.getAlarm())).toBe(next);
  });

  it("has its alarm stand after the end until the run is forgotten", async () => {
    const caller = await someone();
    const { run } = await crashing(caller, 0);
    await hurried(caller, run);
    const month = 30 * 24 * 3600_000;
    const alarm = () => insideRun(run, ({ storage }) => storage.getAlarm());
    await expect.poll(async () => (await alarm())! - Date.now()).toBeGreaterThan(month - 60_000);
    await logged(run, "UPDATE run SET ended_at = ended_at - ?", month + 1);
    await ringRun(run);
    expect((await caller.call("getRun", { params: { id: run } })).status).toBe(404);
    expect(
      await insideRun(run, ({ storage }) =>
        storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'items'").toArray(),
      ),
    ).toEqual([]);
  });
});

describe("a run of many slow steps", () => {
  it("takes a breath before its alarm runs out of time", async () => {
    let later = 0;
    const clock = Date.now.bind(Date);
    vi.spyOn(Date, "now").mockImplementation(() => clock() + later);
    const asked = replaceNetwork(() => {
      later += 301_000;
      return Response.json({});
    });
    const caller = await someone();
    const run = await begun(caller, await activeFlow(caller, line(call("a"), call("b"), call("c"))));
    for (const paths of [["a"], ["a", "b"], ["a", "b", "c"]]) {
      const alarm = () => insideRun(run, ({ storage }) => storage.getAlarm());
      await expect.poll(async () => Math.abs((await alarm())! - Date.now()) < 5000).toBe(true);
      expect(pathsOf(asked)).toEqual(paths);
      expect((await runOf(caller, run)).status).toBe("running");
      await hasten(run);
    }
    expect((await ended(caller, run)).status).toBe("completed");
  });
});

describe("a fault of ours at one message", () => {
  it("lets the others finish before the run is taken up again, and calls nothing twice", async () => {
    const caller = await someone();
    const { answer, letGo, count } = heldAnswers();
    const asked = replaceNetwork(() => answer());
    const graph = graphOf("in>go in>stop go>a go>b", { go: pause, stop: pause, a: call("a"), b: call("b") });
    const run = await begun(caller, await activeFlow(caller, graph));
    await rested(run);
    await logged(run, "UPDATE items SET due_at = 0 WHERE step = 'go'");
    await wakeRun(run);
    await expect.poll(count).toBe(2);
    await logged(run, "UPDATE items SET due_at = 0, input = -input WHERE step = 'stop'");
    letGo(2);
    await expect
      .poll(() => logged(run, "SELECT 1 AS one FROM items WHERE state = 'done' AND step IN ('a', 'b')"))
      .toHaveLength(1);
    await wakeRun(run);
    await scheduler.wait(50);
    expect(count()).toBe(2);
    letGo(1);
    await expect
      .poll(() => logged(run, "SELECT 1 AS one FROM items WHERE state = 'done' AND step IN ('a', 'b')"))
      .toHaveLength(2);
    await logged(run, "UPDATE items SET input = -input WHERE step = 'stop'");
    expect((await hurried(caller, run)).status).toBe("completed");
    expect(pathsOf(asked).toSorted()).toEqual(["a", "b"]);
  });
});

describe("what comes twice", () => {
  it("an alarm, also while the first is at work, does each step once", async () => {
    const caller = await someone();
    const { run, asked } = await crashing(caller, 0);
    await logged(run, "UPDATE items SET due_at = 0 WHERE due_at IS NOT NULL");
    await Promise.all([ringRun(run), ringRun(run), ringRun(run)]);
    await ringRun(run);
    const shown = await ended(caller, run);
    expect(shown.status).toBe("completed");
    expect(pathsOf(asked)).toEqual(["first", "second"]);
  });

  it("a beginning under the same id is one run, also after its end", async () => {
    const caller = await someone();
    const asked = replaceNetwork(() => Response.json({}));
    const flow = await activeFlow(caller, line(call("first")));
    const id = freshRunId(flow);
    const start = () => startedAs(caller, flow, line(call("first")), id);
    await Promise.all([start(), start(), start()]);
    await ended(caller, id);
    await start();
    expect(pathsOf(asked)).toEqual(["first"]);
    const list = await caller.call("listRuns", { params: { id: flow } });
    expect(list.body.data).toMatchObject([{ id, status: "completed" }]);
  });

  it("a result that comes after another try was begun is left unwritten", async () => {
    const caller = await someone();
    const { answer, letGo, count } = heldAnswers();
    const asked = replaceNetwork(() => answer());
    const graph = {
      nodes: [call("begin"), call("slow"), call("quick"), call("after")],
      edges: [
        { source: "begin", target: "slow" },
        { source: "begin", target: "quick" },
        { source: "slow", target: "after" },
      ],
    };
    const run = await begun(caller, await activeFlow(caller, graph));
    const isAsked = (calls: number) => expect.poll(count).toBe(calls);
    letGo(1);
    await isAsked(3);
    letGo(3);
    await expect.poll(async () => statesOf(await runOf(caller, run))["quick"]).toEqual({ done: 1 });
    await logged(run, "UPDATE run SET ends_by = 0");
    await ringRun(run);
    expect((await ended(caller, run)).status).toBe("failed");
    expect((await caller.call("restartRun", { params: { id: run } })).status).toBe(200);
    await isAsked(4);
    letGo(2);
    await scheduler.wait(10);
    expect(await logged(run, "SELECT state FROM items WHERE step = 'slow'")).toEqual([{ state: "due" }]);
    letGo(4, 5);
    const shown = await ended(caller, run);
    expect(shown.status).toBe("completed");
    expect(pathsOf(asked)).toEqual(["begin", "slow", "quick", "slow", "after"]);
    expect(await logged(run, "SELECT sum(open) AS open FROM scopes")).toEqual([{ open: 0 }]);
    expect(statesOf(shown)["after"]).toEqual({ done: 1 });
  });
});
