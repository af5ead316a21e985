import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";

import { changeApp, givenApp, planOf } from "../support/apps.ts";
import { callGateway, entry, liveApi } from "../support/gateway.ts";
import { someone } from "../support/given.ts";
import { replaceNetwork } from "../support/iam.ts";
import { apiOfLists, type Lists } from "../support/interceptors.ts";

const soft = { abortOnFail: false };
const json = { "content-type": "application/json" };
const total = "{ 'total': $sum(body.items.price), 'at': status ? status : method }";

const given: Readonly<Record<string, Lists>> = {
  header: {
    request: [
      entry("one", "header", {
        remove: ["X-Internal", "x-old"],
        set: { "x-new": "{{headers.`x-old`}}", "x-none": "{{app.name}}", "X-Plain": "plain", "x-json": "{{query}}" },
        add: { "x-hop": "one", "x-never": "{{context.nothing}}" },
      }),
      entry("two", "header", { add: { "x-hop": "two" } }),
      entry("post", "header", { set: { "x-post": "1" } }, { when: "method = 'POST'" }),
    ],
    response: [
      entry("left", "header", { remove: ["x-secret"], set: { "x-status": "{{status}}" }, add: { "x-back": "left" } }),
      entry("right", "header", { add: { "x-back": "right {{headers.`x-secret`}}" } }),
    ],
  },
  inject: { request: [entry("set", "header", { set: { "x-a": "a{{query.a}}" }, remove: ["x-gone"] })] },
  softly: { request: [entry("set", "header", { set: { "x-a": "a{{query.a}}" }, remove: ["x-gone"] }, soft)] },
  query: {
    request: [
      entry("set", "query", {
        remove: ["debug"],
        set: { tenant: "{{headers.`x-tenant`}}", none: "{{app.id}}" },
        add: { tag: "gate way", list: "{{['a', 'b']}}" },
      }),
    ],
  },
  address: { request: [entry("to", "destination", { url: "https://other.example/x/{{query.a}}?own=1" })] },
  host: { request: [entry("to", "destination", { url: "https://other.example:8443/x", replaces: "host" })] },
  app: {
    request: [
      entry("id", "clientId"),
      entry("lost", "destination", { url: "https://lost.example" }),
      entry("to", "destination", { url: "{{app.fields.backend}}/v2" }),
    ],
  },
  transform: {
    request: [entry("in", "bodyTransform", { expression: total, contentType: "application/vnd.total+json" })],
    response: [entry("out", "bodyTransform", { expression: total })],
  },
  empty: { request: [entry("in", "bodyTransform", { expression: "body.nothing" })] },
  mask: {
    request: [entry("in", "mask", { fields: ["card", "items.*.n"], headers: ["x-account"], keepLast: 4 })],
    response: [
      entry("out", "mask", { fields: ["*.iban"], headers: ["x-account"], keepFirst: 2, keepLast: 2, sign: "#" }),
    ],
  },
  softmask: { response: [entry("out", "mask", { fields: ["iban"] }, soft)] },
};

let base: string;
let clientId: string;
let back: () => Response;
let asked: ReturnType<typeof replaceNetwork>;
beforeAll(async () => {
  const caller = await someone();
  const plan = await planOf(caller);
  ({ base } = await liveApi(caller, apiOfLists(given, { plans: [plan] })));
  const app = await givenApp(caller, [plan]);
  await changeApp(app, "fields", JSON.stringify({ backend: "https://gold.example/base" }));
  ({ clientId } = app);
});
beforeEach(() => {
  back = () => new Response("here", { headers: { "x-secret": "s", "x-back": "own" } });
  asked = replaceNetwork(() => back());
});
afterEach(() => {
  vi.restoreAllMocks();
});

const get = (path: string, headers: Record<string, string> = {}) => callGateway(base, path, { headers });
const post = (path: string, body: string, headers: Record<string, string> = json) =>
  callGateway(base, path, { method: "POST", body, headers });

it("headers are removed, set and added in this order, from left to right and back from right to left", async () => {
  const sent = { "x-internal": "1", "x-old": "o", "x-none": "mine", "x-plain": "mine", "x-hop": "client" };
  const answer = await get("/header/1?a=1", sent);
  const { headers } = asked[0]!;
  const named = ["x-internal", "x-old", "x-new", "x-none", "x-plain", "x-hop", "x-never", "x-post", "x-json"];
  expect(named.map((name) => headers.get(name))).toEqual([
    null,
    null,
    "o",
    null,
    "plain",
    "client, one, two",
    null,
    null,
    '{"a":"1"}',
  ]);
  expect(["x-secret", "x-status", "x-back"].map((name) => answer.headers.get(name))).toEqual([
    null,
    "200",
    "own, right s, left",
  ]);
  await callGateway(base, "/header/1", { method: "POST" });
  expect(asked[1]!.headers.get("x-post")).toBe("1");
});

