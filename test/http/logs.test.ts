import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { DrizzleQueryError } from "drizzle-orm/errors";
import { afterEach, describe, expect, it, vi } from "vitest";

import { call, type Call } from "../support/api.ts";
import { exampleFlow, flowOf, newId, settle, someone } from "../support/given.ts";
import { unique } from "../support/iam.ts";
import { brokenDatabase, recordConsole, wire } from "../support/wire.ts";

const info = { LOG_LEVEL: "info" };
const asJson = { "content-type": "application/json" };

afterEach(() => {
  vi.restoreAllMocks();
});

/** A flow in which every free text is the marker. */
const markedFlow = (marker: string) => ({
  name: marker,
  description: marker,
  graph: {
    nodes: [
      { id: "step_1", name: marker, description: marker, fields: { password: marker, nested: [{ [marker]: marker }] } },
      { id: "step_2", nodeSettings: { key: marker } },
    ],
    edges: [{ source: "step_1", target: "step_2", config: { condition: marker.slice(0, 30) } }],
  },
});

describe("the line of a request", () => {
  it.each<[string, string, string, (id: string) => Call, number]>([
    ["GET", "/flows", "getFlows", () => ({}), 200],
    ["POST", "/flows", "addFlow", () => ({ body: exampleFlow() }), 201],
    ["POST", "/flows", "addFlow", () => ({ body: {} }), 400],
    ["GET", "/flows/{id}", "getFlowById", (id) => ({ params: { id } }), 200],
    ["PATCH", "/flows/{id}", "updateFlow", (id) => ({ params: { id }, body: { name: "x" } }), 200],
    ["POST", "/flows/{id}/start", "startFlow", (id) => ({ params: { id } }), 200],
    ["DELETE", "/flows/{id}", "deleteFlow", (id) => ({ params: { id } }), 200],
    ["GET", "/dead-letters", "getDeadLetters", () => ({}), 403],
  ])("of %s %s in %s tells who asked for what, and what came of it", async (method, path, operationId, of, status) => {
    const caller = await someone();
    const id = await flowOf(caller);
    const written = recordConsole();
    const headers = { "x-request-id": unique("request") };
    const answer = await caller.call(operationId, { ...of(id), headers, env: info });
    expect(answer.status).toBe(status);
    expect(written.of("request")).toEqual([
      {
        event: "request",
        requestId: headers["x-request-id"],
        method,
        path: path.replace("{id}", id),
        status,
        actor: caller.sub,
        ms: expect.any(Number),
      },
    ]);
  });

  it.each<[string, string, string, Record<string, string>, number]>([
    ["without a token", "GET", "/flows", {}, 401],
    ["with a bad token", "GET", "/flows", { authorization: "Bearer x.y.z" }, 401],
    ["of a foreign page", "GET", "/flows", { origin: "https://evil.example" }, 403],
    ["before a page's call", "OPTIONS", "/flows", { origin: "https://ui.example.com" }, 204],
    ["of an unknown path", "GET", "/nope", {}, 404],
    ["of a wrong method", "POST", "/healthcheck", {}, 405],
    ["of a head", "HEAD", "/openapi.json", {}, 200],
    ["of a page", "GET", "/api-docs", {}, 200],
  ])("%s is one too, without an actor", async (_, method, path, headers, status) => {
    const written = recordConsole();
    const answer = await wire(method, path, { headers, env: info });
    expect(answer.status).toBe(status);
    expect(written.lines).toHaveLength(1);
    const [line] = written.of("request");
    expect(line).toMatchObject({ requestId: answer.headers.get("x-request-id"), method, path, status });
    expect(line!["actor"]).toBeUndefined();
    expect(line!["ms"]).toBeGreaterThanOrEqual(0);
  });

  it("of a failure is joined by one error of the same request", async () => {
    const caller = await someone();
    const written = recordConsole();
    const answer = await caller.call("getFlows", { env: { ...info, DB: brokenDatabase() } });
    const requestId = answer.headers.get("x-request-id");
    expect(written.of("request")).toEqual([expect.objectContaining({ requestId, status: 503, actor: caller.sub })]);
    expect(written.of("request.failed")).toEqual([expect.objectContaining({ requestId, error: "AppError" })]);
    expect(written.lines).toHaveLength(2);
  });

  it("follows upon a failure that nobody expected as upon any other request", async () => {
    const caller = await someone();
    const params = { id: await flowOf(caller) };
    const broken = { ...info, FLOW_OBJECT: { getByName: () => ({ apply: unexpected }) } };
    const lost = { ...info, FLOW_OBJECT: { getByName: () => ({ relay: unexpected }) } };
    const written = recordConsole();
    await caller.call("startFlow", { params, env: broken });
    await caller.call("addFlow", { body: exampleFlow(), env: lost });
    await caller.call("getFlows", { env: info });
    await caller.call("startFlow", { params, env: broken });
    expect(written.of("request").map((line) => line["status"])).toEqual([500, 201, 200, 500]);
    expect(written.of("request.failed")).toHaveLength(2);
    expect(written.of("courier.unreachable")).toHaveLength(1);
  });

  it("of a refusal is joined by no error", async () => {
    const caller = await someone();
    const written = recordConsole();
    await caller.call("getFlowById", { params: { id: newId() }, env: info });
    expect(written.of("request.failed")).toEqual([]);
  });

  it("is as short as its path is long", async () => {
    const written = recordConsole();
    await wire("GET", `/${"x".repeat(5000)}`, { env: info });
    expect(written.text().length).toBeLessThan(1000);
  });

  it.each([
    ["error", 1],
    ["silent", 0],
  ])("is not written at the level %s, where a failure writes %i", async (LOG_LEVEL, errors) => {
    const caller = await someone();
    const written = recordConsole();
    await caller.call("getFlows", { env: { LOG_LEVEL } });
    expect(written.lines).toEqual([]);
    await caller.call("getFlows", { env: { LOG_LEVEL, DB: brokenDatabase() } });
    expect(written.lines).toHaveLength(errors);
  });
});

