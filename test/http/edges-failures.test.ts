import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";

import { call, type Call } from "../support/api.ts";
import { exampleFlow, flowOf, newId, outboxOf, rowOf, someone } from "../support/given.ts";
import { brokenDatabase, databaseThat, throwingDatabase, wire } from "../support/wire.ts";

const noDatabase = [{ message: "NO DB. Please try again later 0", code: 503, error: "STORAGE_UNAVAILABLE" }];
const internals = /db-17|D1_|sqlite|select|insert|update |\.ts\b|node_modules|\bat \w+ \(/i;

afterEach(() => {
  vi.restoreAllMocks();
});

/** Databases that are down in one way or another. */
const down: [string, () => object][] = [
  ["refuses statements", brokenDatabase],
  ["throws at once", throwingDatabase],
  ["fails without a reason", () => brokenDatabase(new Error(""))],
];
const readsOnly: [string, () => object] = ["went down between reading and writing", failsToWrite];

/** Requests of whoever owns the flow. */
const requests: [string, string, (id: string) => Call][] = [
  ["list", "getFlows", () => ({})],
  ["read", "getFlowById", (id) => ({ params: { id } })],
  ["logs", "getStepLogs", (id) => ({ params: { id, stepId: "step_1" } })],
  ["create", "addFlow", () => ({ body: exampleFlow() })],
  ["create of several", "addFlow", () => ({ body: [exampleFlow(), exampleFlow()] })],
  ["edit", "updateFlow", (id) => ({ params: { id }, body: { name: "Another name" } })],
  ["edit of several", "updateFlowBulk", (id) => ({ body: [{ id, name: "Another name" }] })],
  ["delete", "deleteFlow", (id) => ({ params: { id } })],
];
const writing = requests.filter(([name]) => /create|edit|delete/.test(name));

describe.each([
  ...down.flatMap(([how, database]) =>
    requests.map(([name, ...request]) => [name, how, database, ...request] as const),
  ),
  ...writing.map(([name, ...request]) => [name, ...readsOnly, ...request] as const),
])("a %s while the database %s", (_, __, database, operationId, requestOf) => {
  it("answers 503, asks to come again, and writes nothing", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const before = await rowOf(id);
    const answer = await caller.call(operationId, { ...requestOf(id), env: { DB: database() } });
    expect(answer.status).toBe(503);
    expect(answer.body.errors).toEqual(noDatabase);
    expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
    expect(answer.headers.get("x-request-id")).not.toBeNull();
    expect(await rowOf(id)).toEqual(before);
    expect(await outboxOf(id)).toEqual([]);
    expect((await caller.call("getFlows")).body.meta.total).toBe(1);
  });
});

describe.each([...down, readsOnly])("start and stop while the database %s", (_, database) => {
  it.each([
    ["startFlow", "inactive"],
    ["stopFlow", "active"],
  ] as const)("answer %s of an %s flow with 503 and leave it as it was", async (operationId, status) => {
    const caller = await someone();
    const id = await flowOf(caller, {}, { status });
    const before = await rowOf(id);
    const restore = await breakObjectOf(id, database());
    const answer = await caller.call(operationId, { params: { id }, env: { DB: database() } });
    expect(answer.status).toBe(503);
    expect(answer.body.errors).toEqual(noDatabase);
    expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
    expect(await rowOf(id)).toEqual(before);
    expect(await outboxOf(id)).toEqual([]);
    await restore();
    expect((await caller.call(operationId, { params: { id } })).status).toBe(200);
  });
});

describe("a flow's object that cannot be reached", () => {
  it.each<[string, () => object]>([
    ["is named in vain", () => ({ getByName: fail })],
    ["breaks off", () => ({ getByName: () => ({ apply: reject(new Error("db-17: connection lost")) }) })],
    ["is overloaded", () => overloaded()],
  ])("because it %s, makes start and stop answer 503 and come again", async (_, objects) => {
    const caller = await someone();
    const id = await flowOf(caller);
    for (const operationId of ["startFlow", "stopFlow"]) {
      const answer = await caller.call(operationId, { params: { id }, env: { FLOW_OBJECT: objects() } });
      expect(answer.status).toBe(503);
      expect(answer.body.errors).toEqual([
        {
          message: "The flow cannot be reached at the moment. Please try again later.",
          code: 503,
          error: "FLOW_UNAVAILABLE",
        },
      ]);
      expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
    }
    expect(await rowOf(id)).toMatchObject({ status: "inactive", status_seq: 0 });
  });

  it("once, is asked again", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    let failures = 1;
    const getByName = (name: string) => (failures-- > 0 ? fail() : env.FLOW_OBJECT.getByName(name));
    const answer = await caller.call("startFlow", { params: { id }, env: { FLOW_OBJECT: { getByName } } });
    expect(answer).toMatchObject({ status: 200, body: { data: { id, status: "starting" } } });
  });

  it.each<[string, () => object]>([
    ["throws", () => ({ getByName: fail })],
    ["rejects", () => ({ getByName: () => ({ relay: reject(new Error("db-17: connection lost")) }) })],
  ])("and %s does not undo what was stored: the sweep will hand it over", async (_, objects) => {
    const caller = await someone();
    const changed = { env: { FLOW_OBJECT: objects() } };
    const created = await caller.call("addFlow", { body: exampleFlow(), ...changed });
    expect(created.status).toBe(201);
    const params = { id: created.body.data.id as string };
    expect((await caller.call("updateFlow", { params, body: { name: "New" }, ...changed })).status).toBe(200);
    expect((await outboxOf(params.id)).map(({ body }) => nameOf(body))).toEqual([
      "flowrepo.flow.created",
      "flowrepo.flow.modified",
    ]);
    expect((await caller.call("deleteFlow", { params, ...changed })).status).toBe(200);
    expect(await rowOf(params.id)).toBeNull();
  });
});

