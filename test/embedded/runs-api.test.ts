import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import type { Caller } from "../support/api.ts";
import { admin, bringTo, newId, someone } from "../support/given.ts";
import { firstMessage, runsOf } from "../support/hooks.ts";
import { activeFlow, ended, line } from "../support/runs.ts";

const note = line({ id: "first" }, { id: "note", componentId: "log", fields: { message: "seen" } });
const begin = (caller: Caller, id: string, body: unknown = {}, headers: Record<string, string> = {}) =>
  caller.call("startRun", { params: { id }, body, headers });

describe("a run begun by hand", () => {
  it("begins with the payload, in the name of the request", async () => {
    const caller = await someone();
    const id = await activeFlow(caller, note);
    const body = { data: { n: 1 }, metadata: { about: "a test" } };
    const answer = await begin(caller, id, body, { "x-request-id": "by-hand" });
    expect(answer).toMatchObject({
      status: 201,
      body: { data: { id: expect.stringContaining(`run_${id}_`) }, meta: {} },
    });
    const run = answer.body.data.id as string;
    expect(await firstMessage(run)).toEqual({
      attachments: {},
      data: { n: 1 },
      metadata: { about: "a test", source: { name: "manual", type: "manual", externalExecId: "by-hand" } },
    });
    expect(await ended(caller, run)).toMatchObject({
      status: "completed",
      trigger: "manual",
      requestId: "by-hand",
      startedBy: caller.sub,
      revision: 1,
      replayOf: null,
      error: null,
    });
  });

  it.each<[unknown, unknown]>([
    [undefined, {}],
    [null, null],
    [0, 0],
    [[1], [1]],
    ["text", "text"],
  ])("takes any payload: %j is %j", async (data, stored) => {
    const caller = await someone();
    const { body } = await begin(caller, await activeFlow(caller, note), { data });
    expect(await firstMessage(body.data.id)).toMatchObject({ data: stored });
  });

  it("begins at a manual step, else at the entry, or where it is told", async () => {
    const caller = await someone();
    const graph = {
      nodes: [
        { id: "first", componentId: "webhook" },
        { id: "hand", componentId: "manual" },
        { id: "last", componentId: "log", fields: { message: "seen" } },
      ],
      edges: ["first", "hand"].map((source) => ({ source, target: "last" })),
    };
    const id = await activeFlow(caller, graph);
    const stepsOf = async (body: object) => {
      const run = await ended(caller, (await begin(caller, id, body)).body.data.id);
      return run.items.map(({ step }: { step: string }) => step);
    };
    expect(await stepsOf({})).toEqual(["hand", "last"]);
    expect(await stepsOf({ step: "first" })).toEqual(["first", "last"]);
    expect(await stepsOf({ step: "last" })).toEqual(["last"]);
  });

  it.each<[unknown, number, string, string]>([
    [{ step: "nowhere" }, 404, "STEP_NOT_FOUND", "/step"],
    [{ step: 7 }, 400, "INVALID_BODY", "/step"],
    [{ metadata: "text" }, 400, "INVALID_BODY", "/metadata"],
    [[], 400, "INVALID_BODY", ""],
  ])("is refused with the body %j: %i %s", async (body, status, error, pointer) => {
    const caller = await someone();
    const id = await activeFlow(caller, note);
    expect(await begin(caller, id, body)).toMatchObject({ status, body: { errors: [{ error, pointer }] } });
    expect(await runsOf(id)).toEqual([]);
  });

  it("is refused if its message is larger than a message may be, though the body is not", async () => {
    const caller = await someone();
    const data = "x".repeat(1024 * 1024 - 20);
    const answer = await begin(caller, await activeFlow(caller, note), { data });
    expect(answer).toMatchObject({ status: 413, body: { errors: [{ error: "BODY_TOO_LARGE" }] } });
  });

  it.each(["inactive", "starting", "stopping"] as const)("is refused while the flow is %s", async (status) => {
    const caller = await someone();
    const id = await activeFlow(caller, note);
    await bringTo(id, { status });
    const answer = await begin(caller, id);
    expect(answer).toMatchObject({ status: 409, body: { errors: [{ error: "FLOW_NOT_ACTIVE" }] } });
    expect(answer.body.errors[0].detail).toBe(`Its status is ${status}.`);
    expect(await runsOf(id)).toEqual([]);
  });

  it("under an Idempotency-Key is the same run, for the same sender and body", async () => {
    const caller = await someone();
    const id = await activeFlow(caller, note);
    const key = { "idempotency-key": newId() };
    const [one, other] = await Promise.all([begin(caller, id, { data: 1 }, key), begin(caller, id, { data: 1 }, key)]);
    expect(one.body).toEqual(other.body);
    expect(await runsOf(id)).toHaveLength(1);
    const changed = await begin(caller, id, { data: 2 }, key);
    expect(changed).toMatchObject({ status: 422, body: { errors: [{ error: "IDEMPOTENCY_KEY_REUSED" }] } });
    const colleague = await someone({ tenant: caller.tenant! });
    expect((await begin(colleague, id, { data: 1 }, key)).body).not.toEqual(one.body);
  });
});

