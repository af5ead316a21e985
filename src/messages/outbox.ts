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

/** Flows whose messages have waited since before `since`: their courier must have been interrupted. */
export async function waitingFlows(db: Database, since: number, most: number): Promise<string[]> {
  const oldest = db
    .select({ flowId: outbox.flowId })
    .from(outbox)
    .where(lt(outbox.createdAt, since))
    .orderBy(asc(outbox.id))
    .limit(most);
  const rows = await inStorage(() => oldest);
  return [...new Set(rows.map((row) => row.flowId))];
}

/** How much is waiting and since when (milliseconds since 1970; null if nothing is). */
export async function backlogOf(db: Database): Promise<{ pending: number; oldest: number | null }> {
  const counted = db
    .select({ pending: sql<number>`count(*)`, oldest: sql<number | null>`min(created_at)` })
    .from(outbox);
  const [row] = await inStorage(() => counted);
  return row ?? { pending: 0, oldest: null };
}
