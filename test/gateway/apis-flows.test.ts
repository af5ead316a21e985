import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";

import type { Answer, Caller } from "../support/api.ts";
import { apiOf, entry, flowsOf } from "../support/gateway.ts";
import { flowOf, newId, someone } from "../support/given.ts";

let caller: Caller;
let id: string;
beforeAll(async () => {
  caller = await someone();
});
const limit = (calls: number, more: object = {}) => entry("limit", "rateLimit", { calls, interval: "minute" }, more);
const log = entry("log", "log");
beforeEach(async () => {
  const api = apiOf({ flows: flowsOf([limit(10)], [log]) });
  id = await flowOf(caller, { kind: "api", graph: undefined, api });
});

type Place = readonly [resource: string, operation: string];
const top: Place = ["all", "all"];
const order: Place = ["order", "all"];
const get: Place = ["order", "get"];

const call = (operationId: string, [resource, operation]: Place, more: Record<string, unknown> = {}) =>
  caller.call(operationId, { ...more, params: { id, resource, operation, ...(more["params"] as object) } });
const put = (place: Place, request: object[], response: object[] = [log], more: object = {}) =>
  call("replaceApiFlow", place, { body: { request, response, ...more } });
const read = async (place: Place) => (await call("getApiFlow", place)).body.data;
const ids = (list: { id: string }[]) => list.map((one) => one.id);
const callout = (name: string) => entry(name, "serviceCallout", { variable: "v", url: "https://x.example" });
const errors = (answer: Answer) => [
  answer.status,
  ...answer.body.errors.map(({ error, pointer }: { error: string; pointer?: string }) =>
    pointer === undefined ? error : `${error} ${pointer}`,
  ),
];
const refused = async (place: Place, body: unknown) => errors(await call("replaceApiFlow", place, { body }));

