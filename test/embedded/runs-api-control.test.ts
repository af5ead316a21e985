import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";

import { flowOfRun } from "../../src/runs/begin.ts";
import { cancelRuns } from "../../src/runs/take-down.ts";
import type { Caller } from "../support/api.ts";
import { admin, bringTo, newId, rowOf, someone } from "../support/given.ts";
import { runsOf } from "../support/hooks.ts";
import { replaceNetwork } from "../support/iam.ts";
import { activeFlow, ended, line, runOf } from "../support/runs.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const patient = { timeout: 15_000, interval: 20 };
const note = line({ id: "first" }, { id: "note", componentId: "log", fields: { message: "seen" } });
const waits = line({ id: "first" }, { id: "wait", componentId: "delay", fields: { seconds: 3600 } }, { id: "last" });
const fails = line({ id: "first" }, { id: "stop", componentId: "error", fields: { code: "NO", message: "No." } });

async function begun(caller: Caller, id: string): Promise<string> {
  return (await caller.call("startRun", { params: { id }, body: {} })).body.data.id as string;
}
const cancel = (caller: Caller, id: string) => caller.call("cancelRun", { params: { id } });
/** A network that answers when it is told to. It asks for that itself: a promise of another object's is not to be waited for. */
function slowNetwork() {
  const told = { yet: false };
  const asked = replaceNetwork(async () => {
    while (!told.yet) await new Promise((resolve) => setTimeout(resolve, 2));
    return Response.json({});
  });
  return { asked, answer: () => (told.yet = true) };
}
const comesTo = (caller: Caller, run: string, state: object) =>
  expect.poll(() => runOf(caller, run), patient).toMatchObject(state);

describe("a run that is cancelled", () => {
  it("ends where it waits", async () => {
    const caller = await someone();
    const run = await begun(caller, await activeFlow(caller, waits));
    await comesTo(caller, run, { waiting: true, items: [{}, { state: "waiting" }] });
    expect(await cancel(caller, run)).toMatchObject({ status: 200, body: { data: { id: run } } });
    expect(await ended(caller, run)).toMatchObject({ status: "cancelled", error: null });
    expect((await runOf(caller, run)).items.map(({ state }: { state: string }) => state)).toEqual([
      "done",
      "cancelled",
    ]);
    expect(await runsOf(flowOfRun(run)!)).toMatchObject([{ status: "cancelled" }]);
  });

  it("ends at the border of the step that it is in", async () => {
    const network = slowNetwork();
    const caller = await someone();
    const call = { id: "call", componentId: "http", fields: { url: "https://slow.example/" } };
    const run = await begun(caller, await activeFlow(caller, line(call, { id: "last" })));
    await expect.poll(() => network.asked.length, patient).toBe(1);
    await cancel(caller, run);
    network.answer();
    expect(await ended(caller, run)).toMatchObject({ status: "cancelled" });
    expect((await runOf(caller, run)).items).toMatchObject([
      { state: "done" },
      { step: "last", state: "cancelled", attempts: 0 },
    ]);
  });

  it("stays as it is if it has ended", async () => {
    const caller = await someone();
    const run = await begun(caller, await activeFlow(caller, note));
    const before = await ended(caller, run);
    expect((await cancel(caller, run)).status).toBe(200);
    expect(await runOf(caller, run)).toEqual(before);
  });
});

const stop = (caller: Caller, id: string, query: Record<string, string> = {}) =>
  caller.call("stopFlow", { params: { id }, query });

const isInactive = (id: string) => expect.poll(async () => (await rowOf(id))?.status, patient).toBe("inactive");

describe("a flow that is stopped", () => {
  it("lets what is under way go to its end, and begins nothing more", async () => {
    const network = slowNetwork();
    const caller = await someone();
    const call = { id: "call", componentId: "http", fields: { url: "https://slow.example/" } };
    const id = await activeFlow(caller, line(call, { id: "last" }));
    const run = await begun(caller, id);
    await expect.poll(() => network.asked.length, patient).toBe(1);
    await stop(caller, id);
    await isInactive(id);
    expect((await caller.call("startRun", { params: { id }, body: {} })).status).toBe(409);
    network.answer();
    expect(await ended(caller, run)).toMatchObject({ status: "completed" });
  });

  it("by force cancels what is under way", async () => {
    const caller = await someone();
    const id = await activeFlow(caller, waits);
    const runs = [await begun(caller, id), await begun(caller, id)];
    await stop(caller, id, { force: "true" });
    await isInactive(id);
    for (const run of runs) expect(await ended(caller, run)).toMatchObject({ status: "cancelled" });
  });

  it("by force cancels more than one message's worth", async () => {
    const caller = await someone();
    const id = await activeFlow(caller, waits);
    const text = `INSERT INTO runs (flow_id, status, id, trigger, revision, request_id, started_at) VALUES (?, 'running', ?, 'manual', 1, 'r', 0)`;
    const lost = Array.from({ length: 230 }, (_, index) => `run_${id}_${`${index}`.padStart(28, "0")}`);
    await env.DB.batch(lost.map((run) => env.DB.prepare(text).bind(id, run)));
    const run = await begun(caller, id);
    await stop(caller, id, { force: "true" });
    expect(await ended(caller, run)).toMatchObject({ status: "cancelled" });
  });

  it("by force leaves alone what a later start began, however late that comes", async () => {
    const caller = await someone();
    const id = await activeFlow(caller, waits);
    const early = await begun(caller, id);
    const before = Date.now() + 1;
    await expect.poll(() => Date.now()).toBeGreaterThan(before);
    const late = await begun(caller, id);
    expect(await cancelRuns(env, { flowId: id, after: "", before })).toEqual({ cancelled: 1, rest: [] });
    expect(await ended(caller, early)).toMatchObject({ status: "cancelled" });
    expect(await runOf(caller, late)).toMatchObject({ status: "running" });
  });
});

