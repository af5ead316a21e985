import { inStorage, type Database } from "../db/client.ts";
import { reachParameters, type Reach } from "../identity/ownership.ts";
import type { Owner, SecretEntry, SecretType } from "./model.ts";
import type { Sealed } from "./seal.ts";

interface Row {
  readonly id: string;
  readonly name: string;
  readonly type: SecretType;
  readonly owners: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** The columns that may be told. */
const told = ["id", "name", "type", "owners", "created_at AS createdAt", "updated_at AS updatedAt"]
  .map((column) => `secrets.${column}`)
  .join(", ");

const entryOf = (row: Row): SecretEntry => ({
  id: row.id,
  name: row.name,
  type: row.type,
  owners: JSON.parse(row.owners) as Owner[],
  createdAt: new Date(row.createdAt).toISOString(),
  updatedAt: new Date(row.updatedAt).toISOString(),
});

/** Condition on `secrets`: the row is within reach. It refers to the parameters by their numbers. */
const within = (first: number): string =>
  `(?${first} IS NULL OR EXISTS (SELECT 1 FROM secret_owners WHERE owner_id IN (?${first}, ?${first + 1}) AND secret_owners.id = secrets.id))`;

const INSERT = `INSERT INTO secrets (id, name, type, owners, key_id, iv, created_at, updated_at, ciphertext)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8) RETURNING ${told}`;

export interface NewSecret {
  readonly id: string;
  readonly name: string;
  readonly type: SecretType;
  readonly owners: readonly Owner[];
  readonly sealed: Sealed;
}

export async function insertSecret(db: Database, secret: NewSecret, now: number): Promise<SecretEntry> {
  const { id, name, type, owners, sealed } = secret;
  const { keyId, iv, ciphertext } = sealed;
  const insert = db.sql(INSERT, id, name, type, JSON.stringify(owners), keyId, iv, now, ciphertext);
  const { results } = await inStorage(() => insert.all<Row>());
  return entryOf(results[0]!);
}

const FIND = `SELECT ${told} FROM secrets WHERE id = ?1 AND ${within(2)}`;

export async function findSecret(db: Database, id: string, reach: Reach): Promise<SecretEntry | undefined> {
  const { results } = await inStorage(() => db.sql(FIND, id, ...reachParameters(reach)).all<Row>());
  return results.map(entryOf)[0];
}

const FIND_SEALED = `SELECT type, key_id AS keyId, iv, ciphertext FROM secrets WHERE id = ?1 AND ${within(2)}`;

/** What only the opening of a secret reads. */
export async function findSealed(
  db: Database,
  id: string,
  reach: NonNullable<Reach>,
): Promise<(Sealed & { readonly type: SecretType }) | undefined> {
  const find = db.sql(FIND_SEALED, id, ...reachParameters(reach));
  const { results } = await inStorage(() => find.all<Sealed & { readonly type: SecretType }>());
  return results[0];
}

/** Merges what both owners have in the order of their ids, and stops when the page is full. */
const PAGE = `SELECT ${told} FROM (
    SELECT id FROM secret_owners WHERE owner_id = ?1 AND id > ?3
    UNION SELECT id FROM secret_owners WHERE owner_id = ?2 AND id > ?3
    ORDER BY id LIMIT ?4
  ) AS page CROSS JOIN secrets ON secrets.id = page.id ORDER BY page.id`;
const PAGE_OF_ALL = `SELECT ${told} FROM secrets WHERE id > ?1 ORDER BY id LIMIT ?2`;

/** Up to so many secrets within reach, in the order of their ids, behind the given one. */
export async function findSecrets(db: Database, reach: Reach, after: string, most: number): Promise<SecretEntry[]> {
  const page = reach === null ? db.sql(PAGE_OF_ALL, after, most) : db.sql(PAGE, ...reachParameters(reach), after, most);
  const { results } = await inStorage(() => page.all<Row>());
  return results.map(entryOf);
}

const UPDATE = `UPDATE secrets SET name = coalesce(?4, name), key_id = coalesce(?5, key_id), iv = coalesce(?6, iv),
    ciphertext = coalesce(?7, ciphertext), updated_at = max(updated_at, ?8)
  WHERE id = ?1 AND ${within(2)} RETURNING ${told}`;

export async function updateSecretRow(
  db: Database,
  id: string,
  reach: Reach,
  change: { readonly name: string | undefined; readonly sealed: Sealed | undefined; readonly now: number },
): Promise<SecretEntry | undefined> {
  const { name, sealed, now } = change;
  const sealing = [sealed?.keyId, sealed?.iv, sealed?.ciphertext].map((part) => part ?? null);
  const update = db.sql(UPDATE, id, ...reachParameters(reach), name ?? null, ...sealing, now);
  const { results } = await inStorage(() => update.all<Row>());
  return results.map(entryOf)[0];
}

const DELETE = `DELETE FROM secrets WHERE id = ?1 AND ${within(2)} RETURNING id`;

/** Answers whether there was one within reach. */
export async function deleteSecretRow(db: Database, id: string, reach: Reach): Promise<boolean> {
  const { results } = await inStorage(() => db.sql(DELETE, id, ...reachParameters(reach)).all());
  return results.length > 0;
}
