import { z } from "zod";

import { databaseOf } from "./db/client.ts";
import { takeReport } from "./lifecycle/report.ts";
import { removeOwnerStep } from "./lifecycle/remove-owner.ts";
import { keepDeadLetter } from "./messages/dead-letters.ts";
import { DeletedOwnerPayload, Envelope } from "./messages/model.ts";
import { carryOut } from "./orchestrator/embedded.ts";
import { configOf } from "./platform/config.ts";
import { AppError, redelivery } from "./platform/errors.ts";
import { logError, logLine } from "./platform/log.ts";

/** Handles one message; what it answers goes into the log line. */
type Handler = (env: Env, message: Envelope) => Promise<string>;

const outcomeOf = async (taken: ReturnType<typeof takeReport>): Promise<string> => {
  const outcome = await taken;
  return outcome.ok ? outcome.result : outcome.error;
};

const ownerDeleted: Handler = async (env, message) => {
  const { id } = DeletedOwnerPayload.parse(message.payload);
  const by = { db: databaseOf(env.DB), objects: env.FLOW_OBJECT, now: Date.now };
  const { more, removed, stopped } = await removeOwnerStep(by, id);
  // The next step is a message of its own, sent before this one counts as handled.
  if (more) await env.FLOW_REPORTS.send(message);
  return `removed ${removed}, stopped ${stopped}${more ? ", more to come" : ""}`;
};

const reports: Readonly<Record<string, Handler>> = {
  "flow.started": (env, message) => outcomeOf(takeReport(env.FLOW_OBJECT, "started", message)),
  "flow.stopped": (env, message) => outcomeOf(takeReport(env.FLOW_OBJECT, "stopped", message)),
  "flow.failed": (env, message) => outcomeOf(takeReport(env.FLOW_OBJECT, "failed", message)),
  "iam.user.deleted": ownerDeleted,
  "iam.tenant.deleted": ownerDeleted,
};

const embedded: Handler = (env, message) =>
  carryOut({ db: databaseOf(env.DB), reports: env.FLOW_REPORTS, now: Date.now }, message);
const commands: Readonly<Record<string, Handler>> = { "flow.starting": embedded, "flow.stopping": embedded };

/** Queue name and message name lead to the one handler. */
const handlers: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
  "flow-commands": commands,
  "flow-reports": reports,
};

const DEAD = "-dead";
const MOST_DELAY_SECONDS = 3600;

/** Seconds before another try: doubles with each, up to an hour. */
export const retryDelay = (attempts: number): number => Math.min(MOST_DELAY_SECONDS, 2 ** Math.min(attempts, 12));

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
  const handler = handlers[queue]?.[name];
  if (handler === undefined) return keep(env, queue, message, `Nothing handles ${name.slice(0, 100)} from ${queue}.`);
  const outcome = await handler(env, parsed.data).catch((error: unknown) => {
    const reason = reasonToKeep(error);
    if (reason === undefined) throw error;
    return keep(env, queue, message, reason).then(() => "kept as dead letter");
  });
  logLine(config, "message", {
    queue,
    name,
    messageId: message.id,
    attempts: message.attempts,
    outcome,
    ms: Date.now() - began,
  });
}

/** A message that can never be handled is put aside at once; another may succeed later. */
function reasonToKeep(error: unknown): string | undefined {
  if (error instanceof z.ZodError) return `Payload: ${faultsOf(error)}`;
  return error instanceof AppError && redelivery[error.code] === "keep" ? error.code : undefined;
}

const faultsOf = (error: z.ZodError): string =>
  error.issues.map((issue) => `${issue.path.join(".")} ${issue.message}`).join("; ");

const keep = (env: Env, queue: string, message: Message, reason: string): Promise<void> =>
  keepDeadLetter(databaseOf(env.DB), { messageId: message.id, queue, body: message.body, reason }, Date.now());
