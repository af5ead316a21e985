import { decodeJwt, type JWTPayload } from "jose";

import type { Config } from "../platform/config.ts";
import { AppError } from "../platform/errors.ts";
import { actorFrom, type Actor } from "./actor.ts";
import { introspect } from "./introspect.ts";
import { looksLikeJwt, verifyWithKeySet, verifyWithSecret } from "./jwt.ts";
import { keyOfToken, Memory } from "./memory.ts";

export interface Circumstances {
  readonly config: Config;
  readonly now: () => number;
  readonly defer: (promise: Promise<unknown>) => void;
}

/** The second word of the header is the token; the scheme word is not looked at, as in the original library. */
export function tokenOf(header: string | undefined): string {
  if (!header) throw new AppError("MISSING_AUTHORIZATION");
  const token = header.trim().split(/\s+/)[1];
  if (!token) throw new AppError("INVALID_AUTHORIZATION", { detail: "Send: Authorization: Bearer <token>" });
  return token;
}

/** Turns a token into an actor by what is configured: published keys first, then introspection, then the local secret. */
export async function identify({ config, now, defer }: Circumstances, token: string): Promise<Actor> {
  const { IAM_JWKS_URL: keys, INTROSPECT_ENDPOINT_BASIC: endpoint, IAM_JWT_SECRET: secret } = config;
  if (keys && (looksLikeJwt(token) || !endpoint)) {
    const { IAM_ISSUER: issuer, IAM_AUDIENCE: audience } = config;
    return verified([keys, issuer, audience], token, now, () => verifyWithKeySet(config, keys, token));
  }
  if (endpoint) {
    const ttlSeconds = config.IAM_TOKEN_CACHE_TTL;
    return introspect({ endpoint, serviceToken: config.IAM_TOKEN!, ttlSeconds, now, defer }, token);
  }
  return verified([secret], token, now, () => verifyWithSecret(secret!, token));
}

/** A key that its issuer has withdrawn is believed for no longer than this. */
const MOST_MS = 5 * 60_000;
const actors = new Memory<Actor>();

/** Checks a signature once and remembers whose it is, as long as the token holds. */
async function verified(
  voucher: readonly (string | undefined)[],
  token: string,
  now: () => number,
  verify: () => Promise<JWTPayload>,
): Promise<Actor> {
  const key = await keyOfToken(voucher, token);
  const known = actors.get(key, now());
  if (known) return known;
  const claims = await verify();
  const actor = actorFrom(claims);
  actors.set(key, actor, Math.min((claims.exp ?? 0) * 1000, now() + MOST_MS));
  return actor;
}

/** Rights may be taken away while a token is good: a stream is opened anew as often as this. */
const MOST_STREAM_MS = 15 * 60_000;

/** Until when a stream may go on for a token that was identified. */
export function expiryOf(token: string, now: number): number {
  const exp = looksLikeJwt(token) ? decodeJwt(token).exp : undefined;
  return Math.min(now + MOST_STREAM_MS, (exp ?? Infinity) * 1000);
}
