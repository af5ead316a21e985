import type { BatchItem } from "drizzle-orm/batch";

import { inStorage } from "../db/client.ts";
import { flows } from "../db/schema.ts";
import type { Context } from "../identity/context.ts";
import { notice } from "../messages/notices.ts";
import { insertIfChanged } from "../messages/outbox.ts";
import { AppError, type ErrorItem } from "../platform/errors.ts";
import { newObjectId } from "../platform/ids.ts";
import { isRecord } from "./cast.ts";
import { checkFlow, textOf } from "./check.ts";
import { wakeCourier } from "./courier.ts";
import { requireFew, requireFewEntries } from "./many.ts";
import type { Flow } from "./model.ts";
import { ownersOfNew } from "./owners.ts";
import { searchTextOf } from "./search-text.ts";
import { flowOf, type FlowRow } from "./store.ts";

/** Stores one new flow. Throws INVALID_FLOW with every finding, or OWNER_NOT_ALLOWED. */
export async function createFlow(ctx: Context, input: unknown): Promise<Flow> {
  const row = rowOf(ctx, input);
  await insert(ctx, [row]);
  return flowOf(row);
}

export type Created = Flow | { errors: ErrorItem[] };

/** Stores those of the flows that pass, in one step, and answers each in its place. */
export async function createFlows(ctx: Context, inputs: readonly unknown[]): Promise<Created[]> {
  requireFew(inputs);
  requireFewEntries(inputs);
  const results = inputs.map((input): FlowRow | { errors: ErrorItem[] } => {
    try {
      return rowOf(ctx, input);
    } catch (error) {
      if (error instanceof AppError) return { errors: [...error.items] };
      throw error;
    }
  });
  const rows = results.filter((result) => "id" in result);
  if (rows.length > 0) await insert(ctx, rows);
  return results.map((result) => ("id" in result ? flowOf(result) : result));
}

function rowOf(ctx: Context, input: unknown): FlowRow {
  const completed = isRecord(input) ? { ...input, owners: ownersOfNew(ctx.actor, input) } : input;
  const checked = checkFlow(completed, ctx.config.FLOW_VALIDATION);
  if (!checked.ok) throw new AppError("INVALID_FLOW", { items: checked.findings });
  const { document } = checked;
  const now = ctx.now();
  return {
    id: newObjectId(now),
    document: textOf(document),
    name: document.name ?? null,
    type: document.type ?? null,
    fromTemplate: document.fromTemplate ?? null,
    searchText: searchTextOf(document),
    revision: 1,
    createdAt: now,
    updatedAt: now,
    status: "inactive",
    statusSeq: 0,
    startId: null,
    startedBy: null,
    startedAt: null,
    lastError: null,
    deadlineAt: null,
    tries: 0,
  };
}

async function insert(ctx: Context, rows: readonly FlowRow[]): Promise<void> {
  const statements = rows.flatMap((row): [BatchItem<"sqlite">, BatchItem<"sqlite">] => [
    ctx.db.insert(flows).values(row),
    insertIfChanged(ctx.db, notice("flowrepo.flow.created", ctx.actor, row.id, row.createdAt), row.createdAt),
  ]);
  await inStorage(() => ctx.db.batch(statements as [BatchItem<"sqlite">, ...BatchItem<"sqlite">[]]));
  for (const row of rows) wakeCourier(ctx, row.id);
}