const ofOneRun = ["getRun", "cancelRun", "restartRun", "replayRun"] as const;
const ask = (caller: Caller, operation: string, id: string) =>
  caller.call(operation, { params: { id }, ...(operation === "replayRun" ? { body: {} } : {}) });

describe.each(ofOneRun)("%s", (operation) => {
  it("of another tenant's run answers as of none, and changes nothing", async () => {
    const [owner, stranger] = [await someone(), await someone()];
    const id = await activeFlow(owner, waits);
    const run = await begun(owner, id);
    await comesTo(owner, run, { waiting: true });
    const before = [await runOf(owner, run), await runsOf(id)];
    const invented = `run_${newId()}_${"0".repeat(28)}`;
    const [foreign, none] = [await ask(stranger, operation, run), await ask(stranger, operation, invented)];
    expect(foreign).toMatchObject({ status: 404, body: { errors: [{ error: "RUN_NOT_FOUND" }] } });
    expect(foreign.body).toEqual(none.body);
    expect([await runOf(owner, run), await runsOf(id)]).toEqual(before);
  });

  it("of a run that never was answers 404, and leaves nothing behind", async () => {
    const caller = await someone();
    const run = `run_${await activeFlow(caller, note)}_${"a".repeat(28)}`;
    expect((await ask(caller, operation, run)).status).toBe(404);
    const tables = await runInDurableObject(env.RUN.getByName(run), (_, { storage }) =>
      storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'run'").toArray(),
    );
    expect(tables).toEqual([]);
  });

  it("of a deleted flow's run answers 404", async () => {
    const caller = await someone();
    const id = await activeFlow(caller, note);
    const run = await begun(caller, id);
    await ended(caller, run);
    await bringTo(id, { status: "inactive" });
    expect((await caller.call("deleteFlow", { params: { id } })).status).toBe(200);
    expect((await ask(caller, operation, run)).status).toBe(404);
  });

  it.each(["run_1", "", "run_6b0259e4ef2fe4ca09ca001d_019aa3b0c1d20f1e2d3c4b5a697", "%27"])(
    "of the malformed id %j is refused",
    async (id) => {
      const answer = await (
        await someone()
      ).call(operation, {
        params: { id: id === "" ? "-" : id },
        ...(operation === "replayRun" ? { body: {} } : {}),
      });
      expect(answer.status).toBe(400);
    },
  );

  it("is for an admin and a colleague of the tenant too", async () => {
    const owner = await someone();
    const run = await begun(owner, await activeFlow(owner, fails));
    await ended(owner, run);
    for (const caller of [await admin(), await someone({ tenant: owner.tenant! })]) {
      expect([200, 201]).toContain((await ask(caller, operation, run)).status);
      await ended(owner, run);
    }
  });
});

describe("restart and replay", () => {
  it("are refused of a flow that is not active", async () => {
    const caller = await someone();
    const id = await activeFlow(caller, fails);
    const run = await begun(caller, id);
    await ended(caller, run);
    await bringTo(id, { status: "inactive" });
    for (const operation of ["restartRun", "replayRun"]) {
      const answer = await ask(caller, operation, run);
      expect(answer).toMatchObject({ status: 409, body: { errors: [{ error: "FLOW_NOT_ACTIVE" }] } });
    }
    const all = await caller.call("replayFailedRuns", { params: { id } });
    expect(all).toMatchObject({ status: 409, body: { errors: [{ error: "FLOW_NOT_ACTIVE" }] } });
    expect(await runsOf(id)).toHaveLength(1);
  });

  it("differ: a run that did not fail can be replayed, and not restarted", async () => {
    const caller = await someone();
    const id = await activeFlow(caller, note);
    const run = await begun(caller, id);
    await ended(caller, run);
    const refused = await ask(caller, "restartRun", run);
    expect(refused).toMatchObject({ status: 409, body: { errors: [{ error: "RUN_NOT_FAILED" }] } });
    const replayed = (await ask(caller, "replayRun", run)).body.data.id as string;
    expect(await ended(caller, replayed)).toMatchObject({ status: "completed", trigger: "replay", replayOf: run });
    expect(await runsOf(id)).toHaveLength(2);
  });

  it.each<[object, number, string]>([
    [{ step: "nowhere" }, 404, "STEP_NOT_FOUND"],
    [{ step: 7 }, 400, "INVALID_BODY"],
    [{ version: "oldest" }, 400, "INVALID_BODY"],
  ])("replay with %j is refused: %i %s", async (body, status, error) => {
    const caller = await someone();
    const run = await begun(caller, await activeFlow(caller, note));
    await ended(caller, run);
    expect(await caller.call("replayRun", { params: { id: run }, body })).toMatchObject({
      status,
      body: { errors: [{ error }] },
    });
  });

  it("replay under an Idempotency-Key is one run", async () => {
    const caller = await someone();
    const id = await activeFlow(caller, note);
    const run = await begun(caller, id);
    await ended(caller, run);
    const again = (body: object) =>
      caller.call("replayRun", { params: { id: run }, body, headers: { "idempotency-key": "again" } });
    const [one, other] = await Promise.all([again({}), again({})]);
    expect(one.body).toEqual(other.body);
    expect((await again({ step: "note" })).status).toBe(422);
    expect(await runsOf(id)).toHaveLength(2);
  });
});
