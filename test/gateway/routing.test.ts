import { env, exports } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";

import type { Caller } from "../support/api.ts";
import { callGateway, freshBase, liveApi } from "../support/gateway.ts";
import { someone } from "../support/given.ts";
import { replaceNetwork } from "../support/iam.ts";

const flow = (url?: string, more: object = {}) => ({
  request: [],
  response: [],
  destination: { ...(url === undefined ? {} : { url }), ...more },
});
const get = [{ id: "get", method: "GET" }];
const all = ["GET", "POST", "PUT", "DELETE", "PATCH"].map((method) => ({ id: method.toLowerCase(), method }));
/** Destinations of the seed's examples, each with where /path/1/path/2/path/3 leads. */
const examples: [string, string, string][] = [
  ["the same names in the same order", "/path/{param1}/path/{param2}/path/{param3}", "/path/1/path/2/path/3"],
  ["the same names in another order", "/path/{param3}/path/{param2}/path/{param1}", "/path/1/path/2/path/3"],
  ["the first one repeated", "/path/{param1}/path/{param2}/path/{param1}", "/path/1/path/2/path/1"],
  ["the last one repeated", "/path/{param3}/path/{param2}/path/{param3}", "/path/1/path/2/path/1"],
];

const operations = (...flows: [string, object][]) => ({ operations: Object.fromEntries(flows) });
const atHost = (host: string, path: string) => exports.default.fetch(`https://${host}${path}`);
const row = (home: string) => ({ id: "5ca5c44c187c040010a9bb8b", home, document: "{}" });

const base = freshBase();
const other = freshBase();
let caller: Caller;

