import { databaseOf } from "../db/client.ts";
import { forgetExecutions } from "../executions/store.ts";
import { forgetChanges, forgetTraces } from "../gateway/trace/store.ts";
import { sweep } from "../lifecycle/sweep.ts";
import { configOf } from "../platform/config.ts";
import { logLine } from "../platform/log.ts";

/** Runs every minute: the safety net under the alarms. */
export async function sweepNow(_controller: ScheduledController, env: Env): Promise<void> {
  const config = configOf(env);
  const { FLOW_OBJECT: objects, FLOW_CHORES: chores } = env;
  const found = await sweep({ db: databaseOf(env.DB), objects, chores, config, now: Date.now });
  await forgetExecutions(databaseOf(env.DB), config, Date.now());
  await forgetTraces(databaseOf(env.DB), config, Date.now());
  await forgetChanges(databaseOf(env.DB), Date.now());
  if (found.waiting + found.overdue > 0) logLine(config, "sweep", found);
}
