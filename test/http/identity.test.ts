import { env } from "cloudflare:workers";
import { base64url, SignJWT } from "jose";
import { afterEach, describe, expect, it, vi } from "vitest";

import { call, tokenFor } from "../support/api.ts";
import { everyPermission, loner, newId, someone } from "../support/given.ts";
import { newKey, replaceNetwork, unique } from "../support/iam.ts";
import { errorsOf, recordConsole, wire } from "../support/wire.ts";

const secret = (env as unknown as { IAM_JWT_SECRET: string }).IAM_JWT_SECRET;
const inAnHour = () => Math.floor(Date.now() / 1000) + 3600;
const bytes = (text: string) => new TextEncoder().encode(text);
const reader = () => ({ sub: newId(), tenant: newId(), permissions: ["flows.read"] });

const missing = { message: "Missing authorization header.", code: 401, error: "MISSING_AUTHORIZATION" };
const refused = {
  message: "Token invalid. Error: Error. Details: Authorization failed",
  code: 401,
  error: "TOKEN_INVALID",
};
const expired = { message: "Token invalid. Error: Token expired.", code: 401, error: "TOKEN_EXPIRED" };

afterEach(() => {
  vi.restoreAllMocks();
});

describe("the authorization header", () => {
  it("is missed where it is not sent", async () => {
    const answer = await call(undefined, "getFlows");
    expect(answer).toMatchObject({ status: 401, body: { errors: [missing] } });
  });

  it.each(["", "   "])("is missed where it is %j", async (authorization) => {
    expect(await call(authorization, "getFlows")).toMatchObject({ status: 401, body: { errors: [missing] } });
  });

  it.each(["x", "Bearer", "Bearer ", "  Bearer  "])("is refused as %j, which is one word", async (authorization) => {
    const answer = await call(authorization, "getFlows");
    expect(answer.status).toBe(401);
    expect(answer.body.errors).toHaveLength(1);
    expect(answer.body.errors[0]).toMatchObject({
      message: "Invalid authorization header",
      code: 401,
      error: "INVALID_AUTHORIZATION",
    });
  });

  it.each([
    ["Bearer", (token: string) => `Bearer ${token}`],
    ["bearer", (token: string) => `bearer ${token}`],
    ["any other scheme", (token: string) => `Foo ${token}`],
    ["extra blanks", (token: string) => `  Bearer    ${token}  `],
    ["a third word", (token: string) => `Bearer ${token} more`],
  ])("is taken with %s: the second word is the token", async (_, header) => {
    const answer = await call(header(await tokenFor(reader())), "getFlows");
    expect(answer.status).toBe(200);
  });
});

describe("a token of the local secret", () => {
  it("names the caller, who becomes owner together with the tenant", async () => {
    const caller = await someone();
    const { data } = (await caller.call("addFlow", { body: { graph: graph() } })).body;
    expect(data.owners).toEqual([
      { id: caller.sub, type: "user" },
      { id: caller.tenant, type: "tenant" },
    ]);
  });

  it("may name no tenant", async () => {
    const caller = await loner();
    const { data } = (await caller.call("addFlow", { body: { graph: graph() } })).body;
    expect(data.owners).toEqual([{ id: caller.sub, type: "user" }]);
  });

  it("without permissions may do nothing", async () => {
    const answer = await call(`Bearer ${await tokenFor({ sub: newId(), permissions: [] })}`, "getFlows");
    expect(answer.body.errors[0]).toMatchObject({ message: "MISSING_PERMISSION", code: 403 });
  });

  it("is refused once it has expired", async () => {
    const answer = await call(`Bearer ${await tokenFor(reader(), "-1s")}`, "getFlows");
    expect(answer).toMatchObject({ status: 401, body: { errors: [expired] } });
  });

  it.each<[string, () => string | Promise<string>]>([
    ["another secret", () => signed({ key: bytes("another secret of at least 32 characters") })],
    ["another algorithm", () => signed({ alg: "HS512", key: bytes(secret.padEnd(64, "x")) })],
    ["the same secret by another algorithm", () => signed({ alg: "HS384", key: bytes(secret.padEnd(48)) })],
    ["a private key", signedByPrivateKey],
    ["no algorithm", () => unsigned({ alg: "none" }, "")],
    ["no algorithm but the end of another signature", () => unsigned({ alg: "none" }, "AAAA")],
    ["an algorithm that is no text", () => unsigned({ alg: 5 }, "AAAA")],
    ["an unknown extension that must be understood", () => unsigned({ alg: "HS256", crit: ["exp2"], exp2: 1 }, "AAAA")],
    ["no end", () => signed({ claims: { sub: newId(), permissions: everyPermission } })],
    ["an end that is no number", () => signed({ claims: { ...reader(), exp: "tomorrow" } })],
    ["a beginning in an hour", () => signed({ claims: { ...reader(), exp: inAnHour() + 60, nbf: inAnHour() } })],
    ["no account", () => signed({ claims: { tenant: newId(), permissions: ["all"], exp: inAnHour() } })],
    ["claims that are no object", () => signedText('"all"')],
    ["claims that are no JSON", () => signedText("{")],
    ["a changed claim", changedClaim],
    ["a cut signature", async () => (await tokenFor(reader())).slice(0, -4)],
    ["no signature", async () => (await tokenFor(reader())).replace(/[^.]*$/, "")],
    ["a fourth part", async () => `${await tokenFor(reader())}.AAAA`],
    ["one part", () => unique("opaque")],
    ["dots only", () => ".."],
    ["parts that are no base64", () => "a.b.c"],
    ["parts that are no JSON", () => "e30.e30.e30"],
    ["signs outside base64", () => "!!!.%%%.$$$"],
    ["ten thousand characters", () => "x".repeat(10_000)],
  ])("is refused with %s", async (_, make) => {
    const answer = await call(`Bearer ${await make()}`, "getFlows");
    expect(answer.status).toBe(401);
    expect(answer.body.errors).toHaveLength(1);
    expect(answer.body.errors[0]).toMatchObject(refused);
    expect(answer.headers.get("retry-after")).toBeNull();
  });

  it("asks nobody", async () => {
    const asked = replaceNetwork(() => new Response("", { status: 500 }));
    const settings = { IAM_JWT_SECRET: secret };
    const answer = await call(`Bearer ${await tokenFor(reader())}`, "getFlows", { env: settings });
    expect(answer.status).toBe(200);
    expect(asked).toEqual([]);
  });
});

