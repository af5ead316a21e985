import { AppError } from "../platform/errors.ts";
import { Patience } from "../platform/patience.ts";

const patience = new Patience();

/** Refuses a sender that guesses, before anything is looked up, so that what exists answers it no better. */
export function demandPatience(sender: string | undefined, now: number): void {
  if (patience.isHeld(sender, now)) throw new AppError("HOOK_RATE_LIMITED");
}

/** Counts an id that a sender asked for in vain. */
export async function countMiss(
  limiter: RateLimit | undefined,
  sender: string | undefined,
  flowId: string,
  now: number,
): Promise<void> {
  if (await patience.countMiss(limiter, { sender, what: flowId }, () => now)) throw new AppError("HOOK_RATE_LIMITED");
}

/** Refuses what would begin more runs of one flow than its hook may, where anybody may call it. */
export async function demandBudget(limiter: RateLimit | undefined, flowId: string): Promise<void> {
  if (limiter === undefined || (await limiter.limit({ key: flowId })).success) return;
  throw new AppError("HOOK_RATE_LIMITED", {
    message: "The hook of this flow is called too often. Wait a minute.",
    detail: "A hook that demands a signature or a token (flowSettings.webhooks) is not held off.",
  });
}
