import { base64url } from "jose";
import { z } from "zod";

import type { Place } from "./list-selection.ts";

const Content = z.tuple([z.union([z.string(), z.number()]), z.number()]);
const keys = new Map<string, Promise<CryptoKey>>();

function keyOf(secret: string): Promise<CryptoKey> {
  const known = keys.get(secret);
  if (known) return known;
  const raw = new TextEncoder().encode(secret);
  const made = crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  keys.set(secret, made);
  return made;
}

/** Half of the code is long enough that nobody guesses it. */
async function signatureOf(secret: string, list: string, content: string): Promise<string> {
  const text = new TextEncoder().encode(`${content}\n${list}`);
  return base64url.encode(new Uint8Array(await crypto.subtle.sign("HMAC", await keyOf(secret), text)).subarray(0, 16));
}

/** A place in a list as text. It is good for that list alone: the same caller, filters and sort. */
export async function cursorOf(secret: string, list: string, { key, pos }: Place): Promise<string> {
  const content = base64url.encode(JSON.stringify([key, pos]));
  return `${content}.${await signatureOf(secret, list, content)}`;
}

/** The place that a cursor stands for; undefined if it is none of this list. */
export async function placeOf(secret: string, list: string, cursor: string): Promise<Place | undefined> {
  const [content = "", signature = "", ...more] = cursor.split(".");
  if (more.length > 0) return undefined;
  const expected = await signatureOf(secret, list, content);
  if (!isEqual(signature, expected)) return undefined;
  const [key, pos] = Content.parse(JSON.parse(new TextDecoder().decode(base64url.decode(content))));
  return { key, pos };
}

function isEqual(sent: string, expected: string): boolean {
  const [one, other] = [sent, expected].map((text) => new TextEncoder().encode(text));
  return one!.byteLength === other!.byteLength && crypto.subtle.timingSafeEqual(one!, other!);
}
