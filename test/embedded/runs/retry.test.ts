import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Caller } from "../../support/api.ts";
import { someone } from "../../support/given.ts";
import { replaceNetwork } from "../../support/iam.ts";
import {
  activeFlow,
  begun,
  cameTo,
  ended,
  hasten,
  hurried,
  line,
  logged,
  rested,
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

const url = "https://target.example/orders";
const flowWith = (settings: object = {}, fields: object = {}) =>
  activeFlow(
    caller,
    line(
      { id: "call", componentId: "http", fields: { url, method: "POST", ...fields }, nodeSettings: settings },
      { id: "end" },
    ),
  );

/** Seconds for which a run waits, from the end of its last try on, however long ago that was. */
const waits = async (run: string): Promise<number> => {
  const due = (await rested(run))!;
  const text = "SELECT began_at + ms AS at FROM items WHERE due_at = ?";
  const [tried] = await logged<{ at: number }>(run, text, due);
  return Math.round((due - tried!.at) / 100) / 10;
};

/** Begins a run and answers how many seconds it waits before each further try. */
async function delays(flow: string, tries: number): Promise<number[]> {
  const run = await begun(caller, flow);
  const found: number[] = [];
  for (let tried = 1; tried < tries; tried += 1) {
    found.push(await waits(run));
    await hasten(run);
  }
  await ended(caller, run);
  return found;
}

describe("a status", () => {
  it.each([408, 429, 500, 502, 503, 504, 507, 599])("%i is tried again, and then done", async (status) => {
    let calls = 0;
    const asked = replaceNetwork(() => new Response(null, { status: (calls += 1) < 3 ? status : 200 }));
    const run = await rushed(caller, await flowWith());
    expect(run).toMatchObject({ status: "completed", error: null, items: [{ attempts: 3, error: null }, {}] });
    expect(new Set(asked.map(({ headers }) => headers.get("idempotency-key")))).toEqual(new Set([`${run.id}/call/1`]));
  });

  it.each([400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 501, 505])("%i fails at once", async (status) => {
    const asked = replaceNetwork(() => new Response("why", { status }));
    const run = await rushed(caller, await flowWith());
    const error = { code: "HTTP_STATUS", message: `POST target.example answered ${status}. why`, step: "call" };
    expect(run).toMatchObject({ status: "failed", error, items: [{ attempts: 1, state: "failed" }] });
    expect(asked).toHaveLength(1);
  });

  it("that stays fails after three tries", async () => {
    const asked = replaceNetwork(() => new Response(null, { status: 503 }));
    const run = await rushed(caller, await flowWith());
    expect(run).toMatchObject({ status: "failed", error: { code: "HTTP_STATUS" }, items: [{ attempts: 3 }] });
    expect(asked).toHaveLength(3);
  });
});

describe("a fault that is no answer", () => {
  it("of the network is tried again", async () => {
    let calls = 0;
    replaceNetwork(() => {
      calls += 1;
      if (calls < 3) throw new TypeError("connection refused");
      return Response.json({});
    });
    expect(await rushed(caller, await flowWith())).toMatchObject({ status: "completed", items: [{ attempts: 3 }, {}] });
  });

  it("shows itself while the step waits for its next try", async () => {
    replaceNetwork(() => {
      throw new TypeError("connection refused: secret address");
    });
    const id = await begun(caller, await flowWith());
    await rested(id);
    const run = await runOf(caller, id);
    const error = { code: "HTTP_NETWORK", message: "https://target.example could not be reached." };
    expect(run).toMatchObject({ status: "running", waiting: true, items: [{ state: "due", attempts: 1, error }] });
    expect(await hurried(caller, id)).toMatchObject({ status: "failed", error: { ...error, step: "call" } });
  });

  it("a timeout is tried again", async () => {
    let calls = 0;
    replaceNetwork(async () => {
      calls += 1;
      if (calls === 1) await scheduler.wait(300);
      return Response.json({});
    });
    const id = await begun(caller, await flowWith({}, { timeout: 0.1 }));
    await rested(id);
    expect((await runOf(caller, id)).items[0].error.code).toBe("HTTP_TIMEOUT");
    expect(await hurried(caller, id)).toMatchObject({ status: "completed", items: [{ attempts: 2 }, {}] });
  });
});

const failing = (headers: Record<string, string> = {}) =>
  replaceNetwork(() => new Response(null, { status: 503, headers }));

describe("the time between tries", () => {
  it("is by default five seconds, then ten, by chance up to a fifth less", async () => {
    failing();
    const chance = vi.spyOn(Math, "random");
    chance.mockReturnValue(1);
    expect(await delays(await flowWith(), 3)).toEqual([5, 10]);
    chance.mockReturnValue(0);
    expect(await delays(await flowWith(), 3)).toEqual([4, 8]);
  });

  it.each([
    [{ attempts: 1 }, 1, []],
    [{ attempts: 2, delay: 1, jitter: 0 }, 2, [1]],
    [{ attempts: 4, delay: 2, factor: 3, jitter: 0 }, 4, [2, 6, 18]],
    [{ attempts: 4, delay: 20, factor: 10, jitter: 0, most: 60 }, 4, [20, 60, 60]],
    [{ attempts: 3, delay: 0, jitter: 0 }, 3, []],
    [{ attempts: 99, delay: "soon", jitter: 0 }, 3, [5, 10]],
  ])("is as the step says: %j", async (retry, tries, expected) => {
    const asked = failing();
    expect(expected.length === 0 ? [] : await delays(await flowWith({ retry }), tries)).toEqual(expected);
    if (expected.length === 0) await rushed(caller, await flowWith({ retry }));
    expect(asked).toHaveLength(tries);
  });

  it.each([
    ["90", 90],
    ["1", 5],
    ["100000", 300],
    ["soon", 5],
  ])("obeys a Retry-After of %s", async (value, expected) => {
    failing({ "retry-after": value });
    const retry = { attempts: 2, jitter: 0 };
    expect(await delays(await flowWith({ retry }), 2)).toEqual([expected]);
  });

  it("obeys a Retry-After that is a date", async () => {
    failing({ "retry-after": new Date(Date.now() + 120_000).toUTCString() });
    const [found] = await delays(await flowWith({ retry: { attempts: 2, jitter: 0 } }), 2);
    expect(found).toBeGreaterThan(117);
    expect(found).toBeLessThanOrEqual(121);
  });
});

const graph = (settings: object) => ({
  nodes: [{ id: "call", componentId: "http", fields: { url }, nodeSettings: settings }, { id: "end" }, { id: "good" }],
  edges: [
    { source: "call", target: "end", config: { mapper: "data.n" } },
    { source: "call", target: "good", config: { condition: "metadata.response.status = 200" } },
  ],
});

describe("a step that may fail", () => {
  it("is tried as often as any, and then passes on what it got", async () => {
    const asked = replaceNetwork(() => new Response(null, { status: 503 }));
    const run = await rushed(caller, await activeFlow(caller, graph({ onError: "continue" })), { n: 4 });
    expect(run).toMatchObject({ status: "completed", error: null });
    expect(run.items[0]).toMatchObject({ state: "excused", attempts: 3, error: { code: "HTTP_STATUS" } });
    expect(cameTo(run, "end")).toEqual([4]);
    expect(statesOf(run)["good"]).toBeUndefined();
    expect(asked).toHaveLength(3);
  });

  it("is one that fails if it is told otherwise", async () => {
    replaceNetwork(() => new Response(null, { status: 404 }));
    const run = await rushed(caller, await activeFlow(caller, graph({ onError: "stop" })), { n: 4 });
    expect([run.status, statesOf(run)]).toEqual(["failed", { call: { failed: 1 } }]);
  });
});

const runsOf = async (flow: string) => (await caller.call("listRuns", { params: { id: flow } })).body.data;

describe("the flow for errors", () => {
  const broken = line({ id: "bad", componentId: "error", fields: { message: "No.", code: "NO" } });
  it("gets to know which run of which flow failed at which step, once", async () => {
    const errorFlow = await activeFlow(caller, line({ id: "know" }));
    const flow = await activeFlow(caller, broken, { name: "Orders", flowSettings: { errorFlow } });
    const failed = await rushed(caller, flow, { n: 1 });
    expect(failed.status).toBe("failed");
    await expect.poll(() => runsOf(errorFlow)).toHaveLength(1);
    const [told] = await runsOf(errorFlow);
    expect(told.trigger).toBe("error");
    expect(cameTo(await ended(caller, told.id), "know")).toEqual([
      {
        run: { id: failed.id, trigger: "manual", revision: 1 },
        flow: { id: flow, name: "Orders" },
        error: { code: "NO", message: "No.", step: "bad" },
      },
    ]);
  });

  it("is not begun for a run that did not fail, nor if it is another's or not active", async () => {
    const errorFlow = await activeFlow(caller, line({ id: "know" }));
    const other = await someone();
    const foreign = await activeFlow(other, line({ id: "know" }));
    await rushed(caller, await activeFlow(caller, line({ id: "good" }), { flowSettings: { errorFlow } }));
    await rushed(caller, await activeFlow(caller, broken, { flowSettings: { errorFlow: foreign } }));
    await rushed(caller, await activeFlow(caller, broken, { flowSettings: { errorFlow: "nothing" } }));
    expect(await runsOf(errorFlow)).toEqual([]);
    expect((await other.call("listRuns", { params: { id: foreign } })).body.data).toEqual([]);
  });

  it("that is its own ends at the depth of calls", async () => {
    const flow = await activeFlow(caller, broken);
    await caller.call("getFlowById", { params: { id: flow } });
    const { env } = await import("cloudflare:workers");
    await env.DB.prepare(
      "UPDATE flows SET document = json_set(document, '$.flowSettings', json_object('errorFlow', ?1)) WHERE id = ?1",
    )
      .bind(flow)
      .run();
    await rushed(caller, flow);
    await expect
      .poll(async () => (await runsOf(flow)).filter(({ status }: { status: string }) => status === "failed").length)
      .toBe(11);
  });
});
