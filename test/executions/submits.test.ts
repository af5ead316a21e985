import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Caller } from "../support/api.ts";
import { call } from "../support/api.ts";
import { crashExecution, noted, openFlow, route, started, walk } from "../support/executions.ts";
import { someone } from "../support/given.ts";
import { replaceNetwork } from "../support/iam.ts";
import { heldAnswers } from "../support/runs.ts";

let caller: Caller;
beforeEach(async () => {
  caller = await someone();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const first = route("first", { validate: { n: { rule: "number" } } });
const second = route("second", { export: { n: "{{first.n}}" } });
const exchange = { command: "exchange", name: "score", url: "https://score.example/", method: "POST", body: {} };
/** Every write of the state, as the journal has it. */
const stateOf = (uuid: string) =>
  noted<{ n: number; body: string }>(uuid, "SELECT n, piece, body FROM pieces ORDER BY n, piece");

describe("parallel submits", () => {
  it("of different payloads: exactly one is taken, the others hear which route is current", async () => {
    const { client, first: shown } = await walk(caller, [first, second, route("third")]);
    const answers = await Promise.all([1, 2, 3].map((n) => client.submit({ n }, shown.body.uuid)));
    const taken = answers.filter(({ status }) => status === 200);
    const stale = answers.filter(({ status }) => status === 400);
    expect([taken.length, stale.length]).toEqual([1, 2]);
    const current = (await client.look()).body;
    expect(current).toEqual(taken[0]!.body);
    for (const { body } of stale) expect(body).toMatchObject({ code: "STALE_ROUTE", currentRouteUuid: current.uuid });
    expect([1, 2, 3]).toContain(current.export.n);
  });

  it("of the same payload: all are answered the same, and it is taken once", async () => {
    const asked = replaceNetwork(() => Response.json({ points: 1 }));
    const { client, first: shown } = await walk(caller, [first, exchange, second]);
    const answers = await Promise.all([1, 2, 3].map(() => client.submit({ n: 1 }, shown.body.uuid)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(new Set(answers.map(({ body }) => body.uuid)).size).toBe(1);
    expect(asked).toHaveLength(1);
  });

  it("while the script works: the others hear that it does, and the same one waits for the same route", async () => {
    const held = heldAnswers();
    replaceNetwork(() => held.answer(Response.json({ points: 1 })));
    const { client, first: shown } = await walk(caller, [first, exchange, second]);
    const slow = client.submit({ n: 1 }, shown.body.uuid);
    await expect.poll(() => held.count()).toBe(1);
    expect((await client.submit({ n: 2 }, shown.body.uuid)).body).toMatchObject({
      status: 400,
      code: "EXECUTION_RUNNING",
    });
    expect((await client.back(undefined, shown.body.uuid)).body).toMatchObject({
      status: 400,
      code: "EXECUTION_RUNNING",
    });
    const again = client.submit({ n: 1 }, shown.body.uuid);
    held.letGo(1);
    expect((await again).body).toEqual((await slow).body);
    expect((await slow).body.uri).toBe("/second");
    expect(held.count()).toBe(1);
  });
});

const submittedOnce = async () => {
  const walked = await walk(caller, [route("first"), second, route("third")]);
  const payload = { n: 1, more: { a: [1, { b: 2, c: 3 }], d: null } };
  const answer = await walked.client.submit(payload, walked.first.body.uuid);
  return { ...walked, payload, answer };
};

describe("a repeated submit", () => {
  it.each<[string, unknown]>([
    ["the same", { n: 1, more: { a: [1, { b: 2, c: 3 }], d: null } }],
    ["the same in another order", { more: { d: null, a: [1, { c: 3, b: 2 }] }, n: 1 }],
  ])("of %s payload is answered the same, and writes nothing", async (_, payload) => {
    const { client, first: route1, answer } = await submittedOnce();
    const before = await stateOf(client.uuid);
    expect(await client.submit(payload, route1.body.uuid)).toMatchObject({ status: 200, body: answer.body });
    await crashExecution(client.uuid);
    expect(await client.submit(payload, route1.body.uuid)).toMatchObject({ status: 200, body: answer.body });
    expect(await stateOf(client.uuid)).toEqual(before);
  });

  it.each<[string, unknown]>([
    ["another", { n: 2 }],
    ["a list in another order", { n: 1, more: { a: [{ b: 2, c: 3 }, 1], d: null } }],
    ["none", undefined],
    ["a text in place of a number", { n: "1", more: { a: [1, { b: 2, c: 3 }], d: null } }],
  ])("of %s is refused", async (_, payload) => {
    const { client, first: route1, answer } = await submittedOnce();
    const refused = await client.submit(payload, route1.body.uuid);
    expect(refused.body).toMatchObject({ status: 400, code: "STALE_ROUTE", currentRouteUuid: answer.body.uuid });
  });

  it("of a route before the last is refused, as is one after a step back", async () => {
    const { client, first: route1, payload } = await submittedOnce();
    await client.submit({}, client.route.uuid);
    expect((await client.submit(payload, route1.body.uuid)).body.code).toBe("STALE_ROUTE");
    await client.back();
    await client.back();
    expect(client.route).toMatchObject({ uri: "/first", payload });
    expect((await client.submit(payload, route1.body.uuid)).body.code).toBe("STALE_ROUTE");
  });

  it("of the one that ended the execution is answered with the end", async () => {
    const { client, first: only } = await walk(caller, [route("only"), route("bye", { terminal: true })]);
    const end = await client.submit({ a: 1 }, only.body.uuid);
    expect(end.body).toMatchObject({ uri: "/bye", terminal: true });
    expect(await client.submit({ a: 1 }, only.body.uuid)).toMatchObject({ status: 200, body: end.body });
    expect((await client.submit({ a: 2 }, only.body.uuid)).body.code).toBe("EXECUTION_TERMINATED");
  });

  it("of one that ended with an error is answered with the error", async () => {
    const error = { command: "error", code: "TOO_YOUNG", message: "Only {{only.age}}." };
    const { client, first: only } = await walk(caller, [route("only"), error]);
    const fault = { status: 400, code: "TOO_YOUNG", title: "Only 17." };
    for (let time = 0; time < 2; time += 1) {
      expect((await client.submit({ age: 17 }, only.body.uuid)).body).toMatchObject(fault);
    }
    expect((await client.look()).body).toMatchObject(fault);
  });
});

describe("whoever waits", () => {
  it("for a route is woken by the submit of another request", async () => {
    const held = heldAnswers();
    replaceNetwork(() => held.answer(Response.json({ points: 1 })));
    const { client, first: shown } = await walk(caller, [first, exchange, second]);
    const submitted = await client.submit({ n: 1 }, shown.body.uuid, "0");
    expect([submitted.status, submitted.body]).toEqual([202, { uuid: client.uuid, status: "running" }]);
    expect(submitted.headers.get("retry-after")).toBe("1");
    const looked = await client.look("0");
    expect([looked.status, looked.body]).toEqual([202, { uuid: client.uuid, status: "running" }]);
    expect(looked.headers.get("retry-after")).toBe("1");
    const waiting = Promise.all([client.look("55"), client.look("25"), client.look()]);
    await expect.poll(() => held.count()).toBe(1);
    const from = performance.now();
    held.letGo(1);
    for (const answer of await waiting) expect(answer).toMatchObject({ status: 200, body: { uri: "/second" } });
    expect(performance.now() - from).toBeLessThan(10_000);
  });

  it("for the first route is woken when an exchange before it is done", async () => {
    const held = heldAnswers();
    replaceNetwork(() => held.answer(Response.json({ points: 3 })));
    const { name } = await openFlow(caller, { commands: [exchange, route("first", { export: "{{score.points}}" })] });
    const client = await started(name);
    expect((await client.look("0")).status).toBe(202);
    const waiting = client.look();
    held.letGo(1);
    expect(await waiting).toMatchObject({ status: 200, body: { uri: "/first", export: 3 } });
  });
});

describe("what is refused with 422", () => {
  it("changes nothing: neither the route, nor the payload that it is filled with", async () => {
    const { client, first: shown } = await walk(caller, [first, second]);
    const before = await stateOf(client.uuid);
    const refused = await client.submit({ n: "x", other: 1 });
    expect([refused.status, refused.body]).toEqual([422, { errors: [{ field: "n", message: "Must be a number" }] }]);
    expect(refused.headers.get("content-type")).toMatch(/^application\/json\b/);
    expect(await stateOf(client.uuid)).toEqual(before);
    expect((await client.look()).body).toEqual(shown.body);
  });

  it("of the input begins no execution", async () => {
    const { name } = await openFlow(caller, { validate: { source: { rule: "string" } }, commands: [route("first")] });
    for (const body of [undefined, {}, { source: "" }, []]) {
      const answer = await call(undefined, "startExecution", {
        params: { name },
        ...(body === undefined ? {} : { body }),
      });
      expect([answer.status, answer.body]).toEqual([422, { errors: [{ field: "source", message: "Required" }] }]);
      expect(answer.headers.get("location")).toBeNull();
    }
    expect((await call(undefined, "startExecution", { params: { name }, body: { source: "x" } })).status).toBe(201);
  });
});
