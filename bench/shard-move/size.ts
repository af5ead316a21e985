/**
 * Bytes and time per flow in plain SQLite, with the tables, indexes and triggers of `migrations/`.
 * node bench/shard-move/size.ts
 */
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { migrated, ownersOf } from "./shard.ts";

const HOMES = 500;
const hex = (n: number): string => n.toString(16).padStart(24, "0");
let seed = 7;
const random = (): number => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
};
const words =
  "order invoice customer stock ledger export import nightly sync price article contact lead payment refund parcel label report mirror archive".split(
    " ",
  );
const word = (): string => words[Math.floor(random() * words.length)] ?? "order";
const id24 = (): string =>
  Array.from({ length: 3 }, () =>
    Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, "0"),
  ).join("");

const mapping = "$map(items, function($i){ $i.number & $i.name })";

/** A flow of 5 nodes and 4 edges, or of more nodes with longer fields until it has about so many bytes. */
function documentOf(home: string, bytes: number): string {
  const nodes: Record<string, unknown>[] = [];
  const edges: Record<string, unknown>[] = [];
  const document = {
    name: `${word()} ${word()} to ${word()} ${word()}`,
    description: `Takes each ${word()} and writes it to the ${word()} of ${word()}.`,
    type: random() < 0.8 ? "ordinary" : "long_running",
    owners: ownersOf(home, hex(0xabc000 + Math.floor(random() * 5000))),
    graph: { nodes, edges },
    cron: "*/15 * * * *",
  };
  let size = JSON.stringify(document).length;
  let step = 0;
  while (nodes.length < 5 || size + step / 2 < bytes) {
    const n = nodes.length + 1;
    const node = {
      id: `step_${n}`,
      componentId: id24(),
      credentials_id: id24(),
      name: `${word()} ${word()}`,
      function: `get${word()}s`,
      ...(bytes > 2000 ? { fields: { expression: mapping.repeat(bytes > 20000 ? 20 : 3) } } : {}),
    };
    nodes.push(node);
    if (n > 1) edges.push({ source: `step_${n - 1}`, target: `step_${n}` });
    step = JSON.stringify([node, edges.at(-1)]).length;
    size += step;
  }
  return JSON.stringify(document);
}

const mark = (): string => String.fromCodePoint(983040 + Math.floor(random() * 32768)).repeat(3);

/** As long as what the service keeps for search: three characters of four bytes for each facet, then the folded text. */
function searchTextOf(text: string): string {
  const document = JSON.parse(text) as { name: string; description: string; graph: { nodes: unknown[] } };
  const marks = Array.from({ length: 2 + 2 * document.graph.nodes.length }, mark).join("");
  return `${marks}\u001f${document.name}\u001f${document.description}`.toUpperCase();
}

const CREATE = `INSERT INTO flows (pos, id, home, revision, revised_at, revised_by, revision_note, created_at, updated_at,
  status, status_seq, tries, search_text, document) VALUES (?, ?, ?, 1, ?, ?, '', ?, ?, 'inactive', 0, 0, ?, ?)`;
const MESSAGE =
  "INSERT INTO outbox (flow_id, seq, queue, body, created_at) SELECT ?, ?, 'notices', ?, ? WHERE changes() > 0";
const body = JSON.stringify({
  headers: { name: "flowrepo.flow.created", createdAt: 1, serviceName: "flow-repository" },
  payload: { tenant: hex(1), user: hex(2), flowId: hex(3) },
});
const BEGAN = 1_795_000_000_000;

interface Filled {
  readonly db: DatabaseSync;
  readonly path: string;
  readonly ids: string[];
  readonly documentBytes: number;
}

function fill(count: number, bytes: number): Filled {
  const path = join(tmpdir(), `size-${process.pid}-${bytes}.db`);
  const db = migrated(path);
  const create = db.prepare(CREATE);
  const ids: string[] = [];
  let documentBytes = 0;
  db.exec("BEGIN");
  for (let n = 0; n < count; n += 1) {
    const home = hex(0xdef000 + Math.floor(HOMES * random() ** 2));
    const text = documentOf(home, bytes);
    const at = BEGAN + n * 37;
    const id = hex(at).slice(12) + id24().slice(0, 12);
    create.run(at * 1024, id, home, at, hex(9), at, at, searchTextOf(text), text);
    ids.push(id);
    documentBytes += text.length;
  }
  db.exec("COMMIT");
  return { db, path, ids, documentBytes: documentBytes / count };
}

const fileBytes = (db: DatabaseSync): number => {
  const { n } = db.prepare("SELECT page_count * page_size AS n FROM pragma_page_count, pragma_page_size").get() as {
    n: number;
  };
  return n;
};

/** The file's bytes by table and index, per flow. */
function parts(db: DatabaseSync, count: number): Map<string, number> {
  const rows = db.prepare("SELECT name, sum(pgsize) AS bytes FROM dbstat GROUP BY name").all() as {
    name: string;
    bytes: number;
  }[];
  const sums = new Map<string, number>();
  for (const { name, bytes } of rows) {
    const part = name.startsWith("flow_search") ? "flow_search (FTS5)" : name;
    sums.set(part, (sums.get(part) ?? 0) + bytes / count);
  }
  return new Map([...sums].filter(([, bytes]) => bytes >= 1).toSorted((a, b) => b[1] - a[1]));
}