describe("the flow of a scope", () => {
  it("is the one above until it has its own, and says where everything comes from", async () => {
    expect(await read(get)).toMatchObject({
      resource: "order",
      operation: "get",
      saved: false,
      runs: "api",
      broken: false,
      breaks: [],
      request: [{ id: "limit", origin: "inherited", level: "api", enabled: true, config: { calls: 10 } }],
      response: [{ id: "log", origin: "inherited", level: "api" }],
      destination: { level: "api", url: "https://backend.example" },
      timeout: null,
      own: null,
    });
    const destination = { url: "https://other.example/{id}", timeout: 5 };
    const edited = await put(get, [limit(10), entry("who", "clientId")], [log], { destination });
    expect(edited.body.meta).toEqual({ changed: [], warnings: [] });
    expect(edited.body.data).toMatchObject({
      saved: true,
      runs: "operation",
      request: [{ origin: "inherited" }, { id: "who", origin: "own", level: "operation" }],
      destination: { level: "operation", url: destination.url },
      timeout: { level: "operation", timeout: 5 },
      own: destination,
    });
    const again = await call("getApiFlow", get);
    expect([again.body.data, again.headers.get("etag")]).toEqual([edited.body.data, edited.headers.get("etag")]);
    // What was told may be sent back as it is, and that changes nothing.
    const { request, response, own } = edited.body.data;
    const same = await put(get, request, response, { destination: own });
    expect(same.headers.get("etag")).toBe(edited.headers.get("etag"));
  });

  it("says that what its parent has now is another value, and takes it if asked", async () => {
    await put(get, [limit(10)]);
    await put(top, [limit(20, { when: "method = 'GET'" })]);
    const [drifted] = (await read(get)).request;
    expect(drifted).toMatchObject({
      origin: "inherited",
      config: { calls: 10 },
      drift: { enabled: true, config: { calls: 20, interval: "minute" }, when: "method = 'GET'" },
      parentNow: `The parent now has when "method = 'GET'", config.calls 20.`,
    });
    expect(errors(await call("takeParentsValue", get, { params: { entryId: "none" } }))).toEqual([
      404,
      "API_ENTRY_NOT_FOUND",
    ]);
    expect(errors(await call("takeParentsValue", order, { params: { entryId: "limit" } }))).toEqual([
      404,
      "API_FLOW_NOT_FOUND",
    ]);
    const taken = await call("takeParentsValue", get, { params: { entryId: "limit" } });
    expect(taken.body.data.request[0]).toMatchObject({ origin: "inherited", config: { calls: 20 } });
    expect(taken.body.data.request[0]).not.toHaveProperty("drift");
    await put(get, [limit(20, { enabled: false })]);
    expect((await read(get)).request[0]).toMatchObject({ origin: "overridden", enabled: false });
  });

  it("passes a change on, tells whom it came to and whom not, and is restored from a break", async () => {
    const who = entry("who", "clientId");
    await put(get, [limit(10), who]);
    const broken = await put(["order", "post"], [entry("first", "ipFilter", { list: "allow" }), limit(10)]);
    expect(broken.status).toBe(422);
    const own = entry("first", "ipFilter", { list: "allow", addresses: ["203.0.113.7"] });
    expect((await put(["order", "post"], [own, limit(10)])).body.data).toMatchObject({
      broken: true,
      breaks: [{ cause: "own_before", list: "request", entry: "first", message: expect.stringMatching(/\.$/) }],
    });
    const added = await put(top, [limit(10), entry("size", "requestSize", { mostBytes: 1000 })]);
    expect(added.body.meta.changed).toEqual([
      { resource: "order", operation: "get", reached: true },
      { resource: "order", operation: "post", reached: false, cause: "broken" },
    ]);
    expect(ids((await read(get)).request)).toEqual(["limit", "size", "who"]);
    expect(ids((await read(["order", "post"])).request)).toEqual(["first", "limit"]);
    const restored = await call("restoreApiFlow", ["order", "post"]);
    expect([ids(restored.body.data.request), restored.body.data.broken]).toEqual([["limit", "size", "first"], false]);
    const discarded = await call("restoreApiFlow", ["order", "post"], { query: { discard: "true" } });
    expect(ids(discarded.body.data.request)).toEqual(["limit", "size"]);
    // A flow of the resource comes between; broken, it keeps all that is below from what is above.
    await put(order, [own, limit(10), entry("size", "requestSize", { mostBytes: 1000 })]);
    const above = await put(top, [limit(10)]);
    expect(above.body.meta.changed).toEqual([
      { resource: "order", operation: "all", reached: false, cause: "broken" },
      { resource: "order", operation: "get", reached: false, cause: "broken_above" },
      { resource: "order", operation: "post", reached: false, cause: "broken_above" },
    ]);
    // A value of the whole API reaches no flow that there is.
    expect((await put(top, [limit(11)])).body.meta.changed).toEqual([]);
  });

  it("is removed, and then the one above runs", async () => {
    await put(get, [limit(10), entry("who", "clientId")]);
    const removed = await call("removeApiFlow", get);
    expect(removed.body.data).toMatchObject({ saved: false, runs: "api", request: [{ id: "limit" }] });
    for (const operationId of ["removeApiFlow", "restoreApiFlow"]) {
      expect(errors(await call(operationId, get))).toEqual([404, "API_FLOW_NOT_FOUND"]);
    }
    expect((await call("removeApiFlow", top)).body.data).toMatchObject({ saved: false, runs: null, request: [] });
  });

  it("is refused with places in what was sent, and otherwise in the document", async () => {
    expect(await refused(get, { request: [{ id: "a" }], response: 7, more: 1 })).toEqual([
      422,
      "VALUE_UNKNOWN /request/0/type",
      "WRONG_TYPE /response",
      "KEY_UNKNOWN /more",
    ]);
    expect(await refused(get, [])).toEqual([422, "WRONG_TYPE "]);
    expect(await refused(get, { request: [log, log], response: [] })).toEqual([422, "ID_REPEATED /request/1"]);
    expect(await refused(top, { request: [entry("limit", "cors")], response: [] })).toEqual([
      422,
      "TYPE_CHANGED /request/0",
    ]);
    expect(await refused(get, { request: [limit(10)], response: [entry("x", "clientId")] })).toEqual([
      422,
      expect.stringMatching(/^STAGE_NOT_ALLOWED \/response\/0/),
    ]);
    expect(await refused(order, { request: [], response: [], destination: { url: "{{env.NONE}}/" } })).toEqual([
      422,
      expect.stringMatching(/^\w+ \/destination/),
    ]);
    // What is passed on may be wrong where it comes to.
    await put(get, [limit(10)], [log], { destination: { url: "https://x.example/{id}" } });
    await put(get, [limit(10), callout("mine")]);
    const passed = await refused(top, { request: [limit(10), callout("theirs")], response: [log] });
    expect(passed).toEqual([
      422,
      expect.stringMatching(/^\w+ \/flows\/resources\/order\/operations\/get\/request\/\d/),
    ]);
  });

  it("is none of a resource or operation that the API does not have", async () => {
    const places: Place[] = [
      ["none", "all"],
      ["order", "none"],
      ["all", "get"],
      ["__proto__", "all"],
    ];
    for (const place of places) {
      expect(errors(await call("getApiFlow", place))).toEqual([404, "API_SCOPE_NOT_FOUND"]);
      expect(errors(await put(place, []))).toEqual([404, "API_SCOPE_NOT_FOUND"]);
    }
    expect((await read(["All", "ALL"])).resource).toBe("all");
  });

  it("is edited only as If-Match says", async () => {
    const stale = { headers: { "if-match": '"1-7"' } };
    const body = { request: [], response: [] };
    for (const [operationId, more] of [
      ["replaceApiFlow", { body }],
      ["removeApiFlow", {}],
      ["restoreApiFlow", {}],
    ] as const) {
      expect(errors(await call(operationId, top, { ...stale, ...more }))).toEqual([412, "PRECONDITION_FAILED"]);
    }
    expect((await call("replaceApiFlow", top, { headers: { "if-match": '"1-0"' }, body })).status).toBe(200);
  });

  it("cannot make the API larger than a flow may be", async () => {
    const operations = Array.from({ length: 10 }, (_, at) => ({ id: `o${at}`, method: `M${at}` }));
    const empty = { request: [], response: [] };
    const flows = {
      all: empty,
      resources: { r: { all: empty, operations: Object.fromEntries(operations.map((one) => [one.id, empty])) } },
    };
    const api = apiOf({ resources: [{ id: "r", path: "/r", operations }], flows });
    expect((await caller.call("replaceApiDraft", { params: { id }, body: api })).status).toBe(200);
    const large = entry("m", "mock", { body: "x".repeat(60_000) });
    expect(errors(await put(top, [large], []))).toEqual([413, "BODY_TOO_LARGE"]);
    expect((await read(top)).request).toEqual([]);
  });
});

