import { drizzle } from "drizzle-orm/d1";

import { AppError } from "../platform/errors.ts";
import * as schema from "./schema.ts";

export type Database = ReturnType<typeof connect>;

const connect = (binding: D1Database) => drizzle(binding, { schema });
const connected = new WeakMap<D1Database, Database>();

/** One Drizzle client per binding and isolate. */
export function databaseOf(binding: D1Database): Database {
  const found = connected.get(binding);
  if (found) return found;
  const made = connect(binding);
  connected.set(binding, made);
  return made;
}

/** Runs statements; whatever the database throws becomes STORAGE_UNAVAILABLE, its text kept for the log alone. */
export async function inStorage<T>(run: () => PromiseLike<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    throw new AppError("STORAGE_UNAVAILABLE", { cause });
  }
}
