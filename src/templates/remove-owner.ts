import { inStorage, type Database } from "../db/client.ts";

/** Templates that one step handles. */
const STEP = 100;

const OWNED =
  "SELECT template_id FROM template_readers WHERE owner_id = ?1 AND writes = 1 ORDER BY template_id LIMIT ?2";
const RELEASE = `UPDATE templates SET document = json_set(document, '$.owners',
    json((SELECT json_group_array(json(value)) FROM json_each(templates.document, '$.owners') WHERE value ->> '$.id' <> ?1)))
  WHERE id IN (${OWNED})`;
const FORGET = [
  "UPDATE templates SET revised_by = NULL WHERE revised_by = ?1",
  "UPDATE template_revisions SET revised_by = NULL WHERE revised_by = ?1",
];
const LEFT = "SELECT EXISTS (SELECT 1 FROM template_readers WHERE owner_id = ?1 AND writes = 1) AS more";

/**
 * Takes an account or tenant that was deleted off its templates, one bounded step at a time, and its name off their
 * revisions. Those that nobody owns then are left to admins: flows may be instances of them. Answers whether another
 * step is needed.
 */
export async function removeTemplateOwner(db: Database, ownerId: string): Promise<boolean> {
  const statements = [
    db.sql(RELEASE, ownerId, STEP),
    ...FORGET.map((text) => db.sql(text, ownerId)),
    db.sql(LEFT, ownerId),
  ];
  const results = await inStorage(() => db.batch<{ more: number }>(statements));
  return results.at(-1)!.results[0]!.more === 1;
}
