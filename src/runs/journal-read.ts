import { bytesOf } from "../messages/model.ts";
import type { Item, Seed } from "./journal.ts";
import { limits, type Message, type Reply, type RunFault } from "./model.ts";
import type { Rows } from "./rows.ts";

/** The message that came in; an item that puts others together has none. */
export function messageOf(rows: Rows, item: Item): Message {
  if (item.gathers !== null) return { data: [] };
  const { body } = rows.first<{ body: string }>("SELECT body FROM messages WHERE id = ?", item.input)!;
  return JSON.parse(body) as Message;
}

/** The payloads that an item puts together, in the order in which they were made, and how many failed on their way. */
export function gatheredOf(rows: Rows, item: Item): { data: unknown[]; failed: number } | "tooLarge" | undefined {
  if (item.gathers === null) return undefined;
  const which =
    "FROM items JOIN messages ON messages.id = items.input WHERE scope = ? AND step = ? AND gathered_by = ? AND state = 'gathered'";
  const values = [item.gathers, item.step, item.id];
  const { bytes } = rows.first<{ bytes: number }>(
    `SELECT coalesce(sum(octet_length(body)), 0) AS bytes ${which}`,
    ...values,
  )!;
  if (bytes > limits.messagesBytes) return "tooLarge";
  const found = rows.all<{ body: string }>(`SELECT body ${which} ORDER BY place, items.id`, ...values);
  const { failed } = rows.first<{ failed: number }>("SELECT failed FROM scopes WHERE id = ?", item.gathers)!;
  return { data: found.map(({ body }) => (JSON.parse(body) as Message).data), failed };
}

/** How often the way of a message led through its step before, counted up to a number. */
export const returnsOf = (rows: Rows, item: Item, most: number): number =>
  rows.first<{ returns: number }>(
    `WITH RECURSIVE way (id, parent, step) AS (
       SELECT id, parent, step FROM items WHERE id = ?1
       UNION ALL SELECT items.id, items.parent, items.step FROM way JOIN items ON items.id = way.parent LIMIT 100000)
     SELECT count(*) AS returns FROM (SELECT 1 FROM way WHERE step = ?2 AND id <> ?1 LIMIT ?3)`,
    item.id,
    item.step,
    most,
  )!.returns;

/** Bytes of messages that a run may begin with. */
export const MOST_SEEDED = 8 * 1024 * 1024;

/** The messages that came to a step, or those with which the run began; up to the one with which they are too much. */
export function seedsAt(rows: Rows, step: string | undefined): Seed[] {
  const which = step === undefined ? "parent IS NULL AND gathers IS NULL" : "step = ? AND gathers IS NULL";
  const found = rows.all<{ step: string; scope: number; body: string }>(
    `SELECT step, scope, body FROM (SELECT step, scope, body, sum(octet_length(body)) OVER (ORDER BY items.id) AS bytes FROM items JOIN messages ON messages.id = items.input WHERE ${which} ORDER BY items.id) WHERE bytes - octet_length(body) <= ?`,
    ...(step === undefined ? [] : [step]),
    MOST_SEEDED,
  );
  const scoped = found.some(({ scope }) => scope !== 0);
  return found.map(({ step: at, body }) => ({ step: at, body, scoped }));
}

export const isTooMuch = (seeds: readonly Seed[]): boolean =>
  seeds.reduce((sum, { body }) => sum + bytesOf(body), 0) > MOST_SEEDED;

/** The sealed values of secrets that the run's messages may hold, as JSON. */
export const sealedIn = (rows: Rows): string => rows.first<{ secrets: string }>("SELECT secrets FROM run")!.secrets;

/** What the run ended with: the body of its reply, else the payload that a step made last. */
export function resultOf(rows: Rows): unknown {
  const reply = rows.first<{ reply: string | null }>("SELECT reply FROM run")?.reply;
  if (reply !== undefined && reply !== null) return bodyOf(JSON.parse(reply) as Reply);
  const last = rows.first<{ outputs: string }>(
    "SELECT outputs FROM items WHERE state = 'done' AND outputs IS NOT NULL ORDER BY id DESC LIMIT 1",
  );
  const message = last && (JSON.parse(last.outputs) as number[]).at(-1);
  if (message === undefined) return undefined;
  const { body } = rows.first<{ body: string }>("SELECT body FROM messages WHERE id = ?", message)!;
  return (JSON.parse(body) as { data: unknown }).data;
}

function bodyOf({ headers, body }: Reply): unknown {
  if (headers["content-type"] !== "application/json") return body;
  try {
    return JSON.parse(body) as unknown;
  } catch {
    // What a flow says of its reply need not be so.
    return body;
  }
}

const OUTCOME = `SELECT run.arrived, EXISTS (SELECT 1 FROM items WHERE state = 'filtered') AS filtered, failed.step, failed.fault
  FROM run LEFT JOIN (SELECT step, fault FROM items WHERE state = 'failed' ORDER BY id LIMIT 1) AS failed`;

/** What the messages of the run came to, for its end. */
export function outcomeOf(rows: Rows): {
  failed: boolean;
  filtered: boolean;
  arrived: boolean;
  fault: RunFault | undefined;
} {
  const { arrived, filtered, step, fault } = rows.first<{
    arrived: number;
    filtered: number;
    step: string | null;
    fault: string | null;
  }>(OUTCOME)!;
  return {
    failed: step !== null,
    filtered: filtered === 1,
    arrived: arrived === 1,
    fault: step === null || fault === null ? undefined : { ...(JSON.parse(fault) as RunFault), step },
  };
}
