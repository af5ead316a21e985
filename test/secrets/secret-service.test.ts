import { afterEach, describe, expect, it, vi } from "vitest";

import { openSecret } from "../../src/secrets/open.ts";
import { newId } from "../support/given.ts";
import { replaceNetwork, unique, type Asked } from "../support/iam.ts";
import { by, faultOf, markerText } from "./given.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const account = () => ({ sub: newId(), tenant: newId() });

/** A Secret Service with its identity management, which no other test asks. */
function installation() {
  const host = unique("oih");
  const changed = {
    SECRET_SERVICE_BASE_URL: `http://10.0.0.7/${host}`,
    IAM_BASE_URL: `http://10.0.0.8/${host}/api/v1`,
    IAM_TOKEN: unique("service-token"),
  };
  const isIam = ({ url }: Asked): boolean => url.startsWith(changed.IAM_BASE_URL);
  return { changed, isIam };
}

const secret = (type: string, value: unknown) =>
  Response.json({ data: { _id: newId(), name: "n", type, value, owners: [], encryptedFields: [] } });
const token = (text: string) => Response.json({ token: text, id: newId() });

const given = (input: RequestInfo | URL) =>
  Promise.resolve(new Request(input).url.endsWith("/tokens") ? token("t") : secret("SIMPLE", { a: 1 }));

