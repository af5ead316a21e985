/** What the mover reads of a flow, and how it writes it on the other side: present state, so that twice is as good as once. */
import type { DatabaseSync, SQLInputValue } from "node:sqlite";

import { change, row, rows } from "./shard.ts";

type Row = Record<string, SQLInputValue>;

export interface Copied {
  readonly id: string;
  readonly flow: Row | undefined;
  readonly revisions: readonly Row[];
  readonly messages: readonly Row[];
}

export const present = (db: DatabaseSync, id: string): Copied => ({
  id,
  flow: row<Row>(db, "SELECT * FROM flows WHERE id = ?", id),
  revisions: rows<Row>(db, "SELECT * FROM revisions WHERE flow_id = ?", id),
  messages: rows<Row>(db, "SELECT * FROM outbox WHERE flow_id = ?", id),
});

const columns = new WeakMap<DatabaseSync, Map<string, string[]>>();

/** Columns that are stored as given; the generated ones follow. */
function columnsOf(db: DatabaseSync, table: string): string[] {
  const known = columns.get(db) ?? new Map<string, string[]>();
  columns.set(db, known);
  const found =
    known.get(table) ??
    rows<{ name: string }>(db, "SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0", table).map(
      ({ name }) => name,
    );
  known.set(table, found);
  return found;
}

/** Every statement of a mover asks for the hand itself: a late one must not pass because the home is open by then. */
const HAND = "EXISTS (SELECT 1 FROM homes WHERE home = ? AND hand = 1)";

/** The next free place, if another home's flow stands on this one. */
const FREE =
  "(WITH RECURSIVE at(pos) AS (SELECT ? UNION ALL SELECT pos + 1 FROM at WHERE pos IN (SELECT pos FROM flows)) SELECT max(pos) FROM at)";

/** Not OR IGNORE: that would reach into the triggers and switch off the upserts of the counters. */
function insert(db: DatabaseSync, table: string, home: string, given: Row, values: Record<string, string> = {}): void {
  const names = columnsOf(db, table);
  const listed = names.map((name) => values[name] ?? "?").join(", ");
  const text = `INSERT INTO ${table} (${names.join(", ")}) SELECT ${listed} WHERE ${HAND} ON CONFLICT DO NOTHING`;
  change(db, text, ...names.map((name) => given[name] ?? null), home);
}

export function write(db: DatabaseSync, home: string, { id, flow, revisions, messages }: Copied): void {
  if (flow === undefined) {
    change(db, `DELETE FROM flows WHERE id = ? AND ${HAND}`, id, home);
  } else if (row(db, "SELECT 1 FROM flows WHERE id = ?", id) === undefined) {
    insert(db, "flows", home, flow, { pos: FREE });
  } else {
    const names = columnsOf(db, "flows").filter((name) => name !== "pos" && name !== "id");
    const text = `UPDATE flows SET ${names.map((name) => `${name} = ?`).join(", ")} WHERE id = ? AND ${HAND}`;
    change(db, text, ...names.map((name) => flow[name] ?? null), id, home);
  }
  for (const revision of revisions) insert(db, "revisions", home, revision);
  // All of them anew: the service may use a number again once its message is forgotten.
  change(db, `DELETE FROM outbox WHERE flow_id = ? AND ${HAND}`, id, home);
  for (const message of messages) insert(db, "outbox", home, message);
}

/** Takes the home away where it has left, once it is open elsewhere. */
export function clear(db: DatabaseSync, home: string): void {
  change(db, `DELETE FROM outbox WHERE home = ? AND ${HAND}`, home, home);
  change(db, `DELETE FROM flows WHERE home = ? AND ${HAND}`, home, home);
}

/** Equal on both sides when nothing is missing and nothing is older. */
export const digest = (db: DatabaseSync, home: string): string =>
  JSON.stringify([
    row(
      db,
      "SELECT count(*), sum(revision), sum(status_seq), sum(tries), sum(status = 'active') FROM flows WHERE home = ?",
      home,
    ),
    row(
      db,
      "SELECT count(*), sum(revision) FROM revisions WHERE flow_id IN (SELECT id FROM flows WHERE home = ?)",
      home,
    ),
    row(db, "SELECT count(*), sum(seq) FROM outbox WHERE home = ?", home),
  ]);
