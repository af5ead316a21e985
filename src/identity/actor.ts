import { z } from "zod";

import { AppError } from "../platform/errors.ts";

/** Who is calling: the identity management's answer to a bearer token. */
export interface Actor {
  /** Account id. */
  readonly sub: string;
  /** Tenant id, or null for an account without one. */
  readonly tenant: string | null;
  readonly permissions: readonly string[];
  /** Holds the permission `all`: sees and may change everything. */
  readonly isAdmin: boolean;
}

const text = z.string().min(1);
const Identity = z.looseObject({
  sub: text.optional().catch(undefined),
  _id: text.optional().catch(undefined),
  tenant: text.nullish().catch(null),
  permissions: z.array(z.string()).catch([]),
});

/** Reads the claims of a JWT or the body of an introspection; what stands in `claims` wins, as in the original library. */
export function actorFrom(answer: Record<string, unknown>): Actor {
  const claims = typeof answer["claims"] === "object" && answer["claims"] !== null ? answer["claims"] : {};
  const identity = Identity.parse({ ...answer, ...claims });
  const sub = identity.sub ?? identity._id;
  if (sub === undefined) throw new AppError("TOKEN_INVALID", { detail: "The token names no account (sub or _id)." });
  return {
    sub,
    tenant: identity.tenant ?? null,
    permissions: identity.permissions,
    isAdmin: identity.permissions.includes("all"),
  };
}

/** The permissions that `tenant.all` implies; none of `flows.*` is among them. */
const impliedByTenantAll = new Set([
  "metadata.domains.crud",
  "secrets.secret.readRaw",
  "secrets.authClient.readRaw",
  "rds.rawRecord.read",
  "rds.rawRecord.write",
]);

/** Whether the actor holds every one of the permissions. */
export function can(actor: Actor, ...required: readonly string[]): boolean {
  if (actor.isAdmin) return true;
  const held = new Set(actor.permissions);
  if (held.has("tenant.all") && required.every((name) => name.startsWith("tenant.") || impliedByTenantAll.has(name))) {
    return true;
  }
  return required.every((name) => held.has(name));
}
