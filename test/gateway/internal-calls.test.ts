import { env } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";

import type { Call, Placed, World } from "../../src/gateway/call.ts";
import { configOf } from "../../src/apis/interceptors.ts";
import { internalCall } from "../../src/gateway/interceptors/callouts.ts";
import { apiOf, callGateway, entry, flowsOf, liveApi, renewGateway } from "../support/gateway.ts";
import { newId, someone } from "../support/given.ts";
import { replaceNetwork, type Asked } from "../support/iam.ts";
import { apiOfLists, type Lists } from "../support/interceptors.ts";

const shows = entry("show", "header", {
  set: { "x-heard": "{{context.c.status}} {{context.c.body.name}} {{context.c.headers.`x-inner`}}" },
});
const soft = { abortOnFail: false };
const all = { preserveQuery: true, preserveHeaders: true, preserveBody: true };

const less = "{{$number($substringAfter(path, '/orders/')) - 1}}";

/** What is called: an API of its own. */
const inner = (more: object = {}) =>
  apiOf({
    resources: [
      {
        id: "c",
        path: "/c/{id}/{part}",
        operations: [
          { id: "get", method: "GET" },
          { id: "put", method: "PUT" },
        ],
      },
    ],
    flows: flowsOf(
      [entry("may", "condition", { expression: "$not($exists(query.no))", refuse: { message: "Not here." } })],
      [entry("inner", "header", { set: { "x-inner": "{{path}}" } })],
      { destination: { url: "https://inner.example" } },
    ),
    ...more,
  });

const given = (api: string, foreign: string, elsewhere: string): Readonly<Record<string, Lists>> => {
  const target = { variable: "c", api, resource: "c", operation: "get", values: ["{{query.c}}", "x"] };
  const calls = (config: object, more: object = {}) => entry("call", "internalCall", { ...target, ...config }, more);
  return {
    plain: { request: [calls({ headers: { "x-own": "{{query.c}}" } }), shows] },
    kept: { request: [calls({ operation: "put", ...all, headers: { "x-two": "own" } }), shows] },
    own: { request: [calls({ operation: "put", body: { id: "{{query.c}}" } }), shows] },
    query: { request: [calls({ preserveQuery: true }), shows] },
    fewer: { request: [calls({ values: ["1"] })] },
    nowhere: { request: [calls({ operation: "none" })] },
    old: { request: [calls({ revision: 77 })] },
    foreign: { request: [calls({ api: foreign })] },
    foreignsoft: { request: [calls({ api: foreign }, soft), shows] },
    elsewhere: { request: [calls({ api: elsewhere })] },
    expected: { request: [calls({ expected: [404] }), shows] },
    late: { request: [calls({ timeout: 0.03 })] },
    latesoft: { request: [calls({ timeout: 0.03 }, soft)] },
  };
};

let base: string;
/** Calls itself as often as its path says. */
let deep: string;
let back: (asked: Asked) => Response | Promise<Response>;
let asked: ReturnType<typeof replaceNetwork>;
beforeAll(async () => {
  const caller = await someone();
  const called = await liveApi(caller, inner());
  const foreign = await liveApi(caller, inner());
  const environments = { test: { variables: {} } };
  const elsewhere = await liveApi(caller, inner({ environments, environment: "test" }));
  ({ base } = await liveApi(caller, apiOfLists(given(called.id, foreign.id, elsewhere.id))));
  // It was the caller's when the API was started, or that would have been refused.
  const owner = newId();
  await env.DB.prepare("UPDATE flows SET home = ?, document = json_set(document, '$.owners', json(?)) WHERE id = ?")
    .bind(owner, JSON.stringify([{ id: owner, type: "user" }]), foreign.id)
    .run();
  const config = { variable: "c", api: called.id, resource: "order", operation: "get", values: [less] };
  const call = entry("call", "internalCall", config, { when: "path != '/orders/0'" });
  const itself = await liveApi(caller, apiOf({ flows: flowsOf([call, shows]) }));
  await env.DB.prepare("UPDATE flows SET document = replace(document, ?, ?) WHERE id = ?")
    .bind(called.id, itself.id, itself.id)
    .run();
  deep = itself.base;
  await renewGateway();
});
beforeEach(() => {
  back = () => Response.json({ name: "Ann" });
  asked = replaceNetwork((one) => (one.url.startsWith("https://inner.example/") ? back(one) : new Response("back")));
});
afterEach(() => {
  vi.restoreAllMocks();
});

const get = (path: string, headers: Record<string, string> = {}) => callGateway(base, path, { headers });
const innerAsked = () => asked.filter(({ url }) => url.startsWith("https://inner.example/"));