describe("a Secret Service", () => {
  it("is asked with a token that the identity management makes for who started the flow", async () => {
    const { changed, isIam } = installation();
    const value = { username: "u", passphrase: markerText() };
    const asked = replaceNetwork((one) => (isIam(one) ? token("token-1") : secret("SIMPLE", value)));
    const [whose, id] = [account(), newId()];
    expect(await openSecret(by(changed), id.toUpperCase(), whose)).toEqual({ id, type: "SIMPLE", value });
    expect(asked.map(({ method, url }) => [method, url])).toEqual([
      ["POST", `${changed.IAM_BASE_URL}/tokens`],
      ["GET", `${changed.SECRET_SERVICE_BASE_URL}/api/v1/secrets/${id}`],
    ]);
    expect(asked[0]!.headers.get("authorization")).toBe(`Bearer ${changed.IAM_TOKEN}`);
    expect(JSON.parse(asked[0]!.body)).toMatchObject({
      accountId: whose.sub,
      customPermissions: ["secrets.secret.readRaw"],
      expiresIn: "10m",
      new: false,
    });
    expect(asked[1]!.headers.get("authorization")).toBe("Bearer token-1");
  });

  it.each(["/", "/api/v1", "/api/v1/"])("may be named with %s at the end", async (end) => {
    const { changed, isIam } = installation();
    const asked = replaceNetwork((one) => (isIam(one) ? token("t") : secret("SIMPLE", {})));
    const SECRET_SERVICE_BASE_URL = `${changed.SECRET_SERVICE_BASE_URL}${end}`;
    const id = newId();
    await openSecret(by({ ...changed, SECRET_SERVICE_BASE_URL }), id, account());
    expect(asked[1]!.url).toBe(`${changed.SECRET_SERVICE_BASE_URL}/api/v1/secrets/${id}`);
  });

  it("is asked through the given way to the network", async () => {
    const { changed } = installation();
    const asked = replaceNetwork(() => new Response("never", { status: 500 }));
    const opened = await openSecret(by(changed, { fetch: given }), newId(), account());
    expect([opened.value, asked.length]).toEqual([{ a: 1 }, 0]);
  });

  it.each<[string, unknown, unknown]>([
    ["JSON text", '{"a":{"b":1}}', { a: { b: 1 } }],
    ["an object", { a: 1 }, { a: 1 }],
    ["other text", "no json", { payload: "no json" }],
    ["JSON that is no object", "[1]", { payload: "[1]" }],
  ])("has a MIXED payload that is %s read", async (_, payload, value) => {
    const { changed, isIam } = installation();
    replaceNetwork((one) => (isIam(one) ? token("t") : secret("MIXED", { payload })));
    expect((await openSecret(by(changed), newId(), account())).value).toEqual(value);
  });

  it("is asked with the same token for five minutes, and by each account with its own", async () => {
    const { changed, isIam } = installation();
    let made = 0;
    const asked = replaceNetwork((one) => (isIam(one) ? token(`token-${(made += 1)}`) : secret("SIMPLE", {})));
    const [one, other] = [account(), account()];
    const at = (now: number, whose: typeof one) => openSecret(by(changed, { now: () => now }), newId(), whose);
    await at(0, one);
    await at(299_999, one);
    await at(299_999, other);
    await at(300_000, one);
    expect(made).toBe(3);
    const sent = asked.filter((request) => !isIam(request)).map(({ headers }) => headers.get("authorization"));
    expect(sent).toEqual(["Bearer token-1", "Bearer token-1", "Bearer token-2", "Bearer token-3"]);
  });

  it("gets a new token where the remembered one is refused, but not a second time", async () => {
    const { changed, isIam } = installation();
    let made = 0;
    const good = new Set(["Bearer token-1"]);
    const asked = replaceNetwork((one) => {
      if (isIam(one)) return token(`token-${(made += 1)}`);
      return good.has(one.headers.get("authorization")!) ? secret("SIMPLE", {}) : new Response("", { status: 401 });
    });
    const whose = account();
    await openSecret(by(changed), newId(), whose);
    good.add("Bearer token-2").delete("Bearer token-1");
    await openSecret(by(changed), newId(), whose);
    expect(made).toBe(2);
    good.clear();
    expect(await faultOf(openSecret(by(changed), newId(), whose))).toMatchObject({ mayPass: false });
    expect([made, asked.length]).toEqual([3, 8]);
  });

  const marker = markerText();
  const failures: [string, () => Response | Promise<Response>, boolean][] = [
    ["400", () => new Response(marker, { status: 400 }), false],
    ["401", () => new Response(marker, { status: 401 }), false],
    ["403", () => new Response(marker, { status: 403 }), false],
    ["404", () => new Response(marker, { status: 404 }), false],
    ["429", () => new Response(marker, { status: 429 }), true],
    ["500", () => new Response(marker, { status: 500 }), true],
    ["503", () => new Response(marker, { status: 503 }), true],
    ["a redirect", () => new Response(null, { status: 302, headers: { location: "http://evil.example/" } }), false],
    ["no JSON", () => new Response(marker), true],
    ["another form", () => Response.json({ [marker]: marker }), false],
    ["nothing in time", () => Promise.reject(new DOMException(marker, "TimeoutError")), true],
    ["no connection", () => Promise.reject(new TypeError(marker)), true],
  ];

  it.each(failures)("that answers %s is a fault without its words; it may pass: %3$s", async (_, answer, mayPass) => {
    const { changed, isIam } = installation();
    replaceNetwork((one) => (isIam(one) ? token(marker) : answer()));
    const fault = await faultOf(openSecret(by(changed), newId(), account()));
    expect(fault).toMatchObject({ code: "SECRET_UNAVAILABLE", mayPass });
    expect([fault.message, fault.stack, String(fault.cause)].join()).not.toContain(marker);
  });

  it.each(failures)("is not asked where the identity management answers %s", async (_, answer, mayPass) => {
    const { changed, isIam } = installation();
    const asked = replaceNetwork((one) => (isIam(one) ? answer() : secret("SIMPLE", {})));
    const fault = await faultOf(openSecret(by(changed), newId(), account()));
    expect(fault).toMatchObject({ code: "SECRET_UNAVAILABLE", mayPass });
    expect([fault.message, fault.stack, String(fault.cause)].join()).not.toContain(marker);
    expect(asked).toHaveLength(1);
  });

  it("is never given what is no id", async () => {
    const { changed } = installation();
    const asked = replaceNetwork(() => token("t"));
    await faultOf(openSecret(by(changed), "../../admin/secrets", account()));
    expect(asked).toEqual([]);
  });

  it("is given five seconds, and led nowhere else", async () => {
    const { changed, isIam } = installation();
    const waits = vi.spyOn(AbortSignal, "timeout");
    replaceNetwork((one) => (isIam(one) ? token("t") : secret("SIMPLE", {})));
    await openSecret(by(changed), newId(), account());
    expect(waits.mock.calls).toEqual([[5000], [5000]]);
    expect(vi.mocked(fetch).mock.calls.map(([, init]) => init?.redirect)).toEqual(["manual", "manual"]);
  });
});
