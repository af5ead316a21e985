/** Characters of one row: of three bytes each they are less than a row can have. */
const MOST_OF_A_ROW = 500_000;

/** A text in pieces that fit into rows; no pair of surrogates is cut in two. */
export function piecesOf(text: string, most = MOST_OF_A_ROW): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += pieces.at(-1)!.length) {
    const end = at + most;
    const isPair = end < text.length && (text.charCodeAt(end - 1) & 0xfc00) === 0xd800;
    pieces.push(text.slice(at, isPair ? end - 1 : end));
  }
  return pieces;
}

/** Values by number, each in as many rows as it needs. */
export class Pieces {
  readonly #sql: SqlStorage;
  /** Rows of each value. */
  readonly #counts = new Map<number, number>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(
      "CREATE TABLE IF NOT EXISTS pieces (n INTEGER NOT NULL, piece INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (n, piece)) WITHOUT ROWID",
    );
  }

  /** All values in the order of their numbers. */
  all(): unknown[] {
    const rows = this.#sql.exec<{ n: number; body: string }>("SELECT n, body FROM pieces ORDER BY n, piece").toArray();
    const texts = [...Map.groupBy(rows, ({ n }) => n)];
    for (const [n, pieces] of texts) this.#counts.set(n, pieces.length);
    return texts.map(([, pieces]) => JSON.parse(pieces.map(({ body }) => body).join("")) as unknown);
  }

  write(n: number, value: unknown): void {
    const pieces = piecesOf(JSON.stringify(value));
    for (const [piece, body] of pieces.entries()) {
      this.#sql.exec("INSERT OR REPLACE INTO pieces (n, piece, body) VALUES (?, ?, ?)", n, piece, body);
    }
    if (pieces.length < (this.#counts.get(n) ?? 0)) {
      this.#sql.exec("DELETE FROM pieces WHERE n = ? AND piece >= ?", n, pieces.length);
    }
    this.#counts.set(n, pieces.length);
  }

  /** Forgets the values from a number on. */
  dropFrom(n: number): void {
    const gone = [...this.#counts.keys()].filter((known) => known >= n);
    if (gone.length === 0) return;
    this.#sql.exec("DELETE FROM pieces WHERE n >= ?", n);
    for (const known of gone) this.#counts.delete(known);
  }
}
