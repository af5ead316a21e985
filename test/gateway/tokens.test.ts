import { env } from "cloudflare:workers";
import { base64url, decodeJwt, SignJWT } from "jose";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";

import type { Caller } from "../support/api.ts";
import {
  apiOfLists,
  basicOf,
  bearer,
  changeApp,
  givenApp,
  type GivenApp,
  invalidToken,
  planOf,
  told,
  toldWith,
} from "../support/apps.ts";
import { callGateway, entry, liveApi, renewGateway } from "../support/gateway.ts";
import { newId, someone } from "../support/given.ts";
import { type Asked, replaceNetwork } from "../support/iam.ts";

let caller: Caller;
let plan: string;
let api: string;
let base: string;
let app: GivenApp;
const accessToken = (config: object) => ({ request: [entry("token", "accessToken", config)] });
beforeAll(async () => {
  caller = await someone();
  plan = await planOf(caller);
  app = await givenApp(caller, [plan]);
  const lists = {
    token: { request: [entry("issue", "oauth", { action: "issue", scopes: ["read", "write"], expires: 60 })] },
    open: accessToken({}),
    any: accessToken({ location: "any", responseType: "text" }),
    named: accessToken({ name: "x-token" }),
    cookie: accessToken({ location: "cookie", name: "t" }),
    scoped: accessToken({ scopes: ["read", "write"] }),
    validate: { request: [entry("token", "oauth", { action: "validate", scopes: ["read"] })] },
  };
  ({ base, id: api } = await liveApi(caller, apiOfLists(plan, lists)));
});

let asked: Asked[];
beforeEach(() => {
  asked = replaceNetwork(() => new Response("here"));
});
afterEach(() => {
  vi.restoreAllMocks();
});

const get = (path: string, headers: Record<string, string> = {}, at = base) => callGateway(at, path, { headers });
const request = (form: Record<string, string> | string, headers: Record<string, string> = {}, at = base) =>
  callGateway(at, "/token", {
    method: "POST",
    body: new URLSearchParams(form).toString(),
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
  });
const grant = { grant_type: "client_credentials" };
async function tokenOf(of: GivenApp, scope = "", at = base): Promise<string> {
  const answer = await request({ ...grant, scope }, { authorization: basicOf(of.clientId, of.secret) }, at);
  return (await answer.json<{ access_token: string }>()).access_token;
}