it("another API is called with its interceptors and destination, without leaving the gateway", async () => {
  expect((await get("/plain/1?c=a%2Fb%20%3F&d=1", { "x-mine": "1" })).status).toBe(200);
  expect(asked.map(({ url }) => url)).toEqual([
    "https://inner.example/c/a%2Fb%20%3F/x",
    "https://backend.example/plain/1?c=a%2Fb%20%3F&d=1",
  ]);
  expect(["x-own", "x-mine"].map((name) => asked[0]!.headers.get(name))).toEqual(["a/b ?", null]);
  expect(asked[1]!.headers.get("x-heard")).toBe("200 Ann /c/a%2Fb%20%3F/x");
});

it("query, headers and body go with it as it is told, or a body of its own", async () => {
  const headers = { "x-one": "1", "x-two": "2", "content-type": "text/csv" };
  await callGateway(base, "/kept/1?c=1&d=%7e", { method: "POST", body: "a,b", headers });
  expect(asked[0]).toMatchObject({ url: "https://inner.example/c/1/x?c=1&d=%7e", method: "PUT", body: "a,b" });
  const names = ["x-one", "x-two", "content-type"];
  expect(names.map((name) => asked[0]!.headers.get(name))).toEqual(["1", "own", "text/csv"]);
  expect(asked[1]).toMatchObject({ body: "a,b" });
  await callGateway(base, "/own/1?c=1", { method: "POST", body: "a,b", headers });
  expect(asked[2]).toMatchObject({ method: "PUT", body: '{"id":"1"}' });
  expect(names.map((name) => asked[2]!.headers.get(name))).toEqual([null, null, "application/json"]);
});

it("with another status than the expected ones its answer becomes that of the call", async () => {
  const refused = await get("/query/1?c=1&no=1");
  expect([refused.status, await refused.json()]).toMatchObject([
    403,
    { code: "CONDITION_REFUSED", detail: "Not here." },
  ]);
  back = () => new Response("gone", { status: 404, headers: { "x-own": "1" } });
  const gone = await get("/plain/1?c=1");
  expect([gone.status, await gone.text(), gone.headers.get("x-own")]).toEqual([404, "gone", "1"]);
  expect(asked.map(({ url }) => url)).toEqual(["https://inner.example/c/1/x"]);
  expect((await get("/expected/1?c=1")).status).toBe(200);
  expect(asked.at(-1)!.headers.get("x-heard")).toBe("404  /c/1/x");
  back = () => Response.json({ name: "Ann" });
  expect((await get("/expected/1?c=1")).status).toBe(200);
  expect(asked.at(-1)!.url).toBe("https://inner.example/c/1/x");
});

it("an API of others, of another environment, or an operation that is not there is a fault", async () => {
  for (const name of ["foreign", "elsewhere", "nowhere", "old", "fewer"]) {
    const answer = await get(`/${name}/1?c=1`);
    expect([name, answer.status, await answer.json()]).toMatchObject([name, 500, { code: "INTERCEPTOR_FAILED" }]);
  }
  for (const query of ["", "?c=", "?c=.", "?c=..", "?c=%2e%2e"]) {
    expect((await get(`/plain/1${query}`)).status).toBe(500);
  }
  expect(asked).toEqual([]);
  expect((await get("/foreignsoft/1?c=1")).status).toBe(200);
  expect([innerAsked(), asked[0]!.headers.get("x-heard")]).toEqual([[], ""]);
});

it("an answer that does not come in time, or cannot be read, is a fault", async () => {
  back = () => new Promise<Response>(() => undefined);
  expect([(await get("/late/1?c=1")).status, (await get("/latesoft/1?c=1")).status]).toEqual([500, 200]);
  back = () => new Response(new ReadableStream<Uint8Array>());
  expect((await get("/late/1?c=1")).status).toBe(500);
  back = () => new Response("large", { headers: { "content-length": "4194305" } });
  const large = await get("/plain/1?c=1");
  expect([large.status, await large.json()]).toMatchObject([500, { code: "INTERCEPTOR_FAILED" }]);
  const config = configOf("internalCall", {
    variable: "c",
    api: newId(),
    resource: "r",
    operation: "o",
    timeout: 0.001,
  });
  const never = { callApi: () => new Promise(() => undefined) } as unknown as World;
  const run = internalCall(config, {} as Placed)({ query: "", context: {} } as Call, never);
  await expect(run).rejects.toThrow(`The API ${config.api} did not answer in full within 1 ms.`);
});

it("APIs call each other, or themselves, five deep and no deeper", async () => {
  expect((await callGateway(deep, "/orders/5")).status).toBe(200);
  expect(asked.map(({ url }) => url.at(-1)).join("")).toBe("012345");
  asked.length = 0;
  const stopped = await callGateway(deep, "/orders/6");
  expect([stopped.status, await stopped.json(), asked]).toMatchObject([508, { code: "CALL_DEPTH" }, []]);
});
