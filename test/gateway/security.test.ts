import { env } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";

import { Body } from "../../src/gateway/body.ts";
import type { Call, Placed, World } from "../../src/gateway/call.ts";
import { requestSize } from "../../src/gateway/interceptors/security.ts";
import type { Caller } from "../support/api.ts";
import { apiOfLists, basicOf, changeApp, givenApp, type GivenApp, type Lists, planOf } from "../support/apps.ts";
import { callGateway, entry, liveApi, renewGateway } from "../support/gateway.ts";
import { newId, someone } from "../support/given.ts";
import { replaceNetwork } from "../support/iam.ts";

const origins = ["https://app.example.com", "https://own.example.com:443"];
const given: Readonly<Record<string, Lists>> = {
  header: { request: [entry("id", "clientId")] },
  query: { request: [entry("id", "clientId", { location: "query", name: "key", responseType: "text" })] },
  secret: { request: [entry("id", "clientIdSecret")] },
  named: { request: [entry("id", "clientIdSecret", { name: "x-client" }), entry("again", "clientId")] },
  cors: {
    request: [
      entry("cors", "cors", { origins, headers: ["client_id"], exposed: ["x-own"], credentials: true, maxAge: 60 }),
      entry("other", "cors", { origins: ["https://other.example.com"] }),
      entry("id", "clientId"),
    ],
  },
  late: { request: [entry("id", "clientId"), entry("cors", "cors", { origins })] },
  star: { request: [entry("cors", "cors", { origins: ["*"], methods: ["PUT"] })] },
  answer: { response: [entry("cors", "cors", { origins })] },
  size: { request: [entry("size", "requestSize", { mostBytes: 10 })] },
};

let caller: Caller;
let plan: string;
let base: string;
let app: GivenApp;
beforeAll(async () => {
  caller = await someone();
  plan = await planOf(caller);
  ({ base } = await liveApi(caller, apiOfLists(plan, given)));
  app = await givenApp(caller, ["plan_of_others", plan]);
});

let asked: ReturnType<typeof replaceNetwork>;
beforeEach(() => {
  const headers = { "access-control-allow-origin": "*", "access-control-max-age": "9", vary: "Accept", "x-own": "1" };
  asked = replaceNetwork(() => new Response("here", { headers }));
});
afterEach(() => {
  vi.restoreAllMocks();
});

const get = (path: string, headers: Record<string, string> = {}, method = "GET") =>
  callGateway(base, path, { method, headers });
const statusOf = async (path: string, headers: Record<string, string> = {}) => (await get(path, headers)).status;

describe("a client id", () => {
  it("of an app with a plan of the API lets the call go on as it was sent", async () => {
    expect(await statusOf("/header", { client_id: app.clientId })).toBe(200);
    expect(await statusOf(`/query?key=${app.clientId}`)).toBe(200);
    expect(asked[0]!.headers.get("client_id")).toBe(app.clientId);
    expect(asked[1]!.url).toBe(`https://backend.example/query?key=${app.clientId}`);
  });

  it("that is missing, of a wrong form, unknown or sent twice is refused with 401 in the form that is set", async () => {
    const answer = await get("/header");
    expect([answer.status, answer.headers.get("www-authenticate"), answer.headers.get("cache-control")]).toEqual([
      401,
      'ApiKey in="header", name="client_id"',
      "no-store",
    ]);
    expect(await answer.json()).toMatchObject({ status: 401, code: "CLIENT_UNKNOWN" });
    const text = await get(`/query?key=app_${newId()}`);
    expect([text.status, text.headers.get("content-type"), await text.text()]).toEqual([
      401,
      "text/plain; charset=utf-8",
      "The client is not known.\n",
    ]);
    for (const client_id of ["", "none", `${app.clientId} `.repeat(2), `${app.clientId}, ${app.clientId}`]) {
      expect(await statusOf("/header", { client_id })).toBe(401);
    }
    expect(await statusOf(`/query?key=${app.clientId}&key=${app.clientId}`)).toBe(401);
    expect(asked).toEqual([]);
  });

  it("of an app without a plan of the API is refused with 403, of a disabled one with 401", async () => {
    const other = await givenApp(caller, [await planOf(caller)]);
    const answer = await get("/header", { client_id: other.clientId });
    expect([answer.status, await answer.json()]).toMatchObject([403, { code: "APP_WITHOUT_PLAN" }]);
    const brief = await givenApp(caller, [plan]);
    expect(await statusOf("/header", { client_id: brief.clientId })).toBe(200);
    await changeApp(brief, "enabled", 0);
    await renewGateway();
    expect(await statusOf("/header", { client_id: brief.clientId })).toBe(401);
  });

  it("is guessed so often, and then its sender is told nothing for a minute", async () => {
    const from = { "cf-connecting-ip": "198.51.100.7" };
    const guess = () => statusOf("/header", { ...from, client_id: `app_${newId()}` });
    const same = `app_${newId()}`;
    for (let times = 0; times < 3; times += 1) await statusOf("/header", { ...from, client_id: same });
    const key = from["cf-connecting-ip"];
    await Promise.all(Array.from({ length: 97 }, () => env.GATEWAY_MISSES.limit({ key })));
    expect([await guess(), await guess(), await guess()]).toEqual([401, 401, 429]);
    const answer = await get("/header", { ...from, client_id: app.clientId });
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "60"]);
    const authorization = basicOf(app.clientId, app.secret);
    expect(await statusOf("/secret", { ...from, authorization })).toBe(429);
    expect(await statusOf("/header", { ...from, client_id: "none" })).toBe(401);
    expect(await statusOf("/header", { "cf-connecting-ip": "198.51.100.8", client_id: app.clientId })).toBe(200);
    const now = Date.now();
    vi.spyOn(Date, "now").mockReturnValue(now + 61_000);
    expect(await statusOf("/header", { ...from, client_id: app.clientId })).toBe(200);
  });
});

