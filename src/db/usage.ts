/** What statements cost, by the counters of the database. */
export class Usage {
  read = 0;
  written = 0;
  trips = 0;

  count(results: readonly { meta: D1Meta }[]): void {
    this.trips += 1;
    for (const { meta } of results) this.add({ read: meta.rows_read, written: meta.rows_written, trips: 0 });
  }

  add(other: Counted): void {
    this.read += other.read;
    this.written += other.written;
    this.trips += other.trips;
  }

  /** As an entry of a `server-timing` header. */
  get entry(): string {
    return `d1;desc="rows_read=${this.read} rows_written=${this.written} trips=${this.trips}"`;
  }

  get counted(): Counted {
    return { read: this.read, written: this.written, trips: this.trips };
  }
}

export interface Counted {
  readonly read: number;
  readonly written: number;
  readonly trips: number;
}

/** A statement that has its cost counted. Only results that carry their cost are asked for. */
export class MeteredStatement {
  readonly #statement: D1PreparedStatement;
  readonly #usage: Usage;

  constructor(statement: D1PreparedStatement, usage: Usage) {
    this.#statement = statement;
    this.#usage = usage;
  }

  asStatement(): D1PreparedStatement {
    return this as unknown as D1PreparedStatement;
  }

  static inside(statement: D1PreparedStatement): D1PreparedStatement {
    return statement instanceof MeteredStatement ? statement.#statement : statement;
  }

  bind(...parameters: unknown[]): MeteredStatement {
    return new MeteredStatement(this.#statement.bind(...parameters), this.#usage);
  }

  async all<T>(): Promise<D1Result<T>> {
    const result = await this.#statement.all<T>();
    this.#usage.count([result]);
    return result;
  }

  run<T>(): Promise<D1Result<T>> {
    return this.all<T>();
  }

  async raw(): Promise<unknown[][]> {
    return (await this.all<object>()).results.map((row) => Object.values(row) as unknown[]);
  }

  async first<T>(): Promise<T | null> {
    return (await this.all<T>()).results[0] ?? null;
  }
}
