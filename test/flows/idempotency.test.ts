import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import { sweepNow } from "../../src/operations/sweep.ts";
import { as, type Answer, type Call, type Caller } from "../support/api.ts";
import { databaseWith } from "../support/faults.ts";
import { admin, bringTo, exampleFlow, flowOf, newId, rowOf, someone } from "../support/given.ts";
import { noCourier } from "../support/many.ts";

const keyed = (key: string) => ({ "idempotency-key": key });
const isReplay = (answer: Answer) => answer.headers.get("idempotency-replayed");
const told = (answer: Answer) => [answer.status, answer.body, answer.headers.get("etag")];
const errorIn = (answer: Answer): unknown[] => [answer.status, answer.body.errors?.[0]?.error];
const named = (name: string) => ({ ...exampleFlow(), name });

/** Flows that the caller reaches, and notices that the caller caused. */
async function effectsOf(caller: Caller) {
  const flows = (await caller.call("getFlows")).body.meta.total as number;
  const find = env.DB.prepare("SELECT count(*) AS n FROM outbox WHERE instr(body, ?) > 0").bind(caller.sub);
  return { flows, notices: (await find.first<{ n: number }>())!.n };
}

interface Given {
  readonly caller: Caller;
  readonly operationId: string;
  readonly request: Call;
  /** What one request does. */
  readonly effects: { readonly flows: number; readonly notices: number };
}

/** A request that may be repeated, of somebody who has done nothing else. */
const requests: [string, () => Promise<Given>][] = [
  [
    "a flow",
    async () => {
      const request = { body: named("one") };
      return { caller: await someone(), operationId: "addFlow", request, effects: { flows: 1, notices: 1 } };
    },
  ],
  [
    "several flows, one of them bad",
    async () => {
      const request = { body: [named("one"), {}, named("two")] };
      return { caller: await someone(), operationId: "addFlow", request, effects: { flows: 2, notices: 2 } };
    },
  ],
  [
    "several flows, all of them bad",
    async () => {
      const request = { body: [{}, null] };
      return { caller: await someone(), operationId: "addFlow", request, effects: { flows: 0, notices: 0 } };
    },
  ],
  [
    "a restore",
    async () => {
      const caller = await someone();
      const id = await flowOf(caller);
      const request = { params: { id, revision: "1" } };
      return { caller, operationId: "restoreFlowRevision", request, effects: { flows: 1, notices: 1 } };
    },
  ],
];

const sender = ({ caller, operationId, request }: Given) => {
  return (key: string, changed: Call = {}) =>
    caller.call(operationId, { ...request, headers: keyed(key), env: noCourier, ...changed });
};

