import { base64url, exportJWK, exportSPKI, generateKeyPair, type GenerateKeyPairResult, SignJWT } from "jose";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";

import { secretOf } from "../secrets/given.ts";
import type { Caller } from "../support/api.ts";
import { apiOfLists, givenApp, type GivenApp, invalidToken, planOf, toldWith } from "../support/apps.ts";
import { entry, liveApi } from "../support/gateway.ts";
import { newId, someone } from "../support/given.ts";
import { type Asked, newIssuer, newKey, replaceNetwork, type SigningKey, unique } from "../support/iam.ts";

const HOUR = 3_600_000;
const good = { tenant: "acme", level: 2 };
const secret = unique("a key of 32 bytes or more");
let caller: Caller;
let base: string;
let app: GivenApp;
let keys: SigningKey[];
let issuer: ReturnType<typeof newIssuer>;
let rsa: GenerateKeyPairResult;

const jwt = (config: object) => ({ request: [entry("jwt", "jwt", config)] });
beforeAll(async () => {
  caller = await someone();
  const plan = await planOf(caller);
  app = await givenApp(caller, [plan]);
  keys = [await newKey(), await newKey()];
  issuer = newIssuer(keys[0]!);
  rsa = await generateKeyPair("RS256", { extractable: true });
  const published = { algorithms: ["ES256"], jwksUrl: issuer.address, clockTolerance: 0 };
  const { IAM_ISSUER, IAM_AUDIENCE } = issuer.settings;
  const keyed = async (type: string, value: object) =>
    jwt({ algorithms: ["HS256"], secret: await secretOf(caller, { name: "Key", type, value }) });
  const lists = {
    jwt: jwt({ ...published, issuer: IAM_ISSUER, audience: ["others", IAM_AUDIENCE], claims: good }),
    jwtapp: jwt({ ...published, clientIdClaim: "azp" }),
    down: jwt({ ...published, jwksUrl: `https://${unique("down")}.example/jwks` }),
    rsa: jwt({ algorithms: ["RS256", "PS256"], jwksUrl: `${issuer.address}/rsa` }),
    simple: await keyed("SIMPLE", { username: "x", passphrase: secret }),
    apikey: await keyed("API_KEY", { key: secret, headerName: "x" }),
    mixed: await keyed("MIXED", { payload: { key: secret } }),
    short: await keyed("API_KEY", { key: "short", headerName: "x" }),
  };
  ({ base } = await liveApi(caller, apiOfLists(plan, lists)));
});

/** What the network answers for keys; everything else is the destination. */
let jwks: () => Response | Promise<Response>;
let asked: Asked[];
const replace = (): void => {
  asked = replaceNetwork(({ url }) => (url.includes("/jwks") ? jwks() : new Response("here")));
};
/** Caches live as long as the isolate, so that time only goes on from one test to the next. */
let now = Date.now();
beforeEach(() => {
  jwks = () => issuer.keySet(keys[0]!);
  replace();
});
afterEach(() => {
  vi.restoreAllMocks();
});
const askedForKeys = () => asked.filter(({ url }) => url.includes("/jwks")).length;

/** Lets time pass, and forgets what was asked for. */
const later = (ms: number): void => {
  vi.restoreAllMocks();
  now = Math.max(now, Date.now()) + ms;
  replace();
  vi.spyOn(Date, "now").mockReturnValue(now);
};

const codeWith = async (path: string, token: string) => (await toldWith(base, path, token)).slice(0, 2);
const seconds = (): number => Math.floor(now / 1000);
const lasting = (key: SigningKey) => issuer.token(key, { ...good, exp: seconds() + 48 * 3600 });
const tokenWith = (azp: unknown) => issuer.token(keys[0]!, { azp });
const sign = (key: string, alg = "HS256") =>
  new SignJWT({})
    .setProtectedHeader({ alg })
    .setExpirationTime(seconds() + 60)
    .sign(new TextEncoder().encode(key));

