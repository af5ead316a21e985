import { decodeProtectedHeader, type JWTPayload, jwtVerify, type JWTVerifyOptions } from "jose";

import type { ConfigOf } from "../../apis/interceptors.ts";
import type { Secret } from "../../secrets/open.ts";
import type { Call, Placed, World } from "../call.ts";
import { secretFor } from "../opened-secrets.ts";
import { InterceptorFault } from "../refusal.ts";
import { faultOfToken, isOfAnotherKey } from "./faults.ts";
import { hmacKey } from "./issued.ts";
import { keysFor, type Signed } from "./key-set.ts";

/** Characters of a token; larger ones are not looked at. */
const MOST = 16_384;
/** What RFC 7518 demands of a key of HS256. */
const LEAST_SECRET_BYTES = 32;

export type Verified = { readonly claims: JWTPayload } | { readonly fault: string };

/** Makes what verifies tokens of an issuer elsewhere. */
export function verifier(
  config: ConfigOf<"jwt">,
  { allowPrivate }: Pick<Placed, "allowPrivate">,
): (token: string, call: Call, world: World) => Promise<Verified> {
  const { algorithms, jwksUrl, secret, issuer, audience, clockTolerance } = config;
  const demanded = Object.entries(config.claims);
  const options: JWTVerifyOptions = {
    algorithms,
    clockTolerance,
    requiredClaims: ["exp"],
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience.length === 0 ? {} : { audience }),
  };
  return async (token, call, world) => {
    const signed = headerOf(token);
    if (signed === undefined) return { fault: "It is no JWT." };
    // Asked first, so that a token of another algorithm has nothing fetched.
    if (!algorithms.some((algorithm) => algorithm === signed.alg)) return { fault: "Its algorithm is not taken." };
    const keys =
      secret === undefined
        ? await keysFor(demandAddress(jwksUrl), signed, asking(world, allowPrivate))
        : [await secretKey(call, world, secret)];
    if (keys.length === 0) return { fault: "It is signed with a key that is not known." };
    const verified = await verifiedBy(keys, token, { ...options, currentDate: new Date(world.now()) });
    if ("fault" in verified) return verified;
    const { claims } = verified;
    const wrong = demanded.find(([name, value]) => !Object.hasOwn(claims, name) || claims[name] !== value);
    return wrong === undefined ? verified : { fault: `Its claim ${wrong[0]} is not as it has to be.` };
  };
}

const asking = ({ fetchFor, now, defer, isDry }: World, allowPrivate: boolean) => ({
  fetch: fetchFor("keys"),
  now,
  defer,
  isDry,
  allowPrivate,
});

function demandAddress(url: string | undefined): string {
  if (url === undefined) throw new InterceptorFault("It has no jwksUrl.");
  return url;
}

function headerOf(token: string): Signed | undefined {
  if (token.length > MOST) return undefined;
  try {
    const { alg, kid } = decodeProtectedHeader(token);
    return typeof alg === "string" ? { alg, kid } : undefined;
  } catch {
    return undefined;
  }
}

/** A token that names no key may be of any of them. */
async function verifiedBy(keys: readonly CryptoKey[], token: string, options: JWTVerifyOptions): Promise<Verified> {
  let fault = "";
  for (const key of keys) {
    try {
      return { claims: (await jwtVerify(token, key, options)).payload };
    } catch (error) {
      fault = faultOfToken(error);
      if (!isOfAnotherKey(error)) break;
    }
  }
  return { fault };
}

/** By the secret as it was opened, so that both are forgotten together. */
const secretKeys = new WeakMap<Secret, CryptoKey>();

async function secretKey(call: Call, world: World, id: string): Promise<CryptoKey> {
  const secret = await secretFor(call, world, id);
  const known = secretKeys.get(secret);
  if (known !== undefined) return known;
  const key = await hmacKey(keyBytes(secret), ["verify"]);
  secretKeys.set(secret, key);
  return key;
}

function keyBytes({ id, type, value }: Secret): Uint8Array {
  const field = type === "SIMPLE" ? "passphrase" : "key";
  if (type !== "SIMPLE" && type !== "API_KEY" && type !== "MIXED") {
    throw new InterceptorFault(`Secret ${id} is ${type}. A key of HS256 is an API_KEY, a SIMPLE or a MIXED with key.`);
  }
  const text = value[field];
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : new Uint8Array();
  if (bytes.byteLength < LEAST_SECRET_BYTES) {
    throw new InterceptorFault(`The ${field} of secret ${id} has less than ${LEAST_SECRET_BYTES} bytes.`);
  }
  return bytes;
}
