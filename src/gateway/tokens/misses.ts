import { senderOfAddress } from "../../platform/sender.ts";
import type { Call, World } from "../call.ts";

/** Seconds for which a sender that guesses has to wait; the period of the binding. */
export const HELD_SECONDS = 60;
const MOST = 5000;

const held = new Map<string, number>();
const missed = new Set<string>();

/** Whether a call comes from a sender that guessed client ids. It learns nothing then, not even of an id that exists. */
export function isHeld({ caller }: Pick<Call, "caller">, now: number): boolean {
  if (held.size === 0) return false;
  const sender = senderOfAddress(caller.address ?? "");
  return sender !== undefined && (held.get(sender) ?? 0) > now;
}

/**
 * Counts a client id that is not known, and answers whether its sender now has to wait. The same id again does not
 * count: whose app was deleted is no guesser, and others may share the address.
 */
export async function countMiss(
  { caller }: Pick<Call, "caller">,
  { env, now, isDry }: Pick<World, "env" | "now" | "isDry">,
  clientId: string,
): Promise<boolean> {
  const sender = senderOfAddress(caller.address ?? "");
  const limiter = env.GATEWAY_MISSES as RateLimit | undefined;
  if (sender === undefined || limiter === undefined || isDry) return false;
  const miss = `${sender} ${clientId}`;
  if (missed.has(miss)) return false;
  if (missed.size >= MOST) missed.clear();
  missed.add(miss);
  if ((await limiter.limit({ key: sender })).success) return false;
  for (const oldest of held.keys()) {
    if (held.size < MOST) break;
    held.delete(oldest);
  }
  held.set(sender, now() + HELD_SECONDS * 1000);
  return true;
}
