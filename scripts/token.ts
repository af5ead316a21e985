import { existsSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";

import { SignJWT } from "jose";

export interface TokenRequest {
  readonly sub: string;
  readonly tenant?: string | undefined;
  readonly permissions: readonly string[];
  readonly hours?: number;
}

/** What somebody needs who tries things on the local stack. */
export const usualPermissions: readonly string[] = [
  "flows.read",
  "flows.write",
  "flows.control",
  "executions.start",
  "executions.read",
  "executions.control",
];

/** Signs a bearer token for the local stack. */
export async function signToken(secret: string, request: TokenRequest): Promise<string> {
  const { sub, tenant, permissions, hours = 12 } = request;
  return new SignJWT({ permissions: [...permissions], ...(tenant ? { tenant } : {}) })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(sub)
    .setIssuedAt()
    .setExpirationTime(`${hours}h`)
    .sign(new TextEncoder().encode(secret));
}

export function localSecret(): string {
  const found = existsSync(".dev.vars")
    ? /^IAM_JWT_SECRET\s*=\s*"?([^"\r\n]+?)"?\s*$/m.exec(readFileSync(".dev.vars", "utf8"))?.[1]
    : undefined;
  if (found === undefined) throw new Error("There is no IAM_JWT_SECRET in .dev.vars yet. Run: npm start");
  return found;
}

if (import.meta.main) {
  try {
    const { values } = parseArgs({
      options: {
        sub: { type: "string", default: "alice" },
        tenant: { type: "string" },
        permissions: { type: "string", default: usualPermissions.join(",") },
      },
    });
    const permissions = values.permissions.split(",").map((name) => name.trim());
    console.log(await signToken(localSecret(), { sub: values.sub, tenant: values.tenant, permissions }));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    console.error(
      "Usage: npm run token -- --sub alice --tenant acme --permissions flows.read,flows.write,flows.control",
    );
    process.exitCode = 1;
  }
}
