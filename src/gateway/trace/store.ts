import { inStorage, type Database } from "../../db/client.ts";
import type { Config } from "../../platform/config.ts";
import { CHANGES_KEPT_S } from "../directory.ts";
import { boundOf, timeIn } from "./id.ts";
import type { Trace, TraceSummary } from "./view.ts";

const INSERT = `INSERT INTO gateway_traces (flow_id, id, status, code, method, path, revision, ms, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)`;

export async function keepTrace(db: Database, flowId: string, trace: Trace): Promise<void> {
  const { id, status, code, method, path, revision, ms } = trace;
  const values = [flowId, id, status, code, method, path, revision, ms, JSON.stringify(trace)];
  await inStorage(() => db.sql(INSERT, ...values).run());
}

const LIST = `SELECT id, status, code, method, path, revision, ms FROM gateway_traces
  WHERE flow_id = ?1 AND id < ?2 AND status BETWEEN ?3 AND ?4 ORDER BY id DESC LIMIT ?5`;

export interface Listed {
  readonly flowId: string;
  /** Id of the last trace of the page before. */
  readonly after: string | undefined;
  readonly status: readonly [least: number, most: number];
  readonly size: number;
}

/** The newest first. */
export async function listTraces(db: Database, { flowId, after, status, size }: Listed): Promise<TraceSummary[]> {
  const list = db.sql(LIST, flowId, after ?? "trace_g", ...status, size);
  const { results } = await inStorage(() => list.all<Omit<TraceSummary, "at">>());
  return results.map((row) => ({ ...row, at: new Date(timeIn(row.id)).toISOString() }));
}

const FIND = "SELECT body FROM gateway_traces WHERE flow_id = ?1 AND id = ?2";

export async function findTrace(db: Database, flowId: string, id: string): Promise<Trace | undefined> {
  const { results } = await inStorage(() => db.sql(FIND, flowId, id).all<{ body: string }>());
  return results.map(({ body }) => JSON.parse(body) as Trace)[0];
}

const MOST_FORGOTTEN = 1000;
/** So often in a row: what comes in a minute must go in one. */
const MOST_TIMES = 20;
const DAY_MS = 24 * 3600_000;
const FORGET = `DELETE FROM gateway_traces WHERE (flow_id, id) IN (SELECT flow_id, id FROM gateway_traces WHERE id < ?1 ORDER BY id LIMIT ${MOST_FORGOTTEN})`;
const FORGET_CHANGES = `DELETE FROM gateway_changes WHERE seq IN (SELECT seq FROM gateway_changes ORDER BY seq LIMIT ${MOST_FORGOTTEN}) AND at < ?1`;

/** Forgets traces that are old enough. */
export async function forgetTraces(
  db: Database,
  { GATEWAY_TRACE_DAYS }: Pick<Config, "GATEWAY_TRACE_DAYS">,
  now: number,
): Promise<void> {
  await untilNone(() => db.sql(FORGET, boundOf(now - GATEWAY_TRACE_DAYS * DAY_MS)));
}

/** Forgets changes of which every gateway has heard, or which it does not ask for any more. */
export async function forgetChanges(db: Database, now: number): Promise<void> {
  await untilNone(() => db.sql(FORGET_CHANGES, Math.floor(now / 1000) - CHANGES_KEPT_S));
}

async function untilNone(statement: () => D1PreparedStatement): Promise<void> {
  for (let time = 0; time < MOST_TIMES; time += 1) {
    const { meta } = await inStorage(() => statement().run());
    if (meta.changes < MOST_FORGOTTEN) return;
  }
}
