import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";

import type { Caller } from "../support/api.ts";
import { databaseWith } from "../support/faults.ts";
import { bringTo, flowOf, newId, rowOf, settle, someone } from "../support/given.ts";
import { costOf, flowsOf, noCourier, recordChores, waitingOf } from "../support/many.ts";
import { deliver } from "../support/queues.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const MANY = 1000;
const numbers = Array.from({ length: MANY }, (_, n) => n);
const flow = (name: string, description = "") => ({ name, description, graph: { nodes: [{ id: "a" }] } });
const create = (caller: Caller, body: unknown, changed: Record<string, unknown> = {}) =>
  caller.call("addFlow", { body, env: { ...noCourier, SERVER_TIMING: "true", ...changed } });

type Entry = { readonly id: string; readonly name: string; readonly revision: number; readonly errors?: object[] };
const entriesIn = (answer: { body: unknown }) => (answer.body as { data: Entry[] }).data;

/** Flows of the caller's tenant in their places. */
async function placesOf(caller: Caller): Promise<{ pos: number; id: string; name: string }[]> {
  const find = env.DB.prepare("SELECT pos, id, name FROM flows WHERE home = ? ORDER BY pos").bind(caller.tenant);
  return (await find.all<{ pos: number; id: string; name: string }>()).results;
}

const isBad = (n: number) => n % 100 === 7;
const noticesOf = async (id: string) => (await waitingOf([id])).map(({ body }) => body.headers.name);

describe("1,000 flows in one request", () => {
  it("are stored in their order, and those that are bad are refused in their place", async () => {
    const caller = await someone();
    const answer = await create(
      caller,
      numbers.map((n) => (isBad(n) ? { name: `${n}`, graph: {} } : flow(`${n}`))),
    );
    expect(answer.status).toBe(201);
    const entries = entriesIn(answer);
    expect(entries).toHaveLength(MANY);
    expect(entries).toMatchObject(
      numbers.map((n) => (isBad(n) ? { errors: [{ code: 400 }] } : { name: `${n}`, revision: 1 })),
    );
    const stored = entries.filter(({ errors }) => errors === undefined).map(({ id, name }) => ({ id, name }));
    const places = await placesOf(caller);
    expect(places.map(({ id, name }) => ({ id, name }))).toEqual(stored);
    const waiting = await waitingOf(stored.map(({ id }) => id));
    expect(waiting.map(({ flow_id, body }) => [flow_id, body.headers.name])).toEqual(
      stored
        .map(({ id }) => id)
        .toSorted()
        .map((id) => [id, "flowrepo.flow.created"]),
    );
    const cost = costOf(answer.headers);
    expect(cost.trips).toBeLessThanOrEqual(2);
    expect(cost.read).toBeLessThanOrEqual(20 * MANY);
  });

  it("are announced by their objects, which a queue wakes", async () => {
    const caller = await someone();
    const chores = recordChores();
    const answer = await caller.call("addFlow", { body: numbers.map((n) => flow(`${n}`)), env: chores.env });
    const ids = entriesIn(answer).map(({ id }) => id);
    const woken = chores.bodies.flatMap((body) => (body as { payload: { ids: string[] } }).payload.ids);
    expect([woken, chores.bodies.length]).toEqual([ids, 10]);
    expect(await waitingOf(ids)).toHaveLength(MANY);
    const result = await deliver("flow-chores", chores.bodies[3], chores.bodies[9]);
    expect(result.explicitAcks).toHaveLength(2);
    expect(await waitingOf([...ids.slice(300, 400), ...ids.slice(900)])).toEqual([]);
    expect(await waitingOf(ids)).toHaveLength(800);
  });

  it("may be 1.5 MB together", async () => {
    const caller = await someone();
    const body = numbers.map((n) => flow(`${n}`, "é".repeat(700)));
    expect(JSON.stringify(body).length).toBeGreaterThan(750_000);
    const answer = await create(caller, body);
    expect([answer.status, entriesIn(answer).length]).toEqual([201, MANY]);
    expect((await placesOf(caller)).map(({ name }) => name)).toEqual(numbers.map(String));
  });

  it("are not 1,001", async () => {
    const caller = await someone();
    const answer = await create(
      caller,
      [...numbers, MANY].map(String).map((name) => flow(name)),
    );
    expect([answer.status, answer.body.errors[0].error]).toEqual([400, "INVALID_BODY"]);
    expect(await placesOf(caller)).toEqual([]);
  });

  it.each([
    ["small ones, twice", 2, 0, false],
    ["small ones, three times in one millisecond", 3, 0, true],
    ["ones that need several statements, twice in one millisecond", 2, 2500, true],
  ])("are stored although others are at the same time: %s", async (_, times, bytes, inOneMillisecond) => {
    const caller = await someone();
    const now = Date.now();
    if (inOneMillisecond) vi.spyOn(Date, "now").mockReturnValue(now);
    const lists = Array.from({ length: times }, (_list, at) =>
      numbers.map((n) => flow(`${at}-${n}`, "d".repeat(bytes))),
    );
    const answers = await Promise.all(lists.map((list) => create(caller, list)));
    expect(answers.map(({ status }) => status)).toEqual(lists.map(() => 201));
    const places = await placesOf(caller);
    expect(new Set(places.map(({ pos }) => pos)).size).toBe(times * MANY);
    for (const [at, answer] of answers.entries()) {
      const mine = places.filter(({ name }) => name.startsWith(`${at}-`)).map(({ id }) => id);
      expect(mine).toEqual(entriesIn(answer).map(({ id }) => id));
    }
  });
});

