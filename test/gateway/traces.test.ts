import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";

import type { Trace } from "../../src/gateway/trace/view.ts";
import { type Caller, tokenFor } from "../support/api.ts";
import { givenApp, planOf } from "../support/apps.ts";
import { apiOf, callGateway, entry, flowsOf, liveApi } from "../support/gateway.ts";
import { admin, everyPermission, someone } from "../support/given.ts";
import { type Asked, replaceNetwork } from "../support/iam.ts";

let owner: Caller;
let base: string;
let id: string;
let planned: { clientId: string };
let asked: Asked[];

const hidden = entry("hide-header", "logObfuscation", { location: "header", names: ["X-Account"] });
const stop = entry("stop", "condition", { expression: "path != '/orders/stop'", refuse: { status: 403 } });

/** Entries as a child has them from its parent. */
const inherited = (list: readonly object[]) =>
  list.map((one) => {
    const { enabled, config, when, abortOnFail } = one as ReturnType<typeof entry> & Record<string, unknown>;
    return {
      ...one,
      base: {
        enabled,
        config,
        ...(when === undefined ? {} : { when }),
        ...(abortOnFail === undefined ? {} : { abortOnFail }),
      },
    };
  });

/** One API with all that the tests look at; `when` says for which order. */
const traced = (plan: string) => {
  const first = entry("set", "header", {
    set: { "x-changed": "new", "x-added": "{{query.id}}" },
    remove: ["x-gone"],
  });
  const own = entry("own", "log", { message: "Own of {{headers.authorization}}" }, { when: "path = '/orders/own'" });
  const request = [
    hidden,
    first,
    entry("app", "clientId", { location: "query", name: "client" }, { when: "$exists(query.client)" }),
    entry("fail", "header", { set: { x: "{{$error('x')}}" } }, { when: "path = '/orders/fail'", abortOnFail: false }),
    entry("stop", "mock", { status: 204 }, { when: "path = '/orders/mock'" }),
    entry("limit", "requestSize", { mostBytes: 100_000 }, { when: "path = '/orders/none'" }),
    entry("said", "log", { level: "warn", message: "Order {{query.id}}", headers: true, body: true }),
  ];
  const flows = flowsOf(request, [
    entry("hide-body", "logObfuscation", { location: "body", pattern: "[0-9]{13,19}", fields: ["iban"] }),
    entry("hide-query", "logObfuscation", { location: "query", names: ["account"], replacement: "(hidden)" }),
    entry("answered", "log", { body: true }),
  ]);
  return apiOf({
    plans: [plan],
    settings: { traceSampling: 1 },
    flows: {
      ...flows,
      resources: {
        order: {
          all: { request: [...inherited(flows.all.request), own], response: inherited(flows.all.response) },
          operations: {},
        },
      },
    },
  });
};

