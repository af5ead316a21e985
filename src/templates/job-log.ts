import type { Entry, Job, JobFacts, JobPage, JobState, JobView, Outcome, Verdict } from "./job-model.ts";
import { isFault } from "./verdicts.ts";

const SCHEMA = `
CREATE TABLE IF NOT EXISTS job (
  only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
  facts TEXT NOT NULL,
  state TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  renewed_at INTEGER NOT NULL,
  ended_at INTEGER,
  reason TEXT,
  cursor INTEGER
);
CREATE TABLE IF NOT EXISTS instances (
  n INTEGER PRIMARY KEY,
  flow_id TEXT NOT NULL UNIQUE,
  outcome TEXT NOT NULL,
  errors TEXT,
  was_active INTEGER NOT NULL DEFAULT 0,
  writes INTEGER NOT NULL DEFAULT 0,
  since INTEGER,
  due INTEGER NOT NULL DEFAULT 0,
  tries INTEGER NOT NULL DEFAULT 0,
  faults INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS instances_outcome ON instances (outcome, due, n);`;

export const hasLog = ({ sql }: DurableObjectStorage): boolean =>
  sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'job'").toArray().length > 0;

/** How far a job is; the cursor is the place of the last instance that was drawn, null once all are. */
export interface Standing {
  readonly facts: JobFacts;
  readonly state: JobState;
  readonly cursor: number | null;
  readonly startedAt: number;
  /** Since when it uses the rights that it has. */
  readonly renewedAt: number;
  readonly endedAt: number | null;
  readonly reason: string | null;
}

interface JobRow extends Record<string, SqlStorageValue> {
  readonly facts: string;
  readonly state: JobState;
  readonly started_at: number;
  readonly renewed_at: number;
  readonly ended_at: number | null;
  readonly reason: string | null;
  readonly cursor: number | null;
}

interface EntryRow extends Record<string, SqlStorageValue> {
  readonly n: number;
  readonly flow_id: string;
  readonly outcome: Outcome;
  readonly errors: string | null;
  readonly was_active: number;
  readonly writes: number;
  readonly since: number | null;
  readonly faults: number;
}

/** Of one instance; thousands of them stand in one log. */
const MOST_ERRORS = 10;
const POLL_MS = 1000;
const MOST_POLL_MS = 30_000;

