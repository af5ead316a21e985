import { Patience } from "../../platform/patience.ts";
import { senderOfAddress } from "../../platform/sender.ts";
import type { Call, World } from "../call.ts";

const patience = new Patience();
const senderIn = ({ caller }: Pick<Call, "caller">): string | undefined => senderOfAddress(caller.address ?? "");

/** Whether a call comes from a sender that guessed client ids. It learns nothing then, not even of an id that exists. */
export const isHeld = (call: Pick<Call, "caller">, now: number): boolean => patience.isHeld(senderIn(call), now);

/** Counts a client id that is not known, and answers whether its sender now has to wait. */
export async function countMiss(
  call: Pick<Call, "caller">,
  { env, now, isDry }: Pick<World, "env" | "now" | "isDry">,
  clientId: string,
): Promise<boolean> {
  const limiter = env.GATEWAY_MISSES as RateLimit | undefined;
  return !isDry && (await patience.countMiss(limiter, { sender: senderIn(call), what: clientId }, now));
}