describe("what nobody expected", () => {
  it.each<[string, string, Record<string, unknown>]>([
    ["a missing database", "getFlows", { DB: undefined }],
    ["missing objects", "startFlow", { FLOW_OBJECT: undefined }],
    ["an object that throws", "startFlow", { FLOW_OBJECT: { getByName: () => ({ apply: reject(remote()) }) } }],
    ["an object that throws a text", "startFlow", { FLOW_OBJECT: { getByName: () => ({ apply: reject("db-17") }) } }],
    ["an object that throws nothing", "startFlow", { FLOW_OBJECT: { getByName: () => ({ apply: reject(null) }) } }],
    ["an object that answers nonsense", "startFlow", { FLOW_OBJECT: { getByName: () => ({ apply: resolve({}) }) } }],
    ["a database that answers nonsense", "getFlows", { DB: nonsense() }],
    ["a database that throws a text", "getFlows", { DB: brokenDatabase("db-17") }],
  ])("as %s is answered in the envelope, without our internals", async (_, operationId, changed) => {
    const caller = await someone();
    const id = await flowOf(caller);
    const answered = await caller.call(operationId, { params: { id }, env: changed });
    expect([500, 503]).toContain(answered.status);
    expect(answered.body.errors).toHaveLength(1);
    expect(answered.body.errors[0]).toMatchObject({ code: answered.status, error: expect.stringMatching(/^[A-Z_]+$/) });
    expect(JSON.stringify(answered.body)).not.toMatch(internals);
    expect(answered.headers.get("x-request-id")).not.toBeNull();
    expect(answered.headers.get("cache-control")).toBe("no-store");
  });

  it("is told in one sentence that puts the blame on us", async () => {
    const caller = await someone();
    const changed = { FLOW_OBJECT: { getByName: () => ({ apply: reject(remote()) }) } };
    const answered = await caller.call("startFlow", { params: { id: newId() }, env: changed });
    expect(answered).toMatchObject({
      status: 500,
      body: { errors: [{ message: "Something went wrong on our side.", code: 500, error: "INTERNAL" }] },
    });
  });
});

it("refuses a token before it looks at a database that is down", async () => {
  const answered = await call(undefined, "getFlows", { env: { DB: brokenDatabase() } });
  expect(answered.status).toBe(401);
});

it("checks a flow without a database", async () => {
  const caller = await someone();
  const answered = await caller.call("validateFlow", { body: exampleFlow(), env: { DB: brokenDatabase() } });
  expect(answered).toMatchObject({ status: 200, body: { data: { valid: true } } });
});

it.each(["/api-docs", "/openapi.json", "/docs", "/nope"])("answers %s without a database", async (path) => {
  expect((await wire("GET", path, { env: { DB: brokenDatabase() } })).status).toBeLessThan(500);
});

function fail(): never {
  throw new Error("D1_ERROR: the disk of host db-17 is full");
}

/** Statements by themselves are answered; only batches and what they would write are not. */
function failsToWrite(): object {
  const database: object = {
    ...brokenDatabase(),
    prepare: (sql: string) => env.DB.withSession("first-primary").prepare(sql),
    withSession: () => database,
  };
  return database;
}

function nonsense() {
  return databaseThat(() => Promise.resolve("db-17"));
}

function resolve(value: unknown) {
  return () => Promise.resolve(value);
}

function reject(reason: unknown) {
  // oxlint-disable-next-line prefer-promise-reject-errors -- what is thrown elsewhere need be no error
  return () => Promise.reject(reason);
}

function remote() {
  return Object.assign(new Error("db-17: cannot read properties of undefined"), { remote: true });
}

function overloaded() {
  const apply = vi
    .fn<() => Promise<never>>()
    .mockRejectedValueOnce(Object.assign(new Error("db-17 is overloaded"), { overloaded: true }))
    .mockRejectedValue(new Error("An overloaded object must not be asked again."));
  return { getByName: () => ({ apply }) };
}

const nameOf = (body: string): string => (JSON.parse(body) as { headers: { name: string } }).headers.name;

/** Puts another database into a flow's object; answers how to take it out again. */
async function breakObjectOf(id: string, DB: object): Promise<() => Promise<void>> {
  const put = (binding: object) =>
    runInDurableObject(env.FLOW_OBJECT.getByName(id), (instance) => {
      const object = instance as unknown as { env: Record<string, unknown> };
      object.env = { ...object.env, DB: binding };
    });
  await put(DB);
  return () => put(env.DB);
}
