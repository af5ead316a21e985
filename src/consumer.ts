import { z } from "zod";

import { databaseOf } from "./db/client.ts";
import { endExecutions } from "./executions/take-down.ts";
import { takeReport } from "./lifecycle/report.ts";
import { removeOwnerStep } from "./lifecycle/remove-owner.ts";
import { keepDeadLetter } from "./messages/dead-letters.ts";
import {
  CANCEL_RUNS,
  cancelRunsOf,
  CancelRunsPayload,
  DeletedOwnerPayload,
  END_EXECUTIONS,
  EndExecutionsPayload,
  endExecutionsOf,
  Envelope,
  WAKE,
  WakePayload,
} from "./messages/model.ts";
import { carryOut } from "./orchestrator/embedded.ts";
import { configOf } from "./platform/config.ts";
import { cancelRuns } from "./runs/take-down.ts";
import { AppError, redelivery } from "./platform/errors.ts";
import { logError, logLine } from "./platform/log.ts";
import { removeAppOwner } from "./apps/remove-owner.ts";
import { removeSecretOwner } from "./secrets/remove-owner.ts";
import { removeTemplateOwner } from "./templates/remove-owner.ts";

/** Handles one message; what it answers goes into the log line. */
type Handler = (env: Env, message: Envelope) => Promise<string>;

const reported =
  (trigger: Parameters<typeof takeReport>[1]): Handler =>
  async (env, message) => {
    const outcome = await takeReport(env.FLOW_OBJECT, trigger, message);
    return outcome.ok ? outcome.result : outcome.error;
  };

const ownerDeleted: Handler = async (env, message) => {
  const { id, from } = DeletedOwnerPayload.parse(message.payload);
  const by = { db: databaseOf(env.DB), objects: env.FLOW_OBJECT, now: Date.now };
  const { next, removed, stopped } = await removeOwnerStep(by, id, from);
  const ofSecrets = await removeSecretOwner(by.db, id);
  const ofApps = await removeAppOwner(by.db, id);
  const ofTemplates = await removeTemplateOwner(by.db, id);
  const more = ofSecrets || ofApps || ofTemplates || next !== undefined;
  // The next step is a message of its own, sent before this one counts as handled.
  if (more) await env.FLOW_REPORTS.send({ ...message, payload: { id, from: next ?? from } });
  return `removed ${removed}, stopped ${stopped}${more ? ", more to come" : ""}`;
};

const reports = new Map<string, Handler>([
  ["flow.started", reported("started")],
  ["flow.stopped", reported("stopped")],
  ["flow.failed", reported("failed")],
  ["iam.user.deleted", ownerDeleted],
  ["iam.tenant.deleted", ownerDeleted],
]);

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
const handlers = new Map([
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
        await keep(env, batch.queue.slice(0, -DEAD.length), message, `Given up after all retries.`);
      } else {
        await handle(env, batch.queue, message);
      }
      message.ack();
    } catch (error) {
      logError({ LOG_LEVEL: "error" }, "message.failed", error, { queue: batch.queue, attempts: message.attempts });
      message.retry({ delaySeconds: retryDelay(message.attempts) });
    }
  }
}

async function handle(env: Env, queue: string, message: Message): Promise<void> {
  const began = Date.now();
  const config = configOf(env);
  const parsed = Envelope.safeParse(message.body);
  if (!parsed.success) return keep(env, queue, message, `Not an envelope: ${faultsOf(parsed.error)}`);
  const { name } = parsed.data.headers;
  const handler = handlers.get(queue)?.get(name);
  if (handler === undefined) return keep(env, queue, message, `Nothing handles ${name.slice(0, 100)} from ${queue}.`);
  const outcome = await handler(env, parsed.data).catch((error: unknown) => {
    const reason = reasonToKeep(error);
    if (reason === undefined) throw error;
    return keep(env, queue, message, reason).then(() => "kept as dead letter");
  });
  const { id: messageId, attempts } = message;
  const flowId = idIn(parsed.data.payload);
  logLine(config, "message", { queue, name, flowId, messageId, attempts, outcome, ms: Date.now() - began });
}

/** A message that can never be handled is put aside at once; another may succeed later. */
function reasonToKeep(error: unknown): string | undefined {
  if (error instanceof z.ZodError) return `Payload: ${faultsOf(error)}`;
  return error instanceof AppError && redelivery[error.code] === "keep" ? error.code : undefined;
}

const faultsOf = (error: z.ZodError): string =>
  error.issues.map((issue) => `${issue.path.join(".")} ${issue.message}`).join("; ");

const idIn = (payload: unknown): string | undefined => {
  const id = typeof payload === "object" && payload !== null && "id" in payload ? payload.id : undefined;
  return typeof id === "string" ? id.slice(0, 64) : undefined;
};

async function keep(env: Env, queue: string, message: Message, reason: string): Promise<void> {
  const { id: messageId, body, attempts } = message;
  await keepDeadLetter(databaseOf(env.DB), { messageId, queue, body, reason }, Date.now());
  logError(configOf(env), "message.kept", undefined, { queue, messageId, attempts, reason });
}
