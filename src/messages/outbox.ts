import { asc, eq, inArray, lt, sql } from "drizzle-orm";

import { inStorage, type Database } from "../db/client.ts";
import { outbox, type outboxQueues } from "../db/schema.ts";
import type { Envelope } from "./model.ts";

export interface OutboxMessage {
  readonly flowId: string;
  readonly queue: (typeof outboxQueues)[number];
  readonly envelope: Envelope;
}

/** Statement for a message that exists only if the statement before it in the same batch changed a row. */
export function insertIfChanged(db: Database, message: OutboxMessage, now: number) {
  const body = JSON.stringify(message.envelope);
  return db
    .insert(outbox)
    .select(
      sql`SELECT NULL, ${message.flowId}, ${message.queue}, ${body}, CAST(${now} AS INTEGER) WHERE changes() > 0`,
    );
}

/** The messages of one flow that no queue has taken yet, oldest first. */
export const pendingOf = (db: Database, flowId: string, most: number) =>
  db.select().from(outbox).where(eq(outbox.flowId, flowId)).orderBy(asc(outbox.id)).limit(most);

export const forget = (db: Database, ids: number[]) => db.delete(outbox).where(inArray(outbox.id, ids));

/**
 * Flows whose messages have waited since before `since`: their courier must have been interrupted. Drawn by chance, so
 * that flows which cannot be helped do not stand before the others for ever.
 */
export async function waitingFlows(db: Database, since: number, most: number): Promise<string[]> {
  const oldest = db
    .select({ flowId: outbox.flowId })
    .from(outbox)
    .where(lt(outbox.createdAt, since))
    .groupBy(outbox.flowId)
    .orderBy(sql`random()`)
    .limit(most);
  const rows = await inStorage(() => oldest);
  return rows.map((row) => row.flowId);
}

const MOST_COUNTED = 1000;

/** How much is waiting (counted up to a thousand) and since when (milliseconds since 1970; null if nothing is). */
export async function backlogOf(db: Database): Promise<{ pending: number; oldest: number | null }> {
  const rows = await inStorage(() =>
    db.select({ createdAt: outbox.createdAt }).from(outbox).orderBy(asc(outbox.id)).limit(MOST_COUNTED),
  );
  const times = rows.map((row) => row.createdAt);
  return { pending: rows.length, oldest: times.length === 0 ? null : Math.min(...times) };
}
