import type { FileDescriptor } from "../workflows/rules.ts";
import type { KeptLine } from "./kept-line.ts";
import { Pieces } from "./pieces.ts";
import type { Shown, State } from "./state.ts";
import type { ExecutionFacts } from "./store.ts";

const SCHEMA = `
CREATE TABLE execution (
  only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
  facts TEXT NOT NULL,
  script TEXT NOT NULL,
  ended_at INTEGER,
  told INTEGER NOT NULL DEFAULT 0,
  shares INTEGER NOT NULL DEFAULT 0,
  wakes INTEGER NOT NULL DEFAULT 0
)`;

/** Tables that few executions need; made when they are first written to. */
const SELDOM = {
  pending:
    "CREATE TABLE pending (id TEXT PRIMARY KEY, attempts INTEGER NOT NULL, due_at INTEGER NOT NULL) WITHOUT ROWID",
  files: "CREATE TABLE files (uuid TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID",
  events:
    "CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, type TEXT NOT NULL, body TEXT NOT NULL)",
} as const;

export const hasJournal = ({ sql }: DurableObjectStorage): boolean =>
  sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'execution'").toArray().length > 0;

/** A pending thing as the shell sees it: how often it was tried, and when it is to be looked at. */
export interface Planned {
  readonly id: string;
  readonly attempts: number;
  readonly dueAt: number;
}

export interface Told {
  readonly seq: number;
  readonly at: number;
  readonly type: string;
  readonly body: string;
}

/** What an execution begins with. */
export interface Begun {
  readonly facts: ExecutionFacts;
  /** JSON. */
  readonly script: string;
  readonly state: State;
  readonly lines: readonly KeptLine[];
}

/** What the list of executions was told. */
export const TOLD = { nothing: 0, beginning: 1, end: 2 } as const;

/** Events of one execution that are kept. */
const MOST_EVENTS = 5000;
/** Characters of events that are told at a time. */
const MOST_TOLD = 2_000_000;
/** Place of the state among the pieces; routes that were shown have their place in the history. */
const STATE = -1;

const withoutHistory = (state: State): State => ({ ...state, history: [] });

/**
 * One execution in its object's own database: what it is, how it stands, which routes were shown. Routes stand in rows
 * of their own, since they hardly change while the state does with each event.
 */
export class Journal {
  readonly #storage: DurableObjectStorage;
  readonly #pieces: Pieces;
  readonly #tables: Set<string>;
  readonly #planned: Map<string, Planned>;
  readonly facts: ExecutionFacts;
  readonly script: string;
  #state: State;
  #endedAt: number | null;
  #told: number;
  #shares: boolean;
  #wakes: number;

