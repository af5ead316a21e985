import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Caller } from "../../support/api.ts";
import { bringTo, someone } from "../../support/given.ts";
import { replaceNetwork } from "../../support/iam.ts";
import {
  activeFlow,
  begun,
  cameTo,
  ended,
  graphOf,
  hasten,
  inOrder,
  line,
  logged,
  ran,
  rested,
  ringRun,
  rushed,
  runOf,
  statesOf,
} from "../../support/runs.ts";

let caller: Caller;
beforeEach(async () => {
  caller = await someone();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const call = (path = "{{$step.id}}") => ({
  componentId: "http",
  fields: { method: "POST", url: `https://target.example/${path}`, body: "{{data}}", into: "metadata.answer" },
});
const split = { componentId: "split" };
const aggregate = (fields: object = {}) => ({ componentId: "aggregate", fields });

/** A target that refuses what is named, until it is not any more. */
function target(...refused: string[]) {
  const bad = new Set(refused);
  const asked = replaceNetwork(
    ({ url }) => new Response(null, { status: bad.has(new URL(url).pathname.slice(1)) ? 400 : 200 }),
  );
  return { bad, called: () => asked.map(({ url }) => new URL(url).pathname.slice(1)) };
}

const restart = (id: string) => caller.call("restartRun", { params: { id } });
async function restarted(id: string) {
  expect((await restart(id)).status).toBe(200);
  return ended(caller, id);
}
const openScopes = (id: string) => logged(id, "SELECT id, open, failed FROM scopes WHERE open <> 0 OR failed <> 0");

describe("a restart", () => {
  it("tries what failed and what follows it, in the same run", async () => {
    const { bad, called } = target("b");
    const flow = await activeFlow(caller, graphOf("a>b b>c a>d", { a: call(), b: call(), c: call(), d: call() }));
    const failed = await ran(caller, flow, { n: 1 });
    expect([failed.status, statesOf(failed)["b"]]).toEqual(["failed", { failed: 1 }]);
    bad.clear();
    const run = await restarted(failed.id);
    expect(run).toMatchObject({ id: failed.id, status: "completed", error: null, startedAt: failed.startedAt });
    expect(called().toSorted()).toEqual(["a", "b", "b", "c", "d"]);
    expect(await openScopes(run.id)).toEqual([]);
    expect((await caller.call("listRuns", { params: { id: flow } })).body.data).toMatchObject([
      { id: run.id, status: "completed", error: null },
    ]);
  });

  it("has as many tries as the first time, each time", async () => {
    const asked = replaceNetwork(() => new Response(null, { status: 503 }));
    const run = await rushed(caller, await activeFlow(caller, line({ id: "a", ...call() })));
    expect(asked).toHaveLength(3);
    for (const calls of [6, 9]) {
      await restart(run.id);
      for (let tries = 0; tries < 3; tries += 1) {
        await rested(run.id);
        if ((await runOf(caller, run.id)).status === "running") await hasten(run.id);
      }
      expect(await ended(caller, run.id)).toMatchObject({ status: "failed", error: { code: "HTTP_STATUS" } });
      expect(asked).toHaveLength(calls);
    }
  });

  it("of two at once is one", async () => {
    const { bad, called } = target("a");
    const run = await ran(caller, await activeFlow(caller, line({ id: "a", ...call() }, { id: "b", ...call() })), {});
    bad.clear();
    const answers = await Promise.all([restart(run.id), restart(run.id)]);
    expect(inOrder(answers.map(({ status }) => status))).toEqual([200, 409]);
    expect((await ended(caller, run.id)).status).toBe("completed");
    expect(called()).toEqual(["a", "a", "b"]);
  });

  it.each(["completed", "filtered"])("of a run that ended %s is refused", async (status) => {
    const condition = status === "completed" ? "true" : "false";
    const flow = await activeFlow(caller, line({ id: "a", componentId: "filter", fields: { condition } }));
    const run = await ran(caller, flow, {});
    expect(run.status).toBe(status);
    const answer = await restart(run.id);
    expect([answer.status, answer.body.errors[0].error]).toEqual([409, "RUN_NOT_FAILED"]);
  });

  it("of a run under way, of a flow that is not active, and of another's run is refused", async () => {
    const flow = await activeFlow(caller, line({ id: "wait", componentId: "delay", fields: { seconds: 60 } }));
    const id = await begun(caller, flow);
    expect((await restart(id)).status).toBe(409);
    expect((await (await someone()).call("restartRun", { params: { id } })).status).toBe(404);
    await bringTo(flow, { status: "inactive" });
    expect((await restart(id)).body.errors[0].error).toBe("FLOW_NOT_ACTIVE");
  });

  it.each([
    [
      "cancelled",
      async (id: string) => {
        await caller.call("cancelRun", { params: { id } });
      },
    ],
    [
      "failed",
      async (id: string) => {
        await logged(id, "UPDATE run SET ends_by = 0");
        await ringRun(id);
      },
    ],
  ] as const)("of a run that was cut off goes on where it was: %s", async (status, end) => {
    const { called } = target();
    const graph = graphOf("a>wait a>b wait>c", {
      a: call(),
      b: call(),
      c: call(),
      wait: { componentId: "delay", fields: { seconds: 60 } },
    });
    const id = await begun(caller, await activeFlow(caller, graph));
    await rested(id);
    await end(id);
    expect((await ended(caller, id)).status).toBe(status);
    expect((await restart(id)).status).toBe(200);
    await rested(id);
    await hasten(id);
    const run = await ended(caller, id);
    expect([run.status, run.error]).toEqual(["completed", null]);
    expect(called().toSorted()).toEqual(["a", "b", "c"]);
    expect(await openScopes(id)).toEqual([]);
  });
});

describe("a restart of a list", () => {
  const square = "in>split split>each each>join join>end";

  it("puts it together once all of it is there, in its order", async () => {
    const { bad, called } = target("2", "3");
    const graph = graphOf(square, { split, each: call("{{data}}"), join: aggregate() });
    const failed = await ran(caller, await activeFlow(caller, graph), [1, 2, 3, 4]);
    expect(statesOf(failed)["join"]).toEqual({ gathered: 2, failed: 1 });
    bad.delete("2");
    const half = await restarted(failed.id);
    expect([half.status, statesOf(half)["join"]]).toEqual(["failed", { gathered: 3, failed: 1 }]);
    bad.delete("3");
    const run = await restarted(failed.id);
    expect([run.status, cameTo(run, "end")]).toEqual(["completed", [[1, 2, 3, 4]]]);
    expect(called().toSorted()).toEqual(["1", "2", "2", "3", "3", "3", "4"]);
    expect(await openScopes(run.id)).toEqual([]);
  });

  it("puts it together by each of two ways", async () => {
    const { bad } = target("2");
    const graph = graphOf("in>split split>each each>one each>two one>end two>end", {
      split,
      each: call("{{data}}"),
      one: aggregate(),
      two: aggregate(),
    });
    const failed = await ran(caller, await activeFlow(caller, graph), [1, 2]);
    expect([statesOf(failed)["one"], statesOf(failed)["two"]]).toEqual([
      { gathered: 1, failed: 1 },
      { gathered: 1, failed: 1 },
    ]);
    bad.clear();
    const run = await restarted(failed.id);
    expect([run.status, cameTo(run, "end")]).toEqual([
      "completed",
      [
        [1, 2],
        [1, 2],
      ],
    ]);
    expect(await openScopes(run.id)).toEqual([]);
  });

  it.each([
    ["each put together", "in>outer outer>inner inner>each each>join join>all all>end", [[[1, 2], [3], [4, 5]]]],
    ["put together as one", "in>outer outer>inner outer>all inner>each all>end", [[[1, 2], [3], [4, 5]]]],
    ["not put together", "in>outer outer>inner inner>each each>end", [1, 2, 3, 4, 5]],
  ])("within a list goes on in both: %s", async (_, edges, came) => {
    const { bad, called } = target("2", "4");
    const graph = graphOf(edges, {
      outer: split,
      inner: split,
      each: call("{{data}}"),
      join: aggregate(),
      all: aggregate(),
    });
    const failed = await ran(caller, await activeFlow(caller, graph), [[1, 2], [3], [4, 5]]);
    expect(failed.status).toBe("failed");
    bad.delete("4");
    expect((await restarted(failed.id)).status).toBe("failed");
    bad.clear();
    const run = await restarted(failed.id);
    expect([run.status, inOrder(cameTo(run, "end"))]).toEqual(["completed", came]);
    expect(called().toSorted()).toEqual(["1", "2", "2", "2", "3", "4", "4", "5"]);
    expect(await openScopes(run.id)).toEqual([]);
  });

  it("does not put together again what was put together", async () => {
    const { bad, called } = target("end");
    const graph = graphOf("in>split split>each each>join join>last", {
      split,
      each: call("{{data}}"),
      join: aggregate(),
      last: call("end"),
    });
    const failed = await ran(caller, await activeFlow(caller, graph), [1, 2]);
    bad.clear();
    const run = await restarted(failed.id);
    expect([run.status, statesOf(run)["join"]]).toEqual(["completed", { gathered: 2, done: 1 }]);
    expect(called().toSorted()).toEqual(["1", "2", "end", "end"]);
  });

  it("tries again what could not be put together for another reason", async () => {
    const graph = graphOf("in>split split>join join>end", { split, join: aggregate({ expression: "$error('no')" }) });
    const failed = await ran(caller, await activeFlow(caller, graph), [1, 2]);
    expect(failed.error).toMatchObject({ code: "EXPRESSION_FAILED", step: "join" });
    const run = await restarted(failed.id);
    expect([run.status, statesOf(run)["join"]]).toEqual(["failed", { gathered: 2, failed: 1 }]);
    expect((await logged<{ open: number }>(run.id, "SELECT sum(open) AS open FROM scopes"))[0]!.open).toBe(0);
  });
});