describe("a token request", () => {
  it("is answered in place of the destination, by header or form", async () => {
    const answer = await request(
      { ...grant, scope: "read read" },
      { authorization: basicOf(app.clientId, app.secret) },
    );
    expect([answer.status, answer.headers.get("cache-control"), answer.headers.get("content-type")]).toEqual([
      200,
      "no-store",
      "application/json",
    ]);
    const body = await answer.json<{ access_token: string }>();
    expect(body).toEqual({
      access_token: expect.any(String),
      token_type: "Bearer",
      expires_in: 60,
      scope: "read",
    });
    const { iat, exp, ...claims } = decodeJwt(body.access_token);
    expect(exp! - iat!).toBe(60);
    expect(claims).toEqual({
      aud: (await env.DB.prepare("SELECT home FROM flows WHERE id = ?").bind(api).first("home")) ?? api,
      client_id: app.clientId,
      gen: 0,
      iss: "flow-gateway",
      jti: expect.any(String),
      scope: "read",
      sub: app.id,
    });
    const form = { ...grant, client_id: app.clientId, client_secret: app.secret };
    expect(await (await request(form)).json()).toMatchObject({ scope: "read write" });
    expect(asked).toEqual([]);
  });

  it("that cannot be granted is answered in the form of RFC 6749", async () => {
    const authorization = basicOf(app.clientId, app.secret);
    const planless = await givenApp(caller, []);
    const disabled = await givenApp(caller, [plan], false);
    const json = { "content-type": "application/json" };
    const cases: [number, string, Record<string, string> | string, Record<string, string>][] = [
      [400, "invalid_request", "", { authorization }],
      [400, "invalid_request", grant, { authorization, ...json }],
      [400, "invalid_request", "grant_type=client_credentials&scope=read&scope=write", { authorization }],
      [400, "invalid_request", { ...grant, more: "x".repeat(20_000) }, { authorization }],
      [400, "invalid_request", { ...grant, client_id: app.clientId, client_secret: app.secret }, { authorization }],
      [400, "unsupported_grant_type", { grant_type: "password" }, { authorization }],
      [400, "invalid_scope", { ...grant, scope: "read admin" }, { authorization }],
      [400, "unauthorized_client", grant, { authorization: basicOf(planless.clientId, planless.secret) }],
      [401, "invalid_client", grant, {}],
      [401, "invalid_client", { ...grant, client_id: app.clientId }, {}],
      [401, "invalid_client", grant, { authorization: "Bearer x" }],
      [401, "invalid_client", grant, { authorization: basicOf(app.clientId, planless.secret) }],
      [401, "invalid_client", grant, { authorization: basicOf(`app_${newId()}`, app.secret) }],
      [401, "invalid_client", grant, { authorization: basicOf(disabled.clientId, disabled.secret) }],
    ];
    for (const [status, error, form, headers] of cases) {
      const answer = await request(form, headers);
      expect([answer.status, await answer.json()]).toEqual([status, { error, error_description: expect.any(String) }]);
      expect(answer.headers.get("www-authenticate")).toBe(
        status === 401 ? 'Basic realm="gateway", charset="UTF-8"' : null,
      );
      expect(answer.headers.get("cache-control")).toBe("no-store");
    }
    expect(await (await get("/token", { authorization })).json()).toMatchObject({ error: "invalid_request" });
    const from = { "cf-connecting-ip": "198.51.100.30" };
    const key = from["cf-connecting-ip"];
    await Promise.all(Array.from({ length: 100 }, () => env.GATEWAY_MISSES.limit({ key })));
    const held = await request(grant, { ...from, authorization: basicOf(`app_${newId()}`, "x") });
    expect([held.status, held.headers.get("retry-after")]).toEqual([429, "60"]);
    expect(await held.json()).toMatchObject({ error: "temporarily_unavailable" });
    expect(asked).toEqual([]);
  });
});

