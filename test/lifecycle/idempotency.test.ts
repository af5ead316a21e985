import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import type { Answer, Call } from "../support/api.ts";
import { databaseWith, rebind } from "../support/faults.ts";
import { bringTo, flowOf, newId, rowOf, settle, someone, type StoredState } from "../support/given.ts";
import {
  databaseGoneAfter,
  databaseLosingAnswers,
  flowsOf,
  noChores,
  noCourier,
  statusesOf,
  waitingOf,
} from "../support/many.ts";
import { namesOf, recordQueues } from "../support/queues.ts";

const keyed = (key: string) => ({ headers: { "idempotency-key": key } });
const isReplay = (answer: Answer) => answer.headers.get("idempotency-replayed");
const told = (answer: Answer) => [answer.status, answer.body, answer.headers.get("etag")];
const errorIn = (answer: Answer): unknown[] => [answer.status, answer.body.errors?.[0]?.error];
const force = { query: { force: "true" } };
const active: StoredState = { status: "active", start_id: "a start", tries: 0 };

const verbs: [string, string, Call, StoredState, string, string][] = [
  ["a start", "startFlow", {}, {}, "flow.starting", "starting"],
  ["a stop", "stopFlow", {}, active, "flow.stopping", "stopping"],
  ["a forced stop", "stopFlow", force, active, "flow.stopping", "inactive"],
];

describe.each(verbs)("%s under a key", (_, operationId, request, state, command, to) => {
  async function given() {
    const caller = await someone();
    const id = await flowOf(caller, {}, state);
    const sent = await recordQueues(id);
    const send = (key: string, changed: Call = {}) =>
      caller.call(operationId, { ...request, params: { id }, ...keyed(key), ...changed });
    const commands = async () => {
      await settle(id);
      return namesOf(sent);
    };
    return { caller, id, send, commands };
  }

  it("is done once and answered alike as often as it is sent", async () => {
    const { id, send, commands } = await given();
    const first = await send("again");
    expect([...told(first).slice(0, 2), isReplay(first)]).toEqual([200, { data: { id, status: to }, meta: {} }, null]);
    for (let round = 0; round < 3; round += 1) {
      const next = await send("again");
      expect([told(next), isReplay(next)]).toEqual([told(first), "true"]);
    }
    expect([await commands(), (await rowOf(id))?.status_seq]).toEqual([[command], 1]);
  });

  it("is not done again after somebody brought the flow back", async () => {
    const { id, send, commands } = await given();
    const first = await send("later");
    await settle(id);
    await bringTo(id, { status: state.status ?? "inactive", deadline_at: null, tries: 0 });
    const again = await send("later");
    expect([told(again), isReplay(again)]).toEqual([told(first), "true"]);
    expect((await rowOf(id))?.status).toBe(state.status ?? "inactive");
    expect(await commands()).toEqual([command]);
  });

  it("that changed nothing is not done later either", async () => {
    const { id, send, commands } = await given();
    const there = { starting: "active", stopping: "inactive", inactive: "inactive" } as const;
    await bringTo(id, { status: there[to as keyof typeof there], deadline_at: null });
    const first = await send("nothing");
    expect([first.status, first.body.data.status]).toEqual([200, there[to as keyof typeof there]]);
    await bringTo(id, { status: state.status ?? "inactive" });
    const again = await send("nothing");
    expect([told(again), isReplay(again)]).toEqual([told(first), "true"]);
    expect(await commands()).toEqual([]);
  });

  it("is done once of ten sent at the same time", async () => {
    const { send, commands } = await given();
    const answers = await Promise.all(Array.from({ length: 10 }, () => send("twins")));
    const done = answers.filter((answer) => answer.status === 200);
    expect(done.filter((answer) => isReplay(answer) === null)).toHaveLength(1);
    for (const answer of done) expect(told(answer)).toEqual(told(done[0]!));
    for (const answer of answers.filter(({ status }) => status !== 200)) {
      expect(errorIn(answer)).toEqual([409, "REQUEST_UNDER_WAY"]);
    }
    expect(await commands()).toEqual([command]);
  });

  it("is done once if the object lost the answer of the commit", async () => {
    const { id, send, commands } = await given();
    await rebind(id, { DB: databaseLosingAnswers() });
    const lost = await send("lost");
    expect([lost.status, lost.body.data, isReplay(lost)]).toEqual([200, { id, status: to }, "true"]);
    await rebind(id, { DB: env.DB });
    const first = await send("lost");
    expect([first.status, first.body.data, isReplay(first)]).toEqual([200, { id, status: to }, "true"]);
    expect([await commands(), (await rowOf(id))?.status_seq]).toEqual([[command], 1]);
  });

  it("is done by the next request if it could not be committed", async () => {
    const { id, send, commands } = await given();
    await rebind(id, { DB: databaseWith(() => Promise.reject(new Error("D1_ERROR: timeout"))) });
    expect(errorIn(await send("down"))).toEqual([503, "STORAGE_UNAVAILABLE"]);
    await rebind(id, { DB: env.DB });
    const first = await send("down");
    expect([first.status, isReplay(first)]).toEqual([200, null]);
    expect(await commands()).toEqual([command]);
  });

  it("is refused for another flow or verb under the same key", async () => {
    const { caller, id, send } = await given();
    const first = await send("mine");
    const other = await flowOf(caller);
    const others = [
      await send("mine", { params: { id: other } }),
      await caller.call(operationId === "startFlow" ? "stopFlow" : "startFlow", { params: { id }, ...keyed("mine") }),
      await caller.call("stopFlow", { params: { id: other }, query: { force: "false" }, ...keyed("mine") }),
    ];
    for (const answer of others) expect(errorIn(answer)).toEqual([422, "IDEMPOTENCY_KEY_REUSED"]);
    expect((await rowOf(other))?.status_seq).toBe(0);
    expect(told(await send("mine"))).toEqual(told(first));
  });

  it("is new after 24 hours", async () => {
    const { id, send, commands } = await given();
    await send("day");
    await env.DB.prepare("UPDATE idempotency SET expires_at = ?").bind(Date.now()).run();
    await settle(id);
    await bringTo(id, { status: state.status ?? "inactive", deadline_at: null, tries: 0 });
    const next = await send("day");
    expect([next.status, isReplay(next)]).toEqual([200, null]);
    expect(await commands()).toEqual([command, command]);
  });
});

