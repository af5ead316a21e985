import { env } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";

import type { Tried } from "../../src/gateway/try/input.ts";
import { type Answer, as, type Caller } from "../support/api.ts";
import { givenApp, planOf } from "../support/apps.ts";
import { apiOf, callGateway, entry, flowsOf, liveApi, renewGateway } from "../support/gateway.ts";
import { flowOf, newId, someone } from "../support/given.ts";
import { type Asked, replaceNetwork } from "../support/iam.ts";

const onlyAt = (order: string) => ({ when: `path = '/orders/${order}'` });

let owner: Caller;
let id: string;
let app: { clientId: string };
let api: ReturnType<typeof apiOf>;
let asked: Asked[];

beforeAll(async () => {
  owner = await someone();
  const plan = await planOf(owner, { request: [entry("of-plan", "header", { set: { "x-plan": "{{app.name}}" } })] });
  app = await givenApp(owner, [plan]);
  const customer = { variable: "customer", url: "https://crm.example/customers/7?key=1" };
  const inner = { ...(await innerApi()), variable: "inner" };
  const request = [
    entry("limit", "rateLimit", { calls: 1, interval: "month" }),
    entry("crm", "serviceCallout", customer, onlyAt("callout")),
    entry("inner", "internalCall", inner, onlyAt("inner")),
    entry("heard", "header", { set: { "x-heard": "{{$string(context)}}" } }),
    entry("stop", "condition", { expression: "path != '/orders/stop'", refuse: { status: 403 } }),
    entry("fail", "destination", { url: "{{app.fields.none}}" }, onlyAt("fail")),
    entry("said", "log", { headers: true, body: true }),
  ];
  const response = [entry("answered", "header", { set: { "x-answered": "{{status}}" } })];
  api = apiOf({ plans: [plan], flows: flowsOf(request, response) });
  id = await flowOf(owner, { kind: "api", graph: undefined, api });
});

/** Another API of the same owner, live, that calls may be passed to. */
async function innerApi(): Promise<object> {
  const live = await liveApi(owner, apiOf({ flows: flowsOf([entry("in", "header", { set: { "x-in": "1" } })]) }));
  return { api: live.id, resource: "order", operation: "get", values: ["7"] };
}

beforeEach(() => {
  asked = replaceNetwork(() => Response.json({ real: true }, { headers: { "x-real": "1" } }));
});
afterEach(() => {
  vi.restoreAllMocks();
});

const tried = (body: object, of = id, by = owner): Promise<Answer> =>
  by.call("tryCall", { params: { id: of }, body: { method: "GET", path: "/orders/7", ...body } });
async function came(body: object, of = id): Promise<Tried> {
  const answer = await tried(body, of);
  expect([answer.status, answer.body.errors]).toEqual([200, undefined]);
  return answer.body.data as Tried;
}
const outcomes = ({ trace }: Tried) => Object.fromEntries(trace!.steps.map(({ id: step, outcome }) => [step, outcome]));

it("goes through the API with a mock in place of the destination, and nothing leaves or is counted", async () => {
  for (let time = 0; time < 3; time += 1) {
    const { answer, trace } = await came({
      method: "POST",
      query: { page: "2", tag: ["a", "b"] },
      headers: { "x-own": "1", authorization: "Bearer mine" },
      body: { a: 1 },
      mock: { status: 201, headers: { "x-mock": "1" }, body: { made: true } },
    });
    expect(answer).toMatchObject({
      status: 201,
      body: '{"made":true}',
      headers: { "x-mock": "1", "x-answered": "201", "content-type": "application/json" },
    });
    expect(trace).toMatchObject({ query: "?page=2&tag=a&tag=b", status: 201, asked: true });
    expect(trace!.destination).toMatchObject({ address: "https://backend.example/orders/7?page&tag&tag", status: 201 });
    const [line] = trace!.steps.find((step) => step.id === "said")!.logs!;
    expect(line).toMatchObject({ body: '{"a":1}', headers: { "x-own": "1", authorization: "[masked]" } });
  }
  expect((await came({})).answer).toMatchObject({ status: 200, body: "{}" });
  expect((await came({ mock: { status: 204 } })).answer).toMatchObject({ status: 204, body: "" });
  expect(asked).toEqual([]);
  const rows = await env.DB.prepare("SELECT count(*) AS count FROM gateway_traces WHERE flow_id = ?").bind(id).first();
  expect(rows).toEqual({ count: 0 });
});

