import { base64url } from "jose";

import { hexOf } from "../platform/ids.ts";

/** A value that only the holder of the key can read, and only as the value of the same secret. */
export interface Sealed {
  /** The first 8 hex digits of the key's SHA-256. */
  readonly keyId: string;
  readonly iv: string;
  readonly ciphertext: string;
}

interface Key {
  readonly id: string;
  readonly key: CryptoKey;
}

const IV_BYTES = 12;
const known = new Map<string, Promise<Key>>();

function keyOf(text: string): Promise<Key> {
  const found = known.get(text);
  if (found) return found;
  const made = importKey(bytesOfKey(text));
  known.set(text, made);
  return made;
}

async function importKey(bytes: Uint8Array<ArrayBuffer>): Promise<Key> {
  const [digest, key] = await Promise.all([
    crypto.subtle.digest("SHA-256", bytes),
    crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]),
  ]);
  return { id: hexOf(new Uint8Array(digest)).slice(0, 8), key };
}

/** The settings have checked the form: 64 hex digits, or 43 characters of base64 in either alphabet. */
function bytesOfKey(text: string): Uint8Array<ArrayBuffer> {
  if (text.length === 64) return Uint8Array.from(text.match(/../g)!, (byte) => Number.parseInt(byte, 16));
  return Uint8Array.from(base64url.decode(text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")));
}

const cipher = (iv: Uint8Array<ArrayBuffer>, id: string) => ({
  name: "AES-GCM",
  iv,
  additionalData: new TextEncoder().encode(id),
});

/** Seals a value with the first of the keys, under a fresh iv and bound to the id of its secret. */
export async function seal(keys: readonly [string, ...string[]], id: string, value: unknown): Promise<Sealed> {
  const { id: keyId, key } = await keyOf(keys[0]);
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const text = new TextEncoder().encode(JSON.stringify(value));
  const ciphertext = await crypto.subtle.encrypt(cipher(iv, id), key, text);
  return { keyId, iv: base64url.encode(iv), ciphertext: base64url.encode(new Uint8Array(ciphertext)) };
}

export type Unsealed =
  | { readonly ok: true; readonly value: unknown }
  /** The key is not among those given, or what was kept is not what was sealed. */
  | { readonly ok: false; readonly fault: "key" | "content" };

/** Opens a value with whichever of the keys sealed it. */
export async function unseal(keys: readonly string[], id: string, sealed: Sealed): Promise<Unsealed> {
  const held = await Promise.all(keys.map(keyOf));
  const found = held.find((key) => key.id === sealed.keyId);
  if (found === undefined) return { ok: false, fault: "key" };
  try {
    const iv = Uint8Array.from(base64url.decode(sealed.iv));
    const ciphertext = Uint8Array.from(base64url.decode(sealed.ciphertext));
    const text = await crypto.subtle.decrypt(cipher(iv, id), found.key, ciphertext);
    return { ok: true, value: JSON.parse(new TextDecoder().decode(text)) as unknown };
  } catch {
    // Its message may quote what was decrypted.
    return { ok: false, fault: "content" };
  }
}
