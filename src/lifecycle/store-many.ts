import { inStorage } from "../db/client.ts";
import { portionsOf } from "../flows/write.ts";
import type { FlowRow } from "../flows/store.ts";
import type { Context } from "../identity/context.ts";
import { queueOfCommand, type Envelope } from "../messages/model.ts";
import type { LifecycleChange } from "./store.ts";
import type { Status } from "./transition.ts";

export interface Move {
  readonly row: FlowRow;
  readonly change: LifecycleChange;
  readonly command: Envelope | undefined;
}

const UNDISTURBED = `flows.id = value ->> '$.id' AND flows.status = value ->> '$.from' AND flows.status_seq = value ->> '$.fromSeq'
  AND flows.tries = value ->> '$.fromTries' AND flows.revision = value ->> '$.revision'`;
const TELL = `INSERT INTO outbox (flow_id, seq, queue, body, created_at)
  SELECT flows.id, max(CAST(?2 AS INTEGER), (SELECT coalesce(max(seq), 0) + 1 FROM outbox WHERE flow_id = flows.id)), value ->> '$.queue', value ->> '$.command', CAST(?2 AS INTEGER)
  FROM json_each(?1) CROSS JOIN flows INDEXED BY flows_id_unique WHERE ${UNDISTURBED} AND value ->> '$.command' IS NOT NULL`;
const REMEMBER = `INSERT INTO idempotency (key, fingerprint, answer, expires_at)
  SELECT ?2 || ':' || flows.id, ?3, value ->> '$.status', CAST(?4 AS INTEGER) FROM json_each(?1) CROSS JOIN flows INDEXED BY flows_id_unique WHERE ${UNDISTURBED}`;
const MOVE = `UPDATE flows INDEXED BY flows_id_unique SET status = value ->> '$.status', status_seq = value ->> '$.statusSeq', start_id = value ->> '$.startId',
    started_by = value ->> '$.startedBy', started_in = value ->> '$.startedIn', started_at = value ->> '$.startedAt', last_error = value ->> '$.lastError',
    deadline_at = value ->> '$.deadlineAt', tries = value ->> '$.tries', updated_at = value ->> '$.updatedAt'
  FROM json_each(?1) WHERE ${UNDISTURBED} RETURNING flows.id AS id`;

/** Writes transitions and their commands in one batch, as far as the rows are those that were decided on; returns the ids. */
export async function commitTransitions(ctx: Context, moves: readonly Move[]): Promise<Set<string>> {
  const { db, repeat } = ctx;
  const now = ctx.now();
  const entries = moves.map(({ row, change, command }) => ({
    id: row.id,
    from: row.status,
    fromSeq: row.statusSeq,
    fromTries: row.tries,
    revision: row.revision,
    ...change,
    command: command === undefined ? null : JSON.stringify(command),
    queue: command === undefined ? null : queueOfCommand(command),
  }));
  const statements = portionsOf(entries).flatMap((portion) => {
    const list = JSON.stringify(portion);
    const day = now + 24 * 60 * 60 * 1000;
    const remember = repeat === undefined ? [] : [db.sql(REMEMBER, list, repeat.key, repeat.fingerprint, day)];
    return [db.sql(TELL, list, now), ...remember, db.sql(MOVE, list)];
  });
  const done = await inStorage(() => db.batch<{ id: string }>(statements));
  return new Set(done.flatMap(({ results }) => results.map((row) => row.id)));
}

const DONE = "SELECT key, answer FROM idempotency WHERE key >= ?1 || ':' AND key < ?1 || ';'";

/** What a request under the same key has done to single flows before it broke off. */
export async function doneBefore({ db, repeat, resumed }: Context): Promise<Map<string, { status: Status }>> {
  if (repeat === undefined || !resumed) return new Map();
  const found = await inStorage(() => db.sql(DONE, repeat.key).all<{ key: string; answer: Status }>());
  return new Map(found.results.map(({ key, answer }) => [key.slice(repeat.key.length + 1), { status: answer }]));
}
