import { env } from "cloudflare:workers";

import { databaseOf } from "../../src/db/client.ts";
import { configOf } from "../../src/platform/config.ts";
import { SecretFault } from "../../src/secrets/fault.ts";
import { openSecret, type By, type Secret, type Whose } from "../../src/secrets/open.ts";
import type { Caller } from "../support/api.ts";

/** A text that is nowhere else: where it is seen, a secret has leaked. */
export const markerText = (): string => `m${crypto.randomUUID().replaceAll("-", "")}`;

export const simple = (passphrase = markerText()) => ({
  name: "CRM",
  type: "SIMPLE",
  value: { username: "integration@example.com", passphrase },
});

export const user = (id: string) => ({ id, type: "user" });
export const tenant = (id: string) => ({ id, type: "tenant" });

/** Stores a secret of the caller and answers its id. */
export async function secretOf(caller: Caller, body: object = simple(), changed?: Record<string, unknown>) {
  const answer = await caller.call("addSecret", { body, ...(changed === undefined ? {} : { env: changed }) });
  if (answer.status !== 201) throw new Error(`The secret was refused: ${JSON.stringify(answer.body)}`);
  return (answer.body as { data: { id: string } }).data.id;
}

export interface SecretRow {
  readonly id: string;
  readonly owners: string;
  readonly key_id: string;
  readonly iv: string;
  readonly ciphertext: string;
}

export const rowOfSecret = (id: string): Promise<SecretRow | null> =>
  env.DB.prepare("SELECT * FROM secrets WHERE id = ?").bind(id).first<SecretRow>();

export async function ownersIndexed(id: string): Promise<string[]> {
  const found = await env.DB.prepare("SELECT owner_id FROM secret_owners WHERE id = ? ORDER BY owner_id")
    .bind(id)
    .all<{ owner_id: string }>();
  return found.results.map((row) => row.owner_id);
}

export const by = (changed: Record<string, unknown> = {}, more: Partial<By> = {}): By => ({
  db: databaseOf(env.DB),
  config: configOf({ ...env, ...changed }),
  now: Date.now,
  ...more,
});

export const whoseOf = (caller: Caller): Whose => ({ sub: caller.sub, tenant: caller.tenant ?? null });

/** What stands in the way of opening a secret. */
export async function faultOf(opening: Promise<Secret>): Promise<SecretFault> {
  const result = await opening.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (result instanceof SecretFault) return result;
  throw new Error(`There was no SecretFault but ${String(result)}.`);
}

export const open = (caller: Caller, id: string, changed: Record<string, unknown> = {}): Promise<Secret> =>
  openSecret(by(changed), id, whoseOf(caller));