const edit = (caller: Caller, body: unknown, changed: Record<string, unknown> = {}) =>
  caller.call("updateFlowBulk", { body, env: { ...noCourier, SERVER_TIMING: "true", ...changed } });

describe("1,000 edits in one request", () => {
  it("are made, answered in their order and announced", async () => {
    const caller = await someone();
    const ids = (await flowsOf(caller, MANY)).toReversed();
    const answer = await edit(
      caller,
      ids.map((id, n) => ({ id, name: `Edit ${n}` })),
    );
    expect(answer.status).toBe(200);
    const shown = entriesIn(answer).map(({ id, name, revision }) => [id, name, revision]);
    expect(shown).toEqual(ids.map((id, n) => [id, `Edit ${n}`, 2]));
    const waiting = await waitingOf(ids);
    expect(waiting.map(({ flow_id, body }) => [flow_id, body.headers.name])).toEqual(
      ids.toSorted().map((id) => [id, "flowrepo.flow.modified"]),
    );
    const kept = env.DB.prepare(
      "SELECT count(*) AS n FROM revisions WHERE flow_id IN (SELECT value FROM json_each(?))",
    );
    expect(await kept.bind(JSON.stringify(ids)).first("n")).toBe(MANY);
    const cost = costOf(answer.headers);
    expect(cost.trips).toBeLessThanOrEqual(15);
    // A few rows per edit, however many flows there are.
    expect(cost.read).toBeLessThanOrEqual(50 * MANY);
    expect(cost.written).toBeLessThanOrEqual(20 * MANY);
  });

  it("are each judged by itself: several of one flow, unknown, foreign and active flows", async () => {
    const caller = await someone();
    const ids = await flowsOf(caller, 994);
    const [several, active] = [ids[3]!, ids[500]!];
    const foreign = await flowOf(await someone());
    await bringTo(active, { status: "active" });
    const edits = ids.map((id, n) => ({ id, name: `Edit ${n}` }));
    edits.splice(700, 0, { id: several, name: "Second" }, { id: several.toUpperCase(), name: "Third" });
    edits.splice(300, 0, { id: newId(), name: "x" }, { id: foreign, name: "x" }, { id: "nonsense", name: "x" });
    edits.push({ id: several, name: "Last" });
    const entries = entriesIn(await edit(caller, edits));
    const refused = entries.flatMap(({ errors }, n) => (errors === undefined ? [] : [[n, errors[0]]]));
    expect(refused).toMatchObject([
      [300, { code: 404, error: "FLOW_NOT_FOUND" }],
      [301, { code: 404, error: "FLOW_NOT_FOUND" }],
      [302, { code: 400, error: "INVALID_ID" }],
      [503, { code: 409, error: "FLOW_NOT_INACTIVE" }],
    ]);
    const ofSeveral = entries.filter(({ id }) => id === several).map(({ name, revision }) => [name, revision]);
    expect(ofSeveral).toEqual([
      ["Edit 3", 2],
      ["Second", 3],
      ["Third", 4],
      ["Last", 5],
    ]);
    const waiting = await waitingOf([...ids, foreign]);
    expect(waiting.filter(({ flow_id }) => flow_id === several)).toHaveLength(4);
    expect(waiting).toHaveLength(993 + 3);
    expect(await rowOf(foreign)).toMatchObject({ revision: 1 });
    expect(await rowOf(active)).toMatchObject({ revision: 1, status: "active" });
  });

  it("are made on what others left meanwhile, and undo none of it", async () => {
    const caller = await someone();
    const ids = await flowsOf(caller, 300);
    const [patched, started, deleted] = [ids[5]!, ids[6]!, ids[270]!];
    let between = 0;
    const DB = databaseWith(async ({ commits, run }) => {
      between += commits ? 1 : 0;
      if (commits && between === 1) {
        const description = "By another";
        await caller.call("updateFlow", { params: { id: patched }, body: { description, name: "x" }, env: noCourier });
        await caller.call("startFlow", { params: { id: started } });
        await settle(started);
        await caller.call("deleteFlow", { params: { id: deleted }, env: noCourier });
      }
      return run();
    });
    const list = ids.map((id, n) => ({ id, name: `Edit ${n}` }));
    const entries = entriesIn(await edit(caller, list, { DB }));
    expect(entries[5]).toMatchObject({ name: "Edit 5", description: "By another", revision: 3 });
    expect(entries[6]).toMatchObject({ errors: [{ code: 409, error: "FLOW_NOT_INACTIVE", flowId: started }] });
    expect(entries[270]).toMatchObject({ errors: [{ code: 404, error: "FLOW_NOT_FOUND", flowId: deleted }] });
    expect(entries.filter(({ revision }) => revision === 2)).toHaveLength(297);
    expect(await noticesOf(patched)).toEqual(["flowrepo.flow.modified", "flowrepo.flow.modified"]);
    expect([await noticesOf(started), await noticesOf(deleted)]).toEqual([
      [],
      ["flowrepo.flow.deleted", "runs.cancel"],
    ]);
  });

  it("are made together with other edits of the same flows at the same time, each once", async () => {
    const caller = await someone();
    const ids = await flowsOf(caller, 100);
    const lists = ["A", "B", "C"].map((name) => ids.map((id) => ({ id, name })));
    const answers = await Promise.all(lists.map((list) => edit(caller, list)));
    for (const answer of answers) expect(entriesIn(answer).every(({ errors }) => errors === undefined)).toBe(true);
    const revisions = ids.map((_, at) =>
      answers.map((answer) => entriesIn(answer)[at]!.revision).toSorted((a, b) => a - b),
    );
    expect(revisions).toEqual(ids.map(() => [2, 3, 4]));
    expect(await waitingOf(ids)).toHaveLength(300);
  });

  it("may be twenty of one flow, so that the database is not asked more often than it allows", async () => {
    const caller = await someone();
    const [id] = await flowsOf(caller, 1);
    const edits = Array.from({ length: 100 }, (_, n) => ({ id, name: `Edit ${n}` }));
    const answer = await edit(caller, edits);
    const entries = entriesIn(answer);
    expect(entries[19]).toMatchObject({ name: "Edit 19", revision: 21 });
    expect(entries[20]).toMatchObject({ errors: [{ error: "INVALID_BODY", flowId: id }] });
    expect(entries.slice(20).every((entry) => "errors" in entry)).toBe(true);
    // A request may make 1,000 subrequests: 1,000 edits must stay below.
    expect(costOf(answer.headers).trips).toBeLessThan(100);
  });
});