describe("a key", () => {
  it("is not used up by a start that was refused", async () => {
    const caller = await someone();
    const id = await flowOf(caller, {}, { status: "stopping", start_id: "a start" });
    const start = (of: string, headers: Record<string, string> = {}) =>
      caller.call("startFlow", { params: { id: of }, headers: { ...keyed("k").headers, ...headers } });
    const refused = [await start(newId()), await start(id), await start(id, { "if-match": '"9-9"' })];
    expect(refused.map((answer) => answer.status)).toEqual([404, 409, 412]);
    await bringTo(id, { status: "inactive" });
    const started = await start(id);
    expect([started.status, started.body.data.status, isReplay(started)]).toEqual([200, "starting", null]);
  });

  it("is not used up by a list that was refused", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const start = (body: unknown) => caller.call("startMultipleFlows", { body, ...keyed("k") });
    expect((await start({ ids: [id] })).status).toBe(500);
    expect((await start(Array.from({ length: 1001 }, () => id))).status).toBe(400);
    expect((await start([id])).body[0].data).toEqual({ id, status: "starting" });
  });

  it("is each account's own, in one tenant too", async () => {
    const first = await someone();
    const second = await someone({ tenant: first.tenant! });
    const id = await flowOf(first);
    expect((await first.call("startFlow", { params: { id }, ...keyed("same") })).status).toBe(200);
    const stop = await second.call("stopFlow", { params: { id }, ...keyed("same") });
    expect([stop.status, stop.body.data.status, isReplay(stop)]).toEqual([200, "stopping", null]);
  });
});

const commandsOf = async (ids: readonly string[]) => (await waitingOf(ids)).map(({ flow_id }) => flow_id);
const failuresIn = (answer: Answer) => (answer.body as object[]).filter((entry) => "errors" in entry).length;

