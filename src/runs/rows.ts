/** Statements on the database of one object. */
export class Rows {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says what the columns are
  first<T extends object>(text: string, ...values: SqlStorageValue[]): T | undefined {
    return this.all<T>(text, ...values)[0];
  }

  all<T extends object>(text: string, ...values: SqlStorageValue[]): T[] {
    return this.#sql.exec(text, ...values).toArray() as unknown as T[];
  }

  do(text: string, ...values: SqlStorageValue[]): void {
    this.#sql.exec(text, ...values);
  }
}
