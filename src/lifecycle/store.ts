import { and, eq, sql } from "drizzle-orm";

import { inStorage, type Database } from "../db/client.ts";
import { flows, type outbox } from "../db/schema.ts";
import { type FlowRow } from "../flows/store.ts";
import { forget, insertIfChanged, pendingOf } from "../messages/outbox.ts";
import type { Envelope } from "../messages/model.ts";

export type LifecycleChange = Pick<
  FlowRow,
  "status" | "statusSeq" | "startId" | "startedBy" | "startedAt" | "lastError" | "deadlineAt" | "tries" | "updatedAt"
>;

/**
 * Writes a transition and its message in one batch, if the row is still the one that was decided on: same transition,
 * same number of tries, same document. Answers whether it was.
 */
export async function commitTransition(
  db: Database,
  row: FlowRow,
  change: LifecycleChange,
  command: Envelope | undefined,
  now: number,
): Promise<boolean> {
  const undisturbed = and(
    eq(flows.id, row.id),
    eq(flows.status, row.status),
    eq(flows.statusSeq, row.statusSeq),
    eq(flows.tries, row.tries),
    eq(flows.revision, row.revision),
  );
  const update = db.update(flows).set(change).where(undisturbed).returning({ id: flows.id });
  if (command === undefined) return (await inStorage(() => update)).length > 0;
  const message = insertIfChanged(db, { flowId: row.id, queue: "commands", envelope: command }, now);
  const [updated] = await inStorage(() => db.batch([update, message]));
  return updated.length > 0;
}

/** What the courier of a flow has to see to: messages to hand over, and the present deadline. */
export async function dutiesOf(db: Database, flowId: string, most: number) {
  const [messages, [row]] = await inStorage(() =>
    db.batch([
      pendingOf(db, flowId, most),
      db.select({ deadlineAt: flows.deadlineAt }).from(flows).where(eq(flows.id, flowId)),
    ]),
  );
  return { messages, deadlineAt: row?.deadlineAt ?? null };
}

/** Forgets a message that its queue has taken. */
export async function forgetMessage(db: Database, id: number): Promise<void> {
  await inStorage(() => forget(db, [id]));
}

/** Flows whose deadline passed before `since` without their object seeing to it. */
export async function overdueFlows(db: Database, since: number, most: number): Promise<string[]> {
  const rows = await inStorage(() =>
    db
      .select({ id: flows.id })
      .from(flows)
      .where(sql`deadline_at IS NOT NULL AND deadline_at < ${since}`)
      .orderBy(flows.deadlineAt)
      .limit(most),
  );
  return rows.map((row) => row.id);
}

export type OutboxRow = typeof outbox.$inferSelect;
