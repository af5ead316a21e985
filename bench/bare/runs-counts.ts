/** Counts what requests to Durable Objects there are, and what these do in their own databases. */
const counts = new Map<string, number>();
const known = new WeakMap<object, object>();
/** The statement that was sent last; its costs are known once its rows are read. */
let last: { text: string; cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] } | undefined;
/** The same for each text by itself. */
const statements = new Map<string, { times: number; read: number; written: number }>();

const add = (name: string, more = 1): void => void counts.set(name, (counts.get(name) ?? 0) + more);

/** An object whose methods are the original's, save the given ones. */
function overlaid<T extends object>(original: T, own: Readonly<Record<string, unknown>>): T {
  return new Proxy(original, {
    get(target, name) {
      if (typeof name === "string" && Object.hasOwn(own, name)) return own[name];
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? (value as () => unknown).bind(target) : value;
    },
  });
}

/** Of a stub every method is a request; what comes of it is told under the binding's name. */
const countedStub = (stub: object, binding: string): object =>
  new Proxy(stub, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function" || typeof name !== "string") return value;
      return (...given: unknown[]) => {
        add(`request ${binding}.${name}`);
        return (target as Record<string, (...values: unknown[]) => unknown>)[name]!(...given);
      };
    },
  });

type Namespace = DurableObjectNamespace<never>;

const countedNamespace = (namespace: Namespace, binding: string): Namespace =>
  overlaid(namespace, {
    get: (id: DurableObjectId) => countedStub(namespace.get(id), binding),
    getByName: (name: string) => countedStub(namespace.getByName(name), binding),
  });

const bucketCalls = ["head", "get", "put", "list", "delete", "createMultipartUpload"] as const;

const countedBucket = (bucket: R2Bucket): R2Bucket =>
  overlaid(
    bucket,
    Object.fromEntries(
      bucketCalls.map((name) => [
        name,
        (...given: unknown[]): unknown => {
          add(`r2 ${name}`);
          return (bucket[name] as (...values: unknown[]) => unknown).apply(bucket, given);
        },
      ]),
    ),
  );

function countedEnv<T extends object>(env: T): T {
  const found = known.get(env);
  if (found) return found as T;
  const entries = Object.entries(env).map(([name, value]): [string, unknown] => {
    if (typeof value !== "object" || value === null) return [name, value];
    if ("createMultipartUpload" in value) return [name, countedBucket(value as R2Bucket)];
    return [name, "idFromName" in value ? countedNamespace(value as Namespace, name) : value];
  });
  const counted = Object.fromEntries(entries) as T;
  known.set(env, counted);
  return counted;
}

function note(): void {
  if (last === undefined) return;
  const { text, cursors } = last;
  const read = cursors.reduce((sum, { rowsRead }) => sum + rowsRead, 0);
  const written = cursors.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0);
  add("object statements");
  add("object rows read", read);
  add("object rows written", written);
  const sum = statements.get(text) ?? { times: 0, read: 0, written: 0 };
  statements.set(text, { times: sum.times + 1, read: sum.read + read, written: sum.written + written });
  last = undefined;
}

function countedStorage(storage: DurableObjectStorage): DurableObjectStorage {
  const exec = (text: string, ...values: unknown[]) => {
    note();
    // Of several statements at once only the last one's rows would be told.
    const parts = text.split(/;\s*\n/).filter((part) => part.trim() !== "");
    last = { text, cursors: parts.map((part) => storage.sql.exec(part, ...values)) };
    return last.cursors.at(-1)!;
  };
  const counting = (name: "setAlarm" | "deleteAlarm" | "deleteAll" | "transactionSync" | "put" | "get") => {
    return (...given: never[]): unknown => {
      add(`object ${name}`);
      return (storage[name] as (...values: never[]) => unknown).apply(storage, given);
    };
  };
  const names = ["setAlarm", "deleteAlarm", "deleteAll", "transactionSync", "put", "get"] as const;
  const own = Object.fromEntries(names.map((name) => [name, counting(name)]));
  return overlaid(storage, { ...own, sql: overlaid(storage.sql, { exec }) });
}

/** The same Worker; `/__counts` answers and forgets what was counted. */
export const countedWorker = <T extends object>(worker: ExportedHandler<T>): ExportedHandler<T> => ({
  fetch(request, env, ctx) {
    if (new URL(request.url).pathname !== "/__counts") return worker.fetch!(request, countedEnv(env), ctx);
    note();
    const told = { counts: Object.fromEntries(counts), statements: Object.fromEntries(statements) };
    counts.clear();
    statements.clear();
    return Response.json(told);
  },
});

type ObjectClass = new (ctx: DurableObjectState, env: never) => object;

export const countedObject = <T extends ObjectClass>(name: string, original: T): T =>
  // A mixin must take any arguments.
  // oxlint-disable-next-line typescript/no-explicit-any
  class extends (original as any) {
    constructor(ctx: DurableObjectState, env: object) {
      super(ctx, countedEnv(env));
      const storage = countedStorage(ctx.storage);
      Object.defineProperty(this, "ctx", { value: overlaid(ctx, { storage }) });
    }

    alarm(...given: unknown[]): unknown {
      add(`request ${name}.alarm`);
      return super.alarm(...given);
    }
  } as unknown as T;
