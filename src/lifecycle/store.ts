import { inStorage, type Database } from "../db/client.ts";
import { type FlowRow } from "../flows/store.ts";
import { forget, insertIfChanged, pendingOf, type OutboxRow } from "../messages/outbox.ts";
import { queueOfCommand, type Envelope } from "../messages/model.ts";

export type LifecycleChange = Pick<
  FlowRow,
  | "status"
  | "statusSeq"
  | "startId"
  | "startedBy"
  | "startedIn"
  | "startedAt"
  | "lastError"
  | "deadlineAt"
  | "tries"
  | "updatedAt"
>;

const MOVE = `UPDATE flows SET status = ?6, status_seq = CAST(?7 AS INTEGER), start_id = ?8, started_by = ?9, started_at = CAST(?10 AS INTEGER),
    last_error = ?11, deadline_at = CAST(?12 AS INTEGER), tries = CAST(?13 AS INTEGER), updated_at = CAST(?14 AS INTEGER), started_in = ?15
  WHERE id = ?1 AND status = ?2 AND status_seq = ?3 AND tries = ?4 AND revision = ?5 RETURNING id`;

/** What is committed with a transition: statements before it, and statements right after it and its message. */
export type Beside = readonly [before: D1PreparedStatement[], after: D1PreparedStatement[]];

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
  [before, after]: Beside = [[], []],
): Promise<boolean> {
  const { id, status, statusSeq, tries, revision } = row;
  const { startId, startedBy, startedAt, lastError, deadlineAt } = change;
  const changed = [
    startId,
    startedBy,
    startedAt,
    lastError,
    deadlineAt,
    change.tries,
    change.updatedAt,
    change.startedIn,
  ];
  const move = db.sql(MOVE, id, status, statusSeq, tries, revision, change.status, change.statusSeq, ...changed);
  const message =
    command && insertIfChanged(db, { flowId: id, queue: queueOfCommand(command), envelope: command }, now);
  const statements = [...before, move, ...(message === undefined ? [] : [message]), ...after];
  const results = await inStorage(() => db.batch(statements));
  return results[before.length]!.results.length > 0;
}

/** What the courier of a flow has to see to: messages to hand over, and the present deadline. */
export async function dutiesOf(db: Database, flowId: string, most: number) {
  const deadline = db.sql("SELECT deadline_at FROM flows WHERE id = ?", flowId);
  const [messages, [row]] = await inStorage(async () => {
    const [pending, due] = await db.batch([pendingOf(db, flowId, most), deadline]);
    return [pending!.results as OutboxRow[], due!.results as { deadline_at: number | null }[]] as const;
  });
  return { messages, deadlineAt: row?.deadline_at ?? null };
}

/** Forgets a message that its queue has taken. */
export async function forgetMessage(db: Database, message: OutboxRow): Promise<void> {
  await inStorage(() => forget(db, message).run());
}

const OVERDUE = `SELECT id FROM flows INDEXED BY flows_updated WHERE status IN ('starting', 'stopping') AND deadline_at < ? ORDER BY deadline_at LIMIT ?`;

/** Flows whose deadline passed before `since` without their object seeing to it. */
export async function overdueFlows(db: Database, since: number, most: number): Promise<string[]> {
  const { results } = await inStorage(() => db.sql(OVERDUE, since, most).all<{ id: string }>());
  return results.map((row) => row.id);
}

export type { OutboxRow };