beforeAll(async () => {
  caller = await someone();
  const resources = [
    ...examples.map((_, at) => ({
      id: `example${at}`,
      path: `/e${at}/path/{param1}/path/{param2}/path/{param3}`,
      operations: get,
    })),
    { id: "any", path: "/any/{id}", operations: all },
    { id: "rest", path: "/files/*", operations: get },
    { id: "late", path: "/late/{id}", operations: [...get, { id: "post", method: "POST" }] },
    { id: "private", path: "/private", operations: get },
  ];
  await liveApi(caller, {
    basePath: base,
    hostnames: ["api.example.com"],
    environments: { test: { variables: { WAIT: "0.03", HOST: "https://env.example" } } },
    environment: "test",
    resources,
    flows: {
      all: flow("https://backend.example/base/", { timeout: 0.5 }),
      resources: {
        ...Object.fromEntries(
          examples.map(([, path], at) => [`example${at}`, operations(["get", flow(`https://path.example${path}`)])]),
        ),
        rest: operations(["get", flow("{{env.HOST}}/kept/*?fixed=1")]),
        late: {
          all: flow(undefined, { timeout: 0.02 }),
          ...operations(["post", flow(undefined, { timeout: "{{env.WAIT}}" })]),
        },
        private: operations(["get", flow("http://169.254.169.254/latest")]),
      },
    },
  });
  await liveApi(caller, {
    basePath: other,
    resources: [{ id: "a", path: "/a", operations: get }],
    flows: { resources: {} },
  });
});
beforeEach(() => {
  vi.restoreAllMocks();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const hangs = () => new Promise<Response>(() => undefined);
const problem = async (answer: Response) => {
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  const body = await answer.json<{ status: number; code: string; detail?: string }>();
  expect(body.status).toBe(answer.status);
  return `${answer.status} ${body.code}${body.detail === undefined ? "" : ` ${body.detail}`}`;
};

describe("path parameters go to the destination by their order", () => {
  it.each(examples.map((example, at) => [at, ...example] as const))("example %i: %s", async (at, _, __, expected) => {
    const asked = replaceNetwork(() => new Response("ok"));
    await callGateway(base, `/e${at}/path/1/path/2/path/3`);
    expect(asked[0]!.url).toBe(`https://path.example${expected}`);
  });
});

describe("a call is passed on as it is", () => {
  it.each([
    ["/any/a%2Fb%20c%C3%9F?x=1&x=2&y=%20+", "https://backend.example/base/any/a%2Fb%20c%C3%9F?x=1&x=2&y=%20+"],
    ["/any/%7Bid%7D", "https://backend.example/base/any/%7Bid%7D"],
    ["/files/a//b/c%2Fd.txt?x=1", "https://env.example/kept/a//b/c%2Fd.txt?fixed=1"],
    ["/files/", "https://env.example/kept/?fixed=1"],
  ])("%s", async (path, expected) => {
    const asked = replaceNetwork(() => new Response("ok"));
    expect((await callGateway(base, path)).status).toBe(200);
    expect(asked[0]!.url).toBe(expected);
  });

  it.each(["POST", "PUT", "PATCH", "DELETE"])("%s with its body and headers", async (method) => {
    const asked = replaceNetwork(() => new Response(null, { status: 204 }));
    const headers = { "content-type": "text/x-own", "x-own": "a, b", authorization: "Bearer theirs", cookie: "a=b" };
    const answer = await callGateway(base, "/any/1", { method, body: "a body", headers });
    expect(answer.status).toBe(204);
    expect(asked[0]).toMatchObject({ method, body: "a body" });
    expect(Object.fromEntries(asked[0]!.headers)).toMatchObject(headers);
  });

  it("without what belongs to the connection, in both directions", async () => {
    const asked = replaceNetwork(
      () =>
        new Response("ok", {
          headers: {
            "transfer-encoding": "chunked",
            connection: "close, x-hop",
            "x-hop": "1",
            "x-end": "1",
            "keep-alive": "1",
          },
        }),
    );
    const headers = {
      "transfer-encoding": "chunked",
      te: "trailers",
      connection: "x-drop",
      "x-drop": "1",
      "x-keep": "1",
      "proxy-authorization": "x",
    };
    const answer = await callGateway(base, "/any/1", { headers });
    const sent = asked[0]!.headers;
    expect(
      ["transfer-encoding", "te", "connection", "x-drop", "proxy-authorization", "content-length"].map((name) =>
        sent.get(name),
      ),
    ).toEqual(Array.from({ length: 6 }, () => null));
    expect(sent.get("x-keep")).toBe("1");
    const got = answer.headers;
    expect(["transfer-encoding", "connection", "x-hop", "keep-alive"].map((name) => got.get(name))).toEqual([
      null,
      null,
      null,
      null,
    ]);
    expect(got.get("x-end")).toBe("1");
  });

  it("and so is its answer: status, headers, cookies, redirects, with nothing added", async () => {
    replaceNetwork(() => {
      const headers = new Headers({ location: "https://elsewhere.example/", "cache-control": "max-age=5" });
      headers.append("set-cookie", "a=1");
      headers.append("set-cookie", "b=2");
      return new Response("moved", { status: 302, headers });
    });
    const answer = await callGateway(base, "/any/1", { headers: { "x-request-id": "mine-1" } });
    expect([answer.status, await answer.text()]).toEqual([302, "moved"]);
    expect(answer.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      location: "https://elsewhere.example/",
      "cache-control": "max-age=5",
    });
    expect(answer.headers.has("content-security-policy") || answer.headers.has("x-request-id")).toBe(false);
  });

  it("HEAD goes as HEAD to where GET goes", async () => {
    const asked = replaceNetwork(() => new Response(null, { headers: { "x-own": "1" } }));
    const answer = await callGateway(base, "/any/1", { method: "HEAD" });
    expect([answer.status, answer.headers.get("x-own"), asked[0]!.method]).toEqual([200, "1", "HEAD"]);
  });
});

describe("what has no way", () => {
  it.each([
    ["an unknown base path", freshBase(), "/any/1", {}, "404 API_NOT_FOUND"],
    ["a base path that only begins alike", `${base}x`, "/any/1", {}, "404 API_NOT_FOUND"],
    ["an unknown resource", base, "/none", {}, "404 RESOURCE_NOT_FOUND"],
    ["another case", base, "/Any/1", {}, "404 RESOURCE_NOT_FOUND"],
    ["a parameter that is empty", base, "/any/", {}, "404 RESOURCE_NOT_FOUND"],
    ["dots that are encoded", base, "/any/%2e%2e", {}, "404 RESOURCE_NOT_FOUND"],
    ["another method", base, "/late/1", { method: "PUT" }, "405 METHOD_NOT_ALLOWED"],
    ["OPTIONS without CORS", base, "/late/1", { method: "OPTIONS" }, "405 METHOD_NOT_ALLOWED"],
    ["no destination", other, "/a", {}, "502 DESTINATION_MISSING"],
    ["a private destination", base, "/private", {}, "502 DESTINATION_REFUSED"],
  ])("%s", async (_, at, path, init, expected) => {
    const asked = replaceNetwork(() => new Response("never"));
    const answer = await callGateway(at, path, init);
    expect(await problem(answer)).toBe(expected);
    expect(answer.headers.get("allow")).toBe(answer.status === 405 ? "GET, HEAD, POST" : null);
    expect(asked).toEqual([]);
  });
});

describe("the time a destination has", () => {
  it.each([
    ["of the operation, from a variable", "POST", "502 DESTINATION_TIMEOUT It was waited for 30 ms."],
    ["of the resource, where the operation says none", "GET", "502 DESTINATION_TIMEOUT It was waited for 20 ms."],
  ])("%s", async (_, method, expected) => {
    vi.spyOn(globalThis, "fetch").mockImplementation(hangs);
    expect(await problem(await callGateway(base, "/late/1", { method }))).toBe(expected);
  });

  it("is that of the API where nothing more specific says any", async () => {
    replaceNetwork(async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return new Response("in time");
    });
    expect(await (await callGateway(base, "/any/1")).text()).toBe("in time");
  });

  it("a destination that cannot be reached has a code of its own", async () => {
    replaceNetwork(() => {
      throw new TypeError("connect ECONNREFUSED 10.1.2.3:80");
    });
    const answer = await callGateway(base, "/any/1");
    expect(await problem(answer)).toBe("502 DESTINATION_UNREACHABLE");
  });
});