describe("an access token", () => {
  it("lets the call of its app go on, from wherever it may stand", async () => {
    const token = await tokenOf(app, "read write");
    expect(await toldWith(base, "/open", token)).toEqual([200]);
    expect(await told(await get("/open", { authorization: `bEARER  ${token}` }))).toEqual([200]);
    for (const headers of [{ "x-token": token }, { "x-token": `Bearer ${token}` }]) {
      expect(await told(await get("/named", headers))).toEqual([200]);
    }
    expect(await told(await get("/cookie", { cookie: `a=b; t=${token}; c=d` }))).toEqual([200]);
    expect(await told(await get("/any", { cookie: `access_token="${token}"` }))).toEqual([200]);
    expect(await told(await get(`/any?access_token=${token}`, { authorization: "Basic eA==" }))).toEqual([200]);
    expect(await toldWith(base, "/scoped", token)).toEqual([200]);
    expect(asked.every(({ url }) => url.startsWith("https://backend.example/"))).toBe(true);
  });

  it("that is not there, or twice, is asked for in the form that is set", async () => {
    const token = await tokenOf(app);
    const none = await get("/open");
    expect(none.headers.get("www-authenticate")).toBe("Bearer");
    expect(await told(none)).toEqual(invalidToken("There is none where it is looked for: header."));
    expect(await told(await get("/open", { authorization: token }))).toEqual(
      invalidToken("There is none where it is looked for: header."),
    );
    expect((await get(`/open?access_token=${token}`)).status).toBe(401);
    const twice = await get(`/any?access_token=${token}&access_token=x`);
    expect([twice.status, twice.headers.get("www-authenticate"), await twice.text()]).toEqual([
      401,
      'Bearer error="invalid_token"',
      "The access token is missing or no good. It is sent more than once.\n",
    ]);
    expect((await get("/cookie", { cookie: `t=${token}; t=${token}` })).status).toBe(401);
  });

  it("without a scope is refused with 403", async () => {
    const answer = await get("/scoped", bearer(await tokenOf(app, "read")));
    expect(answer.headers.get("www-authenticate")).toBe('Bearer error="insufficient_scope", scope="read write"');
    expect(await told(answer)).toEqual([403, "SCOPE_MISSING", "It is write."]);
  });

  it("goes with the client id of its app where both are demanded", async () => {
    const token = await tokenOf(app, "read");
    const other = await givenApp(caller, [plan]);
    expect(await told(await get("/validate", { ...bearer(token), client_id: app.clientId }))).toEqual([200]);
    for (const client_id of [other.clientId, ""]) {
      const answer = await get("/validate", { ...bearer(token), client_id });
      expect([answer.status, await answer.json()]).toMatchObject([401, { code: "CLIENT_UNKNOWN" }]);
    }
    const lesser = { ...bearer(await tokenOf(app, "write")), client_id: app.clientId };
    expect((await get("/validate", lesser)).status).toBe(403);
  });

  it("ends with its time, its app, its plan and a revocation, and is good for its owner's APIs alone", async () => {
    const brief = await givenApp(caller, [plan]);
    const token = await tokenOf(brief);
    const change = async (column: string, value: unknown) => {
      await changeApp(brief, column, value);
      await renewGateway();
      return toldWith(base, "/open", token);
    };
    expect(await change("enabled", 0)).toEqual([401, "CLIENT_UNKNOWN"]);
    expect(await change("enabled", 1)).toEqual([200]);
    expect(await change("plans", "[]")).toEqual([403, "APP_WITHOUT_PLAN"]);
    expect(await change("plans", JSON.stringify([plan]))).toEqual([200]);
    const revoked = Date.now();
    // The token of an isolate that has not heard of it yet is no better than one from before.
    const late = await tokenOf(brief);
    expect(await change("tokens_from", revoked)).toEqual(invalidToken("It was revoked."));
    expect(await toldWith(base, "/open", late)).toEqual(invalidToken("It was revoked."));
    const fresh = await tokenOf(brief);
    expect(await toldWith(base, "/open", fresh)).toEqual([200]);
    const clock = vi.spyOn(Date, "now").mockReturnValue(revoked + 120_000);
    expect(await toldWith(base, "/open", fresh)).toEqual(invalidToken("It has expired."));
    clock.mockRestore();

    const stranger = await someone();
    const theirs = await planOf(stranger);
    const both = await givenApp(stranger, [plan, theirs]);
    const lists = {
      token: { request: [entry("issue", "oauth", { action: "issue" })] },
      open: { request: [entry("token", "accessToken")] },
    };
    const foreign = await liveApi(stranger, apiOfLists(theirs, lists));
    const given = await tokenOf(both, "", foreign.base);
    expect(await told(await get("/open", bearer(given), foreign.base))).toEqual([200]);
    expect(await toldWith(base, "/open", given)).toEqual(invalidToken("It is meant for others (aud)."));
  });

  it("is taken from nobody else", async () => {
    const claims = decodeJwt(await tokenOf(app));
    const key = new TextEncoder().encode("the key of the gateway in these tests");
    const sign = (changed: object, header: object = {}, by = key) =>
      new SignJWT({ ...claims, ...changed }).setProtectedHeader({ alg: "HS256", typ: "at+jwt", ...header }).sign(by);
    expect(await toldWith(base, "/open", await sign({}))).toEqual([200]);
    const none = [{ alg: "none", typ: "at+jwt" }, claims].map((part) => base64url.encode(JSON.stringify(part)));
    const other = new TextEncoder().encode("the key of executions in these tests");
    const cases: [string, string][] = [
      ["Its algorithm is not taken.", `${none.join(".")}.`],
      ["Its algorithm is not taken.", await sign({}, { alg: "HS384" }, new Uint8Array(48))],
      ["Its signature does not fit.", await sign({}, {}, other)],
      ["It is another kind of token (typ).", await sign({}, { typ: "JWT" })],
      ["Its issuer (iss) is another one.", await sign({ iss: "others" })],
      ["It has no claim exp.", await sign({ exp: undefined })],
      ["It was revoked.", await sign({ sub: newId() })],
      ["It was revoked.", await sign({ gen: -1 })],
      ["It was revoked.", await sign({ gen: "9" })],
      ["It is no JWT.", "x.y.z"],
      ["It is no JWT.", "x"],
    ];
    for (const [detail, token] of cases) expect(await toldWith(base, "/open", token)).toEqual(invalidToken(detail));
    expect(await toldWith(base, "/open", await sign({ client_id: `app_${newId()}` }))).toEqual([401, "CLIENT_UNKNOWN"]);
  });
});