it("callouts and internal calls have answers by their variable", async () => {
  const callouts = {
    customer: { status: 200, headers: { "content-type": "application/json" }, body: { name: "Shop" } },
    inner: { body: "of the inner" },
  };
  const heard = async (path: string, more: object = {}) => {
    const { trace } = await came({ path, ...more });
    const change = trace!.steps.find((step) => step.id === "heard")!.headers!;
    return JSON.parse(change[0]!.after!) as Record<string, { status: number; body: unknown }>;
  };
  expect((await heard("/orders/callout", { callouts })).customer).toMatchObject({
    status: 200,
    body: { name: "Shop" },
  });
  expect((await heard("/orders/callout")).customer).toMatchObject({ status: 200, body: {} });
  expect((await heard("/orders/inner", { callouts })).inner).toMatchObject({ status: 200, body: "of the inner" });
  expect((await heard("/orders/inner", { mock: { status: 500 } })).inner).toMatchObject({ status: 200, body: {} });
  expect(asked).toEqual([]);
  const { trace } = await came({ path: "/orders/inner" });
  expect(trace!.steps.find((step) => step.id === "inner")!.notes).toEqual([
    expect.stringMatching(/revision 1\), order\/get: 200$/),
  ]);
});

it("really asks if it is told to, at public addresses alone", async () => {
  const { answer, trace } = await came({ destination: "real", path: "/orders/callout" });
  expect(answer).toMatchObject({ status: 200, body: '{"real":true}', headers: { "x-real": "1" } });
  expect(trace!.destination).toMatchObject({ status: 200 });
  expect(asked.map(({ url }) => url)).toEqual([
    "https://crm.example/customers/7?key=1",
    "https://backend.example/orders/callout",
  ]);
  const flows = flowsOf([], [], { destination: { url: "https://10.0.0.1" } });
  const inside = await flowOf(owner, { kind: "api", graph: undefined, api: apiOf({ flows }) });
  expect((await came({ destination: "real" }, inside)).answer).toMatchObject({ status: 502 });
  expect(asked).toHaveLength(2);
});

it("a stop and a failure are told to the author", async () => {
  const stopped = await came({ path: "/orders/stop" });
  expect([stopped.answer.status, stopped.trace!.code]).toEqual([403, "CONDITION_REFUSED"]);
  expect(outcomes(stopped)).toMatchObject({ limit: "passed", crm: "skipped", stop: "stopped" });
  expect(outcomes(stopped)).not.toHaveProperty("said");
  const failed = await came({ path: "/orders/fail" });
  const step = failed.trace!.steps.find((one) => one.id === "fail")!;
  expect(failed.answer).toMatchObject({ status: 500, body: expect.not.stringContaining(step.message!) });
  expect(step).toMatchObject({ outcome: "failed", goesOn: false, message: expect.stringContaining("is missing") });
  const nowhere = await came({ path: "/none" });
  expect([nowhere.answer.status, nowhere.trace]).toEqual([404, null]);
  const other = await came({ method: "DELETE" });
  expect([other.answer.status, other.answer.headers["allow"], other.trace]).toEqual([
    405,
    expect.stringContaining("GET"),
    null,
  ]);
});