/** Replaces documents so that each of the first flows has so many old revisions; answers the bytes of one. */
function revise({ db, ids }: Filled, flows: number, edits: number, bytes: number): number {
  const before = fileBytes(db);
  const patch = db.prepare(
    "UPDATE flows SET document = ?, revision = revision + 1, updated_at = updated_at + 1 WHERE id = ?",
  );
  const homeOf = db.prepare("SELECT home FROM flows WHERE id = ?");
  db.exec("BEGIN");
  for (const id of ids.slice(0, flows)) {
    const { home } = homeOf.get(id) as { home: string };
    for (let n = 0; n < edits; n += 1) patch.run(documentOf(home, bytes), id);
  }
  db.exec("COMMIT");
  return (fileBytes(db) - before) / (flows * edits);
}

/** Microseconds of one transaction, median of five rounds. */
function time(db: DatabaseSync, ids: readonly string[], run: (id: string, n: number) => void): number {
  const rounds = Array.from({ length: 5 }, (_, round) => {
    const began = performance.now();
    for (let n = 0; n < 400; n += 1) {
      db.exec("BEGIN IMMEDIATE");
      run(ids[(round * 9973 + n * 61) % ids.length] ?? "", round * 400 + n);
      db.exec("COMMIT");
    }
    return ((performance.now() - began) / 400) * 1000;
  });
  return rounds.toSorted((a, b) => a - b)[2] ?? 0;
}

function times({ db, ids }: Filled): Record<string, number> {
  db.exec("CREATE TABLE plain (id TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID");
  const plain = db.prepare("INSERT INTO plain VALUES (?, 0)");
  for (const id of ids) plain.run(id);
  const one = db.prepare("UPDATE plain SET n = n + 1 WHERE id = ?");
  const get = db.prepare("SELECT * FROM flows WHERE id = ?");
  const create = db.prepare(CREATE);
  const message = db.prepare(MESSAGE);
  const forget = db.prepare("DELETE FROM outbox WHERE flow_id = ? AND seq = ?");
  const move = db.prepare(
    "UPDATE flows SET status = CASE status WHEN 'inactive' THEN 'starting' ELSE 'inactive' END, status_seq = status_seq + 1, updated_at = updated_at + 1, tries = 1 WHERE id = ?",
  );
  const patch = db.prepare(
    "UPDATE flows SET document = ?, search_text = ?, revision = revision + 1, updated_at = updated_at + 1 WHERE id = ?",
  );
  const list = db.prepare("SELECT * FROM flows WHERE home = ? AND status = 'inactive' ORDER BY pos LIMIT 10");
  const prepared = Array.from({ length: 2000 }, () => {
    const text = documentOf(hex(0xdef001), 1200);
    return { text, search: searchTextOf(text) };
  });
  const of = (n: number) => prepared[n % prepared.length] ?? { text: "", search: "" };
  let at = BEGAN + 1e10;
  return {
    "update of one row, no index": time(db, ids, (id) => one.run(id)),
    "read of one flow": time(db, ids, (id) => get.get(id)),
    "page of 10 of a home": time(db, ids, (_, n) => list.all(hex(0xdef000 + (n % HOMES)))),
    "create + message": time(db, ids, (_, n) => {
      at += 1;
      const id = hex(at);
      create.run(at * 1024, id, hex(0xdef001), at, hex(9), at, at, of(n).search, of(n).text);
      message.run(id, 1, body, at);
    }),
    "transition + message": time(db, ids, (id, n) => {
      move.run(id);
      message.run(id, n + 10, body, at);
    }),
    "forget of a message": time(db, ids, (id, n) => forget.run(id, n + 10)),
    "edit (PATCH) + message": time(db, ids, (id, n) => {
      patch.run(
        of(n).text.replaceAll(
          hex(0xdef001),
          (db.prepare("SELECT home FROM flows WHERE id = ?").get(id) as { home: string }).home,
        ),
        of(n).search,
        id,
      );
      message.run(id, n + 5000, body, at);
    }),
  };
}

/** Bytes of one row of the directory that leads from a flow's id to its home. */
function directoryRow(): number {
  const db = new DatabaseSync(":memory:");
  db.exec("CREATE TABLE flow_homes (id text PRIMARY KEY, home text NOT NULL) WITHOUT ROWID");
  const insert = db.prepare("INSERT INTO flow_homes VALUES (?, ?)");
  const count = 100_000;
  db.exec("BEGIN");
  for (let n = 0; n < count; n += 1) insert.run(hex(BEGAN + n * 37).slice(12) + id24().slice(0, 12), hex(n % HOMES));
  db.exec("COMMIT");
  return fileBytes(db) / count;
}

const kb = (bytes: number): string => `${(bytes / 1000).toFixed(2)} KB`;
const GB10 = 10 * 10 ** 9;
for (const [count, bytes, revised] of [
  [30_000, 1200, 1000],
  [5_000, 5000, 300],
  [500, 50_000, 50],
] as const) {
  const filled = fill(count, bytes);
  const all = fileBytes(filled.db) / count;
  console.log(`\n${count} flows, document ${kb(filled.documentBytes)}: ${kb(all)} each`);
  if (bytes === 1200) {
    for (const [name, size] of parts(filled.db, count)) {
      console.log(`  ${name.padEnd(28)} ${size.toFixed(0).padStart(6)} B`);
    }
    for (const [what, us] of Object.entries(times(filled))) {
      console.log(`  ${what.padEnd(28)} ${us.toFixed(1).padStart(6)} µs`);
    }
  }
  const revision = revise(filled, revised, 10, bytes);
  const kept = [0, 10, 100].map(
    (n) => `${n} revisions ${Math.floor(GB10 / (all + n * revision)).toLocaleString("en")}`,
  );
  console.log(`  one old revision ${kb(revision)}; flows in 10 GB: ${kept.join(", ")}`);
  filled.db.close();
  rmSync(filled.path, { force: true });
}
console.log(`\none row of the directory: ${directoryRow().toFixed(0)} B`);
