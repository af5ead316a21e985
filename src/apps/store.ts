import { inStorage, type Database } from "../db/client.ts";
import { reachParameters, type Reach } from "../identity/ownership.ts";
import type { App, AppSummary, StoredApp } from "./model.ts";
import type { Owner } from "./owners.ts";
import { mayGive } from "./plan-store.ts";
import { pageOf, pageOfAll, within } from "./reach.ts";

/** A row of `apps` as it is read. */
export interface AppRow {
  readonly id: string;
  readonly client_id: string;
  readonly name: string;
  readonly owners: string;
  readonly enabled: number;
  readonly fields: string;
  readonly plans: string;
  readonly secret_hashes: string;
  readonly tokens_from: number;
  readonly created_at: number;
  readonly updated_at: number;
}

/** What the gateway knows of an app. */
export const appOfRow = (row: AppRow): App => ({
  id: row.id,
  clientId: row.client_id,
  name: row.name,
  enabled: row.enabled === 1,
  fields: JSON.parse(row.fields) as App["fields"],
  plans: JSON.parse(row.plans) as string[],
  secretHashes: JSON.parse(row.secret_hashes) as string[],
  tokensFrom: row.tokens_from,
});

const timeOf = (at: number): string => new Date(at).toISOString();

/** What a list tells of an app. */
const summaryOf = (row: Omit<AppRow, "fields">): AppSummary => ({
  id: row.id,
  clientId: row.client_id,
  name: row.name,
  owners: JSON.parse(row.owners) as Owner[],
  enabled: row.enabled === 1,
  plans: JSON.parse(row.plans) as string[],
  secrets: (JSON.parse(row.secret_hashes) as string[]).length,
  tokensFrom: row.tokens_from === 0 ? null : timeOf(row.tokens_from),
  createdAt: timeOf(row.created_at),
  updatedAt: timeOf(row.updated_at),
});

/** What answers tell of an app: nothing of its secrets but how many there are. */
export const toldOf = (row: AppRow): StoredApp => ({
  ...summaryOf(row),
  fields: JSON.parse(row.fields) as StoredApp["fields"],
});

const summary = [
  "id",
  "client_id",
  "name",
  "owners",
  "enabled",
  "plans",
  "secret_hashes",
  "tokens_from",
  "created_at",
  "updated_at",
]
  .map((column) => `apps.${column}`)
  .join(", ");

/** Nothing among the given plans (JSON) may not be given. It refers to the parameters by their numbers. */
const plansAllowed = (given: number, reach: number, besides: string): string =>
  `NOT EXISTS (SELECT 1 FROM json_each(?${given}) AS given WHERE NOT ${mayGive(reach)} AND given.value NOT IN ${besides})`;

const NONE = "(SELECT NULL WHERE false)";
const INSERT = `INSERT INTO apps (id, client_id, name, owners, enabled, fields, plans, secret_hashes, tokens_from, created_at, updated_at)
  SELECT ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, ?11, ?11 WHERE ${plansAllowed(9, 1, NONE)} RETURNING *`;

export interface NewApp extends Omit<App, "tokensFrom"> {
  readonly owners: readonly Owner[];
}

/** Stores an app, unless it names a plan that is not within reach. */
export async function insertApp(db: Database, app: NewApp, reach: Reach, now: number): Promise<AppRow | undefined> {
  const { id, clientId, name, owners, enabled, fields, plans, secretHashes } = app;
  const [ownersText, fieldsText, plansText, hashes] = [owners, fields, plans, secretHashes].map((value) =>
    JSON.stringify(value),
  );
  const values = [id, clientId, name, ownersText, enabled ? 1 : 0, fieldsText, plansText, hashes, now];
  const insert = db.sql(INSERT, ...reachParameters(reach), ...values);
  const { results } = await inStorage(() => insert.all<AppRow>());
  return results[0];
}

const FIND = `SELECT * FROM apps WHERE id = ?1 AND ${within("apps", 2)}`;

export async function findApp(db: Database, id: string, reach: Reach): Promise<AppRow | undefined> {
  const { results } = await inStorage(() => db.sql(FIND, id, ...reachParameters(reach)).all<AppRow>());
  return results[0];
}

const PAGE = pageOf("apps", summary);
const PAGE_OF_ALL = pageOfAll("apps", summary);

/** Up to so many apps within reach, in the order of their ids, behind the given one. */
export async function findApps(db: Database, reach: Reach, after: string, most: number): Promise<AppSummary[]> {
  const page = reach === null ? db.sql(PAGE_OF_ALL, after, most) : db.sql(PAGE, ...reachParameters(reach), after, most);
  const { results } = await inStorage(() => page.all<AppRow>());
  return results.map(summaryOf);
}

const UPDATE = `UPDATE apps SET name = coalesce(?5, name), enabled = coalesce(?6, enabled), fields = coalesce(?7, fields),
    plans = coalesce(?8, plans), secret_hashes = coalesce(?9, secret_hashes),
    tokens_from = max(tokens_from, coalesce(?10, 0)), updated_at = max(updated_at + 1, ?11)
  WHERE id = ?1 AND ${within("apps", 2)} AND updated_at = ?4
    AND ${plansAllowed(8, 2, "(SELECT value FROM json_each(apps.plans))")} RETURNING *`;

export type AppChange = Partial<Omit<App, "id" | "clientId">>;

/**
 * Changes an app, if it is still as it was read and is given no plan that is not within reach. Plans that it has may
 * stay.
 */
export async function updateAppRow(
  db: Database,
  row: AppRow,
  reach: Reach,
  change: AppChange & { readonly now: number },
): Promise<AppRow | undefined> {
  const { name, enabled, fields, plans, secretHashes, tokensFrom, now } = change;
  const [fieldsText, plansText, hashes] = [fields, plans, secretHashes].map((value) =>
    value === undefined ? null : JSON.stringify(value),
  );
  const isEnabled = enabled === undefined ? null : Number(enabled);
  const values = [name ?? null, isEnabled, fieldsText, plansText, hashes, tokensFrom ?? null, now];
  const update = db.sql(UPDATE, row.id, ...reachParameters(reach), row.updated_at, ...values);
  const { results } = await inStorage(() => update.all<AppRow>());
  return results[0];
}

const DELETE = `DELETE FROM apps WHERE id = ?1 AND ${within("apps", 2)} AND updated_at = ?4 RETURNING id`;

/** Deletes an app, if it is still as it was read; answers whether it did. */
export async function deleteAppRow(db: Database, row: AppRow, reach: Reach): Promise<boolean> {
  const remove = db.sql(DELETE, row.id, ...reachParameters(reach), row.updated_at);
  return (await inStorage(() => remove.all())).results.length > 0;
}