describe.each([
  ["startMultipleFlows", {}, "starting", "inactive"],
  ["stopMultipleFlows", active, "stopping", "active"],
] as const)("%s under a key", (operationId, state, to, from) => {
  async function given(count: number) {
    const caller = await someone();
    const ids = await flowsOf(caller, count);
    await bringAll(ids, state);
    const send = (key: string, changed: Call = {}) =>
      caller.call(operationId, { body: [...ids, "nonsense"], ...keyed(key), env: noCourier, ...changed });
    return { caller, ids, send };
  }

  it("is done once and answered alike as often as it is sent", async () => {
    const { ids, send } = await given(3);
    const first = await send("again");
    expect([first.status, first.body.length, isReplay(first)]).toEqual([200, 4, null]);
    await bringTo(ids[0]!, { status: from });
    const next = await send("again");
    expect([told(next), isReplay(next)]).toEqual([told(first), "true"]);
    expect([await statusesOf(ids), await commandsOf(ids)]).toEqual([{ [from]: 1, [to]: 2 }, ids.toSorted()]);
  });

  it("is done once of ten sent at the same time", async () => {
    const { ids, send } = await given(3);
    const answers = await Promise.all(Array.from({ length: 10 }, () => send("twins")));
    const done = answers.filter(({ status }) => status === 200);
    expect(done.length).toBeGreaterThan(0);
    for (const answer of done) expect(told(answer)).toEqual(told(done[0]!));
    for (const answer of answers.filter(({ status }) => status !== 200)) {
      expect(errorIn(answer)).toEqual([409, "REQUEST_UNDER_WAY"]);
    }
    expect([await statusesOf(ids), await commandsOf(ids)]).toEqual([{ [to]: 3 }, ids.toSorted()]);
  });

  it("is finished by the next request if it was broken off after the first group", async () => {
    const { ids, send } = await given(300);
    const broken = await send("broken", { env: { ...noCourier, DB: databaseGoneAfter(1) } });
    expect([broken.status, failuresIn(broken)]).toEqual([200, 51]);
    expect(await statusesOf(ids)).toEqual({ [to]: 250, [from]: 50 });
    const brought = ids[0]!;
    await bringTo(brought, { status: from, deadline_at: null, tries: 0 });

    const finished = await send("broken");
    expect([finished.status, isReplay(finished), failuresIn(finished)]).toEqual([200, null, 1]);
    expect(finished.body.slice(0, -1)).toEqual(ids.map((id) => ({ data: { id, status: to }, meta: {} })));
    expect([await statusesOf(ids), (await rowOf(brought))?.status]).toEqual([{ [to]: 299, [from]: 1 }, from]);
    expect(await commandsOf(ids)).toEqual(ids.toSorted());
    const again = await send("broken");
    expect([told(again), isReplay(again)]).toEqual([told(finished), "true"]);
  });

  it("is finished by the next request if the second group could not be committed", async () => {
    const { ids, send } = await given(300);
    let commits = 0;
    const DB = databaseWith((batch) => {
      commits += batch.commits ? 1 : 0;
      return batch.commits && commits === 2 ? Promise.reject(new Error("D1_ERROR: timeout")) : batch.run();
    });
    await send("half", { env: { ...noCourier, DB } });
    expect(await statusesOf(ids)).toEqual({ [to]: 250, [from]: 50 });
    await bringTo(ids[0]!, { status: from, deadline_at: null, tries: 0 });
    expect(failuresIn(await send("half"))).toBe(1);
    expect(await statusesOf(ids)).toEqual({ [to]: 299, [from]: 1 });
    expect(await commandsOf(ids)).toEqual(ids.toSorted());
  });

  it("is finished by the next request if the answer of a commit was lost", async () => {
    const { ids, send } = await given(3);
    await send("lost", { env: { ...noCourier, DB: databaseLosingAnswers() } });
    await bringTo(ids[0]!, { status: from, deadline_at: null, tries: 0 });
    const again = await send("lost");
    expect(again.body.slice(0, -1)).toEqual(ids.map((id) => ({ data: { id, status: to }, meta: {} })));
    expect([await statusesOf(ids), await commandsOf(ids)]).toEqual([{ [from]: 1, [to]: 2 }, ids.toSorted()]);
  });

  it("is answered like the twin that overtook it, and does nothing that was undone in between", async () => {
    const { ids, send } = await given(3);
    const twins: Answer[] = [];
    const DB = databaseWith(async ({ commits, run }) => {
      if (commits && twins.length === 0) {
        twins.push(await send("overtaken"));
        await bringTo(ids[0]!, { status: from, deadline_at: null, tries: 0 });
      }
      return run();
    });
    const late = await send("overtaken", { env: { ...noCourier, DB } });
    expect([twins.map(failuresIn), failuresIn(late)]).toEqual([[1], 1]);
    expect([late.body, (await send("overtaken")).body]).toEqual([twins[0]!.body, twins[0]!.body]);
    expect([await statusesOf(ids), await commandsOf(ids)]).toEqual([{ [from]: 1, [to]: 2 }, ids.toSorted()]);
  });

  it("is new after 24 hours, before the sweep and after it", async () => {
    const { ids, send } = await given(2);
    await send("day");
    await bringAll(ids, { status: from });
    await env.DB.prepare("UPDATE idempotency SET expires_at = ?").bind(Date.now()).run();
    const next = await send("day");
    expect([next.status, isReplay(next)]).toEqual([200, null]);
    expect(await statusesOf(ids)).toEqual({ [to]: 2 });
  });

  it("is refused for another list under the same key", async () => {
    const { caller, ids, send } = await given(2);
    await send("mine", { body: [ids[0]] });
    expect(errorIn(await send("mine"))).toEqual([422, "IDEMPOTENCY_KEY_REUSED"]);
    const other = operationId === "startMultipleFlows" ? "stopMultipleFlows" : "startMultipleFlows";
    const crossed = await caller.call(other, { body: [ids[0]], ...keyed("mine"), env: noChores });
    expect(errorIn(crossed)).toEqual([422, "IDEMPOTENCY_KEY_REUSED"]);
    expect(await statusesOf(ids)).toEqual({ [from]: 1, [to]: 1 });
  });
});

async function bringAll(ids: readonly string[], state: StoredState): Promise<void> {
  for (const [column, value] of Object.entries({ ...state, deadline_at: null })) {
    const list = JSON.stringify(ids);
    await env.DB.prepare(`UPDATE flows SET ${column} = ? WHERE id IN (SELECT value FROM json_each(?))`)
      .bind(value, list)
      .run();
  }
}
