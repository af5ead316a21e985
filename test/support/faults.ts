import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";

import { expect } from "vitest";

import type { FlowObject } from "../../src/index.ts";
import { bringTo, flowOf, outboxOf, someone } from "./given.ts";

export const objectOf = (id: string) => env.FLOW_OBJECT.getByName(id);

/** Does something inside a flow's object. */
export const inside = <R>(id: string, act: (object: FlowObject, state: DurableObjectState) => R | Promise<R>) =>
  runInDurableObject(objectOf(id), act);

/** When the flow's object will wake by itself; null if never. */
export const alarmOf = (id: string): Promise<number | null> => inside(id, (_, state) => state.storage.getAlarm());

/** What a flow's object keeps on its disk. */
export const keptBy = (id: string): Promise<string[]> =>
  inside(id, async (_, state) => [...(await state.storage.list()).keys()]);

/** Rings the object's alarm now. Answers whether there was one. */
export const ring = (id: string): Promise<boolean> => runDurableObjectAlarm(objectOf(id));

/** Puts an alarm off, so that it rings only when the test rings it. */
const putOffAlarm = (id: string): Promise<void> =>
  inside(id, async (_, state) => {
    const present = await state.storage.getAlarm();
    if (present !== null) await state.storage.setAlarm(Math.max(present, Date.now() + 60_000));
  });

/** Takes the object out of memory. */
export async function evict(id: string): Promise<void> {
  await putOffAlarm(id);
  await evictDurableObject(objectOf(id));
}

/** Lets the present command count as unanswered. */
export async function letDeadlinePass(id: string): Promise<void> {
  await putOffAlarm(id);
  await bringTo(id, { deadline_at: Date.now() - 1000 });
}

export interface Batch {
  /** The statements of the batch. */
  readonly sql: readonly string[];
  /** Whether it commits a transition with its command. */
  readonly commits: boolean;
  readonly run: () => Promise<D1Result[]>;
}

/** The database, with every batch going through `around`. */
export const databaseWith = (around: (batch: Batch) => Promise<D1Result[]>, real: D1Database = env.DB): D1Database =>
  new Proxy(real, {
    get(target, key) {
      if (key === "withSession") return (from: string) => databaseWith(around, sessionOf(target, from));
      if (key === "batch") {
        return (statements: D1PreparedStatement[]) => {
          const sql = statements.map((statement) => (statement as unknown as { statement: string }).statement);
          const commits = sql.some((text) => /^insert into outbox/i.test(text));
          return around({ sql, commits, run: () => target.batch(statements) });
        };
      }
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? (value as () => unknown).bind(target) : value;
    },
  });

const sessionOf = (real: D1Database, from: string): D1Database => real.withSession(from) as unknown as D1Database;

const refuse = (): never => {
  throw new Error("D1_ERROR: the network connection was lost");
};

/** A database that does not answer at all. */
export const brokenDatabase = (): D1Database =>
  new Proxy(env.DB, {
    get: (_, key) => (key === "withSession" ? brokenDatabase : key === "getBookmark" ? () => null : refuse),
  });

/** Changes bindings of a flow's object until it is evicted or they are changed back. */
export const rebind = (id: string, changed: Record<string, unknown>): Promise<void> =>
  inside(id, (instance) => {
    const object = instance as unknown as { env: Record<string, unknown> };
    object.env = { ...object.env, ...changed };
  });

/** Whole rows of a flow: everything that a trace could be left in. */
export async function traceOf(id: string) {
  const [row, messages] = await Promise.all([
    env.DB.prepare("SELECT * FROM flows WHERE id = ?").bind(id).first(),
    env.DB.prepare("SELECT * FROM outbox WHERE flow_id = ?").bind(id).all(),
  ]);
  return { row, messages: messages.results, alarm: await alarmOf(id), kept: await keptBy(id) };
}

/** A database that refuses the statements that match. */
export const databaseRefusing = (statements: RegExp, real: D1Database = env.DB): D1Database =>
  new Proxy(real, {
    get(target, key) {
      if (key === "withSession") return (from: string) => databaseRefusing(statements, sessionOf(target, from));
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown =>
        key === "prepare" && statements.test(String(args[0])) ? refuse() : Reflect.apply(value, target, args);
    },
  });

/** Messages that were put aside, by what they hold. */
export async function keptLetters(queue: string): Promise<{ id: string; body: unknown; reason: string }[]> {
  const found = await env.DB.prepare("SELECT id, body, reason FROM dead_letters WHERE queue = ? ORDER BY id")
    .bind(queue)
    .all<{ id: string; body: string; reason: string }>();
  return found.results.map((letter) => ({ ...letter, body: JSON.parse(letter.body) as unknown }));
}

/** A flow and what its owner may do with it. */
export async function startable() {
  const caller = await someone();
  const id = await flowOf(caller);
  return {
    caller,
    id,
    start: () => caller.call("startFlow", { params: { id } }),
    stop: () => caller.call("stopFlow", { params: { id } }),
    edit: (name: string) => caller.call("updateFlow", { params: { id }, body: { name } }),
  };
}

/** Rings until every message is out, and checks before each ring that the object would have woken by itself. */
export async function ringUntilSent(id: string, most = 40): Promise<void> {
  for (let rings = 0; rings < most && (await outboxOf(id)).length > 0; rings += 1) {
    const willWake = async () => (await alarmOf(id)) !== null || (await outboxOf(id)).length === 0;
    await expect.poll(willWake).toBe(true);
    await ring(id);
  }
  expect(await outboxOf(id)).toEqual([]);
}
