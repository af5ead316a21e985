import { sql } from "drizzle-orm";

import { inStorage, type Database } from "../db/client.ts";
import { outbox, type outboxQueues } from "../db/schema.ts";
import type { Envelope } from "./model.ts";

export interface OutboxMessage {
  readonly flowId: string;
  readonly queue: (typeof outboxQueues)[number];
  readonly envelope: Envelope;
}

export type OutboxRow = typeof outbox.$inferSelect;

const INSERT_IF_CHANGED = `INSERT INTO outbox (flow_id, seq, queue, body, created_at)
  SELECT ?1, max(CAST(?2 AS INTEGER), (SELECT coalesce(max(seq), 0) + 1 FROM outbox WHERE flow_id = ?1)), ?3, ?4, CAST(?2 AS INTEGER)
  WHERE changes() > 0`;

/** Statement for a message that exists only if the statement before it in the same batch changed a row. */
export const insertIfChanged = (db: Database, { flowId, queue, envelope }: OutboxMessage, now: number) =>
  db.sql(INSERT_IF_CHANGED, flowId, now, queue, JSON.stringify(envelope));

/** The messages of one flow that no queue has taken yet, oldest first. */
export const pendingOf = (db: Database, flowId: string, most: number) =>
  db.sql(
    `SELECT flow_id AS "flowId", seq, queue, body, created_at AS "createdAt" FROM outbox WHERE flow_id = ? ORDER BY seq LIMIT ?`,
    flowId,
    most,
  );

/** Forgets a message that its queue has taken. */
export const forget = (db: Database, { flowId, seq }: OutboxRow) =>
  db.sql("DELETE FROM outbox WHERE flow_id = ? AND seq = ?", flowId, seq);

/**
 * Flows whose messages have waited since before `since`: their courier must have been interrupted. Drawn by chance, so
 * that flows which cannot be helped do not stand before the others for ever.
 */
export async function waitingFlows(db: Database, since: number, most: number): Promise<string[]> {
  const waiting = db.sql(
    "SELECT flow_id FROM outbox WHERE created_at < ? GROUP BY flow_id ORDER BY random() LIMIT ?",
    since,
    most,
  );
  const { results } = await inStorage(() => waiting.all<{ flow_id: string }>());
  return results.map((row) => row.flow_id);
}

const MOST_COUNTED = 1000;

/** How much is waiting (counted up to a thousand) and since when (milliseconds since 1970; null if nothing is). */
export async function backlogOf(db: Database): Promise<{ pending: number; oldest: number | null }> {
  const some = db.orm.select({ createdAt: outbox.createdAt }).from(outbox).limit(MOST_COUNTED).as("some");
  const [row] = await inStorage(() =>
    db.orm.select({ pending: sql<number>`count(*)`, oldest: sql<number | null>`min(${some.createdAt})` }).from(some),
  );
  return { pending: row?.pending ?? 0, oldest: row?.oldest ?? null };
}
