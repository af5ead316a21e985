import { inStorage, type Database } from "../db/client.ts";
import type { ComponentFunction, MappedComponent } from "./model.ts";

type Row = Omit<MappedComponent, "secret" | "functions"> & { readonly secret: number; readonly functions: string };

const COLUMNS = ["id", "name", "description", "endpoint", "binding", "secret", "functions", "updated_at AS updatedAt"]
  .map((column) => `components.${column}`)
  .join(", ");

const mappedOf = (row: Row): MappedComponent => ({
  ...row,
  secret: row.secret === 1,
  functions: JSON.parse(row.functions) as ComponentFunction[],
});

const FIND = `SELECT ${COLUMNS} FROM json_each(?1) AS asked CROSS JOIN components ON components.id = asked.value`;

/** Those of the ids that are mapped. */
export async function findMapped(db: Database, ids: Iterable<string>): Promise<ReadonlyMap<string, MappedComponent>> {
  const asked = [...new Set(ids)];
  if (asked.length === 0) return new Map();
  const { results } = await inStorage(() => db.sql(FIND, JSON.stringify(asked)).all<Row>());
  return new Map(results.map((row) => [row.id, mappedOf(row)]));
}

const PAGE = `SELECT ${COLUMNS} FROM components WHERE id > ?1 ORDER BY id LIMIT ?2`;

/** Up to so many in the order of their ids, behind the given one. */
export async function listMapped(db: Database, after: string, most: number): Promise<MappedComponent[]> {
  const { results } = await inStorage(() => db.sql(PAGE, after, most).all<Row>());
  return results.map(mappedOf);
}

const PUT = `INSERT INTO components (id, name, description, endpoint, binding, secret, updated_at, functions)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO UPDATE SET name = ?2, description = ?3, endpoint = ?4,
    binding = ?5, secret = ?6, updated_at = ?7, functions = ?8`;

export async function putMapped(db: Database, mapped: MappedComponent): Promise<void> {
  const { id, name, description, endpoint, binding, secret, updatedAt, functions } = mapped;
  const parameters = [id, name, description, endpoint, binding, secret ? 1 : 0, updatedAt, JSON.stringify(functions)];
  await inStorage(() => db.sql(PUT, ...parameters).run());
}

/** Answers whether there was one. */
export async function deleteMapped(db: Database, id: string): Promise<boolean> {
  const deleted = await inStorage(() => db.sql("DELETE FROM components WHERE id = ? RETURNING id", id).all());
  return deleted.results.length > 0;
}