beforeAll(async () => {
  owner = await someone();
  const plan = await planOf(owner, {
    request: [
      entry("plan-set", "header", { set: { "x-plan": "{{app.name}}" } }),
      entry("plan-hide", "logObfuscation", { location: "header", names: ["x-plan"], replacement: "(plan)" }),
    ],
  });
  planned = await givenApp(owner, [plan]);
  ({ id, base } = await liveApi(owner, traced(plan)));
});
let answerWith: (one: Asked) => Response | Promise<Response>;
beforeEach(() => {
  answerWith = () => Response.json({ iban: "DE12", card: "4111111111111111", ok: true });
  asked = replaceNetwork((one) => answerWith(one));
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** The trace that an answer names, once it is kept. */
async function traceIn(answer: Response, of = id, by = owner): Promise<Trace> {
  await answer.arrayBuffer();
  const named = answer.headers.get("x-gateway-trace-id");
  expect(named).toMatch(/^trace_/);
  return vi.waitFor(
    async () => {
      const found = await by.call("getTrace", { params: { id: of, traceId: named! } });
      expect(found.status).toBe(200);
      return found.body.data as Trace;
    },
    { timeout: 3000, interval: 10 },
  );
}
const stepIn = (trace: Trace, step: string) => trace.steps.find((one) => one.id === step);

it("tells what happened, interceptor by interceptor", async () => {
  const answer = await callGateway(base, `/orders/7?id=12&client=${planned.clientId}`, {
    headers: { "x-changed": "old", "x-gone": "1", "x-request-id": "request-1", "cf-connecting-ip": "203.0.113.7" },
  });
  const trace = await traceIn(answer);
  expect(trace).toMatchObject({
    id: answer.headers.get("x-gateway-trace-id"),
    method: "GET",
    path: "/orders/7",
    status: 200,
    code: null,
    revision: 1,
    resource: "order",
    operation: "get",
    caller: "203.0.113.7",
    app: { name: "Web shop" },
    plan: expect.stringMatching(/^plan_/),
    requestId: "request-1",
    asked: false,
    destination: { address: "https://backend.example/orders/7?id&client", status: 200, ms: expect.any(Number) },
  });
  expect(trace.steps.map(({ id: step, stage, level, outcome }) => [step, stage, level, outcome])).toEqual([
    ["hide-header", "request", "api", "passed"],
    ["set", "request", "api", "passed"],
    ["app", "request", "api", "passed"],
    ["fail", "request", "api", "skipped"],
    ["stop", "request", "api", "skipped"],
    ["limit", "request", "api", "skipped"],
    ["said", "request", "api", "passed"],
    ["own", "request", "resource", "skipped"],
    ["plan-set", "request", "plan", "passed"],
    ["plan-hide", "request", "plan", "passed"],
    ["answered", "response", "api", "passed"],
    ["hide-query", "response", "api", "passed"],
    ["hide-body", "response", "api", "passed"],
  ]);
  expect(stepIn(trace, "set")!.headers).toEqual([
    { name: "x-changed", before: "old", after: "new" },
    { name: "x-gone", before: "1" },
    { name: "x-added", after: "12" },
  ]);
  expect(stepIn(trace, "plan-set")!.headers).toEqual([{ name: "x-plan", after: "(plan)" }]);
  expect(asked[0]!.headers.get("x-plan")).toBe("Web shop");
  expect(Math.abs(Date.parse(trace.at) - Date.now())).toBeLessThan(60_000);
});

it("hides what is obfuscated, and never writes credentials", async () => {
  const answer = await callGateway(base, "/orders/own?id=42&account=acc-9999&token=t0k3n-in-query", {
    method: "POST",
    body: JSON.stringify({ iban: "DE99", client_secret: "s3cr3t!", card: "4222222222222222", note: "acc-9999" }),
    headers: {
      "content-type": "application/json",
      authorization: "Bearer of-the-client",
      cookie: "sid=cookie-of-the-client",
      "x-api-key": "key-of-the-client",
      "x-account": "account-of-the-client",
    },
  });
  const trace = await traceIn(answer);
  expect(trace.query).toBe("?id=42&account=(hidden)&token=[masked]");
  const [line] = stepIn(trace, "said")!.logs!;
  expect(line).toMatchObject({
    level: "warn",
    message: "Order 42",
    headers: {
      authorization: "[masked]",
      cookie: "[masked]",
      "x-api-key": "[masked]",
      "x-account": "***",
      "content-type": "application/json",
    },
  });
  expect(JSON.parse(line!.body!)).toEqual({ iban: "***", client_secret: "[masked]", card: "***", note: "[masked]" });
  expect(stepIn(trace, "own")!.logs).toEqual([{ level: "info", message: "Own of [masked]" }]);
  expect(JSON.parse(stepIn(trace, "answered")!.logs![0]!.body!)).toEqual({ iban: "***", card: "***", ok: true });
  expect(JSON.stringify(trace)).not.toMatch(/of-the-client|t0k3n|s3cr3t|acc-9999|DE99|DE12|4222|4111/);
  expect(JSON.parse(asked[0]!.body)).toMatchObject({ iban: "DE99", card: "4222222222222222" });
});

it("a failure shows its message, a mock its place", async () => {
  const failed = await traceIn(await callGateway(base, "/orders/fail"));
  expect(stepIn(failed, "fail")).toMatchObject({
    outcome: "failed",
    goesOn: true,
    message: expect.stringMatching(/\w/),
  });
  const mocked = await callGateway(base, "/orders/mock");
  expect([mocked.status, (await traceIn(mocked)).destination]).toEqual([204, null]);
});

it("a stop is told, and hides what an obfuscation behind it hides", async () => {
  const api = apiOf({
    settings: { traceSampling: 1 },
    flows: flowsOf([stop, hidden], [entry("out", "log", { headers: true, body: true })]),
  });
  const live = await liveApi(owner, api);
  const answer = await callGateway(live.base, "/orders/stop?x-account=1", { headers: { "x-account": "acc-4711" } });
  const trace = await traceIn(answer, live.id);
  expect(trace).toMatchObject({ status: 403, code: "CONDITION_REFUSED", destination: null });
  expect(trace.steps.map((step) => [step.id, step.outcome, step.code, step.status])).toEqual([
    ["stop", "stopped", "CONDITION_REFUSED", 403],
    ["out", "passed", undefined, undefined],
  ]);
  expect(stepIn(trace, "out")!.logs![0]).toMatchObject({ body: expect.stringContaining("CONDITION_REFUSED") });
  expect(JSON.stringify(trace)).not.toContain("acc-4711");
});

it("streams go on as streams, and their beginning is logged", async () => {
  const chunk = new TextEncoder().encode("x".repeat(300_000));
  const endless = () => new ReadableStream({ pull: (stream) => stream.enqueue(chunk.slice()) });
  answerWith = () => new Response(endless(), { headers: { "content-type": "text/plain" } });
  const sent = new ReadableStream({
    start: (stream) => {
      for (const part of ["a=1", "&secret=s"]) stream.enqueue(new TextEncoder().encode(part));
      stream.close();
    },
  });
  const type = "application/x-www-form-urlencoded";
  const answer = await callGateway(base, "/orders/7", {
    method: "POST",
    body: sent,
    headers: { "content-type": type },
  });
  expect(answer.status).toBe(200);
  const reader = answer.body!.getReader();
  for (let read = 0; read < 1_100_000;) read += (await reader.read()).value!.byteLength;
  await reader.cancel();
  const trace = await traceIn(new Response(null, { headers: answer.headers }));
  expect(asked[0]!.body).toBe("a=1&secret=s");
  expect(stepIn(trace, "said")!.logs).toMatchObject([{ body: "a=1&secret=[masked]" }]);
  const [line] = stepIn(trace, "answered")!.logs!;
  expect([line!.truncated, line!.body]).toEqual([true, "x".repeat(64 * 1024)]);
});

it("whoever may read the API gets a trace for the asking; others do not learn a thing", async () => {
  const live = await liveApi(owner, apiOf({ flows: flowsOf([entry("said", "log", { headers: true, body: true })]) }));
  const bearer = async (changed: object = {}) =>
    `Bearer ${await tokenFor({ sub: owner.sub, tenant: owner.tenant!, permissions: everyPermission, ...changed })}`;
  const answered = async (trace: string, path = "/orders/1") => {
    const answer = await callGateway(live.base, path, { headers: { "x-gateway-trace": trace } });
    expect(answer.status).toBe(200);
    return answer;
  };
  const trace = await traceIn(await answered(await bearer()), live.id);
  expect(trace).toMatchObject({ asked: true, path: "/orders/1" });
  expect(stepIn(trace, "said")!.logs![0]!.headers).not.toHaveProperty("x-gateway-trace");
  await traceIn(await answered((await bearer()).slice(7)), live.id);
  await traceIn(await answered((await admin()).authorization), live.id);
  const refused = [await bearer({ permissions: ["flows.write"] }), (await someone()).authorization, "Bearer x.y.z", ""];
  for (const token of refused) {
    const { headers } = await answered(token);
    expect([headers.get("x-gateway-trace"), headers.get("x-gateway-trace-id")]).toEqual(["refused", null]);
  }
  const untraced = await callGateway(live.base, "/orders/1", { headers: { "accept-encoding": "identity" } });
  expect([untraced.headers.get("x-gateway-trace"), untraced.headers.get("x-gateway-trace-id")]).toEqual([null, null]);
  expect(asked.every(({ headers }) => !headers.has("x-gateway-trace"))).toBe(true);
  expect(asked.at(-1)!.headers.get("accept-encoding")).toBe("identity");
});

it("a log reads nothing of a call that is not traced", async () => {
  const api = apiOf({ flows: flowsOf([], [entry("said", "log", { message: "x", headers: true, body: true })]) });
  const live = await liveApi(owner, api);
  answerWith = () => new Response("packed", { headers: { "content-encoding": "x-own" } });
  const answer = await callGateway(live.base, "/orders/1", { headers: { "accept-encoding": "x-own" } });
  expect([answer.status, answer.headers.get("content-encoding")]).toEqual([200, "x-own"]);
  expect(asked[0]!.headers.get("accept-encoding")).toBe("x-own");
});

it("samples are bounded, and those that were left out are counted", async () => {
  const now = Date.now() + 5000;
  const clock = vi.spyOn(Date, "now").mockReturnValue(now);
  const ids = new Set<string | null>();
  for (let time = 0; time < 24; time += 1) {
    const answer = await callGateway(base, "/orders/mock");
    ids.add(answer.headers.get("x-gateway-trace-id"));
  }
  expect(ids.size).toBe(21);
  clock.mockReturnValue(now + 1000);
  expect((await traceIn(await callGateway(base, "/orders/mock"))).dropped).toBe(4);
  expect((await traceIn(await callGateway(base, "/orders/mock"))).dropped).toBeUndefined();
});