describe("a client id with a secret", () => {
  it("lets the call go on if both fit", async () => {
    expect(await statusOf("/secret", { authorization: basicOf(app.clientId, app.secret) })).toBe(200);
    expect(await statusOf("/secret", { authorization: basicOf(app.clientId, app.secret).replace("B", "b") })).toBe(200);
    expect(asked[0]!.headers.get("authorization")).toBe(basicOf(app.clientId, app.secret));
  });

  it("is refused with 401 and the wish for Basic otherwise", async () => {
    const others = await givenApp(caller, [plan]);
    const bad = [
      "",
      "Basic",
      "Basic !!!",
      `Basic ${btoa(app.clientId)}`,
      `Bearer ${btoa(`${app.clientId}:${app.secret}`)}`,
      basicOf(app.clientId, ""),
      basicOf(app.clientId, others.secret),
      basicOf(app.clientId, `${app.secret}x`),
      basicOf(`app_${newId()}`, app.secret),
      basicOf("none", app.secret),
    ];
    for (const authorization of bad) {
      const answer = await get("/secret", { authorization });
      expect([authorization, answer.status, await answer.json()]).toMatchObject([
        authorization,
        401,
        { code: "CLIENT_UNKNOWN" },
      ]);
      expect(answer.headers.get("www-authenticate")).toMatch(/^Basic realm=/);
    }
    expect(asked).toEqual([]);
  });

  it("stands in the header that is named, and is the client that the call names elsewhere", async () => {
    const others = await givenApp(caller, [plan]);
    const header = { "x-client": basicOf(app.clientId, app.secret) };
    expect(await statusOf("/named", { ...header, client_id: app.clientId })).toBe(200);
    expect(await statusOf("/named", { ...header, client_id: others.clientId })).toBe(401);
    expect(await statusOf("/named", { authorization: header["x-client"], client_id: app.clientId })).toBe(401);
  });
});

const corsOf = (answer: Response) =>
  Object.fromEntries([...answer.headers].filter(([name]) => name.startsWith("access-control-") || name === "vary"));
const preflight = (path: string, origin: string, method = "POST") =>
  get(path, { origin, "access-control-request-method": method }, "OPTIONS");

