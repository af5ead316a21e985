import { databaseOf, inStorage } from "../db/client.ts";
import type { CancelRuns } from "../messages/model.ts";
import { configOf } from "../platform/config.ts";
import { AppError } from "../platform/errors.ts";
import { logError } from "../platform/log.ts";

/** Runs that one message cancels. */
const STEP = 200;

// When a run began is told by its row: an id may carry the time of whoever called it, or of the day before. As long as
// the flow has no later start, or is gone, every run is one of those.
const RUNNING = `SELECT id, started_at < ?3 OR NOT EXISTS (SELECT 1 FROM flows WHERE id = ?1 AND start_id IS NOT ?4) AS "isMeant"
  FROM runs WHERE flow_id = ?1 AND status = 'running' AND id > ?2 ORDER BY id LIMIT ?5`;

/**
 * Cancels the runs of a flow, so many at a time; answers what is left to be asked for: those behind, and by themselves
 * those that could not be cancelled. Runs of a later start are not among them, however late this comes.
 */
export async function cancelRuns(env: Env, asked: CancelRuns): Promise<{ cancelled: number; rest: CancelRuns[] }> {
  const { ids, next } = asked.runs === undefined ? await runningRuns(env, asked) : { ids: asked.runs, next: undefined };
  const tried = await Promise.allSettled(ids.map((id) => env.RUN.getByName(id).cancel()));
  const failed = ids.filter((_, index) => tried[index]!.status === "rejected");
  const cause: unknown = tried.find((one) => one.status === "rejected")?.reason;
  // What failed becomes less each time it is asked for, or is left to the queue: it does not come back for ever.
  if (asked.runs !== undefined && failed.length === ids.length) throw new AppError("FLOW_UNAVAILABLE", { cause });
  const { flowId } = asked;
  if (failed.length > 0) logError(configOf(env), "runs.not_cancelled", cause, { flowId, runs: failed.length });
  const again = failed.length > 0 ? [{ ...asked, runs: failed }] : [];
  const further = next === undefined ? [] : [{ ...asked, after: next }];
  return { cancelled: ids.length - failed.length, rest: [...further, ...again] };
}

async function runningRuns(env: Env, { flowId, after, before, startId }: CancelRuns) {
  const { results } = await inStorage(() =>
    databaseOf(env.DB)
      .sql(RUNNING, flowId, after, before, startId ?? null, STEP)
      .all<{ id: string; isMeant: number }>(),
  );
  const ids = results.filter(({ isMeant }) => isMeant === 1).map(({ id }) => id);
  return { ids, next: results.length === STEP ? results.at(-1)!.id : undefined };
}
