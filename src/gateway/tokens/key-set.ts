import { importJWK, type JWK } from "jose";

import { callHttp, ConnectorError, type HttpAnswer } from "../../connectors/call.ts";
import type { World } from "../call.ts";
import { InterceptorFault } from "../refusal.ts";

/**
 * Public keys of issuers, by address, in the memory of the isolate.
 *
 * Fresh      From RENEW_MS on a call has them renewed beside itself; keys older than GOOD_MS are renewed first.
 * Unknown    A key id that is not there has them renewed too, at most every PAUSE_MS.
 * Faults     While the source does not answer, old keys go on for STALE_MS, and it is not asked again for PAUSE_MS.
 * Requests   share keys, never a promise: one that belongs to another request may never settle.
 * Dry runs   read them and keep none: what answers there may be a mock.
 */
const RENEW_MS = 5 * 60_000;
const GOOD_MS = 10 * 60_000;
const STALE_MS = 24 * 3600_000;
const PAUSE_MS = 30_000;
/** So long calls are refused at once while a source that never answered is down. */
const FIRST_PAUSE_MS = 5000;
const TIMEOUT_MS = 5000;
const MOST_BYTES = 256 * 1024;
const MOST_SOURCES = 200;
const MOST_KEYS = 200;
/** Keys that are tried for a token that names none. */
const MOST_TRIED = 10;

interface Published {
  readonly jwk: JWK;
  /** By algorithm; null if it cannot be used. */
  readonly imported: Map<string, CryptoKey | null>;
}

interface Source {
  keys: readonly Published[] | undefined;
  readAt: number;
  triedAt: number;
  failedAt: number;
  fault: string;
}

export interface Asking extends Pick<World, "fetch" | "now" | "defer" | "isDry"> {
  readonly allowPrivate: boolean;
}

export interface Signed {
  readonly alg: string;
  readonly kid?: unknown;
}

const sources = new Map<string, Source>();

/** The keys with which a token may be signed. Throws InterceptorFault if there are none to be had at all. */
export async function keysFor(address: string, signed: Signed, asking: Asking): Promise<CryptoKey[]> {
  const source = sourceOf(address, asking.isDry);
  const keys = await freshKeys(source, address, asking);
  const found = keys.filter(({ jwk }) => fits(jwk, signed));
  if (found.length > 0 || !isLonger(PAUSE_MS, source.triedAt, asking.now())) return usable(found, signed.alg);
  const now = await renewed(source, address, asking, keys);
  return usable(
    now.filter(({ jwk }) => fits(jwk, signed)),
    signed.alg,
  );
}

function sourceOf(address: string, isDry: boolean): Source {
  const known = sources.get(address);
  if (known !== undefined) return isDry ? { ...known } : known;
  const made = { keys: undefined, readAt: -Infinity, triedAt: -Infinity, failedAt: -Infinity, fault: "" };
  if (isDry) return made;
  for (const oldest of sources.keys()) {
    if (sources.size < MOST_SOURCES) break;
    sources.delete(oldest);
  }
  sources.set(address, made);
  return made;
}

async function freshKeys(source: Source, address: string, asking: Asking): Promise<readonly Published[]> {
  const now = asking.now();
  const keys = isLonger(STALE_MS, source.readAt, now) ? undefined : source.keys;
  if (keys === undefined) {
    if (!isLonger(FIRST_PAUSE_MS, source.failedAt, now)) throw new InterceptorFault(source.fault);
    return renew(source, address, asking);
  }
  if (!isLonger(RENEW_MS, source.readAt, now)) return keys;
  if (!isLonger(GOOD_MS, source.readAt, now)) {
    if (isLonger(PAUSE_MS, source.triedAt, now)) asking.defer(renewed(source, address, asking, keys));
    return keys;
  }
  return isLonger(PAUSE_MS, source.failedAt, now) ? renewed(source, address, asking, keys) : keys;
}

