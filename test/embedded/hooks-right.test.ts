import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";

import { hexOf as hex } from "../../src/platform/ids.ts";
import { tokenFor, type Caller } from "../support/api.ts";
import { admin, everyPermission, newId, someone } from "../support/given.ts";
import { asJson, hookFlowOf, receiptOf, runsOf } from "../support/hooks.ts";
import { introspectionSettings, replaceNetwork } from "../support/iam.ts";
import { activeFlow, line } from "../support/runs.ts";
import { recordConsole, wire } from "../support/wire.ts";
import { secretOf } from "../secrets/given.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const secret = "a secret of the hook's";
const body = '{"id":1,"name":"Jürgen"}';

async function hmac(text: string, key = secret, hash = "SHA-256"): Promise<Uint8Array> {
  const encoder = new TextEncoder();
  const imported = await crypto.subtle.importKey("raw", encoder.encode(key), { name: "HMAC", hash }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, encoder.encode(text)));
}
const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));

const post = (id: string, headers: Record<string, string> = {}, text = body): Promise<Response> =>
  wire("POST", `/hook/${id}`, { body: text, headers: { ...asJson, ...headers } });
const get = (id: string, headers: Record<string, string> = {}, query = "?id=1&b=%20"): Promise<Response> =>
  wire("GET", `/hook/${id}${query}`, { headers });

/** What a sender was told, and what was begun. */
const told = async (answer: Response, id: string) => [answer.status, await answer.json(), await runsOf(id)];
/** A hook that is closed says so in the words of the original, and begins nothing. */
const closed = [
  403,
  { error: "Unauthorized", errors: [{ message: "Unauthorized", code: 403, error: "HOOK_UNAUTHORIZED" }] },
  [],
];

describe("a hook that demands a signature", () => {
  it.each<[string, (bytes: Uint8Array) => string]>([
    ["hex", hex],
    ["hex in capitals", (bytes) => hex(bytes).toUpperCase()],
    ["base64", base64],
    ["hex behind the algorithm", (bytes) => `sha256=${hex(bytes)}`],
    ["base64 behind the algorithm", (bytes) => `sha256=${base64(bytes)}`],
  ])("takes it in %s, of the body for POST and of the query for GET", async (_, written) => {
    const id = await hookFlowOf(await someone(), { hmacAuthSecret: secret });
    expect((await post(id, { "x-hmac": written(await hmac(body)) })).status).toBe(200);
    expect((await get(id, { "x-hmac": written(await hmac("id=1&b=%20")) })).status).toBe(200);
    expect((await get(id, { "x-hmac": written(await hmac("")) }, "")).status).toBe(200);
  });

  it.each([
    ["sha1", "SHA-1"],
    ["SHA-256", "SHA-256"],
    ["sha384", "SHA-384"],
    ["sha512", "SHA-512"],
  ])("takes it in a header and by an algorithm of its own, %s", async (hmacAlgorithm, hash) => {
    const demands = { hmacAuthSecret: secret, hmacHeaderKey: "X-Hub-Signature", hmacAlgorithm };
    const id = await hookFlowOf(await someone(), demands);
    const signature = hex(await hmac(body, secret, hash));
    expect(await told(await post(id, { "x-hmac": signature }), id)).toEqual(closed);
    expect((await post(id, { "x-hub-signature": signature })).status).toBe(200);
  });

  it.each<[string, () => Promise<string | undefined>]>([
    ["none", () => Promise.resolve(undefined)],
    ["an empty one", () => Promise.resolve("")],
    ["one of another body", async () => hex(await hmac(`${body} `))],
    ["one by another secret", async () => hex(await hmac(body, "another"))],
    ["one by another algorithm", async () => hex(await hmac(body, secret, "SHA-512"))],
    ["a part of it", async () => hex(await hmac(body)).slice(0, 32)],
    ["more than it", async () => `${hex(await hmac(body))}00`],
    ["nonsense", () => Promise.resolve("ü%")],
  ])("is closed to %s, to GET as to POST", async (_, made) => {
    const id = await hookFlowOf(await someone(), { hmacAuthSecret: secret });
    const signature = await made();
    const headers: Record<string, string> =
      signature === undefined ? {} : { "x-hmac": encodeURIComponent(signature).slice(0, 200) };
    expect(await told(await post(id, headers), id)).toEqual(closed);
    expect(await told(await get(id, headers), id)).toEqual(closed);
  });

  it("is not opened by a token", async () => {
    const caller = await someone({ permissions: [...everyPermission, "webhooks.execute"] });
    const id = await hookFlowOf(caller, { hmacAuthSecret: secret, requireWebhookAuth: true });
    expect(await told(await post(id, { authorization: caller.authorization }), id)).toEqual(closed);
  });

  it.each<[string, object]>([
    ["an empty secret", { hmacAuthSecret: "" }],
    ["a secret that is no text", { hmacAuthSecret: 7 }],
    ["an unknown algorithm", { hmacAuthSecret: secret, hmacAlgorithm: "md5" }],
    ["a header that cannot be", { hmacAuthSecret: secret, hmacHeaderKey: "two words" }],
  ])("is closed to all by %s", async (_, demands) => {
    const id = await hookFlowOf(await someone(), demands);
    const signature = hex(await hmac(body));
    expect(await told(await post(id, { "x-hmac": signature }), id)).toEqual(closed);
    expect(await told(await get(id, { "x-hmac": signature }), id)).toEqual(closed);
  });

  it.each([
    ["API_KEY", { key: secret, headerName: "x" }],
    ["SIMPLE", { username: "u", passphrase: secret }],
    ["MIXED", { payload: { secret } }],
  ])("takes a stored secret of the starter's by its id, %s", async (type, value) => {
    const caller = await someone();
    const hmacAuthSecret = await secretOf(caller, { name: "hook", type, value });
    const id = await hookFlowOf(caller, { hmacAuthSecret });
    expect((await post(id, { "x-hmac": hex(await hmac(body)) })).status).toBe(200);
    const ofTheId = await post(id, { "x-hmac": hex(await hmac(body, hmacAuthSecret)) });
    expect(ofTheId.status).toBe(403);
  });

  it("is closed if the secret is somebody else's, unknown, or nobody started the flow", async () => {
    const [caller, other] = [await someone(), await someone()];
    const foreign = await secretOf(other, { name: "hook", type: "MIXED", value: { payload: { secret } } });
    const headers = { "x-hmac": hex(await hmac(body)) };
    for (const hmacAuthSecret of [foreign, newId()]) {
      const id = await hookFlowOf(caller, { hmacAuthSecret });
      expect(await told(await post(id, headers), id)).toEqual(closed);
    }
    const own = await secretOf(caller, { name: "hook", type: "MIXED", value: { payload: { secret } } });
    const id = await hookFlowOf(caller, { hmacAuthSecret: own });
    await env.DB.prepare("UPDATE flows SET started_by = NULL WHERE id = ?").bind(id).run();
    expect(await told(await post(id, headers), id)).toEqual(closed);
  });
});