it("runs in the name of an app of one's own, through its plan", async () => {
  const { trace } = await came({ app: app.clientId });
  expect(trace).toMatchObject({ app: { name: "Web shop" }, plan: expect.stringMatching(/^plan_/) });
  expect(trace!.steps.find((step) => step.id === "of-plan")).toMatchObject({
    level: "plan",
    headers: [{ name: "x-plan", after: "Web shop" }],
  });
  const foreign = await givenApp(await someone(), []);
  for (const client of [foreign.clientId, "app_none"]) {
    const answer = await tried({ app: client });
    expect([answer.status, answer.body.errors[0].error]).toEqual([404, "APP_NOT_FOUND"]);
  }
});

it("tries the draft, or what is saved", async () => {
  const draft = { ...api, flows: flowsOf([entry("drafted", "mock", { status: 202 })]) };
  const write = (document: object) =>
    env.DB.prepare(
      "INSERT OR REPLACE INTO api_drafts (flow_id, base, edit, updated_at, updated_by, document) VALUES (?, '', 1, 0, '', ?)",
    )
      .bind(id, JSON.stringify(document))
      .run();
  await write(draft);
  expect((await came({})).answer.status).toBe(202);
  expect((await came({ of: "live" })).answer.status).toBe(200);
  await write({ ...draft, flows: flowsOf([entry("x", "mock", { status: 1 })]) });
  const invalid = await tried({});
  expect([invalid.status, invalid.body.errors[0].pointer]).toEqual([422, "/flows/all/request/0/config/status"]);
  const foreignPlan = await planOf(await someone());
  await write({ ...draft, plans: [foreignPlan] });
  const foreign = await tried({});
  expect([foreign.status, foreign.body.errors[0].message]).toEqual([422, expect.stringContaining(foreignPlan)]);
  await env.DB.prepare("DELETE FROM api_drafts WHERE flow_id = ?").bind(id).run();
});

it("refuses what is no call, and whoever does not own the API", async () => {
  const reader = await as({ sub: owner.sub, tenant: owner.tenant!, permissions: ["flows.read"] });
  const integration = await flowOf(owner);
  const answers = [
    await tried({ path: "orders" }),
    await tried({ path: "/orders?x=1" }),
    await tried({ body: "x" }),
    await tried({ headers: { "a b": "1" } }),
    await tried({ headers: { a: "1\r\nb: 2" } }),
    await tried({ method: "CONNECT" }),
    await tried({ mock: { status: 101 } }),
    await tried({}, id, await someone()),
    await tried({}, newId()),
    await tried({}, integration),
    await tried({}, id, reader),
  ];
  expect(answers.map(({ status, body }) => [status, body.errors[0].error, body.errors[0].pointer])).toEqual([
    [400, "INVALID_BODY", "/path"],
    [400, "INVALID_BODY", "/path"],
    [400, "INVALID_BODY", "/body"],
    [400, "INVALID_BODY", "/headers/a b"],
    [400, "INVALID_BODY", "/headers/a"],
    [400, "INVALID_BODY", "/method"],
    [400, "INVALID_BODY", "/mock/status"],
    [404, "FLOW_NOT_FOUND", undefined],
    [404, "FLOW_NOT_FOUND", undefined],
    [404, "API_NOT_FOUND", undefined],
    [403, "MISSING_PERMISSION", undefined],
  ]);
});

it("a body that is no text is told in base64, a long one is cut", async () => {
  vi.restoreAllMocks();
  const bytes = new Uint8Array([0, 255, 1]);
  replaceNetwork(({ url }) =>
    url.endsWith("/1")
      ? new Response(bytes, { headers: { "content-type": "image/png" } })
      : new Response("x".repeat(70_000)),
  );
  expect((await came({ destination: "real", path: "/orders/1" })).answer).toMatchObject({
    body: "AP8B",
    encoding: "base64",
  });
  const { answer } = await came({ destination: "real", path: "/orders/2" });
  expect([answer.body.length, answer.truncated]).toEqual([64 * 1024, true]);
});

it("what is tried is not live", async () => {
  await renewGateway();
  expect((await callGateway(api.basePath, "/orders/7")).status).toBe(404);
});
