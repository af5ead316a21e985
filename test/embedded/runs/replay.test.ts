import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Caller } from "../../support/api.ts";
import { bringTo, someone } from "../../support/given.ts";
import { replaceNetwork } from "../../support/iam.ts";
import { activeFlow, cameTo, ended, graphOf, line, ran, statesOf } from "../../support/runs.ts";

let caller: Caller;
beforeEach(async () => {
  caller = await someone();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const call = (path = "{{$step.id}}") => ({
  componentId: "http",
  fields: { method: "POST", url: `https://target.example/${path}`, body: "{{data}}" },
});
const network = (...refused: string[]) => {
  const bad = new Set(refused);
  const asked = replaceNetwork(({ url, body }) =>
    bad.has(new URL(url).pathname.slice(1))
      ? new Response(null, { status: 400 })
      : Response.json({ path: new URL(url).pathname, body: JSON.parse(body) as unknown }),
  );
  return { asked, bad, called: () => asked.map(({ url }) => new URL(url).pathname.slice(1)) };
};
const replay = (id: string, body: object = {}, headers: Record<string, string> = {}) =>
  caller.call("replayRun", { params: { id }, body, headers });
async function replayed(id: string, body: object = {}) {
  const answer = await replay(id, body);
  expect(answer.status).toBe(201);
  return ended(caller, answer.body.data.id);
}
const abc = () => line({ id: "a", ...call() }, { id: "b", ...call() }, { id: "c", ...call() });

describe("a replay", () => {
  it("from the beginning is a new run with the same payload", async () => {
    const { called } = network();
    const first = await ran(caller, await activeFlow(caller, abc()), { n: 1 });
    const run = await replayed(first.id);
    expect(run).toMatchObject({
      status: "completed",
      trigger: "replay",
      replayOf: first.id,
      requestId: first.requestId,
    });
    expect(run.id).not.toBe(first.id);
    expect(run.items.map(({ input }: { input: unknown }) => input)).toEqual(
      first.items.map(({ input }: { input: unknown }) => input),
    );
    expect(called()).toEqual(["a", "b", "c", "a", "b", "c"]);
  });

  it("from a step uses what the steps before it made", async () => {
    const { asked, bad, called } = network("c");
    const first = await ran(caller, await activeFlow(caller, abc()), { n: 1 });
    expect(first.status).toBe("failed");
    bad.clear();
    const run = await replayed(first.id, { step: "c" });
    expect([run.status, statesOf(run)]).toEqual(["completed", { c: { done: 1 } }]);
    expect(called()).toEqual(["a", "b", "c", "c"]);
    expect(asked[3]!.body).toBe(asked[2]!.body);
    expect(asked[3]!.headers.get("idempotency-key")).toBe(`${run.id}/c/1`);
  });

  it("from a step repeats every message that came to it, and puts a list together again", async () => {
    const { called } = network();
    const graph = graphOf("in>split split>each each>join join>end", {
      split: { componentId: "split" },
      each: call("{{data}}"),
      join: { componentId: "aggregate", fields: { expression: "data.path" } },
    });
    const first = await ran(caller, await activeFlow(caller, graph), [1, 2, 3]);
    const run = await replayed(first.id, { step: "each" });
    expect(cameTo(run, "end")).toEqual([["/1", "/2", "/3"]]);
    expect(called().toSorted()).toEqual(["1", "1", "2", "2", "3", "3"]);
    const joined = await replayed(first.id, { step: "join" });
    expect(cameTo(joined, "end")).toEqual([["/1", "/2", "/3"]]);
    expect(called()).toHaveLength(6);
  });

  it.each([
    ["original", ["a", "b", "c"]],
    ["current", ["a", "b", "c", "d"]],
    [undefined, ["a", "b", "c", "d"]],
  ])("runs the document that is asked for: %s", async (version, steps) => {
    network();
    const flow = await activeFlow(caller, abc());
    const first = await ran(caller, flow, { n: 1 });
    const graph = line(...abc().nodes, { id: "d", ...call() });
    await env.DB.prepare("UPDATE flows SET document = json_set(document, '$.graph', json(?)) WHERE id = ?")
      .bind(JSON.stringify(graph), flow)
      .run();
    const run = await replayed(first.id, version === undefined ? {} : { version });
    expect(Object.keys(statesOf(run))).toEqual(steps);
  });

  it("of the present document fails at a step that it has no more", async () => {
    network();
    const flow = await activeFlow(caller, abc());
    const first = await ran(caller, flow, { n: 1 });
    const graph = line({ id: "x" }, { id: "y" });
    await env.DB.prepare("UPDATE flows SET document = json_set(document, '$.graph', json(?)) WHERE id = ?")
      .bind(JSON.stringify(graph), flow)
      .run();
    expect(await replayed(first.id, { step: "b", version: "current" })).toMatchObject({
      status: "failed",
      error: { code: "STEP_GONE", step: "b" },
    });
    expect(await replayed(first.id, { step: "b", version: "original" })).toMatchObject({ status: "completed" });
  });

  it("of a replay names the run that it repeats", async () => {
    network();
    const first = await ran(caller, await activeFlow(caller, abc()), { n: 1 });
    const second = await replayed(first.id, { step: "b" });
    const third = await replayed(second.id);
    expect([third.replayOf, Object.keys(statesOf(third))]).toEqual([second.id, ["b", "c"]]);
  });

  it("under an Idempotency-Key is one", async () => {
    const { called } = network();
    const first = await ran(caller, await activeFlow(caller, line({ id: "a", ...call() })), { n: 1 });
    const answers = await Promise.all([1, 2].map(() => replay(first.id, {}, { "idempotency-key": "again" })));
    const ids = new Set(answers.map(({ body }) => body.data.id));
    expect(ids.size).toBe(1);
    await ended(caller, [...ids][0]);
    expect(called()).toEqual(["a", "a"]);
  });

  it("is refused from a step that was never reached, of a flow that is not active, and of another's run", async () => {
    network("a");
    const flow = await activeFlow(caller, abc());
    const first = await ran(caller, flow, { n: 1 });
    for (const step of ["c", "none"]) {
      expect((await replay(first.id, { step })).body.errors[0].error).toBe("STEP_NOT_FOUND");
    }
    expect((await (await someone()).call("replayRun", { params: { id: first.id }, body: {} })).status).toBe(404);
    await bringTo(flow, { status: "inactive" });
    expect((await replay(first.id)).body.errors[0].error).toBe("FLOW_NOT_ACTIVE");
  });
});

describe("a replay of all that failed", () => {
  it("leaves out what was repeated", async () => {
    const { bad, called } = network("a");
    const flow = await activeFlow(caller, line({ id: "a", ...call() }));
    const failed = [await ran(caller, flow, 1), await ran(caller, flow, 2), await ran(caller, flow, 3)];
    bad.clear();
    await replayed(failed[1].id);
    const answer = await caller.call("replayFailedRuns", { params: { id: flow } });
    expect(answer.body.data.map(({ id }: { id: string }) => id)).toEqual([failed[0].id, failed[2].id]);
    for (const { run } of answer.body.data) expect((await ended(caller, run)).status).toBe("completed");
    expect((await caller.call("replayFailedRuns", { params: { id: flow } })).body.data).toEqual([]);
    expect(called()).toHaveLength(6);
  });
});