it("a value that no header may have is a fault that abortOnFail decides on, and nothing is half done", async () => {
  for (const value of ["%0d%0ax-evil:%201", "%00", "%C3%BC"]) {
    const answer = await get(`/inject/1?a=${value}`);
    expect([answer.status, await answer.json()]).toMatchObject([500, { code: "INTERCEPTOR_FAILED" }]);
    expect((await get(`/softly/1?a=${value}`, { "x-a": "own", "x-gone": "still" })).status).toBe(200);
    const { headers } = asked.pop()!;
    expect(["x-a", "x-gone", "x-evil"].map((name) => headers.get(name))).toEqual(["own", "still", null]);
  }
  expect(asked).toEqual([]);
  await get("/inject/1?a=b", { "x-gone": "1" });
  expect(["x-a", "x-gone"].map((name) => asked[0]!.headers.get(name))).toEqual(["ab", null]);
});

it("query parameters are removed, set and added, and all else stays byte for byte", async () => {
  const sent = "?x=%7e+%2F&debug=1&tenant=evil&%64ebug&x=%7e&tenant=2&none=mine&y";
  await get(`/query/1${sent}`, { "x-tenant": "a&b" });
  await get("/query/1");
  const more = "tag=gate%20way&list=a&list=b";
  expect(asked.map(({ url }) => url)).toEqual([
    `https://backend.example/query/1?x=%7e+%2F&tenant=a%26b&x=%7e&y&${more}`,
    `https://backend.example/query/1?${more}`,
  ]);
});

it("a destination replaces the address or the host, with values as single pieces of it", async () => {
  await get("/address/1?a=x%2Fy");
  await get("/host/1%2F2?a=..");
  await get("/app/1?a=1", { client_id: clientId });
  expect(asked.map(({ url }) => url)).toEqual([
    "https://other.example/x/x%2Fy?own=1&a=x%2Fy",
    "https://other.example:8443/host/1%2F2?a=..",
    "https://gold.example/base/v2?a=1",
  ]);
  for (const query of ["", "?a=..", "?a="]) expect((await get(`/address/1${query}`)).status).toBe(500);
  expect(asked.length).toBe(3);
});

it("a JSON body is made another one, in and out", async () => {
  back = () => Response.json({ items: [{ price: 1 }, { price: 2.5 }] }, { status: 201, headers: { "x-own": "1" } });
  const answer = await post("/transform/1", '{"items":[{"price":3},{"price":4}]}');
  expect(asked).toMatchObject([{ body: '{"total":7,"at":"POST"}' }]);
  expect(asked[0]!.headers.get("content-type")).toBe("application/vnd.total+json");
  expect([answer.status, await answer.json()]).toEqual([201, { total: 3.5, at: 201 }]);
  expect(["content-type", "x-own"].map((name) => answer.headers.get(name))).toEqual(["application/json", "1"]);
  await post("/empty/1", "{}");
  expect([asked[1]!.body, asked[1]!.headers.get("content-type")]).toEqual(["", null]);
});

it("bodies of other types pass transformation and mask; what only says that it is JSON does not", async () => {
  back = () => new Response("{", { headers: { "content-type": "text/plain" } });
  for (const path of ["/transform/1", "/mask/1"]) {
    const plain = await post(path, '{"card":"12345"', { "content-type": "text/plain" });
    expect([plain.status, await plain.text(), asked.pop()!.body]).toEqual([200, "{", '{"card":"12345"']);
    expect([(await post(path, "")).status, asked.pop()!.body]).toEqual([200, ""]);
    const refused = await post(path, '{"card":');
    expect([refused.status, await refused.json()]).toMatchObject([400, { code: "JSON_REFUSED" }]);
  }
  expect(asked).toEqual([]);
  back = () => new Response('{"iban":', { headers: json });
  expect((await get("/mask/1")).status).toBe(500);
  expect(await (await get("/softmask/1")).text()).toBe('{"iban":');
});

it("values and headers are masked on the wire, in and out", async () => {
  const answered = '{"a":{"iban":"DE123456","n":12345678901234567890},"b":{"iban":1},"iban":"x"}';
  back = () => new Response(answered, { headers: { ...json, "x-account": "abcdefgh" } });
  const sent = '{"card":"4111111111111111","items":[{"n":123456},{"n":"123"},{"n":true}],"big":1234567890123456.50}';
  const answer = await post("/mask/1", sent, { "content-type": "application/problem+JSON; a=b", "x-account": "12345" });
  expect(asked[0]!.body).toBe(
    '{"card":"************1111","items":[{"n":"**3456"},{"n":"***"},{"n":"****"}],"big":1234567890123456.50}',
  );
  expect(asked[0]!.headers.get("x-account")).toBe("*2345");
  expect(await answer.text()).toBe('{"a":{"iban":"DE####56","n":12345678901234567890},"b":{"iban":"#"},"iban":"x"}');
  expect(answer.headers.get("x-account")).toBe("ab####gh");
  await post("/mask/1", '{"card":"4111","card":null}');
  expect(asked[1]!.body).toBe('{"card":null}');
});
