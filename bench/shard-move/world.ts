import type { DatabaseSync } from "node:sqlite";

/** One round trip to a database, or a wait. Between two of them everybody else may go on. */
export interface Call {
  readonly db?: DatabaseSync;
  readonly run?: () => unknown;
  /** Told of what was committed, even if whoever asked has died meanwhile. */
  readonly committed?: ((value: unknown) => void) | undefined;
  readonly wait?: number;
}

export type Task<T = void> = Generator<Call, T, unknown>;

interface Running {
  readonly task: Task;
  readonly mortality: number;
  readonly died: () => void;
  call: Call;
  ready: number;
}

export function* ask<T>(db: DatabaseSync, run: () => T, committed?: (value: T) => void): Task<T> {
  return (yield { db, run, committed: committed as Call["committed"] }) as T;
}

export function* wait(steps: number): Task {
  yield { wait: steps };
}

/** Takes tasks forward in an order drawn by chance; kills some, and lets statements of the dead arrive late. */
export class World {
  now = 0;
  crashes = 0;
  lateStatements = 0;
  readonly errors: string[] = [];
  #seed: number;
  #running: Running[] = [];
  #late: Call[] = [];

  constructor(seed: number) {
    this.#seed = seed;
  }

  random(): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  below(n: number): number {
    return Math.floor(this.random() * n);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** Mortality is the chance of dying at each round trip. */
  spawn(task: Task, mortality = 0, died: () => void = () => undefined): void {
    const first = task.next();
    if (first.done !== true) this.#running.push({ task, mortality, died, call: first.value, ready: this.now });
  }

  get busy(): boolean {
    return this.#running.length > 0 || this.#late.length > 0;
  }

  step(): void {
    this.now += 1;
    if (this.#late.length > 0 && this.random() < 0.006) {
      this.lateStatements += 1;
      const [late] = this.#late.splice(this.below(this.#late.length), 1);
      if (late !== undefined) perform(late);
      return;
    }
    const ready = this.#running.filter((running) => running.ready <= this.now);
    if (ready.length === 0) return;
    const running = this.pick(ready);
    if (this.random() < running.mortality) return this.#kill(running);
    const { ok, value } = perform(running.call);
    const next = this.#advance(running, ok, value);
    if (next.done === true) {
      this.#running.splice(this.#running.indexOf(running), 1);
      return;
    }
    running.call = next.value;
    running.ready = this.now + (next.value.wait ?? 0);
  }

  /** An error that a task does not expect ends it; the run counts as bad. */
  #advance({ task, died }: Running, ok: boolean, value: unknown): IteratorResult<Call, void> {
    try {
      return ok ? task.next(value) : task.throw(value);
    } catch (error) {
      this.errors.push(String(error));
      died();
      return { done: true, value: undefined };
    }
  }

  /** Its statement was never sent, or is still under way, or was carried out and nobody hears the answer. */
  #kill(running: Running): void {
    this.crashes += 1;
    this.#running.splice(this.#running.indexOf(running), 1);
    const fate = this.below(3);
    if (fate === 1 && running.call.db !== undefined) this.#late.push(running.call);
    if (fate === 2) perform(running.call);
    running.died();
  }
}

/** One batch: all of it or nothing. */
function perform({ db, run, committed }: Call): { ok: boolean; value: unknown } {
  if (run === undefined) return { ok: true, value: undefined };
  try {
    db?.exec("BEGIN");
    const value = run();
    db?.exec("COMMIT");
    committed?.(value);
    return { ok: true, value };
  } catch (error) {
    db?.exec("ROLLBACK");
    return { ok: false, value: error };
  }
}
