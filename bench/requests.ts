import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { createServer } from "node:http";

import { signToken } from "../scripts/token.ts";
import { body, flowAt, indexOf, placeOf, randomOf, tenantId, TENANTS, userId } from "./dataset.ts";

/** As long as a real one; it guards nothing but a data set that anybody can make. */
export const secret = "the secret of the bench, which guards nothing";
const permissions = ["flows.read", "flows.write", "flows.control"];

export interface Caller {
  readonly name: string;
  readonly sub: string;
  readonly tenant: string;
  readonly permissions: readonly string[];
}

export const memberOf = (tenant: number): Caller => ({
  name: tenant === 0 ? "big tenant" : "tenant",
  sub: userId(tenant, 0),
  tenant: tenantId(tenant),
  permissions,
});
export const admin: Caller = {
  name: "admin",
  sub: "5cffffffffffffffffffffff",
  tenant: "5dffffffffffffffffffffff",
  permissions: ["all"],
};

export interface Issuer {
  readonly vars: Readonly<Record<string, string>>;
  readonly tokenOf: (caller: Caller) => Promise<string>;
  readonly close: () => void;
}

/** Tokens as `npm run token` makes them: HS256 by a secret of the local stack. */
export const byOurSecret = (): Issuer => ({
  vars: { IAM_JWT_SECRET: secret },
  tokenOf: (caller) => signToken(secret, caller),
  close: () => undefined,
});

/** Tokens as an identity management makes them: ES256, by a key that it publishes. */
export async function byPublishedKey(): Promise<Issuer> {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = { ...publicKey.export({ format: "jwk" }), kid: "bench", alg: "ES256", use: "sig" };
  const server = createServer((_, response) => {
    response.setHeader("content-type", "application/json").end(JSON.stringify({ keys: [key] }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const vars = { IAM_JWKS_URL: `http://127.0.0.1:${port}/`, IAM_ISSUER: "bench", IAM_AUDIENCE: "flow-repository" };
  return { vars, tokenOf: async (caller) => es256(privateKey, caller), close: () => void server.close() };
}

function es256(key: KeyObject, { sub, tenant, permissions: granted }: Caller): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    sub,
    tenant,
    permissions: granted,
    iss: "bench",
    aud: "flow-repository",
    iat: now,
    exp: now + 43_200,
  };
  const head = { alg: "ES256", kid: "bench" };
  const signed = [head, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  const signature = sign("sha256", Buffer.from(signed), { key, dsaEncoding: "ieee-p1363" });
  return `${signed}.${signature.toString("base64url")}`;
}

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly caller: Caller;
  readonly body?: unknown;
}

/** Headers of a request; `x-owners` is for the bare Worker, which knows of no tokens. */
export const headersOf = (request: Request, token: string): Record<string, string> => ({
  authorization: `Bearer ${token}`,
  "x-owners": `${request.caller.sub},${request.caller.tenant}`,
  ...(request.body === undefined ? {} : { "content-type": "application/json" }),
});

/** A request as it goes over the wire. */
export function wireOf(request: Request, token: string): string {
  const text = request.body === undefined ? "" : JSON.stringify(request.body);
  const length = text === "" && request.method === "GET" ? {} : { "content-length": String(Buffer.byteLength(text)) };
  const headers = { host: "bench", ...headersOf(request, token), ...length };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${request.method} ${request.path} HTTP/1.1\r\n${lines.join("")}\r\n${text}`;
}

export interface Route {
  readonly name: string;
  /** What a request per second of the product must be of one of the bare Worker. */
  readonly goal: number;
  /** Each request can be made only once. */
  readonly once: boolean;
  readonly requests: readonly Request[];
}

/** The requests that are timed, by members of all tenants in turn. */
export function routesOf(size: number): Route[] {
  const spread = Array.from({ length: Math.min(size, 5000) }, (_, nth) => Math.floor((nth * 7919) % size));
  const callers = Array.from({ length: Math.min(TENANTS, Math.floor(size / 10)) }, (_, tenant) => memberOf(tenant + 1));
  const idle = Array.from({ length: Math.min(size, 40_000) }, (_, index) => index)
    .filter((index) => flowAt(index, size).status === "inactive")
    .map((index) => request("POST", index, "/start"));
  return [
    { name: "GET by id", goal: 0.8, once: false, requests: spread.map((index) => request("GET", index)) },
    {
      name: "list",
      goal: 0.8,
      once: false,
      requests: callers.map((caller) => ({ method: "GET", path: "/flows", caller })),
    },
    {
      name: "create",
      goal: 0.7,
      once: false,
      requests: callers.map((caller, nth) => {
        return { method: "POST", path: "/flows", caller, body: body(nth, randomOf(size + nth), nth + 1) };
      }),
    },
    { name: "start", goal: 0.6, once: true, requests: idle },
  ];

  function request(method: string, index: number, verb = ""): Request {
    const { id, tenant } = flowAt(index, size);
    return { method, path: `/flows/${id}${verb}`, caller: memberOf(tenant) };
  }
}

/** A flow of a tenant, by its place there. */
export const flowOfTenant = (tenant: number, nth: number, size: number) => flowAt(indexOf(tenant, nth), size);
export { placeOf };
