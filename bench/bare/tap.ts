/** Writes down which statements go to D1, with what kinds of values and at what cost, one list per round trip. */
interface Sent {
  readonly sql: string;
  readonly values: readonly string[];
  rows?: string;
}

const trips: Sent[][] = [];
const sentBy = new WeakMap<object, Sent>();
const inner = new WeakMap<object, D1PreparedStatement>();
const known = new WeakMap<object, object>();
const direct = new Set(["all", "raw", "run", "first"]);

const kindOf = (value: unknown): string => (value === null || Number.isNaN(value) ? String(value) : typeof value);

function note(statements: readonly Sent[], results: readonly unknown[]): void {
  trips.push([...statements]);
  statements.forEach((statement, nth) => {
    const { meta } = (results[nth] ?? {}) as { meta?: D1Meta };
    if (meta !== undefined) statement.rows = `${meta.rows_read} read, ${meta.rows_written} written`;
  });
}

function tappedStatement(statement: D1PreparedStatement, sent: Sent): D1PreparedStatement {
  const tapped = new Proxy(statement, {
    get(target, name) {
      if (name === "bind") {
        return (...values: unknown[]) =>
          tappedStatement(target.bind(...values), { ...sent, values: values.map(kindOf) });
      }
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return async (...given: unknown[]) => {
        const result = (await value.apply(target, given)) as unknown;
        if (direct.has(String(name))) note([sent], [result]);
        return result;
      };
    },
  });
  sentBy.set(tapped, sent);
  inner.set(tapped, statement);
  return tapped;
}

function tappedDatabase<T extends object>(database: T): T {
  return new Proxy(database, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...given: unknown[]) => {
        if (name === "batch") return batch(target as D1Database, given[0] as D1PreparedStatement[]);
        const result = value.apply(target, given) as object;
        if (name === "withSession") return tappedDatabase(result);
        return name === "prepare"
          ? tappedStatement(result as D1PreparedStatement, { sql: String(given[0]), values: [] })
          : result;
      };
    },
  });
}

async function batch(database: D1Database, statements: D1PreparedStatement[]): Promise<D1Result[]> {
  const results = await database.batch(statements.map((statement) => inner.get(statement) ?? statement));
  note(
    statements.map((statement) => sentBy.get(statement)!),
    results,
  );
  return results;
}

function tappedEnv<T extends object>(env: T): T {
  const found = known.get(env);
  if (found) return found as T;
  const entries = Object.entries(env).map(([name, value]): [string, unknown] => {
    const isDatabase = typeof value === "object" && value !== null && "prepare" in value && "batch" in value;
    return [name, isDatabase ? tappedDatabase(value as object) : value];
  });
  const tapped = Object.fromEntries(entries) as T;
  known.set(env, tapped);
  return tapped;
}

/** The same Worker; `/__trips` answers and forgets what it sent. */
export const tappedWorker = <T extends object>(worker: ExportedHandler<T>): ExportedHandler<T> => ({
  fetch(request, env, ctx) {
    if (new URL(request.url).pathname === "/__trips") return Response.json(trips.splice(0));
    return worker.fetch!(request, tappedEnv(env), ctx);
  },
});

type ObjectClass = new (ctx: DurableObjectState, env: never) => object;

export const tappedObject = <T extends ObjectClass>(original: T): T =>
  // A mixin must take any arguments.
  // oxlint-disable-next-line typescript/no-explicit-any
  class extends (original as any) {
    constructor(ctx: DurableObjectState, env: object) {
      super(ctx, tappedEnv(env));
    }
  } as unknown as T;
