import { afterEach, describe, expect, it, vi } from "vitest";

import { call, tokenFor } from "../support/api.ts";
import { newId } from "../support/given.ts";
import { introspectionSettings, replaceNetwork, unique } from "../support/iam.ts";
import { recordConsole } from "../support/wire.ts";

const notFound = {
  message: "Token invalid. Error: Error. Details: Token not found in IAM",
  code: 401,
  error: "TOKEN_NOT_FOUND",
};
const refused = { message: "Token invalid. Error: Error. Details: Authorization failed", code: 401 };
const unavailable = { ...refused, error: "IDENTITY_UNAVAILABLE" };
const account = () => ({ _id: newId(), tenant: newId(), permissions: ["flows.read", "flows.write"] });
const inWords = () => new Response("Not Found", { status: 404 });

afterEach(() => {
  vi.restoreAllMocks();
});

describe("introspection", () => {
  it("is asked as the original asks", async () => {
    const settings = introspectionSettings();
    const asked = replaceNetwork(() => Response.json(account()));
    const token = unique("opaque");
    expect((await call(`Bearer ${token}`, "getFlows", { env: settings })).status).toBe(200);
    expect(asked).toHaveLength(1);
    const [one] = asked;
    expect(one).toMatchObject({ url: settings.INTROSPECT_ENDPOINT_BASIC, method: "POST" });
    expect(one!.headers.get("authorization")).toBe(`Bearer ${settings.IAM_TOKEN}`);
    expect(one!.headers.get("x-auth-type")).toBe("basic");
    expect(one!.headers.get("content-type")).toBe("application/json");
    expect(one!.headers.get("accept")).toBe("application/json");
    expect(JSON.parse(one!.body)).toEqual({ token });
  });

  it.each(["oidc", "OIDC", "basic", "anything"])("is not steered by the caller's x-auth-type %s", async (type) => {
    const settings = introspectionSettings();
    const asked = replaceNetwork(() => Response.json(account()));
    const headers = { "x-auth-type": type };
    expect((await call(`Bearer ${unique("opaque")}`, "getFlows", { env: settings, headers })).status).toBe(200);
    expect(asked.map(({ url, headers: sent }) => [url, sent.get("x-auth-type")])).toEqual([
      [settings.INTROSPECT_ENDPOINT_BASIC, "basic"],
    ]);
  });

  it("is asked about a JWT too where no keys are configured", async () => {
    const settings = introspectionSettings();
    const asked = replaceNetwork(() => Response.json(account()));
    const token = await tokenFor({ sub: newId(), permissions: [] });
    expect((await call(`Bearer ${token}`, "getFlows", { env: settings })).status).toBe(200);
    expect(JSON.parse(asked[0]!.body)).toEqual({ token });
  });

  it.each<[string, (id: string, tenant: string) => Record<string, unknown>]>([
    ["_id", (_id, tenant) => ({ ...shippedAnswer(), _id, tenant })],
    ["sub", (sub, tenant) => ({ sub, tenant, role: "ADMIN", permissions: ["flows.write"] })],
    ["claims", (sub, tenant) => ({ active: true, sub, claims: { sub, tenant, permissions: ["flows.write"] } })],
    [
      "claims that contradict it",
      (sub, tenant) => ({
        sub: newId(),
        tenant: newId(),
        permissions: [],
        claims: { sub, tenant, permissions: ["flows.write"] },
      }),
    ],
  ])("is understood with %s", async (_, answerOf) => {
    const [id, tenant] = [newId(), newId()];
    replaceNetwork(() => Response.json(answerOf(id, tenant)));
    const answer = await call(`Bearer ${unique("opaque")}`, "addFlow", {
      env: introspectionSettings(),
      body: { graph: { nodes: [{ id: "step_1" }], edges: [] } },
    });
    expect(answer.status).toBe(201);
    expect(answer.body.data.owners).toEqual([
      { id, type: "user" },
      { id: tenant, type: "tenant" },
    ]);
  });

  it.each<[string, Record<string, unknown>]>([
    ["no permissions", { _id: "a" }],
    ["permissions on roles only", { _id: "a", roles: [{ name: "ADMIN", permissions: ["all", "flows.read"] }] }],
    ["isAdmin only", { _id: "a", isAdmin: true, permissions: [] }],
  ])("that tells %s gives none", async (_, body) => {
    replaceNetwork(() => Response.json(body));
    const answer = await call(`Bearer ${unique("opaque")}`, "getFlows", { env: introspectionSettings() });
    expect(answer.body.errors[0]).toMatchObject({ message: "MISSING_PERMISSION", code: 403 });
  });

  it("that does not know the token is told in its words", async () => {
    replaceNetwork(inWords);
    const answer = await call(`Bearer ${unique("opaque")}`, "getFlows", { env: introspectionSettings() });
    expect(answer).toMatchObject({ status: 401, body: { errors: [notFound] } });
    expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer\b/);
    expect(answer.headers.get("retry-after")).toBeNull();
  });

  it("that calls the token inactive makes it expired", async () => {
    replaceNetwork(() => Response.json({ active: false }));
    const answer = await call(`Bearer ${unique("opaque")}`, "getFlows", { env: introspectionSettings() });
    expect(answer.status).toBe(401);
    expect(answer.body.errors).toEqual([
      { message: "Token invalid. Error: Token expired.", code: 401, error: "TOKEN_EXPIRED" },
    ]);
  });

  it("that names no account makes the token invalid", async () => {
    replaceNetwork(() => Response.json({ permissions: ["all"] }));
    const answer = await call(`Bearer ${unique("opaque")}`, "getFlows", { env: introspectionSettings() });
    expect(answer.status).toBe(401);
    expect(answer.body.errors[0]).toMatchObject({ ...refused, error: "TOKEN_INVALID" });
  });

  it.each<[string, () => Response]>([
    ["500", () => Response.json({ message: "UNKNOWN_ERROR" }, { status: 500 })],
    ["503", () => new Response("no upstream", { status: 503 })],
    ["401, for the service token is bad", () => Response.json({ message: "VALIDATION_ERROR" }, { status: 401 })],
    [
      "403, for the service lacks a permission",
      () => Response.json({ message: "MISSING_PERMISSION" }, { status: 403 }),
    ],
    ["302 to elsewhere", () => Response.redirect("https://elsewhere.example/", 302)],
    ["200 without JSON", () => new Response("<html>maintenance</html>")],
    ["200 with null", () => Response.json(null)],
    ["200 with a text", () => Response.json("ok")],
    ["nothing, for the connection is lost", unreachable],
    ["nothing in time", late],
  ])("that answers %s fails the authorization, and the next call asks again", async (_, fault) => {
    const settings = introspectionSettings();
    let down = true;
    const asked = replaceNetwork(() => (down ? fault() : Response.json(account())));
    const token = unique("opaque");
    const answer = await call(`Bearer ${token}`, "getFlows", { env: settings });
    expect(answer.status).toBe(401);
    expect(answer.body.errors).toEqual([unavailable]);
    expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
    down = false;
    expect((await call(`Bearer ${token}`, "getFlows", { env: settings })).status).toBe(200);
    expect(asked.map(({ url }) => url)).toEqual(Array(2).fill(settings.INTROSPECT_ENDPOINT_BASIC));
  });
});

