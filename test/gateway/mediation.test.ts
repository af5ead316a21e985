import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";

import { callGateway, entry, liveApi } from "../support/gateway.ts";
import { someone } from "../support/given.ts";
import { replaceNetwork } from "../support/iam.ts";
import { apiOfLists, type Lists } from "../support/interceptors.ts";

const said = { message: "Not for {{query.tenant}}." };
const backAgain = [
  entry("set", "header", { set: { "x-status": "{{status}}", "x-context": "{{context.small}}{{context.big}}" } }),
];

const given: Readonly<Record<string, Lists>> = {
  text: {
    request: [
      entry("first", "mock", { status: 500, headers: { "x-first": "1" }, body: "first" }),
      entry("mock", "mock", {
        status: 201,
        body: "<b>{{query.a}}",
        headers: { "x-a": "{{query.a}}", "x-b": "{{app}}" },
      }),
      entry("behind", "condition", { expression: "query.a != 'stop'", refuse: {} }),
    ],
    response: backAgain,
  },
  json: {
    request: [entry("mock", "mock", { body: { id: "{{query.a}}", none: "{{app.name}}", n: 1 } })],
  },
  typed: {
    request: [
      entry("mock", "mock", { headers: { "Content-Type": "text/csv" }, body: ["{{query.a}}"] }, { when: "query.a" }),
      entry("none", "mock", { status: 204, body: "{{query.nothing}}" }, { when: "$not($exists(query.a))" }),
    ],
  },
  refuse: {
    request: [entry("if", "condition", { expression: "headers.`x-tenant` in ['a', 'b']", refuse: said })],
  },
  plain: { request: [entry("if", "condition", { expression: "query.ok", refuse: { status: 402 } })] },
  body: {
    request: [
      entry("small", "condition", { expression: "body.n < 10", readsBody: true, variable: "small" }),
      entry("big", "condition", {
        expression: "body.n >= 100",
        readsBody: true,
        variable: "big",
      }),
      entry("no", "condition", { expression: "$not(context.big)", refuse: { status: 413 } }, { when: "query.strict" }),
    ],
    response: [
      entry("if", "condition", { expression: "body.ok and status = 200", readsBody: true, refuse: { status: 502 } }),
      ...backAgain,
    ],
  },
  fails: { request: [entry("if", "condition", { expression: "$error('no')", refuse: {} })] },
  softly: { request: [entry("if", "condition", { expression: "$error('no')", refuse: {} }, { abortOnFail: false })] },
};

let base: string;
let back: () => Response;
let asked: ReturnType<typeof replaceNetwork>;
beforeAll(async () => {
  ({ base } = await liveApi(await someone(), apiOfLists(given)));
});
beforeEach(() => {
  back = () => new Response("here");
  asked = replaceNetwork(() => back());
});
afterEach(() => {
  vi.restoreAllMocks();
});

const get = (path: string, headers: Record<string, string> = {}) => callGateway(base, path, { headers });
const post = (path: string, body: string, headers: Record<string, string> = {}) =>
  callGateway(base, path, { method: "POST", body, headers });

const contextOf = async (body: string, query = "") => {
  const answer = await post(`/body/1${query}`, body, { "content-type": "text/plain" });
  return [answer.status, answer.headers.get("x-context")];
};

it("a mock answers in the destination's place, the last one does, and what comes behind it runs", async () => {
  const answer = await get("/text/1?a=x");
  expect([answer.status, await answer.text()]).toEqual([201, "<b>x"]);
  const names = ["x-a", "x-b", "x-first", "x-status", "content-type"];
  expect(names.map((name) => answer.headers.get(name))).toEqual(["x", null, null, "201", "text/plain; charset=utf-8"]);
  expect((await get("/text/1?a=stop")).status).toBe(403);
  const evil = await get("/text/1?a=%0d%0ax-evil:1");
  expect([evil.status, evil.headers.get("x-evil")]).toEqual([500, null]);
  expect((await callGateway(base, "/text/1?a=x", { method: "HEAD" })).status).toBe(201);
  expect(asked).toEqual([]);
});

it("a mock that is no text is JSON, whatever type it is said to be; without a body there is no type", async () => {
  const json = await get("/json/1?a=%22");
  expect([json.headers.get("content-type"), await json.text()]).toEqual(["application/json", '{"id":"\\"","n":1}']);
  const typed = await get("/typed/1?a=1");
  expect([typed.headers.get("content-type"), await typed.text()]).toEqual(["text/csv", '["1"]']);
  const none = await get("/typed/1");
  expect([none.status, none.headers.get("content-type"), await none.text()]).toEqual([204, null, ""]);
  expect(asked).toEqual([]);
});

it("a condition that does not hold ends the call with its status and message", async () => {
  const refused = await get("/refuse/1?tenant=c", { "x-tenant": "c" });
  expect([refused.status, await refused.json()]).toMatchObject([
    403,
    { code: "CONDITION_REFUSED", detail: "Not for c.", status: 403 },
  ]);
  const plain = await get("/plain/1");
  const problem: unknown = await plain.json();
  expect([plain.status, problem]).toMatchObject([402, { code: "CONDITION_REFUSED" }]);
  expect(problem).not.toHaveProperty("detail");
  expect(asked).toEqual([]);
  expect((await get("/refuse/1", { "x-tenant": "b" })).status).toBe(200);
  expect((await get("/plain/1?ok=1")).status).toBe(200);
});

it("a condition sees the body, whatever its type, and what it came to stands in the context", async () => {
  back = () => Response.json({ ok: true });
  expect(await contextOf('{"n":5}')).toEqual([200, "truefalse"]);
  expect(await contextOf('{"n":100}')).toEqual([200, "falsetrue"]);
  expect(await contextOf("{n")).toEqual([200, "falsefalse"]);
  expect(asked.map(({ body }) => body)).toEqual(['{"n":5}', '{"n":100}', "{n"]);
  expect(await contextOf('{"n":100}', "?strict=1")).toEqual([413, null]);
});

it("a condition on the response sees the answer, and its refusal takes the answer's place", async () => {
  back = () => Response.json({ ok: false, inner: "secret" }, { headers: { "x-own": "1" } });
  const refused = await get("/body/1");
  expect([refused.status, refused.headers.get("x-own"), await refused.json()]).toMatchObject([
    502,
    null,
    { code: "CONDITION_REFUSED" },
  ]);
});

it("an expression that fails lets nothing pass, unless abortOnFail says so", async () => {
  const failed = await get("/fails/1");
  expect([failed.status, await failed.json()]).toMatchObject([500, { code: "INTERCEPTOR_FAILED" }]);
  expect(asked).toEqual([]);
  expect((await get("/softly/1")).status).toBe(200);
});
