import { and, asc, eq, gt } from "drizzle-orm";
import { z } from "zod";

import { inStorage, type Database } from "../db/client.ts";
import { deadLetters } from "../db/schema.ts";

export const DeadLetter = z
  .object({
    id: z.string().meta({ description: "Names the kept message.", example: "flow-reports-0192f0c1" }),
    queue: z.string().meta({ description: "The queue to which a replay sends it.", example: "flow-reports" }),
    reason: z.string().meta({ description: "Why it was not handled.", example: "payload.id: is not the id of a flow" }),
    body: z.unknown().meta({
      description: "The message as it came.",
      example: { headers: { name: "flow.started" }, payload: { id: "nobody" } },
    }),
    receivedAt: z.iso.datetime().meta({ description: "When it was kept.", example: "2026-11-22T04:30:00.000Z" }),
  })
  .meta({ id: "DeadLetter", description: "A message that could not be handled." });
export type DeadLetter = z.infer<typeof DeadLetter>;

export interface Unhandled {
  readonly messageId: string;
  readonly queue: string;
  readonly body: unknown;
  readonly reason: string;
}

/** Keeps a message; keeping the same one twice keeps it once. */
export async function keepDeadLetter(db: Database, letter: Unhandled, now: number): Promise<void> {
  const { messageId, queue, reason } = letter;
  const body = JSON.stringify(letter.body ?? null);
  const row = { id: `${queue}-${messageId}`, queue, body, reason: reason.slice(0, 1000), receivedAt: now };
  await inStorage(() => db.orm.insert(deadLetters).values(row).onConflictDoNothing());
}

/** One page in the order of their ids, after the given one. */
export async function listDeadLetters(db: Database, page: { after: string; size: number }): Promise<DeadLetter[]> {
  const rows = await inStorage(() =>
    db.orm
      .select()
      .from(deadLetters)
      .where(gt(deadLetters.id, page.after))
      .orderBy(asc(deadLetters.id))
      .limit(page.size),
  );
  return rows.map(shown);
}

export async function findDeadLetter(db: Database, id: string): Promise<DeadLetter | undefined> {
  const rows = await inStorage(() => db.orm.select().from(deadLetters).where(eq(deadLetters.id, id)).limit(1));
  return rows.map(shown)[0];
}

/** Removes one that was handed to its queue again, unless it was kept anew meanwhile. */
export async function dropDeadLetter(db: Database, letter: DeadLetter): Promise<void> {
  const same = and(eq(deadLetters.id, letter.id), eq(deadLetters.receivedAt, Date.parse(letter.receivedAt)));
  await inStorage(() => db.orm.delete(deadLetters).where(same));
}

const shown = (row: typeof deadLetters.$inferSelect): DeadLetter => ({
  id: row.id,
  queue: row.queue,
  reason: row.reason,
  body: JSON.parse(row.body) as unknown,
  receivedAt: new Date(row.receivedAt).toISOString(),
});
