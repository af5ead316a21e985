import { getFlow } from "../flows/get.ts";
import type { Context } from "../identity/context.ts";
import { AppError } from "../platform/errors.ts";
import { flowBehind } from "./replay.ts";

/** What happens to a flow's status, behind an event. */
export async function flowEvents(ctx: Context, id: string, after: number): Promise<ReadableStream<Uint8Array>> {
  const { id: flowId } = await getFlow(ctx, id, "Flow not found");
  return ctx.objects.getByName(flowId).watch(flowId, after);
}

/** What happens at a run's steps, behind an event. */
export async function runEvents(
  env: Env,
  ctx: Context,
  id: string,
  after: number,
): Promise<ReadableStream<Uint8Array>> {
  await flowBehind(ctx, id);
  const events = await env.RUN.getByName(id).watch(after);
  if (events === undefined) throw new AppError("RUN_NOT_FOUND");
  return events;
}
