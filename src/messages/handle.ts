import { z } from "zod";

import { databaseOf } from "../db/client.ts";
import { configOf } from "../platform/config.ts";
import { AppError, redelivery } from "../platform/errors.ts";
import { logError, logLine } from "../platform/log.ts";
import { keepDeadLetter } from "./dead-letters.ts";
import { Envelope } from "./model.ts";

/** Handles one message; what it answers goes into the log line. */
export type Handler = (env: Env, message: Envelope) => Promise<string>;
/** By name of the message. */
export type Handlers = ReadonlyMap<string, Handler>;

export interface Delivered {
  readonly id: string;
  readonly body: unknown;
  readonly attempts: number;
}

/** What came of a message that nobody could handle. */
export const KEPT = "kept as dead letter";

/** Handles a message or puts it aside for an operator. It throws only what may pass when the message comes again. */
export async function handleMessage(
  env: Env,
  queue: string,
  handlers: Handlers | undefined,
  message: Delivered,
): Promise<string> {
  const began = Date.now();
  const config = configOf(env);
  const parsed = Envelope.safeParse(message.body);
  if (!parsed.success) return keepMessage(env, queue, message, `Not an envelope: ${faultsOf(parsed.error)}`);
  const { name } = parsed.data.headers;
  const handler = handlers?.get(name);
  if (handler === undefined) {
    return keepMessage(env, queue, message, `Nothing handles ${name.slice(0, 100)} from ${queue}.`);
  }
  const outcome = await handler(env, parsed.data).catch((error: unknown) => {
    const reason = reasonToKeep(error);
    if (reason === undefined) throw error;
    return keepMessage(env, queue, message, reason);
  });
  const { id: messageId, attempts } = message;
  const flowId = idIn(parsed.data.payload);
  logLine(config, "message", { queue, name, flowId, messageId, attempts, outcome, ms: Date.now() - began });
  return outcome;
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

/** Keeps a message for an operator. */
export async function keepMessage(env: Env, queue: string, message: Delivered, reason: string): Promise<string> {
  const { id: messageId, body, attempts } = message;
  await keepDeadLetter(databaseOf(env.DB), { messageId, queue, body, reason }, Date.now());
  logError(configOf(env), "message.kept", undefined, { queue, messageId, attempts, reason });
  return KEPT;
}
