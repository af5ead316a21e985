import { inStorage, type Database } from "../db/client.ts";
import type { executionStatuses } from "../db/schema.ts";

import type { Config } from "../platform/config.ts";
import type { End as EndOf } from "./state.ts";
import { boundOf } from "./uuid.ts";

export type ExecutionStatus = (typeof executionStatuses)[number];

/** What an execution is from its beginning on. */
export interface ExecutionFacts {
  readonly uuid: string;
  readonly flowId: string;
  /** Owner under whom the flow is listed; empty if it has none. */
  readonly home: string;
  readonly workflow: string;
  readonly revision: number;
  readonly startId: string | null;
  /** Who started the flow: whose secrets its exchanges are authorised with. */
  readonly startedBy: string | null;
  readonly startedIn: string | null;
  readonly requestId: string;
  readonly startedAt: number;
  readonly expiresAt: number;
}

/** An execution as lists show it. */
export interface ExecutionEntry {
  readonly uuid: string;
  readonly flowId: string;
  readonly workflow: string;
  readonly revision: number;
  readonly status: ExecutionStatus;
  readonly startedAt: number;
  readonly endedAt: number | null;
  /** JSON: how it ended. */
  readonly outcome: string | null;
}

const INSERT = `INSERT INTO executions (uuid, flow_id, home, workflow, revision, status, started_at, ended_at, outcome)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT`;

type End = Pick<ExecutionEntry, "status" | "endedAt" | "outcome">;

const insert = (db: Database, facts: ExecutionFacts, { status, endedAt, outcome }: End, conflict: string) => {
  const { uuid, flowId, home, workflow, revision, startedAt } = facts;
  const text = `${INSERT} ${conflict}`;
  return db.sql(text, uuid, flowId, home, workflow, revision, status, startedAt, endedAt, outcome);
};

/** Enters an execution in the list; writes nothing if it is there. */
export async function enterExecution(db: Database, facts: ExecutionFacts): Promise<void> {
  const running = { status: "running", endedAt: null, outcome: null } as const;
  await inStorage(() => insert(db, facts, running, "DO NOTHING").run());
}

/** Enters the end of an execution, also of one whose beginning was never entered. */
export async function endExecution(db: Database, facts: ExecutionFacts, end: End): Promise<void> {
  const conflict = "(uuid) DO UPDATE SET status = ?6, ended_at = ?8, outcome = ?9";
  await inStorage(() => insert(db, facts, end, conflict).run());
}

const COLUMNS = `uuid, flow_id AS "flowId", workflow, revision, status, started_at AS "startedAt", ended_at AS "endedAt", outcome`;

export async function findExecution(db: Database, uuid: string): Promise<ExecutionEntry | undefined> {
  const { results } = await inStorage(() =>
    db.sql(`SELECT ${COLUMNS} FROM executions WHERE uuid = ?`, uuid).all<ExecutionEntry>(),
  );
  return results[0];
}

const SWEEP = `DELETE FROM executions WHERE uuid IN (SELECT uuid FROM executions WHERE uuid < ?1 AND status <> 'running' AND coalesce(ended_at, 0) < ?3 ORDER BY uuid LIMIT ?2)`;
const SWEEP_SHARABLES = `DELETE FROM sharables WHERE token IN (SELECT token FROM sharables WHERE expires_at <= ?1 LIMIT ?2)`;

const MOST_FORGOTTEN = 1000;
const DAY_MS = 24 * 3600_000;

/** Forgets executions that ended long ago, and tokens that have expired; so many at a time. */
export async function forgetExecutions(
  db: Database,
  { EXECUTION_RETENTION_DAYS }: Pick<Config, "EXECUTION_RETENTION_DAYS">,
  now: number,
): Promise<void> {
  const end = now - EXECUTION_RETENTION_DAYS * DAY_MS;
  await inStorage(() =>
    db.batch([db.sql(SWEEP, boundOf(end), MOST_FORGOTTEN, end), db.sql(SWEEP_SHARABLES, now, MOST_FORGOTTEN)]),
  );
}

/** How an end stands in the list: what a script decided or failed with, but nothing that people entered. */
export function outcomeOf({ status, kind, fault }: EndOf): { status: "terminated" | "failed"; outcome: string } {
  // A message may hold what people entered; it is gone with the execution.
  const error = fault === undefined ? {} : { error: { code: fault.code } };
  return { status, outcome: JSON.stringify({ kind, ...error }) };
}
