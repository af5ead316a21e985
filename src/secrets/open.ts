import type { Database } from "../db/client.ts";
import { AppError } from "../platform/errors.ts";
import { toObjectId } from "../platform/ids.ts";
import { SecretFault } from "./fault.ts";
import { objectIn, type SecretType } from "./model.ts";
import { unseal } from "./seal.ts";
import { askSecretService, type Asking } from "./secret-service.ts";
import { findSealed } from "./store.ts";

type Value = Readonly<Record<string, unknown>>;

export interface Secret {
  readonly id: string;
  readonly type: SecretType;
  /** What a component gets: for `MIXED` the payload, parsed. */
  readonly value: Value;
}

/** Calls to the Secret Service and the identity management go through `fetch`, the platform's own if none is given. */
export interface By extends Asking {
  readonly db: Database;
}

/** Whose right counts: who started the flow. */
export interface Whose {
  readonly sub: string;
  readonly tenant: string | null;
}

/** The value of a secret that `whose` or their tenant owns, admin or not. Throws SecretFault, whatever stands in the way. */
export async function openSecret(by: By, id: string, whose: Whose): Promise<Secret> {
  const secretId = toObjectId(id);
  // What was written in the place of an id is not repeated: it may be the secret itself.
  if (secretId === undefined) throw new SecretFault("The id of the secret is none: 24 hexadecimal digits.", false);
  const elsewhere = by.config.SECRET_SERVICE_BASE_URL !== undefined;
  const { type, value } = elsewhere
    ? await askSecretService(by, secretId, whose.sub)
    : await openKept(by, secretId, whose);
  return { id: secretId, type, value: type === "MIXED" ? payloadOf(value) : value };
}

async function openKept(by: By, id: string, whose: Whose): Promise<{ type: SecretType; value: Value }> {
  const row = await findSealed(by.db, id, [whose.sub, whose.tenant ?? whose.sub]).catch((error: unknown) => {
    if (error instanceof AppError) throw new SecretFault(`Secret ${id} could not be read from the database.`, true);
    throw error;
  });
  if (row === undefined) throw new SecretFault(`Secret ${id} is not known to who started the flow.`, false);
  const opened = await unseal(by.config.SECRETS_KEY, id, row);
  if (opened.ok) return { type: row.type, value: opened.value as Value };
  if (opened.fault === "content") throw new SecretFault(`Secret ${id} is not as it was stored.`, false);
  throw new SecretFault(`Secret ${id} needs a key that the setting SECRETS_KEY does not have.`, true);
}

/** A payload that is no object stays under its name, as in the original. */
function payloadOf({ payload }: Value): Value {
  const object = objectIn(typeof payload === "string" ? payload : JSON.stringify(payload ?? null));
  return object ?? { payload };
}
