import type { Plan } from "../apis/model.ts";
import { inStorage, type Database } from "../db/client.ts";
import { reachParameters, type Reach } from "../identity/ownership.ts";
import type { Owner } from "./owners.ts";
import type { PlanSummary, StoredPlan } from "./plan-model.ts";
import { pageOf, pageOfAll, within } from "./reach.ts";

/** A row of `plans` as it is read. */
export interface PlanRow {
  readonly id: string;
  readonly owners: string;
  readonly created_at: number;
  readonly updated_at: number;
  /** JSON: a Plan. */
  readonly document: string;
}

const stateOf = (row: Omit<PlanRow, "document">) => ({
  id: row.id,
  owners: JSON.parse(row.owners) as Owner[],
  createdAt: new Date(row.created_at).toISOString(),
  updatedAt: new Date(row.updated_at).toISOString(),
});

/** What answers tell of a plan. */
export const toldOf = (row: PlanRow): StoredPlan => ({
  ...(JSON.parse(row.document) as Plan as Pick<StoredPlan, "name" | "description" | "request" | "response">),
  ...stateOf(row),
});

/** Condition on `given.value`: a plan within reach has this id. It refers to the parameters by their numbers. */
export const mayGive = (first: number): string =>
  `EXISTS (SELECT 1 FROM plans WHERE plans.id = given.value AND ${within("plans", first)})`;

const FOREIGN = `SELECT key FROM json_each(?3) AS given WHERE NOT ${mayGive(1)}
  AND value NOT IN (SELECT value FROM json_each(?4)) ORDER BY key`;

/** At which places of a list stand plans that are not within reach, nor had already. */
export async function foreignPlans(
  db: Database,
  reach: Reach,
  given: readonly string[],
  had: readonly string[],
): Promise<number[]> {
  const find = db.sql(FOREIGN, ...reachParameters(reach), JSON.stringify(given), JSON.stringify(had));
  const { results } = await inStorage(() => find.all<{ key: number }>());
  return results.map(({ key }) => key);
}

const INSERT = `INSERT INTO plans (id, owners, created_at, updated_at, document) VALUES (?1, ?2, ?3, ?3, ?4) RETURNING *`;

export interface NewPlan {
  readonly id: string;
  readonly owners: readonly Owner[];
  /** JSON: a Plan. */
  readonly document: string;
}

export async function insertPlan(db: Database, { id, owners, document }: NewPlan, now: number): Promise<PlanRow> {
  const insert = db.sql(INSERT, id, JSON.stringify(owners), now, document);
  return (await inStorage(() => insert.all<PlanRow>())).results[0]!;
}

const FIND = `SELECT * FROM plans WHERE id = ?1 AND ${within("plans", 2)}`;

export async function findPlan(db: Database, id: string, reach: Reach): Promise<PlanRow | undefined> {
  const { results } = await inStorage(() => db.sql(FIND, id, ...reachParameters(reach)).all<PlanRow>());
  return results[0];
}

interface Light extends Omit<PlanRow, "document"> {
  readonly name: string;
  readonly description: string | null;
}

const light =
  "plans.id, plans.owners, plans.created_at, plans.updated_at, plans.document ->> '$.name' AS name, plans.document ->> '$.description' AS description";
const PAGE = pageOf("plans", light);
const PAGE_OF_ALL = pageOfAll("plans", light);

/** Up to so many plans within reach, in the order of their ids, behind the given one. */
export async function findPlans(db: Database, reach: Reach, after: string, most: number): Promise<PlanSummary[]> {
  const page = reach === null ? db.sql(PAGE_OF_ALL, after, most) : db.sql(PAGE, ...reachParameters(reach), after, most);
  const { results } = await inStorage(() => page.all<Light>());
  return results.map(({ name, description, ...row }) => ({
    name,
    ...(description === null ? {} : { description }),
    ...stateOf(row),
  }));
}

const UPDATE = `UPDATE plans SET document = ?5, updated_at = max(updated_at + 1, ?6)
  WHERE id = ?1 AND ${within("plans", 2)} AND updated_at = ?4 RETURNING *`;

/** Replaces a plan, if it is still as it was read. */
export async function updatePlanRow(
  db: Database,
  row: PlanRow,
  reach: Reach,
  { document, now }: { readonly document: string; readonly now: number },
): Promise<PlanRow | undefined> {
  const update = db.sql(UPDATE, row.id, ...reachParameters(reach), row.updated_at, document, now);
  return (await inStorage(() => update.all<PlanRow>())).results[0];
}

const HAS = "SELECT 1 FROM apps, json_each(apps.plans) AS had WHERE had.value = ?1";
const IN_USE = `SELECT EXISTS (${HAS}) AS used`;
const DELETE = `DELETE FROM plans WHERE id = ?1 AND ${within("plans", 2)} AND updated_at = ?4
  AND NOT EXISTS (${HAS}) RETURNING id`;

/** Deletes a plan that no app has, if it is still as it was read; answers what became of it. */
export async function deletePlanRow(db: Database, row: PlanRow, reach: Reach): Promise<"deleted" | "used" | "changed"> {
  const remove = db.sql(DELETE, row.id, ...reachParameters(reach), row.updated_at);
  const [used, deleted] = await inStorage(() => db.batch<{ used: number }>([db.sql(IN_USE, row.id), remove]));
  if (used!.results[0]!.used === 1) return "used";
  return deleted!.results.length > 0 ? "deleted" : "changed";
}
