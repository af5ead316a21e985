import { inStorage, type Database } from "../db/client.ts";

/** Apps, and plans, that one step handles. */
export const OWNED_PER_STEP = 200;

/** Statements that take an owner off its rows: those that nobody else owns are deleted, the others released. */
function stepsOf(table: "apps" | "plans", owners: "app_owners" | "plan_owners"): [remove: string, release: string] {
  const owned = `SELECT id FROM ${owners} WHERE owner_id = ?1 ORDER BY id LIMIT ?2`;
  const shared = `EXISTS (SELECT 1 FROM json_each(${table}.owners) WHERE value ->> '$.id' <> ?1)`;
  return [
    `DELETE FROM ${table} WHERE id IN (${owned}) AND NOT ${shared}`,
    `UPDATE ${table} SET updated_at = max(updated_at + 1, unixepoch() * 1000), owners =
    (SELECT json_group_array(json(value)) FROM json_each(${table}.owners) WHERE value ->> '$.id' <> ?1)
  WHERE id IN (${owned}) AND ${shared}`,
  ];
}

const STEPS = [...stepsOf("apps", "app_owners"), ...stepsOf("plans", "plan_owners")];
const LEFT = `SELECT EXISTS (SELECT 1 FROM app_owners WHERE owner_id = ?1)
  OR EXISTS (SELECT 1 FROM plan_owners WHERE owner_id = ?1) AS more`;

/**
 * Takes an account or tenant that was deleted off its apps and plans, one bounded step at a time; those that nobody owns
 * then are deleted, plans also if apps have them. Answers whether another step is needed.
 */
export async function removeAppOwner(db: Database, ownerId: string): Promise<boolean> {
  const steps = STEPS.map((text) => db.sql(text, ownerId, OWNED_PER_STEP));
  const results = await inStorage(() => db.batch<{ more: number }>([...steps, db.sql(LEFT, ownerId)]));
  return results.at(-1)!.results[0]!.more === 1;
}
