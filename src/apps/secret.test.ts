import { describe, expect, it, vi } from "vitest";

import { sha256Of } from "../platform/ids.ts";
import { hashOfSecret, isClientId, isSecretOf, newClientId, newSecret } from "./secret.ts";

const [first, second] = [newSecret(), newSecret()];
const hashes = async (...secrets: string[]) => ({ secretHashes: await Promise.all(secrets.map(sha256Of)) });

it.each([
  ["app_1f0c8b2e5d7a49366c0e9a41", true],
  ["app_1f0c8b2e5d7a49366c0e9a4", false],
  ["app_1f0c8b2e5d7a49366c0e9a411", false],
  ["app_1F0C8B2E5D7A49366C0E9A41", false],
  ["APP_1f0c8b2e5d7a49366c0e9a41", false],
  ["1f0c8b2e5d7a49366c0e9a41", false],
  ["app_1f0c8b2e5d7a49366c0e9a41\n", false],
  ["", false],
])("that %j is a client id: %s", (text, is) => {
  expect(isClientId(text)).toBe(is);
});

it("client ids and secrets are chance, of their form, and never the same", () => {
  const made = Array.from({ length: 50 }, () => [newClientId(), newSecret()] as const);
  expect(made.every(([id, secret]) => isClientId(id) && /^[\w-]{43}$/.test(secret))).toBe(true);
  expect(new Set(made.flat()).size).toBe(100);
  // Nothing that two of them have in common at the front: no time, no number.
  expect(new Set(made.map(([id]) => id.slice(4, 12))).size).toBeGreaterThan(45);
});

describe("a secret", () => {
  it.each<[string, readonly string[], string, boolean]>([
    ["the only one", [first], first, true],
    ["the new one of two", [first, second], first, true],
    ["the old one of two", [first, second], second, true],
    ["another", [first], second, false],
    ["none of two", [first, second], newSecret(), false],
    ["empty", [first], "", false],
    ["cut", [first], first.slice(0, -1), false],
    ["longer", [first], `${first}x`, false],
    ["any of an app without", [], first, false],
    ["empty of an app without", [], "", false],
  ])("that is %s is judged", async (_, kept, sent, is) => {
    expect(await isSecretOf(await hashes(...kept), sent)).toBe(is);
  });

  it("is not its hash, nor what stands in the place of a missing one", async () => {
    expect(await isSecretOf(await hashes(first), await hashOfSecret(first))).toBe(false);
    expect(await isSecretOf({ secretHashes: ["not a hash"] }, first)).toBe(false);
  });

  it.each([0, 1, 2])("costs the same comparisons where %i are kept, also if the first fits", async (kept) => {
    const app = await hashes(...[first, second].slice(0, kept));
    const compared = vi.spyOn(crypto.subtle, "timingSafeEqual");
    const hashed = vi.spyOn(crypto.subtle, "digest");
    await isSecretOf(app, first);
    expect([compared.mock.calls.length, hashed.mock.calls.length]).toEqual([2, 1]);
    vi.restoreAllMocks();
  });
});
