import { z } from "zod";

import type { Context } from "../identity/context.ts";
import { AppError } from "../platform/errors.ts";
import { getFlow } from "./get.ts";
import { documentOf } from "./store.ts";

export const StepLog = z
  .object({
    timestamp: z.iso.datetime().meta({ description: "When it was logged.", example: "2026-11-22T04:30:00.000Z" }),
    message: z
      .unknown()
      .meta({ description: "Text, or an object with the text in msg.", example: { msg: "3 records read" } }),
  })
  .meta({ id: "StepLog", description: "A line that a step logged." });

export interface StepLogs {
  readonly data: z.infer<typeof StepLog>[];
  readonly meta: { pageSize: number; nextPageToken: string | null };
}

/** What a step of the actor's flow has logged. Empty until flows are run by this service itself. */
export async function getStepLogs(ctx: Context, id: string, step: string, pageSize: number): Promise<StepLogs> {
  const flow = documentOf(await getFlow(ctx, id, "Flow not found"));
  if (!flow.graph.nodes.some((node) => node.id === step)) {
    throw new AppError("STEP_NOT_FOUND", { detail: "Name a node of the flow's graph." });
  }
  return { data: [], meta: { pageSize, nextPageToken: null } };
}
