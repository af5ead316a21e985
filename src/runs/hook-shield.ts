import { AppError } from "../platform/errors.ts";

/** Seconds for which who is refused here has to wait; the period of the bindings. */
export const HELD_SECONDS = 60;
const MOST = 5000;

const held = new Map<string, number>();
const missed = new Set<string>();

/** Refuses a sender that guesses, before anything is looked up, so that what exists answers it no better. */
export function demandPatience(sender: string | undefined, now: number): void {
  if (sender !== undefined && (held.get(sender) ?? 0) > now) throw new AppError("HOOK_RATE_LIMITED");
}

/**
 * Counts an id that a sender asked for in vain. The same id again does not count: who has not heard of a stop is no
 * guesser, and others may share the address.
 */
export async function countMiss(
  limiter: RateLimit | undefined,
  sender: string | undefined,
  flowId: string,
  now: number,
): Promise<void> {
  if (limiter === undefined || sender === undefined) return;
  const miss = `${sender} ${flowId}`;
  if (missed.has(miss)) return;
  if (missed.size >= MOST) missed.clear();
  missed.add(miss);
  if ((await limiter.limit({ key: sender })).success) return;
  if (held.size >= MOST) held.clear();
  held.set(sender, now + HELD_SECONDS * 1000);
  throw new AppError("HOOK_RATE_LIMITED");
}

/** Refuses what would begin more runs of one flow than its hook may, where anybody may call it. */
export async function demandBudget(limiter: RateLimit | undefined, flowId: string): Promise<void> {
  if (limiter === undefined || (await limiter.limit({ key: flowId })).success) return;
  throw new AppError("HOOK_RATE_LIMITED", {
    message: "The hook of this flow is called too often. Wait a minute.",
    detail: "A hook that demands a signature or a token (flowSettings.webhooks) is not held off.",
  });
}
