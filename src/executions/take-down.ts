import { databaseOf, inStorage } from "../db/client.ts";
import type { EndExecutions } from "../messages/model.ts";
import { configOf } from "../platform/config.ts";
import { AppError } from "../platform/errors.ts";
import { logError } from "../platform/log.ts";

/** Executions that one message looks at. */
const STEP = 200;
/** Seconds after which it is looked again: until then the list knows of all that had begun. */
const LATER_S = 60;

const SEEN = `SELECT uuid, status FROM executions WHERE flow_id = ?1 AND uuid > ?2 ORDER BY uuid LIMIT ?3`;

/** What is left to be asked for, and in how many seconds. */
export interface Rest {
  readonly asked: EndExecutions;
  readonly delaySeconds?: number;
}

/**
 * Ends executions of a workflow, so many at a time; each decides itself whether it belongs to the start that ended. Those
 * that could not be reached are asked for by themselves.
 */
export async function endExecutions(env: Env, asked: EndExecutions): Promise<{ ended: number; rest: Rest[] }> {
  const { flowId, startId, before } = asked;
  const { uuids, next } = asked.uuids === undefined ? await seen(env, asked) : { uuids: asked.uuids, next: undefined };
  const told = await Promise.allSettled(uuids.map((uuid) => env.EXECUTION.getByName(uuid).endIf(before, startId)));
  const failed = uuids.filter((_, index) => told[index]!.status === "rejected");
  const cause: unknown = told.find((one) => one.status === "rejected")?.reason;
  // What failed becomes less each time it is asked for, or is left to the queue: it does not come back for ever.
  if (asked.uuids !== undefined && failed.length === uuids.length) throw new AppError("FLOW_UNAVAILABLE", { cause });
  if (failed.length > 0) logError(configOf(env), "executions.not_ended", cause, { flowId, executions: failed.length });
  const rest: Rest[] = [];
  if (failed.length > 0) rest.push({ asked: { ...asked, uuids: failed } });
  if (next !== undefined) rest.push({ asked: { ...asked, after: next } });
  else if (asked.uuids === undefined && asked.again !== true) {
    rest.push({ asked: { ...asked, after: "", again: true }, delaySeconds: LATER_S });
  }
  return { ended: uuids.length - failed.length, rest };
}

async function seen(env: Env, { flowId, after }: EndExecutions) {
  const statement = databaseOf(env.DB).sql(SEEN, flowId, after, STEP);
  const { results } = await inStorage(() => statement.all<{ uuid: string; status: string }>());
  const uuids = results.filter(({ status }) => status === "running").map(({ uuid }) => uuid);
  return { uuids, next: results.length === STEP ? results.at(-1)!.uuid : undefined };
}