  /** The journal of an execution that was begun. */
  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    const names = this.#all<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'");
    this.#tables = new Set(names.map(({ name }) => name));
    const row = this.#all<{
      facts: string;
      script: string;
      ended_at: number | null;
      told: number;
      shares: number;
      wakes: number;
    }>("SELECT facts, script, ended_at, told, shares, wakes FROM execution")[0]!;
    this.facts = JSON.parse(row.facts) as ExecutionFacts;
    this.script = row.script;
    this.#endedAt = row.ended_at;
    this.#told = row.told;
    this.#shares = row.shares === 1;
    this.#wakes = row.wakes;
    this.#pieces = new Pieces(storage.sql);
    // The state stands before the routes.
    const [state, ...history] = this.#pieces.all() as [State, ...Shown[]];
    this.#state = { ...state, history };
    const planned = this.#tables.has("pending")
      ? this.#all<{ id: string; attempts: number; due_at: number }>("SELECT id, attempts, due_at FROM pending")
      : [];
    this.#planned = new Map(planned.map(({ id, attempts, due_at: dueAt }) => [id, { id, attempts, dueAt }]));
  }

  /** Writes down the beginning of an execution, with how it stands then. */
  static begin(storage: DurableObjectStorage, { facts, script, state, lines }: Begun): Journal {
    return storage.transactionSync(() => {
      storage.sql.exec(SCHEMA);
      storage.sql.exec(
        "INSERT INTO execution (only_one, facts, script, ended_at) VALUES (1, ?, ?, ?)",
        JSON.stringify(facts),
        script,
        state.end === null ? null : facts.startedAt,
      );
      const pieces = new Pieces(storage.sql);
      pieces.write(STATE, withoutHistory(state));
      for (const [n, shown] of state.history.entries()) pieces.write(n, shown);
      const journal = new Journal(storage);
      journal.#tell(lines, facts.startedAt);
      return journal;
    });
  }

  get state(): State {
    return this.#state;
  }

  get endedAt(): number | null {
    return this.#endedAt;
  }

  /** Whether the list of executions knows of the beginning, and of the end. */
  get isEntered(): boolean {
    return this.#told >= TOLD.beginning;
  }

  get isTold(): boolean {
    return this.#told === TOLD.end;
  }

  /** Whether it ever may have made a token, and whether it ever may have had a file. */
  get shares(): boolean {
    return this.#shares;
  }

  get hasFiles(): boolean {
    return this.#tables.has("files");
  }

  /** Writes how the execution stands after an event, with what is told of it, as one. */
  save(state: State, lines: readonly KeptLine[], at: number): void {
    const endedAt = state.end !== null && this.#endedAt === null ? at : this.#endedAt;
    this.#storage.transactionSync(() => {
      if (state !== this.#state) {
        const before = this.#state.history;
        this.#pieces.write(STATE, withoutHistory(state));
        if (endedAt !== this.#endedAt) {
          this.#do("UPDATE execution SET ended_at = ?", endedAt);
          if (this.hasFiles) this.#do("DELETE FROM files");
        }
        for (const [n, shown] of state.history.entries()) if (shown !== before[n]) this.#pieces.write(n, shown);
        this.#pieces.dropFrom(state.history.length);
        for (const id of this.#planned.keys()) {
          if (!Object.hasOwn(state.pending, id)) this.#do("DELETE FROM pending WHERE id = ?", id);
        }
      }
      this.#tell(lines, at);
    });
    for (const id of this.#planned.keys()) if (!Object.hasOwn(state.pending, id)) this.#planned.delete(id);
    this.#state = state;
    this.#endedAt = endedAt;
  }

  /** What is pending, and when it is to be looked at. */
  planned(): Planned[] {
    return [...this.#planned.values()];
  }

  isPlanned(id: string): boolean {
    return this.#planned.has(id);
  }

  plan(planned: Planned): void {
    const { id, attempts, dueAt } = planned;
    this.#make("pending");
    const text =
      "INSERT INTO pending (id, attempts, due_at) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET attempts = ?2, due_at = ?3";
    this.#do(text, id, attempts, dueAt);
    this.#planned.set(id, planned);
  }

  tell(what: (typeof TOLD)[keyof typeof TOLD]): void {
    if (what <= this.#told) return;
    this.#do("UPDATE execution SET told = ?", what);
    this.#told = what;
  }

  /** Notes that a token is about to be made. */
  share(): void {
    if (!this.#shares) this.#do("UPDATE execution SET shares = 1");
    this.#shares = true;
  }

  /** Counts a wake without anything done since; answers how many there were. */
  wake(): number {
    this.#wakes += 1;
    this.#do("UPDATE execution SET wakes = ?", this.#wakes);
    return this.#wakes;
  }

  /** Something was done. */
  gotOn(): void {
    if (this.#wakes > 0) this.#do("UPDATE execution SET wakes = 0");
    this.#wakes = 0;
  }

  files(): FileDescriptor[] {
    if (!this.hasFiles) return [];
    return this.#all<{ body: string }>("SELECT body FROM files").map(({ body }) => JSON.parse(body) as FileDescriptor);
  }

  /** Notes that a file may be on its way: it is deleted with the others, whether it arrives or not. */
  expectFile(): void {
    this.#make("files");
  }

  addFile(file: FileDescriptor): void {
    this.#make("files");
    this.#do("INSERT OR REPLACE INTO files (uuid, body) VALUES (?, ?)", file.uuid, JSON.stringify(file));
  }

  dropFile(uuid: string): boolean {
    return this.hasFiles && this.#all("DELETE FROM files WHERE uuid = ? RETURNING uuid", uuid).length > 0;
  }

  /** Events behind one, as many as can be told at a time, and whether there are more. */
  events(after: number, most: number): { told: Told[]; more: boolean } {
    if (!this.#tables.has("events")) return { told: [], more: false };
    const found = this.#storage.sql.exec<Told & Record<string, SqlStorageValue>>(
      "SELECT seq, at, type, body FROM events WHERE seq > ? ORDER BY seq LIMIT ?",
      after,
      most + 1,
    );
    const told: Told[] = [];
    let left = MOST_TOLD;
    for (const event of found) {
      left -= event.body.length;
      if (told.length === most || (left < 0 && told.length > 0)) return { told, more: true };
      told.push(event);
    }
    return { told, more: false };
  }

  #tell(lines: readonly KeptLine[], at: number): void {
    if (lines.length === 0) return;
    this.#make("events");
    for (const { type, body } of lines) {
      this.#do("INSERT INTO events (at, type, body) VALUES (?, ?, ?)", at, type, body);
    }
    this.#do("DELETE FROM events WHERE seq <= (SELECT max(seq) FROM events) - ?", MOST_EVENTS);
  }

  #make(table: keyof typeof SELDOM): void {
    if (this.#tables.has(table)) return;
    this.#do(SELDOM[table]);
    this.#tables.add(table);
  }

  #do(text: string, ...values: SqlStorageValue[]): void {
    this.#storage.sql.exec(text, ...values);
  }

  #all<T extends object>(text: string, ...values: SqlStorageValue[]): T[] {
    return this.#storage.sql.exec(text, ...values).toArray() as unknown as T[];
  }
}
