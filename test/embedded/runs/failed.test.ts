import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";

import { Database } from "../../../src/db/client.ts";
import { Usage } from "../../../src/db/usage.ts";
import { failedRuns } from "../../../src/runs/history.ts";
import type { Caller } from "../../support/api.ts";
import { databaseRefusing } from "../../support/faults.ts";
import { newId, someone } from "../../support/given.ts";
import { activeFlow, cameTo, ended, line, logged, ran, rebindRun, ringRun } from "../../support/runs.ts";

let caller: Caller;
beforeEach(async () => {
  caller = await someone();
});

const patient = { timeout: 15_000, interval: 20 };
const broken = line({ id: "first" }, { id: "bad", componentId: "error", fields: { message: "No.", code: "NO" } });
const runsOf = async (flow: string) => (await caller.call("listRuns", { params: { id: flow } })).body.data;
const isTold = (id: string) =>
  expect.poll(() => logged<{ told: number }>(id, "SELECT told FROM run"), patient).toEqual([{ told: 2 }]);
const idAt = (flow: string, place: number) => `run_${flow}_${`${place}`.padStart(28, "0")}`;

/** Rows of runs that failed; each was repeated by one that completed, if so many are told to be. */
async function enterFailed(flow: string, many: number, repeated = many): Promise<void> {
  const text = `INSERT INTO runs (flow_id, status, id, trigger, revision, request_id, started_at, replayed_by)
    SELECT ?1, ?2, value ->> 'id', 'manual', 1, 'r', 0, value ->> 'by' FROM json_each(?3)`;
  const by = (place: number) => idAt(flow, 100_000 + place);
  const failed = Array.from({ length: many }, (_, place) => ({
    id: idAt(flow, place),
    by: place < repeated ? by(place) : null,
  }));
  const later = failed.slice(0, repeated).map((_, place) => ({ id: by(place), by: null }));
  await env.DB.batch([
    env.DB.prepare(text).bind(flow, "failed", JSON.stringify(failed)),
    env.DB.prepare(text).bind(flow, "completed", JSON.stringify(later)),
  ]);
}

async function looked(flow: string, after = "", most = 50) {
  const usage = new Usage();
  const { found, next } = await failedRuns(new Database(env.DB, "first-primary", usage), flow, after, most);
  return { ids: found.map(({ id }) => id), next, read: usage.read };
}

describe("a look for runs that failed", () => {
  it("reads no more of those that were repeated than of a stretch, and goes on behind it", async () => {
    const flow = newId();
    await enterFailed(flow, 1203, 1201);
    const first = await looked(flow);
    expect([first.ids, first.next]).toEqual([[], idAt(flow, 499)]);
    const second = await looked(flow, first.next!);
    expect([second.ids, second.next]).toEqual([[], idAt(flow, 999)]);
    const third = await looked(flow, second.next!);
    expect([third.ids, third.next]).toEqual([[idAt(flow, 1201), idAt(flow, 1202)], null]);
    // A row for each that is looked at, and three to find what repeated it.
    for (const { read } of [first, second, third]) expect(read).toBeLessThanOrEqual(4 * 501);
  });

  it.each([
    [2, [0, 1], 1],
    [3, [0, 1, 2], null],
    [4, [0, 1, 2], null],
  ])("that wants %i of three finds %j", async (most, places, next) => {
    const flow = newId();
    await enterFailed(flow, 3, 0);
    const found = await looked(flow, "", most);
    expect(found.ids).toEqual(places.map((place) => idAt(flow, place)));
    expect(found.next).toBe(next === null ? null : idAt(flow, next));
  });

  it.each([
    [500, null],
    [501, 499],
  ])("says of %i whether there are more", async (many, next) => {
    const flow = newId();
    await enterFailed(flow, many);
    expect((await looked(flow)).next).toBe(next === null ? null : idAt(flow, next));
  });

  it("is told to who asks for it", async () => {
    const flow = await activeFlow(caller, broken);
    await enterFailed(flow, 501);
    const failed = await ran(caller, flow, 1);
    await isTold(failed.id);
    const ask = (query: Record<string, string>) => caller.call("replayFailedRuns", { params: { id: flow }, query });
    const first = (await ask({})).body;
    expect(first).toEqual({ data: [], refused: [], meta: { next: idAt(flow, 499) } });
    const { data, meta } = (await ask({ after: first.meta.next as string })).body;
    expect([data, meta]).toMatchObject([[{ id: failed.id }], { next: null }]);
  });
});

const MiB = 1024 * 1024;
const long = "json_object('data', hex(zeroblob(?)))";
/** Bytes of zero that make a message of so many bytes. */
const zeros = (bytes: number) => Math.floor((bytes - '{"data":""}'.length) / 2);
/** Has a run begun with so many more messages of about a MiB. */
async function burden(id: string, many: number): Promise<void> {
  for (let place = 1; place <= many; place += 1) {
    const [{ message }] = await one<{ message: number }>(
      id,
      `INSERT INTO messages (body) VALUES (${long}) RETURNING id AS message`,
      zeros(MiB),
    );
    const text = `INSERT INTO items (step, parent, scope, place, input, state, seq) VALUES ('first', NULL, 0, ?, ?, 'done', 0)`;
    await logged(id, text, place, message);
  }
}
const one = async <T>(...read: Parameters<typeof logged>) => (await logged<T>(...read)) as [T];
const replay = (id: string, body: object = {}) => caller.call("replayRun", { params: { id }, body });

