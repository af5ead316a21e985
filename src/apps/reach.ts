/** What somebody owns in this room, and the table of who owns which. */
const ownersOf = { apps: "app_owners", plans: "plan_owners" } as const;
type Owned = keyof typeof ownersOf;

/** Condition on a table: the row is within reach. It refers to the parameters by their numbers. */
export const within = (of: Owned, first: number): string =>
  `(?${first} IS NULL OR EXISTS (SELECT 1 FROM ${ownersOf[of]} WHERE owner_id IN (?${first}, ?${first + 1}) AND ${ownersOf[of]}.id = ${of}.id))`;

/** Merges what both owners have in the order of their ids, and stops when the page is full. */
export const pageOf = (of: Owned, columns: string): string => `SELECT ${columns} FROM (
    SELECT id FROM ${ownersOf[of]} WHERE owner_id = ?1 AND id > ?3
    UNION SELECT id FROM ${ownersOf[of]} WHERE owner_id = ?2 AND id > ?3
    ORDER BY id LIMIT ?4
  ) AS page CROSS JOIN ${of} ON ${of}.id = page.id ORDER BY page.id`;

export const pageOfAll = (of: Owned, columns: string): string =>
  `SELECT ${columns} FROM ${of} WHERE id > ?1 ORDER BY id LIMIT ?2`;