/** What a job has done, in its object's own database. */
export class JobLog {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.#sql.exec(SCHEMA);
  }

  /** Begins the job with these instances, or with all that will be drawn. The same again changes nothing. */
  begin(facts: JobFacts, chosen: readonly string[] | undefined, now: number): void {
    this.#storage.transactionSync(() => {
      const text = JSON.stringify(facts);
      const cursor = chosen === undefined ? -1 : null;
      const begun = this.#sql.exec(
        "INSERT OR IGNORE INTO job (only_one, facts, state, started_at, renewed_at, cursor) VALUES (1, ?1, 'running', ?2, ?2, ?3) RETURNING 1",
        text,
        now,
        cursor,
      );
      if (begun.toArray().length > 0) this.#add(chosen ?? []);
    });
  }

  standing(): Standing | undefined {
    const [row] = this.#sql.exec<JobRow>("SELECT * FROM job").toArray();
    if (row === undefined) return undefined;
    const { state, cursor, started_at: startedAt, renewed_at: renewedAt, ended_at: endedAt, reason } = row;
    return { facts: JSON.parse(row.facts) as JobFacts, state, cursor, startedAt, renewedAt, endedAt, reason };
  }

  pause(): void {
    this.#sql.exec("UPDATE job SET state = 'paused'");
  }

  /** Goes on, with other rights if there are any. The time of a pause is nobody's failure to stop. */
  resume(renewed: JobFacts | undefined, now: number): void {
    this.#storage.transactionSync(() => {
      this.#sql.exec(
        "UPDATE instances SET since = NULL WHERE outcome = 'waiting' AND (SELECT state FROM job) = 'paused'",
      );
      this.#sql.exec("UPDATE job SET state = 'running'");
      if (renewed === undefined) return;
      this.#sql.exec("UPDATE job SET facts = ?, renewed_at = ?", JSON.stringify(renewed), now);
    });
  }

  end(state: "done" | "cancelled", reason: string | null, now: number): void {
    this.#sql.exec("UPDATE job SET state = ?, reason = ?, ended_at = ?", state, reason, now);
  }

  /** Takes in the instances that were drawn next. */
  draw(flowIds: readonly string[], cursor: number | null): void {
    this.#storage.transactionSync(() => {
      this.#add(flowIds);
      this.#sql.exec("UPDATE job SET cursor = ?", cursor);
    });
  }

  #add(flowIds: readonly string[]): void {
    for (const flowId of flowIds) {
      this.#sql.exec("INSERT OR IGNORE INTO instances (flow_id, outcome) VALUES (?, 'todo')", flowId);
    }
  }

  /** Entries that can be worked on now: those not come to yet, and those whose wait is to be looked at. */
  due(now: number, most: number): Entry[] {
    const rows = this.#sql.exec<EntryRow>(
      "SELECT * FROM instances WHERE outcome IN ('todo', 'waiting') AND due <= ? ORDER BY outcome DESC, due, n LIMIT ?",
      now,
      most,
    );
    return rows.toArray().map((row) => ({
      flowId: row.flow_id,
      wasActive: row.was_active === 1,
      writes: row.writes === 1,
      since: row.since,
      faults: row.faults,
    }));
  }

  /** When the next entry can be worked on; undefined if all are settled. */
  nextDue(): number | undefined {
    const [row] = this.#sql
      .exec<{ due: number | null }>("SELECT min(due) AS due FROM instances WHERE outcome IN ('todo', 'waiting')")
      .toArray();
    return row?.due ?? undefined;
  }

  /** Remembers that a running instance is about to be stopped, before it is. */
  stopping(flowId: string, now: number): void {
    this.#sql.exec("UPDATE instances SET was_active = 1, since = coalesce(since, ?) WHERE flow_id = ?", now, flowId);
  }

  /** Remembers that instances are about to be written, so that it is known whose work it was. */
  writing(flowIds: readonly string[]): void {
    this.#storage.transactionSync(() => {
      for (const flowId of flowIds) this.#sql.exec("UPDATE instances SET writes = 1 WHERE flow_id = ?", flowId);
    });
  }

  settle(verdicts: ReadonlyMap<string, Verdict>, now: number): void {
    this.#storage.transactionSync(() => {
      for (const [flowId, verdict] of verdicts) {
        const { outcome, errors } = verdict;
        const isFaulty = isFault(verdict);
        // What is waited for is looked at less and less often.
        const due = outcome === "waiting" ? `${now} + min(${MOST_POLL_MS}, ${POLL_MS} * (1 << min(tries, 5)))` : "0";
        // Nobody could see whether it stopped while there was a fault.
        const since = isFaulty ? "NULL" : outcome === "waiting" ? `coalesce(since, ${now})` : "since";
        const faults = isFaulty ? "faults + 1" : "0";
        this.#sql.exec(
          `UPDATE instances SET outcome = ?, errors = ?, tries = tries + 1, faults = ${faults}, since = ${since}, due = ${due} WHERE flow_id = ?`,
          outcome,
          errors === undefined ? null : JSON.stringify(errors.slice(0, MOST_ERRORS)),
          flowId,
        );
      }
    });
  }

  job(): Job {
    const { facts, state, startedAt, endedAt, reason } = this.standing()!;
    const counted = this.#sql
      .exec<{ outcome: Outcome; n: number }>("SELECT outcome, count(*) AS n FROM instances GROUP BY outcome")
      .toArray();
    const of = (outcome: Outcome) => counted.find((row) => row.outcome === outcome)?.n ?? 0;
    const { id, kind, templateId, revision, restart, by, total } = facts;
    return {
      id,
      kind,
      templateId,
      revision,
      restart,
      state,
      startedBy: by.sub,
      startedAt: new Date(startedAt).toISOString(),
      endedAt: endedAt === null ? null : new Date(endedAt).toISOString(),
      reason,
      counts: {
        total,
        waiting: of("waiting"),
        done: of("done"),
        same: of("same"),
        skipped: of("skipped"),
        failed: of("failed"),
      },
    };
  }

  view({ after, size, outcome }: JobPage): JobView {
    const rows = this.#sql
      .exec<EntryRow>(
        "SELECT * FROM instances WHERE n > ?1 AND (?2 IS NULL OR outcome = ?2) ORDER BY n LIMIT ?3",
        after,
        outcome ?? null,
        size + 1,
      )
      .toArray();
    const page = rows.slice(0, size);
    const instances = page.map((row) => ({
      id: row.flow_id,
      outcome: row.outcome,
      ...(row.errors === null ? {} : { errors: JSON.parse(row.errors) as NonNullable<Verdict["errors"]>[number][] }),
    }));
    return {
      data: { ...this.job(), instances },
      meta: { after: rows.length > size ? page.at(-1)!.n : null },
    };
  }
}