describe("the memory of introspected tokens", () => {
  it.each([
    ["30 seconds", {}, 29, 31],
    ["as long as IAM_TOKEN_CACHE_TTL says", { IAM_TOKEN_CACHE_TTL: "120" }, 119, 121],
  ])("keeps a good one for %s", async (_, changed, within, after) => {
    const { ask, asked } = caller(() => Response.json(account()), changed);
    const passTime = stopTime();
    expect([await ask(), await ask()]).toEqual([200, 200]);
    passTime(within);
    expect(await ask()).toBe(200);
    expect(asked).toHaveLength(1);
    passTime(after - within);
    expect(await ask()).toBe(200);
    expect(asked).toHaveLength(2);
  });

  it("forgets that a good one was good once the IAM says otherwise", async () => {
    let known = true;
    const { ask } = caller(() => (known ? Response.json(account()) : inWords()));
    const passTime = stopTime();
    expect(await ask()).toBe(200);
    known = false;
    passTime(31);
    expect(await ask()).toBe(401);
  });

  it.each([
    ["unknown", inWords],
    ["inactive", () => Response.json({ active: false })],
  ])("keeps an %s one for a few seconds only", async (_, answer) => {
    let known = false;
    const { ask, asked } = caller(() => (known ? Response.json(account()) : answer()));
    const passTime = stopTime();
    expect([await ask(), await ask(), await ask()]).toEqual([401, 401, 401]);
    expect(asked).toHaveLength(1);
    known = true;
    passTime(10);
    expect(await ask()).toBe(200);
    expect(asked).toHaveLength(2);
  });

  it.each([
    ["a good", () => Response.json(account()), 200],
    ["an unknown", inWords, 401],
  ])("is off with IAM_TOKEN_CACHE_TTL=0: %s one is asked for every time", async (_, answer, status) => {
    const { ask, asked } = caller(answer, { IAM_TOKEN_CACHE_TTL: "0" });
    stopTime();
    expect([await ask(), await ask(), await ask()]).toEqual([status, status, status]);
    expect(asked).toHaveLength(3);
  });

  it.each([
    ["a good", () => Response.json(account()), 200],
    ["an unknown", inWords, 401],
    ["an unanswered", () => new Response("", { status: 500 }), 401],
  ])("makes one request of twenty at the same time for %s one", async (_, answer, status) => {
    const { ask, asked } = caller(answer, { IAM_TOKEN_CACHE_TTL: "0" });
    const all = await Promise.all(Array.from({ length: 20 }, ask));
    expect(all).toEqual(Array(20).fill(status));
    expect(asked).toHaveLength(1);
  });

  it("never takes one token for another, nor one IAM's for another's", async () => {
    const asked = replaceNetwork(() => Response.json(account()));
    const [token, settings] = [unique("opaque"), introspectionSettings()];
    await call(`Bearer ${token}`, "getFlows", { env: settings });
    await call(`Bearer ${token}x`, "getFlows", { env: settings });
    await call(`Bearer ${token}`, "getFlows", { env: introspectionSettings() });
    expect(asked).toHaveLength(3);
  });
});

