import type { Context } from "../identity/context.ts";
import { logError } from "../platform/log.ts";

/** Has a flow's object hand over what a verb has just committed. If this fails, the sweep does it within minutes. */
export function wakeCourier(ctx: Pick<Context, "objects" | "defer" | "config">, flowId: string): void {
  const wake = async (): Promise<void> => {
    try {
      await ctx.objects.getByName(flowId).relay(flowId);
    } catch (error) {
      logError(ctx.config, "courier.unreachable", error, { flowId });
    }
  };
  ctx.defer(wake());
}
