import { inStorage, type Database } from "../db/client.ts";
import { runStatuses, type RunFacts, type RunFault, type RunStatus } from "./model.ts";

/** A run as lists show it. The whole of it is in its object. */
export interface RunEntry {
  readonly flowId: string;
  readonly status: RunStatus;
  readonly id: string;
  readonly trigger: RunFacts["trigger"];
  readonly revision: number;
  readonly requestId: string;
  readonly replayOf: string | null;
  readonly startedAt: number;
  readonly endedAt: number | null;
  /** JSON. */
  readonly fault: string | null;
}

const statusList = runStatuses.map((name) => `'${name}'`).join(", ");

const INSERT = `INSERT INTO runs (flow_id, status, id, trigger, revision, request_id, replay_of, started_at, ended_at, fault)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING`;

const insert = (db: Database, facts: RunFacts, entry: Pick<RunEntry, "status" | "startedAt" | "endedAt" | "fault">) => {
  const { flowId, id, trigger, revision, requestId, replayOf } = facts;
  const { status, startedAt, endedAt, fault } = entry;
  return db.sql(INSERT, flowId, status, id, trigger, revision, requestId, replayOf ?? null, startedAt, endedAt, fault);
};

/** One row written when a run begins … */
export async function enterRun(db: Database, facts: RunFacts, startedAt: number): Promise<void> {
  const entry = { status: "running", startedAt, endedAt: null, fault: null } as const;
  await inStorage(() => insert(db, facts, entry).run());
}

/** … and one when it ends, or goes on after an end. */
export async function moveRun(
  db: Database,
  facts: RunFacts,
  from: RunStatus,
  to: { status: RunStatus; startedAt: number; endedAt: number | null; fault: RunFault | null },
): Promise<void> {
  const fault = to.fault === null ? null : JSON.stringify(to.fault);
  const moved = await inStorage(() =>
    db
      .sql(
        "UPDATE runs SET status = ?1, ended_at = ?2, fault = ?3 WHERE flow_id = ?4 AND status = ?5 AND id = ?6",
        to.status,
        to.endedAt,
        fault,
        facts.flowId,
        from,
        facts.id,
      )
      .run(),
  );
  // It was moved by an earlier try, or its beginning was never entered.
  if (moved.meta.changes === 0) await putRun(db, facts, { ...to, fault });
}

/** Enters a run that goes on, if it is not entered as going on; writes nothing if it is. */
export const ensureRun = (db: Database, facts: RunFacts, startedAt: number): Promise<void> =>
  putRun(db, facts, { status: "running", startedAt, endedAt: null, fault: null });

async function putRun(
  db: Database,
  facts: RunFacts,
  to: Pick<RunEntry, "status" | "startedAt" | "endedAt" | "fault">,
): Promise<void> {
  const others = `DELETE FROM runs WHERE flow_id = ?1 AND id = ?2 AND status IN (${statusList}) AND status <> ?3`;
  await inStorage(() => db.batch([db.sql(others, facts.flowId, facts.id, to.status), insert(db, facts, to)]));
}

/** Notes that a run is repeated by another, so that it is not repeated with all that failed. */
export async function noteReplay(db: Database, flowId: string, id: string, by: string): Promise<void> {
  const text = "UPDATE runs SET replayed_by = ?1 WHERE flow_id = ?2 AND status = ?3 AND id = ?4";
  await inStorage(() => db.batch(["failed", "cancelled"].map((status) => db.sql(text, by, flowId, status, id))));
}

/** Runs that one look for failed ones reads, repeated or not. */
const MOST_READ = 500;

const FAILED = `SELECT id, replayed_by AS "by", replayed_by IS NOT NULL AND EXISTS (SELECT 1 FROM runs AS later
    WHERE later.flow_id = ?1 AND later.status IN (${statusList}) AND later.id = runs.replayed_by) AS "isRepeated"
  FROM runs WHERE flow_id = ?1 AND status = 'failed' AND id > ?2 ORDER BY id LIMIT ?3`;

interface Failed {
  readonly id: string;
  /** Run that was noted as its repetition; it may never have begun. */
  readonly by: string | null;
}

/**
 * Runs that failed and were not repeated, the oldest first. However many were repeated, one look has an end: `next` is
 * the run behind which another one goes on, even if this one found nothing; null if there is nothing behind.
 */
export async function failedRuns(
  db: Database,
  flowId: string,
  after: string,
  most: number,
): Promise<{ found: readonly Failed[]; next: string | null }> {
  const { results } = await inStorage(() =>
    db.sql(FAILED, flowId, after, MOST_READ + 1).all<Failed & { isRepeated: number }>(),
  );
  const read = results.slice(0, MOST_READ);
  const open = read.filter(({ isRepeated }) => isRepeated === 0);
  const found = open.slice(0, most);
  if (open.length > most) return { found, next: found.at(-1)!.id };
  return { found, next: results.length > MOST_READ ? read.at(-1)!.id : null };
}

export async function strikeRun(db: Database, { flowId, id }: RunFacts, status: RunStatus): Promise<void> {
  await inStorage(() =>
    db.sql("DELETE FROM runs WHERE flow_id = ?1 AND status = ?2 AND id = ?3", flowId, status, id).run(),
  );
}
