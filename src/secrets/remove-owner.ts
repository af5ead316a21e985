import { inStorage, type Database } from "../db/client.ts";

/** Secrets that one step handles. */
export const SECRETS_PER_STEP = 200;

const OWNED = "SELECT id FROM secret_owners WHERE owner_id = ?1 ORDER BY id LIMIT ?2";
const SHARED = "EXISTS (SELECT 1 FROM json_each(secrets.owners) WHERE value ->> '$.id' <> ?1)";
const DELETE = `DELETE FROM secrets WHERE id IN (${OWNED}) AND NOT ${SHARED}`;
const RELEASE = `UPDATE secrets SET owners =
    (SELECT json_group_array(json(value)) FROM json_each(secrets.owners) WHERE value ->> '$.id' <> ?1)
  WHERE id IN (${OWNED}) AND ${SHARED}`;
const LEFT = "SELECT EXISTS (SELECT 1 FROM secret_owners WHERE owner_id = ?1) AS more";

/**
 * Takes an account or tenant that was deleted off its secrets, one bounded step at a time; those that nobody owns then
 * are deleted. Answers whether another step is needed.
 */
export async function removeSecretOwner(db: Database, ownerId: string): Promise<boolean> {
  const steps = [DELETE, RELEASE].map((text) => db.sql(text, ownerId, SECRETS_PER_STEP));
  const results = await inStorage(() => db.batch<{ more: number }>([...steps, db.sql(LEFT, ownerId)]));
  return results[2]!.results[0]!.more === 1;
}