/** The keys as they are now, or if the source does not answer those that are known. */
const renewed = (source: Source, address: string, asking: Asking, keys: readonly Published[]) =>
  renew(source, address, asking).catch(() => keys);

/** A clock that was set back says nothing of how long ago anything was. */
const isLonger = (ms: number, since: number, now: number): boolean => Math.abs(now - since) >= ms;

async function renew(source: Source, address: string, asking: Asking): Promise<readonly Published[]> {
  const began = asking.now();
  source.triedAt = began;
  try {
    const keys = await fetchKeys(address, asking);
    source.keys = keys;
    source.readAt = began;
    source.failedAt = -Infinity;
    return keys;
  } catch (error) {
    source.failedAt = began;
    source.fault = error instanceof InterceptorFault ? error.message : "The public keys could not be read.";
    throw new InterceptorFault(source.fault);
  }
}

async function fetchKeys(url: string, { fetch, allowPrivate }: Asking): Promise<readonly Published[]> {
  const headers = { accept: "application/jwk-set+json, application/json" };
  const limits = { timeoutMs: TIMEOUT_MS, mostBytes: MOST_BYTES, allowPrivate };
  const answer = await callHttp({ method: "GET", url, headers, fetch, ...limits }).catch((error: unknown) => {
    throw error instanceof ConnectorError ? new InterceptorFault(`The public keys: ${error.message}`) : error;
  });
  if (answer.status !== 200) throw new InterceptorFault(`The source of the public keys answered ${answer.status}.`);
  const keys = keysIn(answer);
  if (keys === undefined) throw new InterceptorFault("The source of the public keys answered no JSON Web Key Set.");
  return keys.slice(0, MOST_KEYS).map((jwk) => ({ jwk, imported: new Map() }));
}

/** Some sources say no type, or octet-stream, and are read as bytes. */
function keysIn({ text, encoding }: HttpAnswer): JWK[] | undefined {
  try {
    const set: unknown = JSON.parse(encoding === "base64" ? atob(text) : text);
    if (!isObject(set) || !Array.isArray(set["keys"])) return undefined;
    return set["keys"].filter((key): key is JWK => isObject(key));
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const kinds: Readonly<Record<string, { readonly kty: string; readonly crv?: string }>> = {
  RS256: { kty: "RSA" },
  PS256: { kty: "RSA" },
  ES256: { kty: "EC", crv: "P-256" },
  EdDSA: { kty: "OKP", crv: "Ed25519" },
};

/** Whether a key may have signed a token: of its algorithm, for signatures, public, and with the id that it names. */
function fits(jwk: JWK, { alg, kid }: Signed): boolean {
  const kind = Object.hasOwn(kinds, alg) ? kinds[alg] : undefined;
  if (kind === undefined || jwk.kty !== kind.kty || (kind.crv !== undefined && jwk.crv !== kind.crv)) return false;
  if (kid !== undefined && jwk.kid !== kid) return false;
  if (jwk.d !== undefined || (jwk.use !== undefined && jwk.use !== "sig")) return false;
  if (jwk.key_ops !== undefined && !(Array.isArray(jwk.key_ops) && jwk.key_ops.includes("verify"))) return false;
  return jwk.alg === undefined || jwk.alg === alg || (alg === "EdDSA" && jwk.alg === "Ed25519");
}

async function usable(keys: readonly Published[], alg: string): Promise<CryptoKey[]> {
  const found: CryptoKey[] = [];
  for (const { jwk, imported } of keys.slice(0, MOST_TRIED)) {
    const key = imported.get(alg) ?? (imported.has(alg) ? null : await importedKey(jwk, alg));
    imported.set(alg, key);
    if (key !== null) found.push(key);
  }
  return found;
}

async function importedKey(jwk: JWK, alg: string): Promise<CryptoKey | null> {
  try {
    const key = await importJWK(jwk, alg);
    return key instanceof CryptoKey ? key : null;
  } catch {
    return null;
  }
}