describe("the log of introspection", () => {
  it.each<[string, (token: string) => Response]>([
    ["a good one", () => Response.json(account())],
    ["an unknown one", inWords],
    ["an inactive one", () => Response.json({ active: false })],
    ["an outage", () => new Response("", { status: 500 })],
    ["a lost connection", unreachable],
    ["an answer that repeats the token and is no JSON", (token) => new Response(token)],
  ])("with %s holds neither the caller's token nor the service's", async (_, answer) => {
    const written = recordConsole();
    const settings = introspectionSettings({ LOG_LEVEL: "info" });
    const token = `x${crypto.randomUUID().slice(0, 18)}`;
    replaceNetwork(() => answer(token));
    await call(`Bearer ${token}`, "getFlows", { env: settings });
    expect(written.of("request")).toHaveLength(1);
    expect(written.text()).not.toContain(token.slice(0, 10));
    expect(written.text()).not.toContain(settings.IAM_TOKEN);
    expect(written.text()).not.toMatch(/bearer|authorization"/i);
  });
});

/** A caller with an opaque token of their own, and what is asked about it. */
function caller(answer: () => Response, changed: Record<string, unknown> = {}) {
  const asked = replaceNetwork(answer);
  const settings = introspectionSettings(changed);
  const authorization = `Bearer ${unique("opaque")}`;
  return { asked, ask: async () => (await call(authorization, "getFlows", { env: settings })).status };
}

/** Stops the clock of the caches; answers how to put it forward. */
function stopTime(): (seconds: number) => void {
  let now = Date.now();
  vi.spyOn(Date, "now").mockImplementation(() => now);
  return (seconds) => (now += seconds * 1000);
}

function unreachable(): never {
  throw new TypeError("Network connection lost.");
}

function late(): never {
  throw new DOMException("The operation was aborted due to timeout", "TimeoutError");
}

/** Roughly what the shipped IAM answers. */
const shippedAnswer = () => ({
  username: "a@b.c",
  status: "ACTIVE",
  confirmed: true,
  roles: [{ _id: newId(), name: "TENANT_ADMIN", type: "TENANT", isGlobal: false, permissions: ["tenant.all"] }],
  permissions: ["tenant.all", "flows.write"],
  isAdmin: false,
  safeguard: { lastLogin: "2026-11-22T04:30:00.000Z", failedLoginAttempts: 0 },
  __v: 0,
});
