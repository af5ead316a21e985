import { constraintIn, inStorage } from "../db/client.ts";
import type { Context } from "../identity/context.ts";
import { recordOf, unlessTaken } from "../identity/idempotency.ts";
import { notice } from "../messages/notices.ts";
import { AppError, type ErrorItem } from "../platform/errors.ts";
import type { Answer } from "../platform/http.ts";
import { newObjectId } from "../platform/ids.ts";
import { flowAnswer, flowsAnswer } from "./answer.ts";
import { isRecord } from "../platform/shape.ts";
import { checkFlow } from "./check.ts";
import { wakeCouriers } from "./courier.ts";
import { requireFew, requireFewEntries } from "./many.ts";
import { ownersOfNew } from "./owners.ts";
import { listOf, refusedOnSave, warningsOnSave, type PlacedWarnings } from "./references.ts";
import type { WholeRow } from "./store.ts";
import type { TemplateForm } from "./variables.ts";
import { insertions, storedForm, type Written } from "./write.ts";

/** Stores one new flow; of a template an instance of it. Throws INVALID_FLOW with every finding, or OWNER_NOT_ALLOWED. */
export async function createFlow(ctx: Context, input: unknown, template?: TemplateForm): Promise<Answer> {
  const row = { ...rowOf(ctx, input, ctx.now(), template !== undefined), ...(template && { template }) };
  const answer = flowAnswer(row, 201, await warningsOnSave(ctx, row));
  await insert(ctx, [row], answer);
  return answer;
}

/** Stores those of the flows that pass, in one step, and answers each in its place. */
export async function createFlows(ctx: Context, inputs: readonly unknown[]): Promise<Answer> {
  requireFew(inputs);
  requireFewEntries(inputs);
  const now = ctx.now();
  const results = inputs.map((input): WholeRow | { errors: readonly ErrorItem[] } => {
    try {
      return rowOf(ctx, input, now);
    } catch (error) {
      if (error instanceof AppError) return { errors: error.items };
      throw error;
    }
  });
  const warnings: PlacedWarnings = new Map();
  const rows = new Map(results.flatMap((result, at) => ("id" in result ? [[at, result] as const] : [])));
  for (const [at, { items }] of await refusedOnSave(ctx, rows, warnings)) results[at] = { errors: items };
  const answer = flowsAnswer(results, 201, listOf(warnings));
  await insert(
    ctx,
    results.filter((result) => "id" in result),
    answer,
  );
  return answer;
}

function rowOf(ctx: Context, input: unknown, now: number, isInstance = false): WholeRow {
  // Instances are made by their template alone.
  const instance = isInstance && isRecord(input) ? input["instance"] : undefined;
  const completed = isRecord(input) ? { ...input, instance, owners: ownersOfNew(ctx.actor, input) } : input;
  const checked = checkFlow(completed, ctx.config.FLOW_VALIDATION);
  if (!checked.ok) throw new AppError("INVALID_FLOW", { items: checked.findings });
  return {
    // The database gives the place.
    pos: 0,
    id: newObjectId(now),
    ...storedForm(checked.document),
    revision: 1,
    revisedAt: now,
    revisedBy: ctx.actor.sub,
    revisionNote: "Created.",
    createdAt: now,
    updatedAt: now,
    status: "inactive",
    statusSeq: 0,
    startId: null,
    startedBy: null,
    startedIn: null,
    startedAt: null,
    lastError: null,
    deadlineAt: null,
    tries: 0,
  };
}

async function insert(ctx: Context, rows: readonly WholeRow[], answer: Answer): Promise<void> {
  const written = rows.map((row) => ({
    row,
    message: notice("flowrepo.flow.created", ctx.actor, row.id, row.createdAt),
  }));
  if (rows.length > 0 || ctx.repeat !== undefined) await commit(ctx, written, answer);
  wakeCouriers(
    ctx,
    rows.map((row) => row.id),
  );
}

const TRIES = 5;

/** A millisecond has room for 1,024 flows; more than that, or many lists at once, are moved on. */
async function commit(ctx: Context, written: readonly Written[], answer: Answer): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    const statements = [...recordOf(ctx, answer), ...insertions(ctx.db, written, attempt * attempt)];
    try {
      await unlessTaken(() => inStorage(() => ctx.db.batch(statements)));
      return;
    } catch (error) {
      if (constraintIn(error) !== "flows.pos" || attempt === TRIES) throw error;
    }
  }
}