const named = (turns: { stage: string; id: string; level: string }[]) =>
  turns.map(({ stage, id: name, level }) => `${stage} ${name} ${level}`);

describe("what will run", () => {
  it("is told in its order, with what every plan adds inside", async () => {
    const [gold, foreign] = [`plan_${newId()}`, `plan_${newId()}`];
    const chain = {
      name: "Gold",
      request: [entry("pq", "requestSize")],
      response: [entry("pr", "log"), entry("off", "log", {}, { enabled: false })],
    };
    const insert = "INSERT INTO plans (id, owners, created_at, updated_at, document) VALUES (?, ?, 0, 0, ?)";
    await env.DB.batch(
      [[gold, caller.sub] as const, [foreign, newId()] as const].map(([plan, owner]) =>
        env.DB.prepare(insert).bind(plan, JSON.stringify([{ id: owner, type: "user" }]), JSON.stringify(chain)),
      ),
    );
    const { data } = (await caller.call("getApiDraft", { params: { id } })).body;
    await caller.call("replaceApiDraft", { params: { id }, body: { ...data, plans: [gold, foreign] } });
    await put(
      get,
      [
        limit(10),
        entry("off2", "cors", { origins: ["https://a.example"] }, { enabled: false }),
        entry("who", "clientId"),
      ],
      [log, entry("own", "log")],
    );
    const effective = (await call("getEffectiveApiFlow", get)).body.data;
    expect(effective).toMatchObject({ runs: "operation", destination: { level: "api" }, timeout: null });
    expect([ids(effective.request), ids(effective.response)]).toEqual([
      ["limit", "who"],
      ["log", "own"],
    ]);
    expect(named(effective.execution)).toEqual([
      "request limit api",
      "request who operation",
      "response own operation",
      "response log api",
    ]);
    expect(effective.plans).toMatchObject([
      { id: gold, name: "Gold", found: true },
      { id: foreign, name: null, found: false },
    ]);
    expect(named(effective.plans[0].execution)).toEqual([
      "request limit api",
      "request who operation",
      "request pq plan",
      "response pr plan",
      "response own operation",
      "response log api",
    ]);
    expect(effective.plans[1].execution).toEqual(effective.execution);
    const ofAll = (await call("getEffectiveApiFlow", top)).body.data;
    expect(named(ofAll.execution)).toEqual(["request limit api", "response log api"]);
    expect(ofAll.request[0]).toEqual({
      id: "limit",
      type: "rateLimit",
      level: "api",
      config: { calls: 10, interval: "minute" },
    });
  });
});
