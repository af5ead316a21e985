import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";

import type { Answer, Caller } from "../support/api.ts";
import { databaseWith } from "../support/faults.ts";
import { apiOf, entry, flowsOf, freshBase } from "../support/gateway.ts";
import { flowOf, newId, someone } from "../support/given.ts";

let caller: Caller;
let id: string;
let api: ReturnType<typeof apiOf> & Record<string, unknown>;
beforeEach(async () => {
  caller = await someone();
  api = apiOf({ flows: flowsOf() });
  id = await flowOf(caller, { name: "Orders", kind: "api", graph: undefined, api });
});

const errors = (answer: Answer) => [
  answer.status,
  ...answer.body.errors.map(({ error, pointer }: { error: string; pointer?: string }) =>
    pointer === undefined ? error : `${error} ${pointer}`,
  ),
];
const call = (operationId: string, more: object = {}, by = caller) => by.call(operationId, { params: { id }, ...more });
const put = (body: unknown, tag?: string, more: object = {}) =>
  call("replaceApiDraft", { body, ...(tag === undefined ? {} : { headers: { "if-match": tag } }), ...more });
const tagIn = (answer: Answer) => answer.headers.get("etag")!;

describe("an API at a glance", () => {
  it("tells what is saved, and what is not", async () => {
    const first = await call("getApi");
    expect(first.body.data).toEqual({
      id,
      name: "Orders",
      status: "inactive",
      revision: 1,
      basePath: api.basePath,
      address: `/gateway${api.basePath}`,
      hostnames: [],
      draft: null,
      plans: [],
      resources: 1,
      warnings: [],
    });
    await put({ ...api, basePath: freshBase(), flows: { resources: {} } });
    const second = (await call("getApi")).body.data;
    const draft = { edits: 1, updatedAt: expect.any(String), updatedBy: caller.sub, outdated: false };
    expect(second).toMatchObject({ basePath: api.basePath, revision: 1, draft });
    expect(second.warnings).toMatchObject([{ warning: true, pointer: expect.stringMatching(/^\//) }]);
  });

  it("is none if the flow is of another kind, or of others", async () => {
    const other = await flowOf(caller);
    const stranger = await someone();
    for (const [operationId, more] of Object.entries(everything)) {
      const params = { id, ...scope, revision: "1", other: "1" };
      expect(errors(await caller.call(operationId, { ...more, params: { ...params, id: other } }))).toEqual([
        404,
        "API_NOT_FOUND",
      ]);
      expect(errors(await stranger.call(operationId, { ...more, params }))).toEqual([404, "FLOW_NOT_FOUND"]);
      const malformed = await caller.call(operationId, { ...more, params: { ...params, id: "short" } });
      expect(malformed.body.errors[0]).toMatchObject({ code: 400, error: "INVALID_ID" });
    }
    expect((await call("getApi")).body.data.draft).toBeNull();
  });
});

const scope = { resource: "order", operation: "get", entryId: "x" };
const document = "openapi: 3.1.0\ninfo: { title: Orders, version: '1' }\npaths: { /orders: { get: {} } }\n";
const asText = { raw: document, headers: { "content-type": "application/yaml" } };
const everything: Record<string, object> = {
  getApi: {},
  getApiDraft: {},
  replaceApiDraft: { body: apiOf() },
  discardApiDraft: {},
  saveApi: {},
  getApiFlow: {},
  getEffectiveApiFlow: {},
  replaceApiFlow: { body: { request: [], response: [] } },
  removeApiFlow: {},
  restoreApiFlow: {},
  takeParentsValue: {},
  getApiRevisions: {},
  getApiRevision: {},
  diffApiRevisions: {},
  rollbackApi: {},
  importIntoApi: asText,
};

describe("the draft", () => {
  it("is what is saved until it is edited, and again when it is given up", async () => {
    const none = await call("getApiDraft");
    expect([none.body.data.basePath, none.body.meta, tagIn(none)]).toEqual([
      api.basePath,
      { draft: null, warnings: [] },
      '"1-0"',
    ]);
    const edited = await put({ ...api, settings: { traceSampling: 0.5 } });
    expect(edited.body).toMatchObject({ data: { settings: { traceSampling: 0.5 } }, meta: { draft: { edits: 1 } } });
    const read = await call("getApiDraft");
    expect([tagIn(read), read.body.data]).toEqual([tagIn(edited), edited.body.data]);
    expect((await call("getApiDraft", { headers: { "if-none-match": tagIn(read) } })).status).toBe(304);
    const gone = await call("discardApiDraft");
    expect([gone.body.data.draft, tagIn(gone)]).toEqual([null, '"1-0"']);
    expect((await call("discardApiDraft")).status).toBe(200);
    expect((await call("getApiDraft")).body).toEqual(none.body);
  });

  it("is refused with all that is wrong, each with its place, and then stays as it was", async () => {
    const bad = {
      ...api,
      basePath: "orders",
      flows: flowsOf([entry("who", "clientId"), entry("x", "noSuch")], [entry("who", "clientId")]),
    };
    expect(errors(await put(bad))).toEqual([422, "VALUE_UNKNOWN /flows/all/request/1/type"]);
    expect(errors(await put({ ...bad, flows: flowsOf([], [entry("who", "clientId")]) }))).toEqual([
      422,
      "BASE_PATH_INVALID /basePath",
      expect.stringMatching(/^STAGE_NOT_ALLOWED \/flows\/all\/response\/0/),
    ]);
    expect(errors(await put([]))).toEqual([422, "WRONG_TYPE "]);
    expect((await call("getApi")).body.data.draft).toBeNull();
  });

  it("is changed only as If-Match says, also behind a draft that was given up", async () => {
    const first = tagIn(await put(api, '"1-0"'));
    expect(errors(await put(api, '"1-0"'))).toEqual([412, "PRECONDITION_FAILED"]);
    const second = tagIn(await put(api, first));
    const which = { headers: { "if-match": first } };
    for (const operationId of ["discardApiDraft", "saveApi"]) {
      expect(errors(await call(operationId, which))).toEqual([412, "PRECONDITION_FAILED"]);
    }
    await call("discardApiDraft", { headers: { "if-match": second } });
    const third = tagIn(await put(api));
    expect([first, second]).not.toContain(third);
    expect(errors(await put(api, first))).toEqual([412, "PRECONDITION_FAILED"]);
  });

  it("loses no edit of those at the same time", async () => {
    const flow = (resource: string, operation: string, name: string) =>
      call("replaceApiFlow", {
        params: { id, resource, operation },
        body: { request: [entry(name, "clientId")], response: [] },
      });
    const both = await Promise.all([flow("order", "get", "a"), flow("order", "post", "b"), flow("order", "get", "c")]);
    expect(both.map(({ status }) => status)).toEqual([200, 200, 200]);
    const { data, meta } = (await call("getApiDraft")).body;
    expect(meta.draft.edits).toBe(3);
    expect(Object.keys(data.flows.resources.order.operations)).toEqual(expect.arrayContaining(["get", "post"]));
  });

  it("is refused as a conflict if others are always first, and with 412 if it named a state", async () => {
    let edits = 0;
    // Somebody who edits behind every read.
    const busy = (statement: RegExp) =>
      new Proxy(env.DB, {
        get(target, key) {
          if (key !== "withSession") return Reflect.get(target, key) as unknown;
          return (from: string) => overtaken(target.withSession(from), statement);
        },
      });
    const overtaken = (session: D1DatabaseSession, statement: RegExp): D1DatabaseSession =>
      new Proxy(session, {
        get(target, key) {
          const value: unknown = Reflect.get(target, key);
          if (key !== "prepare") return typeof value === "function" ? (value as () => unknown).bind(target) : value;
          return (text: string) => (statement.test(text) ? late(target.prepare(text)) : target.prepare(text));
        },
      });
    const late = (prepared: D1PreparedStatement): D1PreparedStatement =>
      ({
        bind: (...values: unknown[]) => {
          const bound = prepared.bind(...values);
          return {
            all: async () => {
              edits += 1;
              await env.DB.prepare("UPDATE api_drafts SET edit = edit + 1 WHERE flow_id = ?").bind(id).run();
              return bound.all();
            },
          };
        },
      }) as unknown as D1PreparedStatement;
    const first = tagIn(await put(api));
    const surroundings = { env: { DB: busy(/^(?:UPDATE|DELETE FROM) api_drafts/) } };
    expect(errors(await put(api, undefined, surroundings))).toEqual([409, "DRAFT_CONFLICT"]);
    expect(edits).toBe(25);
    const tag = tagIn(await call("getApiDraft"));
    expect(tag).not.toBe(first);
    expect(errors(await put(api, tag, surroundings))).toEqual([412, "PRECONDITION_FAILED"]);
  });

  it("is not begun for a flow that is gone meanwhile", async () => {
    const DB = databaseWith(({ run }) => run());
    await caller.call("deleteFlow", { params: { id } });
    expect(errors(await put(api, undefined, { env: { DB } }))).toEqual([404, "FLOW_NOT_FOUND"]);
    const left = await env.DB.prepare("SELECT count(*) AS n FROM api_drafts WHERE flow_id = ?").bind(id).first("n");
    expect(left).toBe(0);
  });
});

it("the catalogue has every interceptor with the JSON Schema of its settings", async () => {
  const { data } = (await caller.call("getInterceptors")).body;
  expect(data).toHaveLength(27);
  const rateLimit = data.find(({ type }: { type: string }) => type === "rateLimit");
  expect(rateLimit).toMatchObject({
    category: "traffic",
    stages: ["request"],
    scopes: ["api", "resource", "operation", "plan"],
    config: { type: "object", required: ["calls", "interval"], properties: { calls: { type: "integer", minimum: 1 } } },
  });
  for (const { type, config, description } of data) {
    const isSchema = config.type === "object" || Array.isArray(config.oneOf ?? config.anyOf);
    expect([type, isSchema, description]).toEqual([type, true, expect.stringMatching(/\w/)]);
  }
  expect((await caller.call("getApi", { params: { id: newId() } })).status).toBe(404);
});