const statuses = ["running", "completed", "filtered", "failed", "cancelled"] as const;

/** Enters runs of a flow into the list, as if they had begun at these times. */
async function enter(flowId: string, runs: readonly (readonly [at: number, status: (typeof statuses)[number]])[]) {
  const ids = runs.map(
    ([at], index) => `run_${flowId}_${at.toString(16).padStart(12, "0")}${`${index}`.padStart(16, "0")}`,
  );
  const text = `INSERT INTO runs (flow_id, status, id, trigger, revision, request_id, started_at) VALUES (?, ?, ?, 'manual', 1, 'r', ?)`;
  await env.DB.batch(runs.map(([at, status], index) => env.DB.prepare(text).bind(flowId, status, ids[index], at)));
  return ids;
}

const listed = async (caller: Caller, id: string, query: Record<string, string> = {}) => {
  const { status, body } = await caller.call("listRuns", { params: { id }, query });
  if (status !== 200) throw new Error(`The list answered ${status}: ${JSON.stringify(body)}`);
  return body as { data: { id: string; status: string }[]; meta: { next: string | null } };
};

const idsOf = async (...request: Parameters<typeof listed>) => (await listed(...request)).data.map(({ id }) => id);

describe("the list of a flow's runs", () => {
  const t0 = Date.parse("2026-06-01T00:00:00Z");

  async function landscape() {
    const caller = await someone();
    const id = await activeFlow(caller, note);
    const runs = await enter(
      id,
      Array.from({ length: 25 }, (_, index) => [t0 + index * 1000, statuses[index % 5]!]),
    );
    return { caller, id, runs, newest: runs.toReversed() };
  }

  it("is empty at first", async () => {
    const caller = await someone();
    expect(await listed(caller, await activeFlow(caller, note))).toEqual({ data: [], meta: { next: null } });
  });

  it("shows the newest first, twenty on a page, whatever their status", async () => {
    const { caller, id, newest } = await landscape();
    const first = await listed(caller, id);
    expect(first.data.map((run) => run.id)).toEqual(newest.slice(0, 20));
    expect(first.meta.next).toBe(newest[19]);
    const second = await listed(caller, id, { "page[after]": first.meta.next! });
    expect(second.data.map((run) => run.id)).toEqual(newest.slice(20));
    expect(second.meta.next).toBeNull();
  });

  it.each(["1", "4", "25", "100"])(
    "goes on from page to page of %s, and is not disturbed by what comes",
    async (size) => {
      const { caller, id, newest } = await landscape();
      const seen: string[] = [];
      for (let after: string | null = ""; after !== null;) {
        const page = await listed(caller, id, {
          "page[size]": size,
          ...(after === "" ? {} : { "page[after]": after }),
        });
        seen.push(...page.data.map((run) => run.id));
        after = page.meta.next;
        await enter(id, [[t0 + 3600_000 + seen.length, "running"]]);
      }
      expect(seen).toEqual(newest);
    },
  );

  it.each<[string, readonly string[]]>([
    ["failed", ["failed"]],
    ["failed,cancelled", ["failed", "cancelled"]],
    [" running , completed ", ["running", "completed"]],
    ["failed,failed", ["failed"]],
  ])("filters by the statuses %j", async (asked, wanted) => {
    const { caller, id, newest } = await landscape();
    const { data } = await listed(caller, id, { "filter[status]": asked, "page[size]": "100" });
    const expected = newest.filter((_, index) => wanted.includes(statuses[(24 - index) % 5]!));
    expect(data.map((run) => run.id)).toEqual(expected);
  });

  it("filters by the time of beginning: from it, and before the other", async () => {
    const { caller, id, runs } = await landscape();
    const at = (index: number): string => new Date(t0 + index * 1000).toISOString();
    const between = { "filter[from]": at(5), "filter[to]": at(8) };
    expect(await idsOf(caller, id, between)).toEqual([runs[7], runs[6], runs[5]]);
    const east = `${new Date(t0 + 5000 + 2 * 3600_000).toISOString().slice(0, 19)}+02:00`;
    expect(await idsOf(caller, id, { "filter[from]": east, "filter[to]": at(6) })).toEqual([runs[5]]);
    expect(await idsOf(caller, id, { ...between, "filter[status]": "completed" })).toEqual([runs[6]]);
    expect(await idsOf(caller, id, { ...between, "page[after]": runs[6]! })).toEqual([runs[5]]);
    expect(await idsOf(caller, id, { ...between, "page[after]": runs[20]! })).toEqual([runs[7], runs[6], runs[5]]);
    expect(await idsOf(caller, id, { "filter[from]": at(8), "filter[to]": at(5) })).toEqual([]);
    expect(await idsOf(caller, id, { "filter[from]": "1960-01-01T00:00:00Z", "page[size]": "1" })).toEqual([runs[24]]);
  });

  it("filters by instance: the flow itself, or none", async () => {
    const { caller, id, newest } = await landscape();
    for (const own of [id, id.toUpperCase()]) {
      expect(await idsOf(caller, id, { "filter[instance]": own, "page[size]": "100" })).toEqual(newest);
    }
    for (const other of [newId(), "none"]) expect(await idsOf(caller, id, { "filter[instance]": other })).toEqual([]);
  });

  it.each<[string, string, unknown]>([
    ["filter[status]", "lost", "Use running, completed, filtered, failed, cancelled."],
    ["filter[status]", "", "Use running, completed, filtered, failed, cancelled."],
    ["filter[from]", "yesterday", expect.any(String)],
    ["filter[to]", "2026-06-01", expect.any(String)],
    ["page[size]", "0", expect.any(String)],
    ["page[size]", "101", expect.any(String)],
    ["page[after]", "run_1", expect.any(String)],
  ])("refuses %s=%j", async (parameter, value, detail) => {
    const caller = await someone();
    const query = { [parameter]: value };
    const answer = await caller.call("listRuns", { params: { id: await activeFlow(caller, note) }, query });
    expect(answer.status).toBe(400);
    expect(answer.body.errors[0]).toMatchObject({ error: "INVALID_PARAMETER", parameter, detail });
  });

  it("shows nothing of another flow, even behind a run of that flow", async () => {
    const [{ caller, id, newest }, other] = await Promise.all([landscape(), landscape()]);
    const shown = await idsOf(caller, id, { "page[after]": other.runs[24]!, "page[size]": "100" });
    expect(newest).toEqual(expect.arrayContaining(shown));
  });

  it("costs about its own length, however many runs there are", async () => {
    const caller = await someone();
    const id = await activeFlow(caller, note);
    for (let part = 0; part < 5; part += 1) {
      await enter(
        id,
        Array.from({ length: 200 }, (_, index) => [t0 + part * 1e6 + index, statuses[index % 5]!]),
      );
    }
    const costOf = async (query: Record<string, string>) => {
      const request = { params: { id }, query: { "page[size]": "20", ...query }, env: { SERVER_TIMING: "true" } };
      const { headers } = await caller.call("listRuns", request);
      return Number(/rows_read=(\d+)/.exec(headers.get("server-timing") ?? "")?.[1]);
    };
    const middle = new Date(t0 + 2e6 + 100).toISOString();
    for (const query of [{}, { "filter[status]": "failed" }, { "filter[to]": middle }, { "filter[from]": middle }]) {
      expect(await costOf(query)).toBeLessThan(60);
    }
  });

  it("is shown to an admin", async () => {
    const { id, newest } = await landscape();
    expect(await idsOf(await admin(), id, { "page[size]": "100" })).toEqual(newest);
  });
});
