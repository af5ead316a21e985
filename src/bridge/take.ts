import { handleMessage } from "../messages/handle.ts";
import { configOf } from "../platform/config.ts";
import { AppError } from "../platform/errors.ts";
import { sha256Of } from "../platform/ids.ts";
import { logError } from "../platform/log.ts";
import { isRecord } from "../platform/shape.ts";
import { reportsOfBus } from "./reports.ts";

export interface Taken {
  readonly taken: boolean;
  readonly outcome: string;
}

/** Flows whose messages are handled at the same time. */
const AT_ONCE = 20;
const QUEUE = "flow-reports";

/**
 * Handles messages from another bus at once, so that what is answered as taken has had its effect: those about the same
 * thing one after the other in their order, the others at the same time.
 */
export async function takeMessages(env: Env, messages: readonly unknown[]): Promise<Taken[]> {
  const taken: Taken[] = [];
  const lanes = [...Map.groupBy(messages.keys(), (at) => subjectOf(messages[at], at)).values()];
  const work = async (): Promise<void> => {
    for (let lane = lanes.shift(); lane !== undefined; lane = lanes.shift()) {
      let isHeldUp = false;
      for (const at of lane) {
        // What comes after one that has to come again must not overtake it.
        taken[at] = isHeldUp ? { taken: false, outcome: "held up" } : await take(env, messages[at]);
        isHeldUp = !taken[at].taken;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return taken;
}

function subjectOf(message: unknown, at: number): string {
  const payload = isRecord(message) ? message["payload"] : undefined;
  const id = isRecord(payload) ? payload["id"] : undefined;
  return typeof id === "string" ? id.toLowerCase() : `#${at}`;
}

async function take(env: Env, body: unknown): Promise<Taken> {
  const id = await sha256Of(JSON.stringify(body));
  try {
    const outcome = await handleMessage(env, QUEUE, reportsOfBus, { id, body, attempts: 1 });
    return { taken: true, outcome };
  } catch (error) {
    logError(configOf(env), "message.failed", error, { queue: "bridge", messageId: id });
    return { taken: false, outcome: error instanceof AppError ? error.code : "INTERNAL" };
  }
}
