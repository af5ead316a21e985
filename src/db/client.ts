import { getTableColumns } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";

import { AppError } from "../platform/errors.ts";
import { MeteredStatement, type Usage } from "./usage.ts";

type Statement = D1PreparedStatement;

/**
 * One caller's way to the database: a D1 session, so that whoever hands back its bookmark sees at least what it saw.
 * Bookmarks that others learned while they worked for this caller count as well.
 */
export class Database {
  readonly #session: D1DatabaseSession;
  #learned: string | undefined;
  #orm: Orm | undefined;
  /** What the statements cost; counted only if asked for. */
  readonly usage: Usage | undefined;

  constructor(binding: D1Database, from: string, usage?: Usage) {
    this.#session = binding.withSession(from);
    this.usage = usage;
  }

  /** Drizzle, for statements that are not run at every request. */
  get orm(): Orm {
    this.#orm ??= drizzle(this as unknown as D1Database);
    return this.#orm;
  }

  prepare(text: string): Statement {
    const statement = preparedBy(this.#session, text);
    return this.usage === undefined ? statement : new MeteredStatement(statement, this.usage).asStatement();
  }

  /** A statement with its parameters. */
  sql(text: string, ...parameters: readonly unknown[]): Statement {
    return this.prepare(text).bind(...parameters);
  }

  /** One round trip and one transaction. */
  async batch<T = unknown>(statements: Statement[]): Promise<D1Result<T>[]> {
    if (this.usage === undefined) return this.#session.batch<T>(statements);
    const results = await this.#session.batch<T>(statements.map((statement) => MeteredStatement.inside(statement)));
    this.usage.count(results);
    return results;
  }

  /** From where a later session must begin to see all this one saw and did; null if it did nothing. */
  get bookmark(): string | null {
    return this.#learned ?? this.#session.getBookmark();
  }

  learn(bookmark: string | null | undefined): void {
    if (bookmark !== null && bookmark !== undefined) this.#learned = bookmark;
  }
}

function preparedBy(session: D1DatabaseSession, text: string): Statement {
  try {
    return session.prepare(text);
  } catch (cause) {
    throw new AppError("STORAGE_UNAVAILABLE", { cause });
  }
}

type Orm = ReturnType<typeof drizzle>;

/** For the service itself, which must see what was written last. */
export const databaseOf = (binding: D1Database, usage?: Usage): Database =>
  new Database(binding, "first-primary", usage);

/** The columns of a table under their names in code, for statements that are written out. */
export const columnsOf = (table: SQLiteTable, of: string, without: readonly string[] = []): string =>
  Object.entries(getTableColumns(table))
    .filter(([name]) => !without.includes(name))
    .map(([name, column]) => `${of}.${column.name} AS "${name}"`)
    .join(", ");

/** The column whose uniqueness a statement would have broken, as `table.column`. */
export function constraintIn(error: unknown): string | undefined {
  for (let fault = error; fault instanceof Error; fault = fault.cause) {
    const column = /UNIQUE constraint failed: (\w+\.\w+)/.exec(fault.message)?.[1];
    if (column !== undefined) return column;
  }
  return undefined;
}

/** Runs statements; whatever the database throws becomes STORAGE_UNAVAILABLE, its text kept for the log alone. */
export async function inStorage<T>(run: () => PromiseLike<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    throw new AppError("STORAGE_UNAVAILABLE", { cause });
  }
}
