import { readdirSync, readFileSync } from "node:fs";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";

const migrations = new URL("../../migrations/", import.meta.url);

/** The project's own tables, indexes and triggers. Read once: others may be writing to the folder. */
const statements = readdirSync(migrations)
  .filter((name) => name.endsWith(".sql"))
  .toSorted()
  .flatMap((name) => readFileSync(new URL(name, migrations), "utf8").split("--> statement-breakpoint"));
const onTop = readFileSync(new URL("shard.sql", import.meta.url), "utf8");

/** A database as the service has it today. */
export function migrated(path = ":memory:"): DatabaseSync {
  const db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;");
  for (const text of statements) db.exec(text);
  return db;
}

/** The same with what a shard needs on top. */
export function shardOf(now: () => number): DatabaseSync {
  const db = migrated();
  db.function("sim_now", now);
  db.exec(onTop);
  return db;
}

const prepared = new WeakMap<DatabaseSync, Map<string, StatementSync>>();

function statement(db: DatabaseSync, text: string): StatementSync {
  const known = prepared.get(db) ?? new Map<string, StatementSync>();
  prepared.set(db, known);
  const found = known.get(text) ?? db.prepare(text);
  known.set(text, found);
  return found;
}

export const rows = <T>(db: DatabaseSync, text: string, ...values: SQLInputValue[]): T[] =>
  statement(db, text).all(...values) as T[];

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the shape of what a statement answers
export const row = <T>(db: DatabaseSync, text: string, ...values: SQLInputValue[]): T | undefined =>
  statement(db, text).get(...values) as T | undefined;

/** Runs a statement and answers how many rows it changed. */
export const change = (db: DatabaseSync, text: string, ...values: SQLInputValue[]): number =>
  Number(statement(db, text).run(...values).changes);

export const ownersOf = (home: string, user: string) => [
  { id: user, type: "user" },
  { id: home, type: "tenant" },
];
