import { portionsOf } from "../flows/write.ts";

/** Rows as what a statement selects from, under the name `line`. */
export interface Source {
  readonly text: string;
  readonly parameters: readonly string[];
}

/**
 * Divides rows into sources that the database can take: many as one list; a single large one with its long texts as
 * parameters of their own, since in a list they would be escaped twice.
 */
export function sourcesOf<T extends object>(
  rows: readonly T[],
  columns: readonly (keyof T & string)[],
  long: readonly (keyof T & string)[],
): Source[] {
  const told = rows.map((row) => ({ row, text: textOf(row, columns) }));
  return portionsOf(told, ({ text }) => text).map((portion) => {
    if (portion.length === 1) return ofOne(portion[0]!.row, columns, long);
    const selected = columns.map((column) => `value ->> '$.${column}' AS "${column}"`).join(", ");
    const list = `[${portion.map(({ text }) => text).join(",")}]`;
    return { text: `(SELECT ${selected} FROM json_each(?1)) AS line`, parameters: [list] };
  });
}

function ofOne<T extends object>(
  row: T,
  columns: readonly (keyof T & string)[],
  long: readonly (keyof T & string)[],
): Source {
  const short = columns.filter((column) => !long.includes(column));
  const selected = [
    ...short.map((column) => `?1 ->> '$.${column}' AS "${column}"`),
    ...long.map((column, at) => `?${at + 2} AS "${column}"`),
  ].join(", ");
  const texts = long.map((column) => String(row[column]));
  return { text: `(SELECT ${selected}) AS line`, parameters: [textOf(row, short), ...texts] };
}

const textOf = <T extends object>(row: T, columns: readonly (keyof T & string)[]): string =>
  JSON.stringify(Object.fromEntries(columns.map((column) => [column, row[column] ?? null])));
