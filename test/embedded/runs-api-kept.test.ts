import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import { databaseOf } from "../../src/db/client.ts";
import { MeteredStatement, Usage } from "../../src/db/usage.ts";
import { findFlow } from "../../src/flows/store.ts";
import { beginRun, runId } from "../../src/runs/begin.ts";
import type { Caller } from "../support/api.ts";
import { someone } from "../support/given.ts";
import { runsOf } from "../support/hooks.ts";
import { activeFlow, ended, line, runOf } from "../support/runs.ts";

const patient = { timeout: 15_000, interval: 20 };
const DAY_MS = 24 * 3600_000;
const note = line({ id: "first" }, { id: "note", componentId: "log", fields: { message: "seen" } });
const failing = line({ id: "first" }, { id: "stop", componentId: "error", fields: { code: "NO", message: "No." } });

async function begun(caller: Caller, id: string, data: unknown = {}): Promise<string> {
  return (await caller.call("startRun", { params: { id }, body: { data } })).body.data.id as string;
}
const inside = <R>(run: string, act: (state: DurableObjectState) => R | Promise<R>): Promise<R> =>
  runInDurableObject(env.RUN.getByName(run), (_, state) => act(state));
const alarmOf = (run: string): Promise<number | null> => inside(run, ({ storage }) => storage.getAlarm());
const ring = (run: string): Promise<boolean> => runDurableObjectAlarm(env.RUN.getByName(run));
const isTold = (run: string) =>
  expect
    .poll(
      () => inside(run, ({ storage }) => storage.sql.exec<{ told: number }>("SELECT told FROM run").one().told),
      patient,
    )
    .toBe(2);

describe("a run that has ended", () => {
  it("is kept for thirty days, and then is gone with its row and all that its object held", async () => {
    const caller = await someone();
    const id = await activeFlow(caller, note);
    const run = await begun(caller, id);
    const { endedAt } = await ended(caller, run);
    await isTold(run);
    await expect.poll(() => alarmOf(run), patient).toBe(Date.parse(endedAt) + 30 * DAY_MS);
    await ring(run);
    expect(await runOf(caller, run)).toMatchObject({ status: "completed" });
    expect(await alarmOf(run)).toBe(Date.parse(endedAt) + 30 * DAY_MS);
    await inside(run, ({ storage }) => storage.sql.exec("UPDATE run SET ended_at = ended_at - ?", 30 * DAY_MS));
    await ring(run);
    expect(await runsOf(id)).toEqual([]);
    expect((await caller.call("getRun", { params: { id: run } })).status).toBe(404);
    expect((await caller.call("listRuns", { params: { id } })).body.data).toEqual([]);
    const left = await inside(run, async ({ storage }) => [
      ...storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'").toArray(),
      await storage.getAlarm(),
    ]);
    expect(left).toEqual([null]);
  });
});

/** The database, with what its statements cost. */
function meteredDatabase(usage: Usage): D1Database {
  const over = (session: D1DatabaseSession) => ({
    prepare: (text: string) => new MeteredStatement(session.prepare(text), usage).asStatement(),
    batch: async (statements: D1PreparedStatement[]) => {
      const results = await session.batch(statements.map((statement) => MeteredStatement.inside(statement)));
      usage.count(results);
      return results;
    },
    getBookmark: () => session.getBookmark(),
  });
  return { withSession: (from: string) => over(env.DB.withSession(from)) } as unknown as D1Database;
}

it.each([
  ["completes", note, "completed"],
  ["fails", failing, "failed"],
])(
  "a run that %s writes two rows of the database in all: one when it begins, one when it ends",
  async (_, graph, status) => {
    const caller = await someone();
    const flowId = await activeFlow(caller, graph);
    const row = (await findFlow(databaseOf(env.DB), flowId, null))!;
    const id = runId(flowId, Date.now());
    const usage = new Usage();
    await runInDurableObject(env.RUN.getByName(id), (instance) => {
      const object = instance as unknown as { env: Record<string, unknown> };
      object.env = { ...object.env, DB: meteredDatabase(usage) };
    });
    await beginRun(env, row, { id, trigger: "manual", message: { data: {} }, requestId: "r" });
    expect(await ended(caller, id)).toMatchObject({ status });
    await isTold(id);
    expect(usage.written).toBeGreaterThan(0);
    expect(usage.written).toBeLessThanOrEqual(2);
    expect(usage.trips).toBe(2);
  },
);

const replayAll = (caller: Caller, id: string, query: Record<string, string> = {}) =>
  caller.call("replayFailedRuns", { params: { id }, query });

const mend = (id: string) =>
  env.DB.prepare("UPDATE flows SET document = json_set(document, '$.graph', json(?)) WHERE id = ?")
    .bind(JSON.stringify(note), id)
    .run();

async function threeFailed() {
  const caller = await someone();
  const id = await activeFlow(caller, failing);
  const runs: string[] = [];
  for (const n of [1, 2, 3]) runs.push(await begun(caller, id, { n }));
  for (const run of runs) {
    await ended(caller, run);
    await isTold(run);
  }
  return { caller, id, runs: runs.toSorted() };
}

describe("the runs that failed", () => {
  it("are repeated together, the oldest first, each once", async () => {
    const { caller, id, runs } = await threeFailed();
    await mend(id);
    const answer = await replayAll(caller, id);
    expect(answer.body.meta).toEqual({ next: null });
    const replayed = answer.body.data as { id: string; run: string }[];
    expect(replayed.map((one) => one.id)).toEqual(runs);
    for (const { id: of, run } of replayed) {
      expect(await ended(caller, run)).toMatchObject({ status: "completed", replayOf: of, trigger: "replay" });
    }
    expect((await replayAll(caller, id)).body.data).toEqual([]);
    expect(await runsOf(id)).toHaveLength(6);
  });

  it("are repeated behind one of them, and as they were, if that is asked", async () => {
    const { caller, id, runs } = await threeFailed();
    await mend(id);
    const { body } = await replayAll(caller, id, { after: runs[1]!, version: "original" });
    expect(body.data.map((one: { id: string }) => one.id)).toEqual([runs[2]]);
    expect(await ended(caller, body.data[0].run)).toMatchObject({ status: "failed", replayOf: runs[2] });
  });

  it("are left out if one of them was repeated by hand, and a repetition that failed is one of them", async () => {
    const { caller, id, runs } = await threeFailed();
    const by = (await caller.call("replayRun", { params: { id: runs[0]! }, body: {} })).body.data.id as string;
    await ended(caller, by);
    await isTold(by);
    const { body } = await replayAll(caller, id);
    expect(body.data.map((one: { id: string }) => one.id)).toEqual([runs[1], runs[2], by]);
  });

  it("are repeated as what was noted for them, if a crash kept that from beginning", async () => {
    const { caller, id, runs } = await threeFailed();
    const noted = runId(id, Date.now());
    await env.DB.prepare("UPDATE runs SET replayed_by = ? WHERE flow_id = ? AND id = ?").bind(noted, id, runs[0]).run();
    const { body } = await replayAll(caller, id);
    expect(body.data[0]).toEqual({ id: runs[0], run: noted });
    expect(body.data).toHaveLength(3);
    expect(await ended(caller, noted)).toMatchObject({ replayOf: runs[0] });
  });

  it("of another tenant's flow are none of one's business", async () => {
    const { id } = await threeFailed();
    expect((await replayAll(await someone(), id)).status).toBe(404);
    expect(await runsOf(id)).toHaveLength(3);
  });
});