describe("cross-origin calls", () => {
  it("are preflighted before any client is asked for, and nothing goes to the destination", async () => {
    const answer = await preflight("/cors", origins[0]!);
    expect([answer.status, corsOf(answer)]).toEqual([
      204,
      {
        "access-control-allow-credentials": "true",
        "access-control-allow-headers": "client_id",
        "access-control-allow-methods": "GET, HEAD, POST",
        "access-control-allow-origin": origins[0],
        "access-control-max-age": "60",
        vary: "Origin",
      },
    ]);
    for (const foreign of ["https://foreign.example.com", "https://other.example.com", "null"]) {
      const refused = await preflight("/cors", foreign);
      expect([foreign, refused.status, corsOf(refused)]).toEqual([foreign, 204, { vary: "Origin" }]);
    }
    expect((await preflight("/late", origins[0]!)).status).toBe(204);
    expect((await preflight("/cors", "https://own.example.com")).headers.has("access-control-allow-origin")).toBe(true);
    expect((await preflight("/cors", origins[0]!, "DELETE")).status).toBe(405);
    expect(asked).toEqual([]);
  });

  it("may be for all origins, without credentials", async () => {
    expect(corsOf(await preflight("/star", "null"))).toEqual({
      "access-control-allow-methods": "PUT",
      "access-control-allow-origin": "*",
      "access-control-max-age": "600",
    });
    expect(corsOf(await get("/star", { origin: "null" }))).toEqual({
      "access-control-allow-origin": "*",
      vary: "Accept",
    });
  });

  it("get the headers on every answer in place of the destination's, also on a refusal", async () => {
    const own = {
      "access-control-allow-credentials": "true",
      "access-control-allow-origin": origins[0],
      "access-control-expose-headers": "x-own",
    };
    const answer = await get("/cors", { origin: origins[0]!, client_id: app.clientId });
    expect([answer.status, corsOf(answer)]).toEqual([200, { ...own, vary: "Accept, Origin" }]);
    const refused = await get("/cors", { origin: origins[0]! });
    expect([refused.status, corsOf(refused)]).toEqual([401, { ...own, vary: "Origin" }]);
    const foreign = await get("/cors", { origin: "https://foreign.example.com", client_id: app.clientId });
    expect([foreign.status, corsOf(foreign)]).toEqual([200, { vary: "Accept, Origin" }]);
    expect(corsOf(await get("/cors", { client_id: app.clientId }))).toEqual({ vary: "Accept, Origin" });
  });

  it("get them from an interceptor of the response too", async () => {
    expect(corsOf(await get("/answer", { origin: origins[0]! }))).toEqual({
      "access-control-allow-origin": origins[0],
      vary: "Accept, Origin",
    });
    expect((await preflight("/answer", origins[0]!)).status).toBe(405);
  });
});

const streamOf = (...chunks: string[]): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start: (stream) => {
      for (const chunk of chunks) stream.enqueue(new TextEncoder().encode(chunk));
      stream.close();
    },
  });
const post = (body: BodyInit, headers: Record<string, string> = {}) =>
  callGateway(base, "/size", { method: "POST", body, headers });

describe("the size of a body", () => {
  it("is taken up to the limit, by what it says and by what comes", async () => {
    expect((await post("0123456789")).status).toBe(200);
    expect((await post(streamOf("01234", "56789"))).status).toBe(200);
    expect((await post("")).status).toBe(200);
    expect((await callGateway(base, "/size")).status).toBe(200);
    expect((await post(streamOf("0123", "4"), { "content-length": "5" })).status).toBe(200);
    expect(asked.map(({ body }) => body)).toEqual(["0123456789", "0123456789", "", "", "01234"]);
  });

  it("is refused above it with 413", async () => {
    for (const body of ["0123456789a", streamOf("01234", "56789", "a"), streamOf("0123456789a")]) {
      const answer = await post(body);
      expect([answer.status, await answer.json()]).toMatchObject([
        413,
        { code: "BODY_TOO_LARGE", detail: "At most 10 bytes are taken." },
      ]);
    }
    expect((await post(streamOf("0"), { "content-length": "11" })).status).toBe(413);
    expect(asked).toEqual([]);
  });

  it("is no way around for who lies about the length", async () => {
    expect((await post(streamOf("0123456789", "a".repeat(100)), { "content-length": "5" })).status).not.toBe(200);
    expect(asked).toEqual([]);
  });

  it("is judged by the bytes if something has read or changed the body", async () => {
    const run = requestSize({ mostBytes: 3 }, {} as Placed);
    const judged = (body: Body) => run({ body, sent: new Headers({ "content-length": "4" }) } as Call, {} as World);
    expect(await judged(Body.of("request", "abc"))).toBeUndefined();
    expect(await judged(Body.of("request", "äö"))).toMatchObject({ code: "BODY_TOO_LARGE" });
    const changed = new Body("request", streamOf("too large"));
    changed.replace("ab");
    expect(await judged(changed)).toBeUndefined();
  });
});
