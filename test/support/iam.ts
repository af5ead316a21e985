import { exportJWK, generateKeyPair, SignJWT, type JWK } from "jose";
import { vi } from "vitest";

export interface Asked {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly body: string;
}

/** Puts answers in place of the network and takes down every request to it. */
export function replaceNetwork(answer: (asked: Asked) => Response | Promise<Response>) {
  const asked: Asked[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input, init);
    const { url, method, headers } = request;
    const one = { url, method, headers, body: await request.text() };
    asked.push(one);
    return answer(one);
  });
  return asked;
}

/** A text that no other test uses; caches live as long as the isolate. */
export const unique = (what: string): string => `${what}-${crypto.randomUUID()}`;

/** Settings that ask an identity management which no other test asks. */
export function introspectionSettings(changed: Record<string, unknown> = {}) {
  const INTROSPECT_ENDPOINT_BASIC = `https://${unique("iam")}.example/api/v1/tokens/introspect`;
  return { IAM_JWT_SECRET: undefined, INTROSPECT_ENDPOINT_BASIC, IAM_TOKEN: unique("service-token"), ...changed };
}

export interface SigningKey {
  readonly alg: string;
  readonly kid: string;
  readonly secret: CryptoKey;
  readonly published: JWK;
}

export async function newKey(alg = "ES256"): Promise<SigningKey> {
  const kid = unique("key");
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { alg, kid, secret: privateKey, published: { ...(await exportJWK(publicKey)), kid, alg } };
}

/** An issuer that no other test uses: its settings, what it publishes, and tokens as it issues them. */
export function newIssuer(...keys: SigningKey[]) {
  const name = `https://${unique("issuer")}.example`;
  const address = `${name}/jwks`;
  const settings = {
    IAM_JWT_SECRET: undefined,
    IAM_JWKS_URL: address,
    IAM_ISSUER: name,
    IAM_AUDIENCE: "flow-repository",
  };
  const claims = { iss: name, aud: "flow-repository", sub: unique("account"), permissions: ["flows.read"] };
  return {
    address,
    settings,
    keySet: (...published: SigningKey[]) =>
      Response.json({ keys: (published.length === 0 ? keys : published).map((key) => key.published) }),
    token: (key: SigningKey, changed: Record<string, unknown> = {}) =>
      new SignJWT({ exp: Math.floor(Date.now() / 1000) + 3600, ...claims, ...changed })
        .setProtectedHeader({ alg: key.alg, kid: key.kid })
        .sign(key.secret),
  };
}
