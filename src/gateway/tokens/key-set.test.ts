import { exportJWK, generateKeyPair, type JWK } from "jose";
import { beforeAll, expect, it } from "vitest";

import { type Asking, keysFor } from "./key-set.ts";

const pairs: Record<string, { public: JWK; private: JWK }> = {};
beforeAll(async () => {
  for (const alg of ["RS256", "ES256", "EdDSA"]) {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    pairs[alg] = { public: await exportJWK(publicKey), private: await exportJWK(privateKey) };
  }
});

let sources = 0;
const freshAddress = (): string => `https://id${(sources += 1)}.example/jwks`;

/** A source that answers with keys, and counts how often it was asked. */
function source(keys: () => readonly object[], more: Partial<Asking> = {}) {
  const asked = { times: 0 };
  const fetch = (): Promise<Response> => {
    asked.times += 1;
    return Promise.resolve(Response.json({ keys: keys() }));
  };
  const asking: Asking = { fetch, now: () => 0, defer: () => {}, isDry: false, allowPrivate: false, ...more };
  return { asked, asking };
}

it.each<[string, (own: (alg: string) => JWK) => object, string, unknown, number]>([
  ["its algorithm", (own) => own("RS256"), "RS256", undefined, 1],
  ["the other algorithm of RSA", (own) => own("RS256"), "PS256", undefined, 1],
  ["EdDSA", (own) => own("EdDSA"), "EdDSA", undefined, 1],
  ["the newer name of EdDSA", (own) => ({ ...own("EdDSA"), alg: "Ed25519" }), "EdDSA", undefined, 1],
  ["its id", (own) => ({ ...own("ES256"), kid: "k", alg: "ES256", use: "sig", key_ops: ["verify"] }), "ES256", "k", 1],
  ["another id", (own) => ({ ...own("ES256"), kid: "k" }), "ES256", "other", 0],
  ["an id that is no text", (own) => ({ ...own("ES256"), kid: "1" }), "ES256", 1, 0],
  ["no id where one is named", (own) => own("ES256"), "ES256", "k", 0],
  ["another algorithm", (own) => ({ ...own("RS256"), alg: "PS256" }), "RS256", undefined, 0],
  ["another kind", (own) => own("RS256"), "ES256", undefined, 0],
  ["another curve", (own) => ({ ...own("ES256"), crv: "P-384" }), "ES256", undefined, 0],
  ["use for encryption", (own) => ({ ...own("RS256"), use: "enc" }), "RS256", undefined, 0],
  ["other operations", (own) => ({ ...own("RS256"), key_ops: ["encrypt"] }), "RS256", undefined, 0],
  ["a private part", () => pairs["ES256"]!.private, "ES256", undefined, 0],
  ["parts that are none", () => ({ kty: "RSA", n: "x", e: 7 }), "RS256", undefined, 0],
  ["a secret", () => ({ kty: "oct", k: "c2VjcmV0" }), "HS256", undefined, 0],
  ["an algorithm of an object's own", (own) => own("RS256"), "constructor", undefined, 0],
])("a key with %s", async (_, key, alg, kid, many) => {
  const { asking } = source(() => [key((name) => pairs[name]!.public)]);
  const found = await keysFor(freshAddress(), { alg, kid }, asking);
  expect(found.map(({ type }) => type)).toEqual(Array<string>(many).fill("public"));
});

it("keys of which none is named are tried up to ten", async () => {
  const { asking } = source(() => Array<object>(15).fill(pairs["ES256"]!.public));
  expect(await keysFor(freshAddress(), { alg: "ES256" }, asking)).toHaveLength(10);
});

it("a dry run uses the keys that are kept, and keeps none of what it is answered", async () => {
  const address = freshAddress();
  const dry = source(() => [pairs["ES256"]!.public], { isDry: true });
  for (let times = 0; times < 2; times += 1) await keysFor(address, { alg: "ES256" }, dry.asking);
  expect(dry.asked.times).toBe(2);
  const real = source(() => [pairs["RS256"]!.public]);
  expect(await keysFor(address, { alg: "ES256" }, real.asking)).toEqual([]);
  expect(await keysFor(address, { alg: "RS256" }, dry.asking)).toHaveLength(1);
  expect([dry.asked.times, real.asked.times]).toEqual([2, 1]);
  const later = source(() => [pairs["ES256"]!.public], { isDry: true, now: () => 20 * 60_000 });
  expect(await keysFor(address, { alg: "ES256" }, later.asking)).toHaveLength(1);
  const then = { ...real.asking, now: later.asking.now };
  expect(await keysFor(address, { alg: "ES256" }, then)).toEqual([]);
  expect(real.asked.times).toBe(2);
});

it("calls at once do not wait for each other's promise", async () => {
  const address = freshAddress();
  const slow = Promise.withResolvers<Response>();
  const first = keysFor(address, { alg: "ES256" }, source(() => [], { fetch: () => slow.promise }).asking);
  const other = source(() => [pairs["ES256"]!.public]);
  expect(await keysFor(address, { alg: "ES256" }, other.asking)).toHaveLength(1);
  slow.resolve(Response.json({ keys: [] }));
  expect(await first).toEqual([]);
});

it("a private address is not called", async () => {
  const { asked, asking } = source(() => []);
  await expect(keysFor("https://10.0.0.1/jwks", { alg: "ES256" }, asking)).rejects.toThrow("private address");
  expect(asked.times).toBe(0);
});