describe("no line holds the token, the header or what was sent", () => {
  it.each<[string, string, (marker: string, id: string) => Call, number]>([
    ["a stored flow", "addFlow", (marker) => ({ body: markedFlow(marker) }), 201],
    ["several stored flows", "addFlow", (marker) => ({ body: [markedFlow(marker), { name: marker }] }), 201],
    ["a refused flow", "addFlow", (marker) => ({ body: { ...markedFlow(marker), graph: marker } }), 400],
    ["a checked flow", "validateFlow", (marker) => ({ body: { ...markedFlow(marker), cron: marker } }), 200],
    ["malformed JSON", "addFlow", (marker) => ({ raw: `{"name": ${marker}`, headers: asJson }), 400],
    ["short malformed JSON", "addFlow", (marker) => ({ raw: marker, headers: asJson }), 400],
    ["broken UTF-8", "addFlow", (marker) => ({ raw: brokenText(marker), headers: asJson }), 400],
    ["another content type", "addFlow", (marker) => ({ raw: marker, headers: { "content-type": marker } }), 415],
    ["an edited flow", "updateFlow", (marker, id) => ({ params: { id }, body: markedFlow(marker) }), 200],
    [
      "several edits",
      "updateFlowBulk",
      (marker, id) => ({ body: [{ id, ...markedFlow(marker) }, { id: marker }] }),
      200,
    ],
    ["ids that are none", "startMultipleFlows", (marker) => ({ body: [marker, { [marker]: marker }] }), 200],
    ["a search", "getFlows", (marker) => ({ query: { search: marker, "filter[user]": marker } }), 200],
    ["a bad parameter", "getFlows", (marker) => ({ query: { sort: marker } }), 400],
    ["other headers", "getFlows", (marker) => ({ headers: { cookie: marker, "x-api-key": marker } }), 200],
  ])("of %s in %s", async (_, operationId, of, status) => {
    const caller = await someone();
    const id = await flowOf(caller);
    const written = recordConsole();
    const marker = markerText();
    const answer = await caller.call(operationId, { ...of(marker, id), env: info });
    expect(answer.status).toBe(status);
    expect(written.of("request")).toHaveLength(1);
    expectClean(written.text(), marker, caller.authorization);
  });

  describe.each<[string, (marker: string) => Error]>([
    ["Drizzle's, with the bound parameters", drizzleError],
    ["its own, with the value that it does not take", valueError],
  ])("where the database fails in words that are %s,", (_, errorOf) => {
    it.each<[string, string, (marker: string, id: string) => Call]>([
      ["a create", "addFlow", (marker) => ({ body: markedFlow(marker) })],
      ["an edit", "updateFlow", (marker, id) => ({ params: { id }, body: markedFlow(marker) })],
      ["edits", "updateFlowBulk", (marker, id) => ({ body: [{ id, ...markedFlow(marker) }] })],
      ["a search", "getFlows", (marker) => ({ query: { search: marker } })],
    ])("of %s in %s", async (__, operationId, of) => {
      const caller = await someone();
      const id = await flowOf(caller);
      const marker = markerText();
      const broken = brokenDatabase(errorOf(marker));
      const written = recordConsole();
      const answers = [
        await caller.call(operationId, { ...of(marker, id), env: { ...info, DB: broken } }),
        await caller.call(operationId, { ...of(marker, id), env: { ...info, DB: { ...broken, prepare } } }),
      ];
      expect(answers.map(({ status }) => status)).toEqual([503, 503]);
      expect(written.of("request.failed")).toHaveLength(2);
      expectClean(written.text(), marker, caller.authorization);
      expect(JSON.stringify(answers)).not.toContain(marker);
    });

    it("of an object, which hears it too", async () => {
      const caller = await someone();
      const marker = markerText();
      const id = await flowOf(caller, markedFlow(marker));
      const written = recordConsole();
      await changeObject(id, { ...info, DB: brokenDatabase(errorOf(marker)) });
      expect((await caller.call("startFlow", { params: { id } })).status).toBe(503);
      await settle(id);
      await changeObject(id, { DB: env.DB });
      expect(written.of("transition.failed")).toHaveLength(1);
      expect(written.of("courier.failed")).toHaveLength(1);
      expectClean(written.text(), marker, caller.authorization);
    });

    it("of a request, though nobody expected it to reach us", async () => {
      const caller = await someone();
      const marker = markerText();
      const written = recordConsole();
      const apply = () => Promise.reject(Object.assign(errorOf(marker), { remote: true }));
      const changed = { ...info, FLOW_OBJECT: { getByName: () => ({ apply }) } };
      const answer = await caller.call("startFlow", { params: { id: newId() }, env: changed });
      expect(answer.status).toBe(500);
      expect(written.of("request.failed")).toHaveLength(1);
      expectClean(written.text(), marker, caller.authorization);
    });
  });

  it("of a flow's object that starts, stops and hands over", async () => {
    const caller = await someone();
    const marker = markerText();
    const id = await flowOf(caller, markedFlow(marker));
    const written = recordConsole();
    await changeObject(id, info);
    await caller.call("startFlow", { params: { id } });
    await settle(id);
    await caller.call("stopFlow", { params: { id }, query: { force: "true" } });
    await settle(id);
    expect(written.of("transition").map((line) => line["status"])).toEqual(["starting", "inactive"]);
    expectClean(written.text(), marker, caller.authorization);
  });

  it("of a flow's object whose queue fails", async () => {
    const caller = await someone();
    const marker = markerText();
    const id = await flowOf(caller, markedFlow(marker));
    const written = recordConsole();
    await changeObject(id, { ...info, FLOW_COMMANDS: { send: tooMany } });
    expect((await caller.call("startFlow", { params: { id } })).status).toBe(200);
    await settle(id);
    await changeObject(id, { FLOW_COMMANDS: env.FLOW_COMMANDS });
    expect(written.of("courier.failed").length).toBeGreaterThan(0);
    expectClean(written.text(), marker, caller.authorization);
  });
});

