import { inStorage } from "../db/client.ts";
import type { Context } from "../identity/context.ts";
import { reachOf } from "../identity/ownership.ts";
import { bytesOf } from "../messages/model.ts";
import { AppError, errorItem, type ErrorItem } from "../platform/errors.ts";
import type { Answer } from "../platform/http.ts";
import { toObjectId } from "../platform/ids.ts";
import { flowsAnswer, type Result } from "./answer.ts";
import { isRecord } from "../platform/shape.ts";
import { wakeCouriers } from "./courier.ts";
import { MOST_ANSWERED, refusedItem, requireFew, requireFewEntries, unlessAllFailed } from "./many.ts";
import { listOf, refusedOnSave, type PlacedWarnings } from "./references.ts";
import { findFlows, groupsOf, type FlowRow } from "./store.ts";
import { editOf } from "./update.ts";
import { edits, type Edited } from "./write.ts";

/** Of edits at the same time one wins each round. */
const TRIES = 25;
/** Each edit of the same flow takes a round of its own. */
const MOST_OF_ONE = 20;

interface Asked {
  readonly at: number;
  readonly sent: string;
  readonly flowId: string;
  readonly body: unknown;
  tries: number;
}

/**
 * Makes the edits, many in one step and those of one flow one after another, and answers each in its place; one that
 * fails does not hold up the others.
 */
export async function updateFlows(ctx: Context, body: unknown): Promise<Answer> {
  const sent: unknown[] = Array.isArray(body) ? body : [body];
  requireFew(sent);
  requireFewEntries(sent);
  const results = sent.map(refusedAtOnce());
  let waiting = sent.flatMap((edit, at) => (results[at] === undefined ? [asked(edit, at)] : []));
  const edited = new Set<string>();
  const warnings: PlacedWarnings = new Map();
  let answered = 0;
  while (waiting.length > 0) {
    const round = firstOfEach(waiting);
    for (const some of await groupsOfRound(ctx, round)) {
      for (const [at, result] of answered > MOST_ANSWERED ? tooMuch(some) : await editGroup(ctx, some, warnings)) {
        results[at] = result;
        if ("errors" in result) continue;
        answered += bytesOf(result.document);
        edited.add(result.id);
      }
    }
    waiting = waiting.filter(({ at }) => results[at] === undefined);
  }
  wakeCouriers(ctx, [...edited]);
  const done = unlessAllFailed(results as Result[]);
  // An edit that another one overtook may have been refused after it was judged.
  for (const [at, result] of done.entries()) if ("errors" in result) warnings.delete(at);
  return flowsAnswer(done, 200, listOf(warnings));
}

/** Groups that fit into memory. If they cannot be weighed, they cannot be read either, and each is told so. */
async function groupsOfRound(ctx: Context, round: ReadonlyMap<string, Asked>): Promise<Asked[][]> {
  const ids = [...round.keys()];
  const groups = await groupsOf(ctx.db, ids, reachOf(ctx.actor)).catch(() => [ids]);
  return groups.map((group) => group.map((id) => round.get(id)!)).filter((some) => some.length > 0);
}

function refusedAtOnce(): (edit: unknown) => Result | undefined {
  const seen = new Map<string, number>();
  return (edit) => {
    if (!isRecord(edit)) return { errors: [errorItem("INVALID_BODY", { message: "An edit must be a JSON object." })] };
    const { id } = edit;
    if (typeof id !== "string") return { errors: [errorItem("INVALID_ID", { pointer: "/id", flowId: id ?? null })] };
    const flowId = toObjectId(id);
    if (flowId === undefined) return { errors: [errorItem("INVALID_ID", { flowId: id })] };
    seen.set(flowId, (seen.get(flowId) ?? 0) + 1);
    if (seen.get(flowId)! <= MOST_OF_ONE) return undefined;
    const message = `A request may have at most ${MOST_OF_ONE} edits of the same flow.`;
    return { errors: [errorItem("INVALID_BODY", { message, flowId: id })] };
  };
}

function asked(edit: unknown, at: number): Asked {
  const { id } = edit as { id: string };
  return { at, sent: id, flowId: toObjectId(id)!, body: edit, tries: 0 };
}

function firstOfEach(waiting: readonly Asked[]): Map<string, Asked> {
  const first = new Map<string, Asked>();
  for (const one of waiting) if (!first.has(one.flowId)) first.set(one.flowId, one);
  return first;
}

const tooMuch = (some: readonly Asked[]): Map<number, Result> => {
  const message = "The flows of this request are too large to be answered together. Send this edit in another request.";
  return new Map(
    some.map(({ at, sent }) => [at, { errors: [errorItem("BODY_TOO_LARGE", { message, flowId: sent })] }]),
  );
};

/** Results by position; an edit that another one overtook has none yet. */
async function editGroup(ctx: Context, some: readonly Asked[], warnings: PlacedWarnings): Promise<Map<number, Result>> {
  const results = new Map<number, Result>();
  const reach = reachOf(ctx.actor);
  const refuse = ({ at, sent }: Asked, error: unknown) => results.set(at, named(refusedItem(ctx.config, error, sent)));
  try {
    const ids = some.map(({ flowId }) => flowId);
    const rows = await findFlows(ctx.db, ids, reach);
    const made = new Map<number, Edited>();
    for (const one of some) {
      try {
        made.set(one.at, editOf(ctx, found(rows, one), one.body));
      } catch (error) {
        refuse(one, error);
      }
    }
    const judged = new Map([...made].map(([at, { row }]) => [at, row]));
    const unseen = await refusedOnSave(ctx, judged, warnings);
    for (const one of some.filter(({ at }) => unseen.has(at))) {
      refuse(one, unseen.get(one.at));
      made.delete(one.at);
    }
    const written = made.size === 0 ? new Set() : await write(ctx, [...made.values()]);
    for (const { at, flowId } of some) {
      if (written.has(flowId)) results.set(at, made.get(at)!.row);
    }
  } catch (error) {
    for (const one of some) if (!results.has(one.at)) refuse(one, error);
  }
  return results;
}

function found(rows: ReadonlyMap<string, FlowRow>, one: Asked): FlowRow {
  const row = rows.get(one.flowId);
  if (row === undefined) throw new AppError("FLOW_NOT_FOUND");
  one.tries += 1;
  if (one.tries > TRIES) throw new AppError("REVISION_CONFLICT");
  return row;
}

async function write(ctx: Context, made: readonly Edited[]): Promise<Set<unknown>> {
  const statements = edits(ctx.db, made, reachOf(ctx.actor), ctx.config.REVISION_LIMIT);
  const done = await inStorage(() => ctx.db.batch<{ id?: string }>(statements));
  return new Set(done.flatMap(({ results }) => results.map((row) => row.id)));
}

/** In answers about several flows the original names the flow in these sentences. */
const named = ({ errors }: { errors: readonly ErrorItem[] }): Result => ({
  errors: errors.map((item) => ({
    ...item,
    message: item.message.replace(/^Flow (?=not found|is not inactive)/, `Flow ${String(item.flowId)} `),
  })),
});
