import type { Reply, RunEnd, RunFacts, RunFault, RunStatus } from "./model.ts";
import { SCHEMA } from "./journal-schema.ts";
import { Items } from "./items.ts";
import { Rows } from "./rows.ts";
import type { Settled } from "./settle.ts";

/** One message at one step. */
export interface Item {
  readonly id: number;
  readonly step: string;
  /** Item that sent the message. */
  readonly parent: number | null;
  /** What it belongs together with, and its place in that. */
  readonly scope: number;
  readonly place: number;
  /** Message that came in; of an item that gathers, none. */
  readonly input: number;
  /** Scope whose messages the item puts together. */
  readonly gathers: number | null;
  readonly state: string;
  readonly attempts: number;
  readonly rebounds: number;
  /** How often it was tried anew by hand after it had failed. */
  readonly restarts: number;
  /** Number of its last change: what was begun before it is not written down any more. */
  readonly seq: number;
  /** What the step noted for its next try. */
  readonly memo: string | null;
}

/** What a try of a step leaves behind. */
export interface Work {
  /** Messages that the step made, as JSON; null stands for the one that came in, unchanged. */
  readonly outputs: readonly (string | null)[];
  /** Where they go: an output by its number, -1 for what came in, or a message of its own. */
  readonly deliveries: readonly { readonly step: string; readonly output: number; readonly body?: string }[];
  /** Whether what goes out belongs together and is counted by itself. */
  readonly opensScope: boolean;
  /** Whether edges leave the step and no condition was met. */
  readonly isStranded: boolean;
  readonly lines: readonly { readonly level: string; readonly message: string }[];
  readonly memo?: string | undefined;
  readonly beganAt: number;
}

export interface RunRow {
  readonly status: RunStatus;
  readonly cancelled: number;
  readonly started_at: number;
  readonly ends_by: number;
  readonly ended_at: number | null;
  readonly fault: string | null;
  readonly reply: string | null;
  readonly told: number;
  readonly wakes: number;
}

/** A message with which a run begins, and where. */
export interface Seed {
  readonly step: string;
  readonly body: string;
  /** Whether it belongs together with the others. */
  readonly scoped?: boolean;
}

/** What a run begins with. */
export interface Beginning {
  readonly facts: RunFacts;
  /** JSON: what the flow was when the run began. */
  readonly definition: string;
  readonly seeds: readonly Seed[];
  /** JSON of sealed values that its messages may hold; they came from another run. */
  readonly secrets?: string | undefined;
}

const ITEM = "id, step, parent, scope, place, input, gathers, state, attempts, rebounds, restarts, seq, memo";
const ROOT = 0;

// Written out once: the same text is prepared once.
const DUE = `SELECT ${ITEM} FROM items WHERE due_at <= ? ORDER BY due_at, id LIMIT ?`;
const ONE = `SELECT ${ITEM} FROM items WHERE id = ?`;
const TAKEN = "WHERE id = ? AND seq = ? AND due_at IS NOT NULL RETURNING id";
/** Lines of several tries follow each other. */
const LINES =
  "lines = CASE WHEN ?1 IS NULL THEN lines WHEN lines IS NULL THEN ?1 ELSE substr(lines, 1, length(lines) - 1) || ',' || substr(?1, 2) END";
const AGAIN = `UPDATE items SET ${LINES}, state = ?2, due_at = ?3, attempts = attempts + ?4, rebounds = ?5, began_at = ?6, ms = ?7, fault = ?8, memo = ?9, seq = ?10 ${TAKEN.replace("id = ?", "id = ?11").replace("seq = ?", "seq = ?12")}`;
const FINAL = `UPDATE items SET ${LINES}, state = ?2, due_at = NULL, attempts = attempts + 1, began_at = ?3, ms = ?4, outputs = ?5, fault = ?6, seq = ?7 ${TAKEN.replace("id = ?", "id = ?8").replace("seq = ?", "seq = ?9")}`;

