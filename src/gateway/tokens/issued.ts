import { jwtVerify, SignJWT } from "jose";

import type { App } from "../../apps/model.ts";
import type { Config } from "../../platform/config.ts";
import { InterceptorFault } from "../refusal.ts";
import { faultOfToken, isOfAnotherKey } from "./faults.ts";

const ISSUER = "flow-gateway";
const TYPE = "at+jwt";
const ALGORITHM = "HS256";

type Keys = Pick<Config, "GATEWAY_KEY">;

/** What a token says that was issued here. */
export interface IssuedClaims {
  /** Id of the app. */
  readonly sub: string;
  readonly client_id: string;
  /** Words with spaces between them. */
  readonly scope: string;
  /** `tokensFrom` of the app as it was known when the token was issued. */
  readonly gen: number;
  readonly [claim: string]: unknown;
}

export interface Issuing {
  readonly app: App;
  /** Owner for whose APIs the token is good. */
  readonly home: string;
  readonly scopes: readonly string[];
  /** Seconds. */
  readonly expires: number;
  readonly now: number;
}

/** Issues an access token of an app (RFC 9068). The first key signs. */
export async function issueToken({ GATEWAY_KEY }: Keys, { app, home, scopes, expires, now }: Issuing): Promise<string> {
  const at = Math.floor(now / 1000);
  return new SignJWT({ client_id: app.clientId, scope: scopes.join(" "), gen: app.tokensFrom })
    .setProtectedHeader({ alg: ALGORITHM, typ: TYPE })
    .setIssuer(ISSUER)
    .setAudience(home)
    .setSubject(app.id)
    .setIssuedAt(at)
    .setExpirationTime(at + expires)
    .setJti(crypto.randomUUID())
    .sign(await keyOf(demandKeys(GATEWAY_KEY)[0]));
}

/** What a token says that was issued here for the APIs of an owner. Every key that is set verifies. */
export async function readToken(
  { GATEWAY_KEY }: Keys,
  token: string,
  home: string,
  now: number,
): Promise<{ readonly claims: IssuedClaims } | { readonly fault: string }> {
  let fault = "";
  for (const key of demandKeys(GATEWAY_KEY)) {
    try {
      const { payload } = await jwtVerify<IssuedClaims>(token, await keyOf(key), {
        algorithms: [ALGORITHM],
        typ: TYPE,
        issuer: ISSUER,
        audience: home,
        requiredClaims: ["sub", "client_id", "iat", "exp", "jti"],
        currentDate: new Date(now),
      });
      return { claims: payload };
    } catch (error) {
      fault = faultOfToken(error);
      if (!isOfAnotherKey(error)) break;
    }
  }
  return { fault };
}

/**
 * Whether a token is the app's and was not revoked. It is judged by the `tokensFrom` that it was issued under, not by
 * its time: a token that an isolate issues while it has not heard of the revocation is void like those before.
 */
export const isStillOf = ({ sub, gen }: IssuedClaims, app: App): boolean =>
  sub === app.id && typeof gen === "number" && gen >= app.tokensFrom;

function demandKeys(keys: readonly string[]): readonly [string, ...string[]] {
  const [first, ...more] = keys;
  if (first === undefined) throw new InterceptorFault("This service has no key of tokens: GATEWAY_KEY is not set.");
  return [first, ...more];
}

const imported = new Map<string, CryptoKey>();

async function keyOf(text: string): Promise<CryptoKey> {
  const known = imported.get(text);
  if (known !== undefined) return known;
  const key = await hmacKey(new TextEncoder().encode(text), ["sign", "verify"]);
  imported.set(text, key);
  return key;
}

export const hmacKey = (bytes: Uint8Array, usages: readonly ("sign" | "verify")[]): Promise<CryptoKey> =>
  crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, [...usages]);
