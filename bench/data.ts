import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";

import type { FlowDocument } from "../src/flows/model.ts";
import { homeOf } from "../src/flows/owners.ts";
import { searchTextOf } from "../src/flows/search-text.ts";
import { buildOther, config, root, scratch } from "./build.ts";
import { flowAt, userId, type Flow } from "./dataset.ts";
import { newFolder, prepare, removeFolder, type Server, type WorkerSource } from "./serve.ts";

const migrations = join(root, config.d1_databases[0]?.migrations_dir ?? "migrations");
const databases = join("state", "d1", "miniflare-D1DatabaseObject");

/** The one place that knows the columns of a flow's row. Derived tables are the triggers' business. */
export function rowOf(flow: Flow): Record<string, SQLInputValue> {
  const document = flow.document as FlowDocument;
  const home = homeOf(document.owners);
  return {
    pos: flow.createdAt * 1024,
    id: flow.id,
    home,
    document: JSON.stringify(document),
    search_text: searchTextOf(document, home),
    revision: 1,
    revised_at: flow.createdAt,
    revised_by: userId(flow.tenant, flow.user),
    revision_note: "Created.",
    created_at: flow.createdAt,
    updated_at: flow.updatedAt,
    status: flow.status,
    status_seq: flow.statusSeq,
    start_id: flow.startId,
    started_by: flow.startedBy,
    started_at: flow.startedAt,
    last_error: null,
    deadline_at: flow.deadlineAt,
    tries: flow.tries,
  };
}

export function insertOf(rows: readonly Record<string, SQLInputValue>[]): { sql: string; params: SQLInputValue[] } {
  const columns = Object.keys(rows[0]!);
  const places = `(${columns.map(() => "?").join(", ")})`;
  const sql = `INSERT INTO flows (${columns.join(", ")}) VALUES ${rows.map(() => places).join(", ")}`;
  return { sql, params: rows.flatMap((row) => Object.values(row)) };
}

/** Puts back what rounds of creating and starting flows have left, so that each begins on the same data. */
export const resetStatements = (since: number): { sql: string; params: unknown[] }[] => [
  { sql: "DELETE FROM flows WHERE pos >= CAST(? AS INTEGER)", params: [since * 1024] },
  {
    sql: `UPDATE flows SET status = 'inactive', status_seq = 0, start_id = NULL, started_by = NULL, started_at = NULL,
      deadline_at = NULL, tries = 0 WHERE status = 'starting' AND updated_at >= CAST(? AS INTEGER)`,
    params: [since],
  },
  { sql: "DELETE FROM outbox", params: [] },
];

export const migrationFiles = (): string[] =>
  readdirSync(migrations)
    .filter((name) => name.endsWith(".sql"))
    .toSorted()
    .map((name) => readFileSync(join(migrations, name), "utf8"));

/** So many flows in one statement; the search index writes to its tables after each. */
const AT_ONCE = 100;

/** Fills a database that workerd has made. All of it goes through the triggers; only durability is spared. */
export function fill(file: string, size: number, tell: (done: number) => void = () => undefined): void {
  const db = new DatabaseSync(file);
  db.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE");
  db.exec("PRAGMA cache_size = -1000000");
  for (const sql of migrationFiles()) db.exec(sql);
  const rowsFrom = (from: number) =>
    Array.from({ length: Math.min(AT_ONCE, size - from) }, (_, nth) => rowOf(flowAt(from + nth, size)));
  const most = insertOf(rowsFrom(0)).sql;
  const usual = db.prepare(most);
  db.exec("BEGIN");
  for (let from = 0; from < size; from += AT_ONCE) {
    const { sql, params } = insertOf(rowsFrom(from));
    (sql === most ? usual : db.prepare(sql)).run(...params);
    if (from % 100_000 === 0 && from > 0) tell(from);
  }
  db.exec("COMMIT");
  db.exec("PRAGMA locking_mode = NORMAL; PRAGMA journal_mode = WAL");
  db.close();
}

/** Has workerd make an empty database and answers its file. */
export async function emptyDatabase(folder = newFolder()): Promise<string> {
  const { start } = await prepare([{ name: "tools", bundle: buildOther("tools"), objects: {} }], folder);
  const server = await start();
  await ask(server, [{ sql: "SELECT 1" }]);
  await server.end();
  const file = readdirSync(join(folder, databases)).find((name) => /^\w{64}\.sqlite$/.test(name));
  if (file === undefined) throw new Error("workerd has made no database.");
  return join(folder, databases, file);
}

/** What the data depend on beside the migrations. */
const makers = ["dataset.ts", "data.ts", "../src/flows/search-text.ts", "../src/flows/owners.ts"];

/** The data set of a size, made once and kept until the schema or the generator changes. Answers its folder. */
export async function dataOf(size: number, say: (line: string) => void): Promise<string> {
  const hash = createHash("sha256").update(migrationFiles().join("\n"));
  for (const file of makers) hash.update(readFileSync(new URL(file, import.meta.url)));
  const kept = join(scratch, "data");
  const folder = join(kept, `${size}-${hash.digest("hex").slice(0, 12)}`);
  if (existsSync(folder)) return folder;
  mkdirSync(kept, { recursive: true });
  for (const old of readdirSync(kept).filter((name) => name.startsWith(`${size}-`))) {
    rmSync(join(kept, old), { recursive: true });
  }
  const began = Date.now();
  say(`Making ${size.toLocaleString("en")} flows …`);
  const made = newFolder();
  fill(await emptyDatabase(made), size, (done) => say(`  ${done.toLocaleString("en")} after ${seconds(began)}`));
  cpSync(join(made, databases), `${folder}.part`, { recursive: true });
  renameSync(`${folder}.part`, folder);
  removeFolder(made);
  say(`  done in ${seconds(began)}, kept in ${folder}`);
  return folder;
}

interface Serving {
  readonly size: number;
  readonly inspector?: boolean;
  readonly say: (line: string) => void;
}

/** Prepares the Workers on a copy of a data set. */
export async function prepareOn(workers: readonly WorkerSource[], { size, say }: Serving) {
  const data = await dataOf(size, say);
  const prepared = await prepare(workers);
  cpSync(data, join(prepared.folder, databases), { recursive: true });
  return prepared;
}

/** Serves the Workers on a copy of a data set for as long as something is done with them. */
export async function serving<T>(
  workers: readonly WorkerSource[],
  options: Serving,
  run: (server: Server) => Promise<T>,
): Promise<T> {
  const { folder, start } = await prepareOn(workers, options);
  const server = await start({ inspector: options.inspector ?? false });
  try {
    return await run(server);
  } finally {
    await server.end();
    removeFolder(folder);
  }
}

/** Runs SQL through the server's tools. */
export async function ask<T = unknown>(
  server: Server,
  statements: { sql: string; params?: unknown[] }[],
): Promise<T[][]> {
  const body = JSON.stringify(statements);
  const answer = await fetch(`http://127.0.0.1:${server.ports["tools"]}/`, { method: "POST", body });
  if (!answer.ok) throw new Error(`The tools answered ${answer.status}: ${await answer.text()}`);
  return ((await answer.json()) as { results: T[] }[]).map(({ results }) => results);
}

const seconds = (since: number): string => `${((Date.now() - since) / 1000).toFixed(1)} s`;