describe("a JWT of an issuer elsewhere", () => {
  beforeEach(() => later(60_000));
  it("lets the call go on, and its keys are fetched once in ten minutes", async () => {
    const token = await lasting(keys[0]!);
    for (let times = 0; times < 3; times += 1) expect(await toldWith(base, "/jwt", token)).toEqual([200]);
    expect(askedForKeys()).toBe(1);
    later(5 * 60_000 - 1);
    expect(await toldWith(base, "/jwt", token)).toEqual([200]);
    expect(askedForKeys()).toBe(0);
    // From half of the time on they are renewed while the call goes on with those that are there.
    const answer = Promise.withResolvers<Response>();
    jwks = () => answer.promise;
    later(1);
    for (let times = 0; times < 3; times += 1) expect(await toldWith(base, "/jwt", token)).toEqual([200]);
    expect(askedForKeys()).toBe(1);
    answer.resolve(issuer.keySet(keys[0]!));
    jwks = () => issuer.keySet(keys[0]!);
    later(10 * 60_000);
    expect(await toldWith(base, "/jwt", token)).toEqual([200]);
    expect(askedForKeys()).toBe(1);
  });

  it("is refused for what is wrong with it", async () => {
    const [key] = keys;
    const text = await exportSPKI(rsa.publicKey);
    const confused = new SignJWT({ ...good, exp: seconds() + 60 }).setProtectedHeader({ alg: "HS256", kid: key!.kid });
    const none = [{ alg: "none" }, good].map((part) => base64url.encode(JSON.stringify(part)));
    const signed = await issuer.token(key!, good);
    const cases: [string, string][] = [
      ["Its algorithm is not taken.", `${none.join(".")}.`],
      ["Its algorithm is not taken.", await confused.sign(new TextEncoder().encode(text))],
      ["Its signature does not fit.", `${signed.slice(0, -4)}AAAA`],
      ["Its signature does not fit.", await issuer.token({ ...keys[1]!, kid: key!.kid }, good)],
      ["It has expired.", await issuer.token(key!, { ...good, exp: seconds() - 1 })],
      ["It has no claim exp.", await issuer.token(key!, { ...good, exp: undefined })],
      ["It is not good yet.", await issuer.token(key!, { ...good, nbf: seconds() + 60 })],
      ["Its issuer (iss) is another one.", await issuer.token(key!, { ...good, iss: "others" })],
      ["It is meant for others (aud).", await issuer.token(key!, { ...good, aud: ["mine"] })],
      ["Its claim tenant is not as it has to be.", await issuer.token(key!, { ...good, tenant: "other" })],
      ["Its claim level is not as it has to be.", await issuer.token(key!, { ...good, level: "2" })],
      ["It is no JWT.", "x".repeat(20)],
    ];
    for (const [detail, token] of cases) expect(await toldWith(base, "/jwt", token)).toEqual(invalidToken(detail));
    expect(await toldWith(base, "/jwt", signed)).toEqual([200]);
    // The public key of RS256, told to everybody, is no secret of HS256.
    jwks = async () => Response.json({ keys: [{ ...(await exportJWK(rsa.publicKey)), kid: key!.kid }] });
    const confusing = await confused.sign(new TextEncoder().encode(text));
    expect(await toldWith(base, "/rsa", confusing)).toEqual(invalidToken("Its algorithm is not taken."));
    const fair = new SignJWT({ exp: seconds() + 60 }).setProtectedHeader({ alg: "RS256" });
    expect(await toldWith(base, "/rsa", await fair.sign(rsa.privateKey))).toEqual([200]);
  });

  it("may be signed with a key that is new, which is looked for at most every 30 s", async () => {
    const [old, fresh] = keys;
    const token = await lasting(fresh!);
    later(HOUR);
    expect(await toldWith(base, "/jwt", token)).toEqual(invalidToken("It is signed with a key that is not known."));
    expect(await toldWith(base, "/jwt", token)).toEqual(invalidToken("It is signed with a key that is not known."));
    expect(askedForKeys()).toBe(1);
    jwks = () => issuer.keySet(fresh!);
    later(31_000);
    expect(await toldWith(base, "/jwt", token)).toEqual([200]);
    expect(askedForKeys()).toBe(1);
    const removed = await lasting(old!);
    expect(await toldWith(base, "/jwt", removed)).toEqual(invalidToken("It is signed with a key that is not known."));
    jwks = () => issuer.keySet(old!, fresh!);
    later(31_000);
    expect(await toldWith(base, "/jwt", removed)).toEqual([200]);
  });

  it("is verified with old keys while the source is down, and with none the call fails", async () => {
    const token = await lasting(keys[0]!);
    jwks = () => {
      throw new TypeError("unreachable");
    };
    later(2 * HOUR);
    expect(await toldWith(base, "/jwt", token)).toEqual([200]);
    expect(await toldWith(base, "/jwt", token)).toEqual([200]);
    expect(askedForKeys()).toBe(1);
    const unknown = await issuer.token(await newKey(), good);
    expect(await toldWith(base, "/jwt", unknown)).toEqual(invalidToken("It is signed with a key that is not known."));
    later(25 * HOUR);
    expect(await toldWith(base, "/jwt", token)).toEqual([500, "INTERCEPTOR_FAILED", "The interceptor jwt-jwt failed."]);

    const answers = [
      () => new Response("no", { status: 503 }),
      () => Response.json({}),
      () => new Response("["),
      () => Response.json({ keys: [], more: "x".repeat(300_000) }),
      () => Response.redirect("https://10.0.0.1/jwks"),
    ];
    for (const answer of answers) {
      jwks = answer;
      later(6000);
      for (let times = 0; times < 2; times += 1) {
        expect(await codeWith("/down", token)).toEqual([500, "INTERCEPTOR_FAILED"]);
      }
      expect(askedForKeys()).toBe(1);
    }
    jwks = () => issuer.keySet(keys[0]!);
    later(6000);
    expect(await toldWith(base, "/down", token)).toEqual([200]);
  });

  it("tells the app by one of its claims", async () => {
    expect(await toldWith(base, "/jwtapp", await tokenWith(app.clientId))).toEqual([200]);
    for (const azp of [undefined, 7, "other", `app_${newId()}`]) {
      expect(await toldWith(base, "/jwtapp", await tokenWith(azp))).toEqual([401, "CLIENT_UNKNOWN"]);
    }
    const planless = await givenApp(caller, []);
    expect(await toldWith(base, "/jwtapp", await tokenWith(planless.clientId))).toEqual([403, "APP_WITHOUT_PLAN"]);
  });

  it("may have a secret of the API's starter, if that is long enough", async () => {
    const token = await sign(secret);
    for (const path of ["/simple", "/apikey", "/mixed"]) expect(await toldWith(base, path, token)).toEqual([200]);
    expect(await toldWith(base, "/simple", await sign(`${secret}x`))).toEqual(
      invalidToken("Its signature does not fit."),
    );
    expect(await toldWith(base, "/simple", await sign(secret.repeat(3), "HS512"))).toEqual(
      invalidToken("Its algorithm is not taken."),
    );
    expect(await codeWith("/short", await sign("short"))).toEqual([500, "INTERCEPTOR_FAILED"]);
    expect(asked.every(({ url }) => url.startsWith("https://backend.example/"))).toBe(true);
  });
});
