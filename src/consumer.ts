import { reports } from "./bridge/reports.ts";
import { databaseOf } from "./db/client.ts";
import { endExecutions } from "./executions/take-down.ts";
import { handleMessage, keepMessage, type Handler, type Handlers } from "./messages/handle.ts";
import {
  CANCEL_RUNS,
  cancelRunsOf,
  CancelRunsPayload,
  END_EXECUTIONS,
  EndExecutionsPayload,
  endExecutionsOf,
  WAKE,
  WakePayload,
} from "./messages/model.ts";
import { carryOut } from "./orchestrator/embedded.ts";
import { configOf } from "./platform/config.ts";
import { AppError } from "./platform/errors.ts";
import { logError } from "./platform/log.ts";
import { cancelRuns } from "./runs/take-down.ts";

/** Workflows are opened here, whichever orchestrator the other flows have. */
const own: Handler = (env, message) =>
  carryOut({ db: databaseOf(env.DB), reports: env.FLOW_REPORTS, now: Date.now, env }, message);

const embedded: Handler = async (env, message) => {
  // A consumer that an earlier deployment left behind must not answer in the place of the external orchestrator.
  if (configOf(env).ORCHESTRATOR === "external") throw new AppError("MISCONFIGURED");
  return own(env, message);
};

const endThem: Handler = async (env, message) => {
  const { ended, rest } = await endExecutions(env, EndExecutionsPayload.parse(message.payload));
  const further = rest.map(({ asked, delaySeconds }) => ({
    body: endExecutionsOf(asked, Date.now()),
    ...(delaySeconds === undefined ? {} : { delaySeconds }),
  }));
  if (further.length > 0) await env.FLOW_CHORES.sendBatch(further);
  return `ended ${ended}${further.length === 0 ? "" : ", more to come"}`;
};

const wake: Handler = async (env, message) => {
  const { ids } = WakePayload.parse(message.payload);
  const woken = await Promise.allSettled(ids.map((id) => env.FLOW_OBJECT.getByName(id).wake(id)));
  // Objects that could not be reached are woken by the sweep.
  return `woke ${woken.filter(({ status }) => status === "fulfilled").length} of ${ids.length}`;
};

const cancel: Handler = async (env, message) => {
  const asked = CancelRunsPayload.parse(message.payload);
  const { cancelled, rest } = await cancelRuns(env, asked);
  const further = rest.map((part) => ({ body: cancelRunsOf(part, Date.now()) }));
  if (further.length > 0) await env.FLOW_CHORES.sendBatch(further);
  return `cancelled ${cancelled}${further.length === 0 ? "" : ", more to come"}`;
};

/** Queue name and message name lead to the one handler. */
const handlers = new Map<string, Handlers>([
  [
    "flow-commands",
    new Map([
      ["flow.starting", embedded],
      ["flow.stopping", embedded],
    ]),
  ],
  ["flow-reports", reports],
  [
    "flow-chores",
    new Map([
      [WAKE, wake],
      [CANCEL_RUNS, cancel],
      [END_EXECUTIONS, endThem],
      ["flow.starting", own],
      ["flow.stopping", own],
    ]),
  ],
]);

const DEAD = "-dead";
const MOST_DELAY_SECONDS = 3600;

/** Seconds before another try: doubles with each, up to an hour. */
const retryDelay = (attempts: number): number => Math.min(MOST_DELAY_SECONDS, 2 ** Math.min(attempts, 12));

/** Takes a batch, each message by itself. It never throws: that would have handled messages delivered again. */
export async function consume(batch: MessageBatch, env: Env): Promise<void> {
  for (const message of batch.messages) {
    try {
      if (batch.queue.endsWith(DEAD)) {
        await keepMessage(env, batch.queue.slice(0, -DEAD.length), message, "Given up after all retries.");
      } else {
        await handleMessage(env, batch.queue, handlers.get(batch.queue), message);
      }
      message.ack();
    } catch (error) {
      logError({ LOG_LEVEL: "error" }, "message.failed", error, { queue: batch.queue, attempts: message.attempts });
      message.retry({ delaySeconds: retryDelay(message.attempts) });
    }
  }
}
