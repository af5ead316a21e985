import { describe, expect, it } from "vitest";

import { seal, unseal, type Sealed } from "./seal.ts";

const bytes = (from: number) => Uint8Array.from({ length: 32 }, (_, at) => (from + at * 7) % 256);
const hex = (from: number): string => Array.from(bytes(from), (byte) => byte.toString(16).padStart(2, "0")).join("");
const base64 = (from: number): string => btoa(String.fromCharCode(...bytes(from)));
const base64url = (from: number): string => base64(from).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

const [id, other] = ["0".repeat(24), "1".repeat(24)];
const value = { passphrase: "pässwörd 😀" };

const flipped = (text: string): string => `${text.startsWith("A") ? "B" : "A"}${text.slice(1)}`;

describe("a sealed value", () => {
  it("opens with its key and its id", async () => {
    expect(await unseal([hex(1)], id, await seal([hex(1)], id, value))).toEqual({ ok: true, value });
  });

  it.each([
    ["hex and base64", hex(250), base64(250)],
    ["hex in capitals and base64 for URLs", hex(250).toUpperCase(), base64url(250)],
    ["base64 for URLs and hex", base64url(3), hex(3)],
  ])("opens whether the key is written in %s", async (_, one, another) => {
    expect(await unseal([another], id, await seal([one], id, value))).toEqual({ ok: true, value });
  });

  it("names the first of the keys by its hash and opens with any of them", async () => {
    const sealed = await seal([hex(1), hex(2)], id, value);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes(1)));
    expect(sealed.keyId).toBe(Array.from(digest.slice(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join(""));
    expect(await unseal([hex(2), hex(1)], id, sealed)).toEqual({ ok: true, value });
  });

  it.each([
    ["another key", [hex(2)]],
    ["no key", []],
  ])("does not open with %s", async (_, keys) => {
    expect(await unseal(keys, id, await seal([hex(1)], id, value))).toEqual({ ok: false, fault: "key" });
  });

  it.each<[string, string, (sealed: Sealed) => Partial<Sealed>]>([
    ["of another secret", other, () => ({})],
    ["whose ciphertext was changed", id, ({ ciphertext }) => ({ ciphertext: flipped(ciphertext) })],
    ["whose ciphertext was cut", id, ({ ciphertext }) => ({ ciphertext: ciphertext.slice(0, -4) })],
    ["whose ciphertext is gone", id, () => ({ ciphertext: "" })],
    ["whose ciphertext is no base64", id, () => ({ ciphertext: "!" })],
    ["whose iv was changed", id, ({ iv }) => ({ iv: flipped(iv) })],
    ["whose iv is gone", id, () => ({ iv: "" })],
  ])("%s does not open", async (_, as, change) => {
    const sealed = await seal([hex(1)], id, value);
    expect(await unseal([hex(1)], as, { ...sealed, ...change(sealed) })).toEqual({ ok: false, fault: "content" });
  });

  it("that claims another key of the list does not open", async () => {
    const keys: [string, string] = [hex(1), hex(2)];
    const { keyId } = await seal([hex(2)], id, value);
    expect(await unseal(keys, id, { ...(await seal(keys, id, value)), keyId })).toEqual({
      ok: false,
      fault: "content",
    });
  });

  it("never has the same iv or ciphertext twice", async () => {
    const sealed = await Promise.all(Array.from({ length: 20 }, () => seal([hex(1)], id, value)));
    expect(new Set(sealed.map(({ iv }) => iv)).size).toBe(20);
    expect(new Set(sealed.map(({ ciphertext }) => ciphertext)).size).toBe(20);
  });
});
