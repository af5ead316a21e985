import { databaseOf } from "../db/client.ts";
import { dropDeadLetter, findDeadLetter, type DeadLetter } from "../messages/dead-letters.ts";
import { AppError } from "../platform/errors.ts";

/** Sends a kept message to its queue again. It is forgotten after the queue has taken it. */
export async function replayDeadLetter(env: Env, id: string): Promise<DeadLetter> {
  const db = databaseOf(env.DB);
  const letter = await findDeadLetter(db, id);
  const queue = letter && queueOf(env, letter.queue);
  if (letter === undefined || queue === undefined) throw new AppError("DEAD_LETTER_NOT_FOUND");
  try {
    await queue.send(letter.body);
  } catch (cause) {
    throw new AppError("QUEUE_UNAVAILABLE", { cause });
  }
  await dropDeadLetter(db, letter);
  return letter;
}

const queueOf = (env: Env, name: string): Queue | undefined =>
  new Map([
    ["flow-commands", env.FLOW_COMMANDS],
    ["flow-reports", env.FLOW_REPORTS],
    ["flow-notices", env.FLOW_NOTICES],
    ["flow-chores", env.FLOW_CHORES],
  ]).get(name);
