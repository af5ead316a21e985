import { createRemoteJWKSet, errors, jwtVerify, type JWTVerifyGetKey, type JWTPayload } from "jose";

import type { Config } from "../platform/config.ts";
import { AppError } from "../platform/errors.ts";

const asymmetric = ["RS256", "PS256", "ES256", "EdDSA"];
const keySets = new Map<string, JWTVerifyGetKey>();
const secrets = new Map<string, Promise<CryptoKey>>();

function keySetOf(address: string): JWTVerifyGetKey {
  const found = keySets.get(address);
  if (found) return found;
  const made = createRemoteJWKSet(new URL(address), { timeoutDuration: 5000, cooldownDuration: 30_000 });
  keySets.set(address, made);
  return made;
}

function secretKeyOf(secret: string): Promise<CryptoKey> {
  const found = secrets.get(secret);
  if (found) return found;
  const made = crypto.subtle.importKey(
    "raw",
    new TextEncoder().encode(secret),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["verify"],
  );
  secrets.set(secret, made);
  return made;
}

export const looksLikeJwt = (token: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]*$/.test(token);

/** Checks a token against the issuer's published keys; they are cached and read again for an unknown `kid`. */
export async function verifyWithKeySet(config: Config, address: string, token: string): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, keySetOf(address), {
      algorithms: asymmetric,
      issuer: config.IAM_ISSUER!,
      audience: config.IAM_AUDIENCE!,
      requiredClaims: ["exp"],
    });
    return payload;
  } catch (error) {
    throw refusal(error);
  }
}

/** Checks a token of the local stack. */
export async function verifyWithSecret(secret: string, token: string): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, await secretKeyOf(secret), {
      algorithms: ["HS256"],
      requiredClaims: ["exp"],
    });
    return payload;
  } catch (error) {
    throw refusal(error);
  }
}

const faultsOfTheToken = [
  errors.JWTClaimValidationFailed,
  errors.JWTInvalid,
  errors.JWSInvalid,
  errors.JWSSignatureVerificationFailed,
  errors.JOSEAlgNotAllowed,
  errors.JOSENotSupported,
  errors.JWKSNoMatchingKey,
  errors.JWKSMultipleMatchingKeys,
];

function refusal(error: unknown): AppError {
  if (error instanceof errors.JWTExpired) return new AppError("TOKEN_EXPIRED");
  if (faultsOfTheToken.some((fault) => error instanceof fault)) return new AppError("TOKEN_INVALID");
  return new AppError("IDENTITY_UNAVAILABLE", { cause: error });
}
