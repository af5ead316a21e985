import { env } from "cloudflare:workers";

import type { Caller } from "./api.ts";
import { databaseWith } from "./faults.ts";
import { exampleFlow } from "./given.ts";

/** Takes the wake-ups that requests send, as a queue does, but delivers none of them. */
export function recordChores() {
  const bodies: unknown[] = [];
  const sendBatch = (messages: Iterable<{ body: unknown }>) => {
    for (const { body } of messages) bodies.push(body);
    return Promise.resolve();
  };
  return { bodies, env: { FLOW_CHORES: { sendBatch } } };
}

/** A queue that loses every wake-up. */
export const noChores = { FLOW_CHORES: { sendBatch: () => Promise.reject(new Error("The queue is down.")) } };

/** What a request leaves in the outbox stays there. */
export const noCourier = { ...noChores, FLOW_OBJECT: { getByName: () => ({ relay: () => Promise.resolve() }) } };

/** Stores flows of the caller at once; nothing of it waits in the outbox. */
export async function flowsOf(
  caller: Caller,
  count: number,
  changed: (at: number) => Record<string, unknown> = () => ({}),
): Promise<string[]> {
  const body = Array.from({ length: count }, (_, at) => ({ ...exampleFlow(), ...changed(at) }));
  const answer = await caller.call("addFlow", { body, env: noCourier });
  if (answer.status !== 201) throw new Error(`The flows were refused: ${JSON.stringify(answer.body)}`);
  const ids = (answer.body.data as { id: string }[]).map(({ id }) => id);
  await env.DB.prepare("DELETE FROM outbox WHERE flow_id IN (SELECT value FROM json_each(?))")
    .bind(JSON.stringify(ids))
    .run();
  return ids;
}

/** How many of the flows have which status. */
export async function statusesOf(ids: readonly string[]): Promise<Record<string, number>> {
  const found = await env.DB.prepare(
    "SELECT status, count(*) AS n FROM flows WHERE id IN (SELECT value FROM json_each(?)) GROUP BY status",
  )
    .bind(JSON.stringify(ids))
    .all<{ status: string; n: number }>();
  return Object.fromEntries(found.results.map(({ status, n }) => [status, n]));
}

export interface Waiting {
  readonly flow_id: string;
  readonly queue: string;
  readonly body: { headers: { name: string } & Record<string, unknown>; payload: Record<string, unknown> };
}

/** Messages of the flows that no queue has taken yet, those of one flow in their order. */
export async function waitingOf(ids: readonly string[]): Promise<Waiting[]> {
  const found = await env.DB.prepare(
    "SELECT flow_id, queue, body FROM outbox WHERE flow_id IN (SELECT value FROM json_each(?)) ORDER BY flow_id, seq",
  )
    .bind(JSON.stringify(ids))
    .all<{ flow_id: string; queue: string; body: string }>();
  return found.results.map((row) => ({ ...row, body: JSON.parse(row.body) as Waiting["body"] }));
}

const lost = () => new Error("D1_ERROR: the connection was lost");

/** A database whose commits happen, but whose answers to them are lost. */
export const databaseLosingAnswers = (): D1Database =>
  databaseWith(async ({ commits, run }) => {
    const done = await run();
    if (commits) throw lost();
    return done;
  });

/** A database that is gone for good once so many batches with messages were committed. */
export function databaseGoneAfter(commits: number): D1Database {
  let left = commits;
  const counting = databaseWith(async (batch) => {
    if (left === 0) throw lost();
    const done = await batch.run();
    if (batch.commits) left -= 1;
    return done;
  });
  const closing = (real: D1Database): D1Database =>
    new Proxy(real, {
      get(target, key) {
        if (key === "withSession") return (from: string) => closing(target.withSession(from) as unknown as D1Database);
        if (key === "prepare" && left === 0) throw lost();
        return Reflect.get(target, key) as unknown;
      },
    });
  return closing(counting);
}

/** What a request cost the database, as its answer tells. */
export function costOf(headers: Headers): { read: number; written: number; trips: number } {
  const told = /^d1;desc="rows_read=(\d+) rows_written=(\d+) trips=(\d+)"$/.exec(headers.get("server-timing") ?? "");
  const [read, written, trips] = (told ?? []).slice(1).map(Number);
  if (trips === undefined) throw new Error("The answer does not tell its cost.");
  return { read: read!, written: written!, trips };
}