const tokenOf = ({ sub, tenant }: Caller, permissions: readonly string[], changed = {}): Promise<string> =>
  tokenFor({ sub, ...(tenant === undefined ? {} : { tenant }), permissions, ...changed });

describe("a hook that demands a token", () => {
  const may = [...everyPermission, "webhooks.execute"];
  const demands = { requireWebhookAuth: true };

  it.each(["Bearer", "Basic"])("takes one of an owner who may, as %s, for GET as for POST", async (scheme) => {
    const caller = await someone();
    const id = await hookFlowOf(caller, demands);
    const authorization = `${scheme} ${await tokenOf(caller, ["webhooks.execute"])}`;
    for (const answer of [await post(id, { authorization }), await get(id, { authorization })]) {
      expect(answer.status).toBe(200);
      expect((await receiptOf(answer)).message).toBe("thank you");
    }
  });

  it.each<[string, (owner: Caller) => Promise<string | undefined>]>([
    ["nobody", () => Promise.resolve(undefined)],
    ["a header without a token", () => Promise.resolve("Bearer")],
    ["a token that is none", () => Promise.resolve("Bearer x.y.z")],
    ["an owner without the permission", async (owner) => `Bearer ${await tokenOf(owner, everyPermission)}`],
    ["somebody else who may", async () => `Bearer ${await tokenOf(await someone(), may)}`],
    ["tenant.all alone", async (owner) => `Bearer ${await tokenOf(owner, ["tenant.all"])}`],
  ])("is closed to %s, to GET as to POST", async (_, made) => {
    const owner = await someone();
    const id = await hookFlowOf(owner, demands);
    const authorization = await made(owner);
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    expect(await told(await post(id, headers), id)).toEqual(closed);
    expect(await told(await get(id, headers), id)).toEqual(closed);
  });

  it("is open to the tenant's others, unless the flow says that it is not", async () => {
    const owner = await someone();
    const authorization = `Bearer ${await tokenOf(owner, may, { sub: newId() })}`;
    const open = await hookFlowOf(owner, demands);
    expect((await post(open, { authorization })).status).toBe(200);
    const narrow = await hookFlowOf(owner, { ...demands, allTenantUsers: false });
    expect(await told(await post(narrow, { authorization }), narrow)).toEqual(closed);
    expect((await post(narrow, { authorization: `Bearer ${await tokenOf(owner, may)}` })).status).toBe(200);
    expect((await post(narrow, { authorization: (await admin()).authorization })).status).toBe(200);
  });

  it.each(["true", 1, "yes", {}])("does so whatever it says for true: %j", async (requireWebhookAuth) => {
    const id = await hookFlowOf(await someone(), { requireWebhookAuth });
    expect(await told(await post(id), id)).toEqual(closed);
  });

  it.each([[undefined], [null], [false], ["on"], [{}]].map(([value]) => value))(
    "does not by webhooks: %j",
    async (webhooks) => {
      const graph = line({ id: "receive", componentId: "webhook" });
      const id = await activeFlow(await someone(), graph, { flowSettings: { webhooks } });
      expect((await post(id)).status).toBe(200);
    },
  );

  it("tells that the identity management is down", async () => {
    const owner = await someone();
    const id = await hookFlowOf(owner, demands);
    replaceNetwork(() => new Response("down", { status: 503 }));
    const answer = await wire("POST", `/hook/${id}`, {
      body,
      headers: { ...asJson, authorization: "Bearer opaque" },
      env: introspectionSettings(),
    });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("retry-after")).toBe("5");
    expect(await answer.json()).toMatchObject({ errors: [{ error: "IDENTITY_UNAVAILABLE" }] });
    expect(await runsOf(id)).toEqual([]);
  });
});

it("tells no secret, token or payload of a request in a log line", async () => {
  const caller = await someone();
  const id = await hookFlowOf(caller, { hmacAuthSecret: secret });
  const written = recordConsole();
  const signature = hex(await hmac(body));
  for (const sent of [signature, "0".repeat(64)]) {
    const headers = { ...asJson, "x-hmac": sent, authorization: "Bearer hush-token" };
    await wire("POST", `/hook/${id}?token=hush-query`, { body, headers, env: { LOG_LEVEL: "info" } });
  }
  expect(written.of("request").map(({ status }) => status)).toEqual([200, 403]);
  for (const hidden of [secret, signature, "hush", "Jürgen"]) expect(written.text()).not.toContain(hidden);
});
