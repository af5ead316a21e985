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
  permissions: z.array(z.unknown()).catch([]),
});

/**
 * Reads the claims of a JWT or the body of an introspection; what stands in `claims` wins, but for `_id`, as in the
 * original library. Roles, memberships and `isAdmin` give nothing there either.
 */
export function actorFrom(answer: Record<string, unknown>): Actor {
  const claims = typeof answer["claims"] === "object" && answer["claims"] !== null ? answer["claims"] : {};
  const identity = Identity.parse({ ...answer, ...claims, _id: answer["_id"] });
  const sub = identity.sub ?? identity._id;
  if (sub === undefined) throw new AppError("TOKEN_INVALID", { detail: "The token names no account (sub or _id)." });
  const permissions = identity.permissions.filter((permission) => typeof permission === "string");
  return { sub, tenant: identity.tenant ?? null, permissions, isAdmin: permissions.includes("all") };
}

const ofTenants = {
  account: ["read", "create", "update", "delete"],
  membership: ["create", "update", "delete"],
  profile: ["read", "update", "delete"],
  roles: ["read", "create", "update", "delete"],
  flows: ["read", "create", "update", "delete"],
} as const;

/** The permissions that `tenant.all` implies, as the original has them; none of `flows.*` is among them. */
const impliedByTenantAll = new Set([
  "tenant.all",
  ...Object.entries(ofTenants).flatMap(([noun, verbs]) => verbs.map((verb) => `tenant.${noun}.${verb}`)),
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
  if (held.has("tenant.all") && required.every((name) => impliedByTenantAll.has(name))) return true;
  return required.every((name) => held.has(name));
}