describe("a host name of its own", () => {
  it("leads to the APIs that stand there, and to nothing else", async () => {
    replaceNetwork(() => new Response("ok"));
    expect((await atHost("api.example.com", `${base}/any/1`)).status).toBe(200);
    expect((await atHost("api.example.com", `${other}/a`)).status).toBe(404);
    expect((await atHost("own.example.com", `${base}/any/1`)).status).toBe(404);
    expect((await atHost("api.example.com", "/flows")).status).toBe(404);
    expect((await atHost("API.EXAMPLE.COM:8443", `${base}/any/1`)).status).toBe(200);
    expect((await atHost("flows.test", `${base}/any/1`)).status).toBe(404);
  });

  it("is refused to whom it does not belong", async () => {
    const { faultOfOpening } = await import("../../src/gateway/open.ts");
    const { databaseOf } = await import("../../src/db/client.ts");
    const fault = (home: string, name: string) =>
      faultOfOpening(
        databaseOf(env.DB),
        env,
        row(home) as never,
        { flows: { resources: {} }, plans: [], hostnames: [name] } as never,
      );
    expect(await fault("anybody", "api.example.com")).toBeUndefined();
    expect(await fault("tenant-of-hosts", "own.example.com")).toBeUndefined();
    expect(await fault("anybody", "own.example.com")).toContain("GATEWAY_HOSTNAMES");
    expect(await fault("anybody", "else.example.com")).toContain("GATEWAY_HOSTNAMES");
  });
});
