import type { App } from "./model.ts";

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
