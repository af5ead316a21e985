import type { Config } from "../platform/config.ts";
import { AppError } from "../platform/errors.ts";
import { actorFrom, type Actor } from "./actor.ts";
import { introspect } from "./introspect.ts";
import { looksLikeJwt, verifyWithKeySet, verifyWithSecret } from "./jwt.ts";

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
  if (keys && (looksLikeJwt(token) || !endpoint)) return actorFrom(await verifyWithKeySet(config, keys, token));
  if (endpoint) {
    const ttlSeconds = config.IAM_TOKEN_CACHE_TTL;
    return introspect({ endpoint, serviceToken: config.IAM_TOKEN!, ttlSeconds, now, defer }, token);
  }
  return actorFrom(await verifyWithSecret(secret!, token));
}
