import { z } from "zod";

import { getFlow } from "../flows/get.ts";
import { documentOf } from "../flows/store.ts";
import type { Context } from "../identity/context.ts";
import { AppError } from "../platform/errors.ts";
import { listRuns } from "./list.ts";
import { runStatuses } from "./model.ts";
import { flowOfRun } from "./begin.ts";

export const StepLog = z
  .object({
    timestamp: z.iso.datetime().meta({ description: "When it was logged.", example: "2026-11-22T04:30:00.000Z" }),
    message: z
      .unknown()
      .meta({ description: "Text, or an object with the text in msg.", example: { msg: "3 records read" } }),
  })
  .meta({ id: "StepLog", description: "A line that a step logged." });

/** A line as it is kept in a run. */
export interface LoggedLine {
  readonly at: number;
  readonly level: string;
  readonly message: string;
}

export interface StepLogs {
  readonly data: z.infer<typeof StepLog>[];
  readonly meta: { pageSize: number; nextPageToken: string | null };
}

/** Runs that one page looks through. */
const MOST_RUNS = 20;

/** What a step logged and why it failed, over the runs of its flow: the newest runs first, each run's lines in order. */
export async function getStepLogs(
  env: Env,
  ctx: Context,
  asked: { id: string; step: string; pageSize: number; pageToken: string | undefined },
): Promise<StepLogs> {
  const { step, pageSize, pageToken } = asked;
  const row = await getFlow(ctx, asked.id, "Flow not found");
  if (!documentOf(row).graph.nodes.some((node) => node.id === step)) {
    throw new AppError("STEP_NOT_FOUND", { detail: "Name a node of the flow's graph." });
  }
  if (pageToken !== undefined && flowOfRun(pageToken) !== row.id) throw badToken();
  const runs = await listRuns(ctx.db, { flowId: row.id, statuses: runStatuses, after: pageToken, size: MOST_RUNS + 1 });
  const looked = runs.slice(0, MOST_RUNS);
  const found = await Promise.all(looked.map(async ({ id }) => env.RUN.getByName(id).linesOf(step, pageSize)));
  const pages: StepLogs["data"][] = [];
  let lines = 0;
  let last: string | undefined;
  for (const [index, run] of looked.entries()) {
    const logged = found[index]!;
    if (last !== undefined && lines + logged.length > pageSize) break;
    lines += logged.length;
    last = run.id;
    pages.unshift(
      logged.map(({ at, level, message }) => ({
        timestamp: new Date(at).toISOString(),
        message: { msg: message, level, runId: run.id },
      })),
    );
  }
  const isLast = last === runs.at(-1)?.id;
  return { data: pages.flat(), meta: { pageSize, nextPageToken: isLast ? null : (last ?? null) } };
}

function badToken(): AppError {
  const parameter = "pageToken";
  const detail = "Take it from nextPageToken of a page of the same flow.";
  return new AppError("INVALID_PARAMETER", { message: `Invalid ${parameter} parameter`, parameter, detail });
}
