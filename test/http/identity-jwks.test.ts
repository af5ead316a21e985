import { exportSPKI, SignJWT } from "jose";
import { afterEach, describe, expect, it, vi } from "vitest";

import { call } from "../support/api.ts";
import { newId } from "../support/given.ts";
import { newIssuer, newKey, replaceNetwork, unique } from "../support/iam.ts";
import { recordConsole } from "../support/wire.ts";

const refused = {
  message: "Token invalid. Error: Error. Details: Authorization failed",
  code: 401,
  error: "TOKEN_INVALID",
};
const unavailable = { ...refused, error: "IDENTITY_UNAVAILABLE" };

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a token of an issuer with published keys", () => {
  it.each(["RS256", "PS256", "ES256", "EdDSA"])("is taken with %s", async (alg) => {
    const key = await newKey(alg);
    const issuer = newIssuer(key);
    replaceNetwork(() => issuer.keySet());
    const answer = await call(`Bearer ${await issuer.token(key)}`, "getFlows", { env: issuer.settings });
    expect(answer.status).toBe(200);
  });

  it.each(["ES384", "RS512"])("is refused with %s, which is not among the pinned algorithms", async (alg) => {
    const key = await newKey(alg);
    const issuer = newIssuer(key);
    replaceNetwork(() => issuer.keySet());
    const answer = await call(`Bearer ${await issuer.token(key)}`, "getFlows", { env: issuer.settings });
    expect(answer.body.errors[0]).toMatchObject(refused);
  });

  it("names the caller by its claims", async () => {
    const key = await newKey();
    const issuer = newIssuer(key);
    replaceNetwork(() => issuer.keySet());
    const claims = { sub: newId(), tenant: newId(), permissions: ["flows.write"] };
    const answer = await call(`Bearer ${await issuer.token(key, claims)}`, "addFlow", {
      env: issuer.settings,
      body: { graph: { nodes: [{ id: "step_1" }], edges: [] } },
    });
    expect(answer.body.data.owners).toEqual([
      { id: claims.sub, type: "user" },
      { id: claims.tenant, type: "tenant" },
    ]);
  });

  it("may name several audiences, if this service is one", async () => {
    const key = await newKey();
    const issuer = newIssuer(key);
    replaceNetwork(() => issuer.keySet());
    const token = await issuer.token(key, { aud: ["other", "flow-repository"] });
    expect((await call(`Bearer ${token}`, "getFlows", { env: issuer.settings })).status).toBe(200);
  });

  it.each<[string, Record<string, unknown>]>([
    ["another issuer", { iss: "https://other.example" }],
    ["no issuer", { iss: undefined }],
    ["another audience", { aud: "other" }],
    ["no audience", { aud: undefined }],
    ["no end", { exp: undefined }],
    ["a beginning in the future", { nbf: Math.floor(Date.now() / 1000) + 600 }],
    ["no account", { sub: undefined }],
  ])("is refused with %s", async (_, claims) => {
    const key = await newKey();
    const issuer = newIssuer(key);
    replaceNetwork(() => issuer.keySet());
    const answer = await call(`Bearer ${await issuer.token(key, claims)}`, "getFlows", { env: issuer.settings });
    expect(answer.status).toBe(401);
    expect(answer.body.errors[0]).toMatchObject(refused);
  });

  it("is refused once it has expired, in the words for that", async () => {
    const key = await newKey();
    const issuer = newIssuer(key);
    replaceNetwork(() => issuer.keySet());
    const token = await issuer.token(key, { exp: Math.floor(Date.now() / 1000) - 1 });
    const answer = await call(`Bearer ${token}`, "getFlows", { env: issuer.settings });
    expect(answer.status).toBe(401);
    expect(answer.body.errors).toEqual([
      { message: "Token invalid. Error: Token expired.", code: 401, error: "TOKEN_EXPIRED" },
    ]);
  });

  it("is refused if another key of the same name signed it", async () => {
    const key = await newKey();
    const forged = { ...(await newKey()), kid: key.kid };
    const issuer = newIssuer(key);
    replaceNetwork(() => issuer.keySet());
    const answer = await call(`Bearer ${await issuer.token(forged)}`, "getFlows", { env: issuer.settings });
    expect(answer.body.errors[0]).toMatchObject(refused);
  });

  it("is refused if the published key served as a shared secret", async () => {
    const key = await newKey("RS256");
    const issuer = newIssuer(key);
    replaceNetwork(() => issuer.keySet());
    const publicKey = await crypto.subtle.importKey(
      "jwk",
      key.published as JsonWebKey,
      { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
      true,
      ["verify"],
    );
    const claims = { iss: issuer.settings.IAM_ISSUER, aud: "flow-repository", sub: newId(), permissions: ["all"] };
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: "HS256", kid: key.kid })
      .setExpirationTime("1h")
      .sign(new TextEncoder().encode(await exportSPKI(publicKey)));
    const answer = await call(`Bearer ${token}`, "getFlows", { env: issuer.settings });
    expect(answer.body.errors[0]).toMatchObject(refused);
  });

  it("is refused if a shared secret signed it, even one that the issuer publishes", async () => {
    const issuer = newIssuer();
    const k = "c2hhcmVkLXNlY3JldC1zaGFyZWQtc2VjcmV0LXNoYXJlZC1zZWNyZXQ";
    replaceNetwork(() => Response.json({ keys: [{ kty: "oct", kid: "shared", alg: "HS256", k }] }));
    const claims = { iss: issuer.settings.IAM_ISSUER, aud: "flow-repository", sub: newId(), permissions: ["all"] };
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: "HS256", kid: "shared" })
      .setExpirationTime("1h")
      .sign(new TextEncoder().encode("shared-secret-shared-secret-shared-secret"));
    const answer = await call(`Bearer ${token}`, "getFlows", { env: issuer.settings });
    expect(answer.body.errors[0]).toMatchObject(refused);
  });

  it.each(["opaque", "a.b.c", "..", "e30.e30."])("is refused as %j without an answer of the network", async (token) => {
    const issuer = newIssuer(await newKey());
    const asked = replaceNetwork(() => issuer.keySet());
    const answer = await call(`Bearer ${token}`, "getFlows", { env: issuer.settings });
    expect(answer.status).toBe(401);
    expect(answer.body.errors[0]).toMatchObject(refused);
    expect(asked).toEqual([]);
  });
});

