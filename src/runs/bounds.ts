import type { Item } from "./journal.ts";
import { limits, type RunFault } from "./model.ts";
import type { Performed } from "./perform.ts";

/** Why a run is ended from outside. */
export const crashed: RunFault = {
  code: "RUN_CRASHED",
  message: "The run broke off again and again at the same place.",
};
export const timedOut: RunFault = { code: "RUN_TIMEOUT", message: "The run took longer than the flow allows." };
export const tooMany: RunFault = {
  code: "STEP_LIMIT",
  message: `A run may have at most ${limits.items} messages at steps.`,
};

export function loopedAt({ step }: Item, beganAt: number): Performed {
  const message = `The message came back to the step ${step} more than ${limits.returns} times.`;
  return refused("LOOP_LIMIT", message, beganAt);
}

export const gatheredTooMuch = (beganAt: number): Performed =>
  refused("MESSAGE_TOO_LARGE", `What is put together may have at most ${limits.messagesBytes} bytes.`, beganAt);

function refused(code: string, message: string, beganAt: number): Performed {
  const work = { outputs: [], deliveries: [], opensScope: false, isStranded: false, lines: [], beganAt };
  return { tried: { kind: "failed", fault: { code, message, mayPass: false } }, work };
}

/** Milliseconds that the flow gives its runs: `flowSettings.run.timeout`, in seconds. */
export function timeoutOf(definition: string): number {
  const { flowSettings } = JSON.parse(definition) as { flowSettings?: { run?: { timeout?: unknown } } };
  const seconds = Number(flowSettings?.run?.timeout);
  return seconds > 0 ? Math.min(seconds * 1000, limits.milliseconds) : limits.milliseconds;
}