describe.each(requests)("%s under a key", (_, given) => {
  it("is done once and answered alike as often as it is sent", async () => {
    const about = await given();
    const send = sender(about);
    const first = await send("again");
    expect([first.status < 300, isReplay(first)]).toEqual([true, null]);
    for (let round = 0; round < 3; round += 1) {
      const next = await send("again");
      expect([told(next), isReplay(next)]).toEqual([told(first), "true"]);
    }
    expect(await effectsOf(about.caller)).toEqual(about.effects);
  });

  it("is done once of ten sent at the same time", async () => {
    const about = await given();
    const send = sender(about);
    const answers = await Promise.all(Array.from({ length: 10 }, () => send("twins")));
    const first = answers.find((answer) => answer.status < 300 && isReplay(answer) === null)!;
    for (const answer of answers.filter(({ status }) => status === 409)) {
      expect(errorIn(answer)).toEqual([409, "REQUEST_UNDER_WAY"]);
    }
    for (const answer of answers.filter(({ status }) => status !== 409)) expect(told(answer)).toEqual(told(first));
    expect(answers.filter((answer) => answer.status < 300 && isReplay(answer) === null)).toEqual([first]);
    expect(await effectsOf(about.caller)).toEqual(about.effects);
  });

  it("is done once if the answer was lost", async () => {
    const about = await given();
    const send = sender(about);
    // All of them are bad: then nothing but the record is committed.
    const losing = databaseWith(async ({ sql, run }) => {
      const done = await run();
      if (sql.some((text) => /^insert into idempotency/i.test(text))) throw new Error("D1_ERROR: lost");
      return done;
    });
    const lost = await send("lost", { env: { ...noCourier, DB: losing } });
    expect([lost.status < 300, isReplay(lost)]).toEqual([true, "true"]);
    expect(await effectsOf(about.caller)).toEqual(about.effects);
    const first = await send("lost");
    expect([first.status < 300, isReplay(first)]).toEqual([true, "true"]);
    expect(told(await send("lost"))).toEqual(told(first));
    expect(await effectsOf(about.caller)).toEqual(about.effects);
  });

  it("is done by the next request if it could not be committed", async () => {
    const about = await given();
    const send = sender(about);
    const DB = databaseWith(() => Promise.reject(new Error("D1_ERROR: timeout")));
    expect(errorIn(await send("down", { env: { ...noCourier, DB } }))).toEqual([503, "STORAGE_UNAVAILABLE"]);
    const first = await send("down");
    expect([first.status < 300, isReplay(first)]).toEqual([true, null]);
    expect(await effectsOf(about.caller)).toEqual(about.effects);
  });

  it("is refused with another body, address or query under the same key", async () => {
    const about = await given();
    const send = sender(about);
    const first = await send("mine");
    const others: Promise<Answer>[] = [
      about.caller.call("addFlow", { body: named("another"), headers: keyed("mine") }),
      about.caller.call("startFlow", { params: { id: newId() }, headers: keyed("mine") }),
      about.caller.call("startMultipleFlows", { body: [newId()], headers: keyed("mine") }),
      send("mine", { query: { force: "true" } }),
    ];
    for (const other of await Promise.all(others)) expect(errorIn(other)).toEqual([422, "IDEMPOTENCY_KEY_REUSED"]);
    expect(told(await send("mine"))).toEqual(told(first));
    expect(await effectsOf(about.caller)).toEqual(about.effects);
  });

  it("is new after 24 hours", async () => {
    const about = await given();
    const send = sender(about);
    const first = await send("day");
    await env.DB.prepare("UPDATE idempotency SET expires_at = ?")
      .bind(Date.now() - 1)
      .run();
    const second = await send("day");
    expect([second.status, isReplay(second)]).toEqual([first.status, null]);
    const third = await send("day");
    expect([told(third), isReplay(third)]).toEqual([told(second), "true"]);
    const { notices } = await effectsOf(about.caller);
    expect(notices).toBe(2 * about.effects.notices);
  });
});

