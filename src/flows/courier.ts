import type { Context } from "../identity/context.ts";
import { logError } from "../platform/log.ts";
import { WAKE, type Envelope } from "../messages/model.ts";

/** More objects than this are woken by way of a queue. */
const MOST_AT_ONCE = 20;
const MOST_IN_A_MESSAGE = 100;

/**
 * Has the objects of flows hand over what a verb has just committed. If this fails, the sweep does it within minutes.
 */
export function wakeCouriers(
  ctx: Pick<Context, "objects" | "defer" | "config" | "chores">,
  flowIds: readonly string[],
): void {
  if (flowIds.length > MOST_AT_ONCE) ctx.defer(wakeLater(ctx, flowIds));
  else for (const flowId of flowIds) ctx.defer(wakeNow(ctx, flowId));
}

async function wakeNow(ctx: Pick<Context, "objects" | "config">, flowId: string): Promise<void> {
  try {
    await ctx.objects.getByName(flowId).relay(flowId);
  } catch (error) {
    logError(ctx.config, "courier.unreachable", error, { flowId });
  }
}

/** Has the objects of flows woken by way of a queue, which spreads the work. */
export async function wakeLater(
  { chores, config }: Pick<Context, "chores" | "config">,
  flowIds: readonly string[],
): Promise<void> {
  const messages: { body: Envelope }[] = [];
  for (let at = 0; at < flowIds.length; at += MOST_IN_A_MESSAGE) {
    messages.push({ body: { headers: { name: WAKE }, payload: { ids: flowIds.slice(at, at + MOST_IN_A_MESSAGE) } } });
  }
  try {
    if (messages.length > 0) await chores.sendBatch(messages);
  } catch (error) {
    logError(config, "courier.unreachable", error, { flows: flowIds.length });
  }
}