it("tells of a token that is refused nothing of the token", async () => {
  const written = recordConsole();
  const marker = markerText();
  await call(`Bearer ${marker}`, "getFlows", { env: info });
  await call(`Bearer ${marker}.${marker}.${marker}`, "getFlows", { env: info });
  await call(marker, "getFlows", { env: info });
  expect(written.of("request")).toHaveLength(3);
  expectClean(written.text(), marker, marker);
});

const markerText = (): string => `m${crypto.randomUUID().replaceAll("-", "")}`;

function expectClean(written: string, marker: string, authorization: string): void {
  expect(written).not.toContain(marker.slice(0, 9));
  expect(written).not.toContain(authorization.replace("Bearer ", ""));
  expect(written).not.toMatch(/bearer |"authorization"/i);
}

function drizzleError(marker: string): Error {
  const cause = new Error("D1_ERROR: UNIQUE constraint failed: flows.id: SQLITE_CONSTRAINT");
  return new DrizzleQueryError('insert into "flows" ("id", "document") values (?, ?)', [marker, marker], cause);
}

function valueError(marker: string): Error {
  return new Error(`D1_TYPE_ERROR: Type 'object' not supported for value '${marker}'`);
}

const unexpected = () => Promise.reject(Object.assign(new Error("Nobody expected this."), { remote: true }));

const tooMany = () => Promise.reject(new Error("Queue send failed: Too Many Requests"));

const prepare = (sql: string) => env.DB.prepare(sql);

const brokenText = (marker: string): Uint8Array =>
  new Uint8Array([...new TextEncoder().encode(`{"name":"${marker}`), 0xc3, 0x28]);

const changeObject = (id: string, changed: Record<string, unknown>): Promise<void> =>
  runInDurableObject(env.FLOW_OBJECT.getByName(id), (instance) => {
    const object = instance as unknown as { env: Record<string, unknown> };
    object.env = { ...object.env, ...changed };
  });