describe("a key", () => {
  it("is each account's own, in one tenant too", async () => {
    const first = await someone();
    const second = await someone({ tenant: first.tenant! });
    const [mine, theirs] = [
      await first.call("addFlow", { body: named("mine"), headers: keyed("same") }),
      await second.call("addFlow", { body: named("theirs"), headers: keyed("same") }),
    ];
    expect([mine.status, theirs.status, isReplay(theirs)]).toEqual([201, 201, null]);
    expect(theirs.body.data.name).toBe("theirs");
  });

  it.each([
    ["as long as can be", "k".repeat(255)],
    ["with spaces and signs", "a key: {}~!"],
  ])("may be %s", async (_, key) => {
    const caller = await someone();
    const send = () => caller.call("addFlow", { body: named("one"), headers: keyed(key) });
    const first = await send();
    expect([first.status, told(await send())]).toEqual([201, told(first)]);
  });

  it.each([
    ["too long", "k".repeat(256)],
    ["empty", ""],
    ["with a tab", "a\tb"],
    ["with a control character", "a\u0001b"],
  ])("that is %s is refused and nothing is done", async (_, key) => {
    const caller = await someone();
    const id = await flowOf(caller);
    const calls: [string, Call][] = [
      ["addFlow", { body: named("one") }],
      ["restoreFlowRevision", { params: { id, revision: "1" } }],
      ["startFlow", { params: { id } }],
      ["stopFlow", { params: { id } }],
      ["startMultipleFlows", { body: [id] }],
      ["stopMultipleFlows", { body: [id] }],
    ];
    for (const [operationId, request] of calls) {
      const answer = await caller.call(operationId, { ...request, headers: keyed(key) });
      expect([operationId, ...errorIn(answer)]).toEqual([operationId, 400, "INVALID_PARAMETER"]);
    }
    expect(await rowOf(id)).toMatchObject({ status: "inactive", revision: 1 });
    expect((await effectsOf(caller)).flows).toBe(1);
  });

  it("is not used up by a request that was refused", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const restore = (revision: string, of = id) =>
      caller.call("restoreFlowRevision", { params: { id: of, revision }, headers: keyed("k") });
    await bringTo(id, { status: "active" });
    const poor = await as({ ...caller, permissions: ["flows.write"] });
    const refused = [
      await caller.call("addFlow", { body: {}, headers: keyed("k") }),
      await caller.call("addFlow", { raw: "{", headers: { ...keyed("k"), "content-type": "application/json" } }),
      await poor.call("addFlow", { body: [named("one")], headers: keyed("k") }),
      await restore("1", newId()),
      await restore("7"),
      await restore("1"),
    ];
    expect(refused.map(({ status }) => status)).toEqual([400, 400, 403, 404, 404, 409]);
    await bringTo(id, { status: "inactive" });
    const done = await restore("1");
    expect([done.status, isReplay(done), done.body.data.revision]).toEqual([200, null, 2]);
  });

  it("of a flow that was deleted since is answered 404 and shows nothing", async () => {
    const caller = await someone();
    const single = () => caller.call("addFlow", { body: named("secret"), headers: keyed("one") });
    const several = () => caller.call("addFlow", { body: [named("secret"), {}], headers: keyed("two") });
    const ids = [(await single()).body.data.id as string, (await several()).body.data[0].id as string];
    for (const id of ids) await caller.call("deleteFlow", { params: { id } });
    for (const send of [single, several]) {
      const answer = await send();
      expect(errorIn(answer)).toEqual([404, "FLOW_NOT_FOUND"]);
      expect([isReplay(answer), answer.headers.get("etag")]).toEqual([null, null]);
      expect(JSON.stringify(answer.body)).not.toContain("secret");
    }
    expect((await effectsOf(caller)).flows).toBe(0);
  });

  it("of a flow that the account has lost since is answered 404 and shows nothing", async () => {
    const [caller, boss] = [await someone(), await admin()];
    const send = () => caller.call("addFlow", { body: named("secret"), headers: keyed("one") });
    const id = (await send()).body.data.id as string;
    const owners = [{ id: boss.sub, type: "user" }];
    expect((await boss.call("updateFlow", { params: { id }, body: { owners } })).status).toBe(200);
    expect((await caller.call("getFlowById", { params: { id } })).status).toBe(404);
    const answer = await send();
    expect(errorIn(answer)).toEqual([404, "FLOW_NOT_FOUND"]);
    expect(JSON.stringify(answer.body)).not.toContain("secret");
  });

  it("may stand for an answer that is larger than the database takes in one piece", async () => {
    const caller = await someone();
    const body = Array.from({ length: 5 }, () => ({ ...exampleFlow(), description: "d".repeat(500_000) }));
    const send = () => caller.call("addFlow", { body, headers: keyed("large"), env: noCourier });
    const first = await send();
    expect([first.status, told(await send())]).toEqual([201, told(first)]);
    const longest = "SELECT max(octet_length(answer)) AS bytes FROM idempotency";
    // D1 refuses values above 2 MB; the local one does not.
    expect((await env.DB.prepare(longest).first<{ bytes: number }>())!.bytes).toBeLessThan(2_000_000);
  });
});

const count = () => env.DB.prepare("SELECT count(*) AS n FROM idempotency").first("n");

describe("records", () => {
  it("are removed by the sweep once their time is over", async () => {
    const caller = await someone();
    await env.DB.prepare("DELETE FROM idempotency").run();
    await caller.call("addFlow", { body: named("one"), headers: keyed("old") });
    await caller.call("startMultipleFlows", { body: [await flowOf(caller)], headers: keyed("older") });
    await env.DB.prepare("UPDATE idempotency SET expires_at = ?")
      .bind(Date.now() - 1)
      .run();
    await caller.call("addFlow", { body: named("two"), headers: keyed("new") });
    expect(await count()).toBe(4);
    await sweepNow(createScheduledController(), env);
    expect(await count()).toBe(1);
  });

  it("hold neither key nor account in clear", async () => {
    const caller = await someone();
    await caller.call("addFlow", { body: {}, headers: keyed("a telling key") });
    await caller.call("addFlow", { body: [{}], headers: keyed("a telling key") });
    const { results } = await env.DB.prepare("SELECT * FROM idempotency").all();
    expect(JSON.stringify(results)).not.toContain("a telling key");
    expect(JSON.stringify(results.map(({ key, fingerprint }) => [key, fingerprint]))).not.toContain(caller.sub);
  });
});
