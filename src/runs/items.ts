import { GATHERING } from "./journal-schema.ts";
import type { Item } from "./journal.ts";
import type { Rows } from "./rows.ts";

interface NewItem {
  readonly step: string;
  readonly parent: number | null;
  readonly scope: number;
  readonly place: number;
  readonly input: number;
  readonly gathers?: number;
}

/** Messages at steps, and the scopes that count what belongs together. */
export class Items {
  readonly #rows: Rows;
  #seq: number | undefined;
  #count: number | undefined;
  #message: number | undefined;
  #isIndexed = false;
  /** Steps in the order in which messages come to them: of several that gather, the first is served first. */
  rankOf: (step: string) => number = () => 0;

  constructor(rows: Rows) {
    this.#rows = rows;
  }

  /** What was counted may not have been kept. */
  anew(): void {
    this.#seq = undefined;
    this.#count = undefined;
    this.#message = undefined;
    this.#isIndexed = false;
  }

  /** There are none yet. */
  begin(): void {
    this.#seq = 0;
    this.#count = 0;
    this.#message = 0;
  }

  count(): number {
    this.#count ??= this.#rows.first<{ count: number }>("SELECT count(*) AS count FROM items")!.count;
    return this.#count;
  }

  /** Numbers the changes of items, so that a watcher can go on where it was. */
  nextSeq(): number {
    this.#seq ??= this.#rows.first<{ seq: number }>("SELECT coalesce(max(seq), 0) AS seq FROM items")!.seq;
    this.#seq += 1;
    return this.#seq;
  }

  nextMessage(): number {
    this.#message ??= this.#rows.first<{ id: number }>("SELECT coalesce(max(id), 0) AS id FROM messages")!.id;
    this.#message += 1;
    return this.#message;
  }

  keep(body: string, id = this.nextMessage()): number {
    this.#rows.do("INSERT INTO messages (id, body) VALUES (?, ?)", id, body);
    return id;
  }

  /** Makes the indexes that a run needs in which messages are put together. */
  index(): void {
    if (!this.#isIndexed) this.#rows.do(GATHERING);
    this.#isIndexed = true;
  }

  insert({ step, parent, scope, place, input, gathers }: NewItem, now: number): number {
    const { id } = this.#rows.first<{ id: number }>(
      "INSERT INTO items (step, parent, scope, place, input, gathers, state, due_at, seq) VALUES (?, ?, ?, ?, ?, ?, 'due', ?, ?) RETURNING id",
      step,
      parent,
      scope,
      place,
      input,
      gathers ?? null,
      now,
      this.nextSeq(),
    )!;
    if (this.#count !== undefined) this.#count += 1;
    return id;
  }

  openScope({ scope, place }: Item, open: number): number {
    this.index();
    const text = "INSERT INTO scopes (parent, place, open) VALUES (?, ?, ?) RETURNING id";
    return this.#rows.first<{ id: number }>(text, scope, place, open)!.id;
  }

  /** Changes how much is under way in a scope, and closes scopes in which nothing is. */
  leave(scope: number, more: number, failed: number, now: number): void {
    if (more === 0 && failed === 0) return;
    const found = this.#rows.first<{ open: number; failed: number; parent: number | null; place: number }>(
      "UPDATE scopes SET open = open + ?, failed = failed + ? WHERE id = ? RETURNING open, failed, parent, place",
      more,
      failed,
      scope,
    )!;
    if (found.open > 0) return;
    const steps = this.#rows
      .all<{ step: string }>(
        "SELECT DISTINCT step FROM items WHERE scope = ? AND state = 'gathered' AND gathered_by IS NULL",
        scope,
      )
      .map(({ step }) => step)
      .toSorted((one, other) => this.rankOf(one) - this.rankOf(other));
    if (found.parent === null) {
      // What the first puts together may still come to the next.
      if (steps.length === 0) return;
      this.#gather(scope, steps[0]!, scope, found.place, now);
      this.#rows.do("UPDATE scopes SET open = open + 1 WHERE id = ?", scope);
      return;
    }
    for (const step of steps) this.#gather(scope, step, found.parent, found.place, now);
    // Where nothing ever put the scope together, what failed in it is missing in the scope around it.
    const isMissing = steps.length === 0 && found.failed > 0 && !this.isGathered(scope);
    this.leave(found.parent, steps.length - 1, isMissing ? found.failed : 0, now);
  }

  /** Whether the members of a scope were put together before. */
  isGathered(scope: number): boolean {
    return this.#rows.first("SELECT 1 FROM items WHERE gathers = ? LIMIT 1", scope) !== undefined;
  }

  #gather(scope: number, step: string, into: number, place: number, now: number): void {
    // The way of the list goes on from its first message, so that a loop through here is seen.
    const first =
      "SELECT min(id) AS id FROM items WHERE scope = ? AND step = ? AND state = 'gathered' AND gathered_by IS NULL";
    const parent = this.#rows.first<{ id: number }>(first, scope, step)!.id;
    const id = this.insert({ step, parent, scope: into, place, input: 0, gathers: scope }, now);
    this.#rows.do(
      "UPDATE items SET gathered_by = ? WHERE scope = ? AND step = ? AND state = 'gathered' AND gathered_by IS NULL",
      id,
      scope,
      step,
    );
  }
}
