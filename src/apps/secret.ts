import { base64url } from "jose";

import { hexOf, sha256Of } from "../platform/ids.ts";
import type { App } from "./model.ts";

/** How many secrets of an app may be good at once: two while it changes from one to the other. */
export const MOST_SECRETS = 2;

const SECRET_BYTES = 32;

const clientIdPattern = /^app_[0-9a-f]{24}$/;

/** Whether a text has the form of a client id; what has not is not worth a look-up. */
export const isClientId = (text: string): boolean => clientIdPattern.test(text);

/** All of it is chance: it tells neither when the app was made nor which comes next. */
export const newClientId = (): string => `app_${hexOf(crypto.getRandomValues(new Uint8Array(12)))}`;

export const newSecret = (): string => base64url.encode(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)));

/** What is kept of a secret. It needs no salt and no slow hash: nobody can guess 32 bytes of chance. */
export const hashOfSecret = (secret: string): Promise<string> => sha256Of(secret);

/** Compared with where an app has fewer secrets than it may have, so that the time tells nothing. */
const NO_HASH = "0".repeat(64);

/** Whether a secret is one of the app's good ones. Whether the app is enabled is not asked here. */
export async function isSecretOf(app: Pick<App, "secretHashes">, secret: string): Promise<boolean> {
  const given = bytesOf(await hashOfSecret(secret));
  let isOne = false;
  for (let at = 0; at < MOST_SECRETS; at += 1) {
    const kept = app.secretHashes[at];
    const isEqual = isSame(given, bytesOf(kept ?? NO_HASH));
    isOne = (isEqual && kept !== undefined) || isOne;
  }
  return isOne;
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

const isSame = (one: Uint8Array, other: Uint8Array): boolean =>
  one.byteLength === other.byteLength && crypto.subtle.timingSafeEqual(one, other);