it.each<[string, string | undefined]>([
  ["a missing token", undefined],
  ["one word", "x"],
  ["a bad token", "Bearer x"],
])("tells with 401 for %s how to authenticate", async (_, authorization) => {
  const answer = await call(authorization, "getFlows");
  expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer\b/);
});

it("does not ask a caller who lacks a permission to authenticate again", async () => {
  const answer = await call(`Bearer ${await tokenFor(reader())}`, "addFlow", { body: {} });
  expect(answer.status).toBe(403);
  expect(answer.headers.get("www-authenticate")).toBeNull();
});

it.each([
  ["getFlows", "FLOW_READ_PERMISSION"],
  ["validateFlow", "FLOW_WRITE_PERMISSION"],
  ["startMultipleFlows", "FLOW_CONTROL_PERMISSION"],
  ["updateFlowBulk", "FLOW_BULK_PERMISSION"],
])("asks in %s for the permission that %s names", async (operationId, setting) => {
  const settings = { [setting]: "custom.permission" };
  const request = { env: settings, ...(operationId === "getFlows" ? {} : { body: [] }) };
  const usual = await someone();
  expect((await usual.call(operationId, request)).status).toBe(403);
  const custom = await someone({ permissions: ["custom.permission"] });
  expect((await custom.call(operationId, request)).status).toBe(200);
});

describe("a misconfigured service", () => {
  it.each<[string, string, Record<string, unknown>]>([
    ["nothing tells who is calling", "IAM_JWKS_URL", { IAM_JWT_SECRET: undefined }],
    ["the secret is used in production", "IAM_JWT_SECRET", { ENVIRONMENT: "production" }],
    ["the secret is short", "IAM_JWT_SECRET", { IAM_JWT_SECRET: "short-and-secret" }],
    ["a setting is unknown", "ORCHESTRATOR", { ORCHESTRATOR: "short-and-secret" }],
  ])("because %s answers 503 and names %s in the log alone", async (_, setting, settings) => {
    const written = recordConsole();
    const authorization = `Bearer ${await tokenFor(reader())}`;
    const answer = await wire("GET", "/flows", { headers: { authorization }, env: settings });
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
    expect(await errorsOf(answer)).toEqual([
      { message: "The service is misconfigured. Its log names the setting.", code: 503, error: "MISCONFIGURED" },
    ]);
    expect(written.text()).toContain(setting);
    expect(written.text()).not.toContain("short-and-secret");
    expect(written.text()).not.toContain(secret);
  });

  it("lets nobody in without a token either", async () => {
    recordConsole();
    const answer = await wire("DELETE", `/flows/${newId()}`, { env: { IAM_JWT_SECRET: undefined } });
    expect(answer.status).toBe(503);
  });
});

const graph = () => ({ nodes: [{ id: "step_1" }], edges: [] });

interface Signing {
  readonly alg?: string;
  readonly key?: Uint8Array;
  readonly claims?: Record<string, unknown>;
}

const signed = ({ alg = "HS256", key = bytes(secret), claims }: Signing): Promise<string> =>
  new SignJWT(claims ?? { ...reader(), exp: inAnHour() }).setProtectedHeader({ alg }).sign(key);

async function signedByPrivateKey(): Promise<string> {
  const key = await newKey("RS256");
  return new SignJWT({ ...reader(), exp: inAnHour() }).setProtectedHeader({ alg: "RS256" }).sign(key.secret);
}

const unsigned = (header: Record<string, unknown>, signature: string): string =>
  [JSON.stringify(header), JSON.stringify({ ...reader(), exp: inAnHour() })]
    .map((part) => base64url.encode(part))
    .join(".") + `.${signature}`;

/** Properly signed, whatever the claims are. */
async function signedText(claims: string): Promise<string> {
  const content = [JSON.stringify({ alg: "HS256" }), claims].map((part) => base64url.encode(part)).join(".");
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", bytes(secret), hmac, false, ["sign"]);
  const signature = await crypto.subtle.sign("HMAC", key, bytes(content));
  return `${content}.${base64url.encode(new Uint8Array(signature))}`;
}

async function changedClaim(): Promise<string> {
  const [header, , signature] = (await tokenFor(reader())).split(".");
  const claims = { ...reader(), permissions: ["all"], exp: inAnHour() };
  return `${header}.${base64url.encode(JSON.stringify(claims))}.${signature}`;
}