/** Has nine messages come to a step that have so many bytes together. */
async function fill(id: string, bytes: number): Promise<void> {
  const inputs = await logged<{ input: number }>(id, "SELECT input FROM items WHERE step = 'each' ORDER BY id");
  const write = `UPDATE messages SET body = ${long} WHERE id = ?`;
  for (const { input } of inputs) await logged(id, write, zeros(MiB - 101), input);
  const [last, sum] = [
    inputs.at(-1)!.input,
    "SELECT sum(octet_length(body)) AS sum FROM messages WHERE id BETWEEN ? AND ?",
  ];
  await logged(id, write, 0, last);
  const [{ sum: present }] = await one<{ sum: number }>(id, sum, inputs[0]!.input, last);
  await logged(id, "UPDATE messages SET body = ? WHERE id = ?", `{"data":"${"x".repeat(bytes - present)}"}`, last);
}

describe("what is too much for a new run", () => {
  it("is refused, and leaves no trace", async () => {
    const flow = await activeFlow(caller, broken);
    const failed = await ran(caller, flow, 1);
    await isTold(failed.id);
    await burden(failed.id, 9);
    for (const body of [{}, { step: "first" }]) {
      const answer = await replay(failed.id, body);
      expect([answer.status, answer.body.errors[0].error]).toEqual([409, "REPLAY_TOO_LARGE"]);
    }
    expect(await runsOf(flow)).toHaveLength(1);
    const noted = env.DB.prepare("SELECT replayed_by FROM runs WHERE id = ?").bind(failed.id);
    expect(await noted.first("replayed_by")).toBeNull();
    expect((await replay(failed.id, { step: "bad" })).status).toBe(201);
  });

  it("is more than 8 MiB in all, to the byte", async () => {
    const graph = line({ id: "split", componentId: "split" }, { id: "each" });
    const list = Array.from({ length: 9 }, (_, place) => place);
    const run = await ran(caller, await activeFlow(caller, graph), list);
    await fill(run.id, 8 * MiB);
    const allowed = await replay(run.id, { step: "each" });
    expect(await logged(allowed.body.data.id, "SELECT id FROM items WHERE step = 'each'")).toHaveLength(9);
    await fill(run.id, 8 * MiB + 1);
    const refused = await replay(run.id, { step: "each" });
    expect([refused.status, refused.body.errors[0]]).toMatchObject([
      409,
      { error: "REPLAY_TOO_LARGE", pointer: "/step" },
    ]);
    expect((await replay(run.id, { step: "split" })).status).toBe(201);
  });

  it("keeps no others from being repeated with all that failed, nor does a run that is gone", async () => {
    const flow = await activeFlow(caller, broken);
    await enterFailed(flow, 1, 0);
    const runs = [await ran(caller, flow, 1), await ran(caller, flow, 2)];
    for (const { id } of runs) await isTold(id);
    await burden(runs[0].id, 9);
    const { status, body } = await caller.call("replayFailedRuns", { params: { id: flow } });
    expect([status, body.meta]).toEqual([200, { next: null }]);
    expect(body.data).toMatchObject([{ id: runs[1].id }]);
    expect(body.refused).toMatchObject([
      { id: idAt(flow, 0), errors: [{ code: 404, error: "RUN_NOT_FOUND" }] },
      { id: runs[0].id, errors: [{ code: 409, error: "REPLAY_TOO_LARGE" }] },
    ]);
  });
});

const failing = async () => {
  const errorFlow = await activeFlow(caller, line({ id: "know" }));
  const flow = await activeFlow(caller, broken, { flowSettings: { errorFlow } });
  const { id } = await ran(caller, flow, { n: 1 });
  await isTold(id);
  return { id, errorFlow };
};

describe("the flow for errors", () => {
  it("gets to know of each end of a run that was taken up again", async () => {
    const { id, errorFlow } = await failing();
    expect((await caller.call("restartRun", { params: { id } })).status).toBe(200);
    expect((await ended(caller, id)).status).toBe("failed");
    await isTold(id);
    const told = await runsOf(errorFlow);
    expect(told).toHaveLength(2);
    for (const run of told) {
      expect(cameTo(await ended(caller, run.id), "know")).toMatchObject([{ run: { id }, error: { step: "bad" } }]);
    }
  });

  it("gets to know of one end once, however often that is told", async () => {
    const { id, errorFlow } = await failing();
    for (let times = 0; times < 2; times += 1) {
      await logged(id, "UPDATE run SET told = 0");
      await ringRun(id);
      await isTold(id);
    }
    expect(await runsOf(errorFlow)).toHaveLength(1);
  });

  it("begins at the time of the end, and is listed there", async () => {
    const { id, errorFlow } = await failing();
    const [{ ended_at: endedAt }] = (await logged<{ ended_at: number }>(id, "SELECT ended_at FROM run")) as [
      { ended_at: number },
    ];
    const [told] = await runsOf(errorFlow);
    expect(told.id.slice(29, 41)).toBe(endedAt.toString(16).padStart(12, "0"));
  });

  it("gets to know of it later if the list of runs did not answer", async () => {
    const errorFlow = await activeFlow(caller, line({ id: "know" }));
    const flow = await activeFlow(
      caller,
      line({ id: "wait", componentId: "delay", fields: { seconds: 600 } }, broken.nodes[1]!),
      { flowSettings: { errorFlow } },
    );
    const { id } = (await caller.call("startRun", { params: { id: flow }, body: {} })).body.data;
    await rebindRun(id, { DB: databaseRefusing(/UPDATE runs/) });
    await logged(id, "UPDATE items SET due_at = 0 WHERE due_at IS NOT NULL");
    await ringRun(id);
    expect(await runsOf(errorFlow)).toEqual([]);
    await rebindRun(id, { DB: env.DB });
    await ringRun(id);
    await isTold(id);
    expect(await runsOf(errorFlow)).toHaveLength(1);
  });
});