export const hasJournal = ({ sql }: DurableObjectStorage): boolean =>
  sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'run'").toArray().length > 0;

/** The log of one run in its object's own database. Every method is one step from one whole state to the next. */
export class Journal {
  readonly #storage: DurableObjectStorage;
  readonly rows: Rows;
  readonly items: Items;
  #run: RunRow | undefined;
  #facts: RunFacts | undefined;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.rows = new Rows(storage.sql);
    this.rows.do(SCHEMA);
    this.items = new Items(this.rows);
  }

  /** Begins the run; false if it was begun already. */
  begin({ facts, definition, seeds, secrets = "{}" }: Beginning, times: { now: number; endsBy: number }): boolean {
    return this.atOnce(() => {
      this.anew();
      if (this.run() !== undefined) return false;
      this.items.begin();
      this.rows.do(
        "INSERT INTO run (only_one, facts, definition, secrets, status, started_at, ends_by) VALUES (1, ?, ?, ?, 'running', ?, ?)",
        JSON.stringify(facts),
        definition,
        secrets,
        times.now,
        times.endsBy,
      );
      const scoped = seeds.some((seed) => seed.scoped);
      this.rows.do(
        "INSERT INTO scopes (id, parent, place, open) VALUES (?, NULL, 0, ?)",
        ROOT,
        scoped ? 1 : seeds.length,
      );
      if (scoped) this.rows.do("INSERT INTO scopes (id, parent, place, open) VALUES (1, ?, 0, ?)", ROOT, seeds.length);
      for (const [place, seed] of seeds.entries()) {
        this.items.insert(
          { step: seed.step, parent: null, scope: scoped ? 1 : ROOT, place, input: this.items.keep(seed.body) },
          times.now,
        );
      }
      return true;
    });
  }

  /** Several steps as one. */
  atOnce<T>(steps: () => T): T {
    try {
      return this.#storage.transactionSync(steps);
    } catch (error) {
      this.anew();
      this.items.anew();
      throw error;
    }
  }

  /** The run as it stands; read again after each change. */
  run(): RunRow | undefined {
    this.#run ??= this.rows.first<RunRow>(
      "SELECT status, cancelled, started_at, ends_by, ended_at, fault, reply, told, wakes FROM run",
    );
    return this.#run;
  }

  /** What is remembered of the run may be old. */
  anew(): void {
    this.#run = undefined;
  }

  facts(): RunFacts {
    this.#facts ??= JSON.parse(this.rows.first<{ facts: string }>("SELECT facts FROM run")!.facts) as RunFacts;
    return this.#facts;
  }

  definition(): string {
    return this.rows.first<{ definition: string }>("SELECT definition FROM run")!.definition;
  }

  /** Items whose time has come, the oldest first. */
  due(now: number, most: number): Item[] {
    return this.rows.all<Item>(DUE, now, most);
  }

  item(id: number): Item | undefined {
    return this.rows.first<Item>(ONE, id);
  }

  nextDue(): number | null {
    return this.rows.first<{ at: number | null }>("SELECT min(due_at) AS at FROM items WHERE due_at IS NOT NULL")!.at;
  }

  /** The run that an item called has ended, perhaps before the call was written down. False if nobody waits for it. */
  wake(id: number, run: string, ended: RunEnd, now: number): boolean {
    const text =
      "UPDATE items SET state = 'waiting', memo = ?, due_at = ?, seq = ? WHERE id = ? AND state IN ('due', 'waiting') RETURNING id";
    return this.rows.first(text, JSON.stringify({ run, ended }), now, this.items.nextSeq(), id) !== undefined;
  }

  /** Writes down what a try came to, unless the item was changed meanwhile. */
  settle(item: Item, settled: Settled, work: Work, now: number): void {
    this.atOnce(() => {
      const told = { lines: linesIn(work, now), fault: faultIn(settled), ms: Math.max(0, now - work.beganAt) };
      if (settled.state === "due" || settled.state === "waiting") this.#putOff(item, settled, work, told);
      else this.#finish(item, settled, work, told, now);
    });
  }

  #putOff(item: Item, settled: Settled & { state: "due" | "waiting" }, work: Work, { lines, fault, ms }: Told): void {
    const rebounds = settled.state === "due" ? settled.rebounds : undefined;
    this.rows.first(
      AGAIN,
      lines,
      settled.state,
      settled.dueAt,
      settled.state === "due" && rebounds === undefined ? 1 : 0,
      rebounds ?? item.rebounds,
      work.beganAt,
      ms,
      fault,
      work.memo ?? item.memo,
      this.items.nextSeq(),
      item.id,
      item.seq,
    );
  }

  #finish(item: Item, settled: Finished, work: Work, { lines, fault, ms }: Told, now: number): void {
    const outputs = work.outputs.map((body) => (body === null ? item.input : this.items.nextMessage()));
    const taken = this.rows.first(
      FINAL,
      lines,
      stateAfter(settled, work),
      work.beganAt,
      ms,
      outputs.length === 0 ? null : JSON.stringify(outputs),
      fault,
      this.items.nextSeq(),
      item.id,
      item.seq,
    );
    if (taken === undefined) return;
    for (const [index, body] of work.outputs.entries()) if (body !== null) this.items.keep(body, outputs[index]);
    if (settled.state === "gathered") this.items.index();
    const sends = settled.state === "done" || (settled.state === "failed" && settled.passesOn);
    const deliveries = sends ? work.deliveries : [];
    if (sends && deliveries.length === 0) this.rows.do("UPDATE run SET arrived = 1 WHERE arrived = 0");
    const opens = work.opensScope && deliveries.length > 0;
    const scope = opens ? this.items.openScope(item, deliveries.length) : item.scope;
    for (const [place, { step, output, body }] of deliveries.entries()) {
      const input = body === undefined ? (output < 0 ? item.input : outputs[output]!) : this.items.keep(body);
      this.items.insert({ step, parent: item.id, scope, place: opens ? place : item.place, input }, now);
    }
    const stays = opens ? 1 : deliveries.length;
    const failed = settled.state === "failed" && !settled.passesOn ? 1 : 0;
    this.items.leave(item.scope, stays - 1, failed, now);
  }

  /** Ends all that is under way. */
  endAll(): void {
    this.rows.do(
      "UPDATE items SET state = 'cancelled', due_at = NULL, seq = ? WHERE due_at IS NOT NULL",
      this.items.nextSeq(),
    );
  }

  end(status: RunStatus, fault: RunFault | undefined, now: number): void {
    const told = fault === undefined ? null : JSON.stringify(fault);
    this.rows.do("UPDATE run SET status = ?, ended_at = ?, fault = ?, told = 0, wakes = 0", status, now, told);
    this.anew();
  }

  set(column: "cancelled" | "told" | "wakes" | "ends_by", value: number): void {
    this.rows.do(`UPDATE run SET ${column} = ?`, value);
    this.anew();
  }

  /** The first reply counts. */
  reply(reply: Reply): void {
    this.rows.do("UPDATE run SET reply = ? WHERE reply IS NULL", JSON.stringify(reply));
    this.anew();
  }
}

interface Told {
  readonly lines: string | null;
  readonly fault: string | null;
  readonly ms: number;
}
type Finished = Exclude<Settled, { state: "due" | "waiting" }>;

const linesIn = ({ lines }: Work, at: number): string | null =>
  lines.length === 0 ? null : JSON.stringify(lines.map((line) => ({ at, ...line })));

const faultIn = (settled: Settled): string | null =>
  "fault" in settled && settled.fault !== undefined
    ? JSON.stringify({ code: settled.fault.code, message: settled.fault.message })
    : null;

function stateAfter(settled: Finished, { isStranded }: Work): string {
  if (settled.state === "failed" && settled.passesOn) return "excused";
  return settled.state === "done" && isStranded ? "no_route" : settled.state;
}