describe("the published keys", () => {
  it("are read once for many tokens, without any credentials", async () => {
    const key = await newKey();
    const issuer = newIssuer(key);
    const asked = replaceNetwork(() => issuer.keySet());
    for (let count = 0; count < 3; count += 1) {
      const token = await issuer.token(key, { sub: newId() });
      expect((await call(`Bearer ${token}`, "getFlows", { env: issuer.settings })).status).toBe(200);
    }
    expect(asked.map(({ url, method }) => ({ url, method }))).toEqual([{ url: issuer.address, method: "GET" }]);
    expect(asked[0]!.headers.get("authorization")).toBeNull();
  });

  it("are read once more for an unknown key, which then is taken", async () => {
    const [old, next] = [await newKey(), await newKey("RS256")];
    const issuer = newIssuer(old);
    let published = [old];
    const asked = replaceNetwork(() => issuer.keySet(...published));
    const ask = async (key: typeof old) =>
      (await call(`Bearer ${await issuer.token(key)}`, "getFlows", { env: issuer.settings })).status;
    expect(await ask(old)).toBe(200);
    published = [next];
    passTime(60);
    expect(await ask(next)).toBe(200);
    expect(await ask(next)).toBe(200);
    expect(asked).toHaveLength(2);
    expect(await ask(old)).toBe(401);
  });

  it("are not read again and again for keys that nobody publishes", async () => {
    const key = await newKey();
    const issuer = newIssuer(key);
    const asked = replaceNetwork(() => issuer.keySet());
    for (let count = 0; count < 5; count += 1) {
      const answer = await call(`Bearer ${await issuer.token(await newKey())}`, "getFlows", { env: issuer.settings });
      expect(answer.body.errors[0]).toMatchObject(refused);
    }
    expect(asked.length).toBeLessThanOrEqual(2);
  });

  it.each<[string, () => Response]>([
    ["cannot be reached", unreachable],
    ["are answered with 500", () => new Response("internal error", { status: 500 })],
    ["are answered with 404", () => new Response("Not Found", { status: 404 })],
    ["have moved", () => Response.redirect("https://elsewhere.example/jwks", 302)],
    ["are no JSON", () => new Response("<html>maintenance</html>")],
    ["are no key set", () => Response.json({ message: "RSA algorithm is not activated" })],
  ])("that %s make the caller come again, and work once they are back", async (_, fault) => {
    const written = recordConsole();
    const key = await newKey();
    const issuer = newIssuer(key);
    let down = true;
    replaceNetwork(() => (down ? fault() : issuer.keySet()));
    const token = await issuer.token(key);
    const settings = { ...issuer.settings, LOG_LEVEL: "info" };
    const answer = await call(`Bearer ${token}`, "getFlows", { env: settings });
    expect(answer.status).toBe(401);
    expect(answer.body.errors).toEqual([unavailable]);
    expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
    expect(written.of("request.failed")).toHaveLength(1);
    expect(written.text()).not.toContain(token);
    down = false;
    expect((await call(`Bearer ${token}`, "getFlows", { env: settings })).status).toBe(200);
  });
});

describe("published keys beside introspection", () => {
  it("judge what looks like a JWT, and nobody is asked about it", async () => {
    const key = await newKey();
    const issuer = newIssuer(key);
    const asked = replaceNetwork(() => issuer.keySet());
    const settings = both(issuer);
    expect((await call(`Bearer ${await issuer.token(key)}`, "getFlows", { env: settings })).status).toBe(200);
    const bad = await issuer.token(key, { iss: "https://other.example" });
    expect((await call(`Bearer ${bad}`, "getFlows", { env: settings })).body.errors[0]).toMatchObject(refused);
    expect(asked.map(({ url }) => url)).toEqual([issuer.address]);
  });

  it("leave an opaque token to introspection", async () => {
    const issuer = newIssuer(await newKey());
    const settings = both(issuer);
    const asked = replaceNetwork(() => Response.json({ _id: newId(), permissions: ["flows.read"] }));
    expect((await call(`Bearer ${unique("opaque")}`, "getFlows", { env: settings })).status).toBe(200);
    expect(asked.map(({ url }) => url)).toEqual([settings.INTROSPECT_ENDPOINT_BASIC]);
  });
});

const both = (issuer: ReturnType<typeof newIssuer>) => ({
  ...issuer.settings,
  INTROSPECT_ENDPOINT_BASIC: `https://${unique("iam")}.example/introspect`,
  IAM_TOKEN: unique("service-token"),
});

function unreachable(): never {
  throw new TypeError("Network connection lost.");
}

/** Moves the clock of the caches; the tokens' own end is judged by the true one. */
function passTime(seconds: number): void {
  const now = Date.now() + seconds * 1000;
  vi.spyOn(Date, "now").mockImplementation(() => now);
}
