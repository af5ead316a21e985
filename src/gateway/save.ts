import { checkApi } from "../apis/check.ts";
import { comparable } from "../apis/match.ts";
import type { Api } from "../apis/model.ts";
import { inStorage, type Database } from "../db/client.ts";
import { wakeCouriers } from "../flows/courier.ts";
import { keptText } from "../flows/instance.ts";
import { documentOf, type WholeRow } from "../flows/store.ts";
import { storedForm } from "../flows/write.ts";
import type { Context } from "../identity/context.ts";
import { requirePermission } from "../identity/http.ts";
import { recordOf, unlessTaken } from "../identity/idempotency.ts";
import { reachOf, reachParameters, within } from "../identity/ownership.ts";
import { notice } from "../messages/notices.ts";
import { insertIfChanged } from "../messages/outbox.ts";
import { demandMatch } from "../platform/conditional.ts";
import { AppError } from "../platform/errors.ts";
import type { Answer } from "../platform/http.ts";
import { invalidApi } from "./api-findings.ts";
import { wordsForApi } from "./api-words.ts";
import { overviewAnswer } from "./describe.ts";
import { type ApiState, type Draft, draftTag, getApi, hashOf } from "./drafts.ts";
import { claimsOf, faultOfOpening, takenSentence } from "./open.ts";

export interface Saving {
  readonly id: string;
  /** ETag that the draft must have. */
  readonly ifMatch?: string | undefined;
}

/** What becomes the present revision. */
export interface Publication {
  readonly api: unknown;
  readonly noteOf: (words: string) => string;
  /** The draft that it is, which then is one no more. */
  readonly draft?: Draft;
}

/**
 * Makes the draft the present revision, at once. Of an active API the next call of each gateway that has heard of it
 * runs the new one; calls in flight finish on the old one.
 */
export const saveApi = (
  ctx: Context,
  env: Env,
  { note, ...which }: Saving & { readonly note?: string | undefined },
): Promise<Answer> =>
  publish(ctx, env, which, async ({ saved, draft }) => {
    if (draft === undefined) throw new AppError("NOTHING_TO_SAVE");
    if (draft.base !== (await hashOf(saved))) throw outdated();
    return { api: draft.api, noteOf: (words) => note ?? words, draft };
  });

const outdated = () =>
  new AppError("DRAFT_OUTDATED", { detail: "Put the draft again to begin from what is saved now, or delete it." });

/** Of changes at the same time one wins each round. */
const TRIES = 25;

/** Makes something the present revision of an API; decided anew as long as others come between. */
export async function publish(
  ctx: Context,
  env: Env,
  { id, ifMatch }: Saving,
  decide: (state: ApiState) => Promise<Publication>,
): Promise<Answer> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const state = await getApi(ctx, id);
    demandMatch(ifMatch, draftTag(state));
    requireStill(ctx, state);
    const made = await decide(state);
    const checked = checkApi(made.api);
    if (!checked.ok) throw invalidApi(checked.faults);
    const { api } = checked;
    const row = rowAfter(ctx, state, api, made);
    if (row.status === "active") {
      const message = await faultOfOpening(ctx.db, env, row, api);
      if (message !== undefined) throw new AppError("INVALID_API", { message });
    }
    const draft = made.draft === undefined ? state.draft : undefined;
    const answer = await overviewAnswer({ row, saved: api, draft, api: draft?.api ?? api });
    if (await commit(ctx, { state, row, api, draft: made.draft, answer })) {
      wakeCouriers(ctx, [row.id]);
      return answer;
    }
  }
  throw new AppError("REVISION_CONFLICT");
}

/** Whoever changes what answers calls now must be allowed to start and stop it as well. */
function requireStill(ctx: Context, { row: { status } }: ApiState): void {
  if (status === "active") requirePermission(ctx, "flows.control");
  else if (status !== "inactive") throw new AppError("API_MOVING", { detail: `It is ${status}.` });
}

function rowAfter(ctx: Context, { row, saved }: ApiState, api: Api, { noteOf }: Publication): WholeRow {
  const now = Math.max(ctx.now(), row.updatedAt);
  const present = documentOf(row);
  return {
    ...row,
    ...storedForm({ ...present, api: api as NonNullable<typeof present.api> }),
    revision: row.revision + 1,
    revisedAt: now,
    revisedBy: ctx.actor.sub,
    revisionNote: noteOf(wordsForApi(saved, api)),
    updatedAt: now,
    // What it does now is done in the name of the one who said so.
    ...(row.status === "active" ? { startedBy: ctx.actor.sub, startedIn: ctx.actor.tenant } : {}),
  };
}

const PUBLISH = `UPDATE flows SET home = ?5, document = ?6, search_text = ?7, revision = revision + 1,
    revised_at = CAST(?8 AS INTEGER), updated_at = CAST(?8 AS INTEGER), revised_by = ?9, revision_note = ?10,
    started_by = ?14, started_in = ?15
  WHERE id = ?1 AND revision = ?2 AND status_seq = ?11 AND status IN ('inactive', 'active') AND ${within(3)}
    AND (?12 IS NULL OR EXISTS (SELECT 1 FROM api_drafts WHERE flow_id = ?1 AND edit = ?12 AND updated_at = ?13))
  RETURNING id`;
const FORGET_DRAFT = "DELETE FROM api_drafts WHERE flow_id = ?1";
const TRIM = "DELETE FROM revisions WHERE flow_id = ?1 AND revision < ?2";

interface Commit {
  readonly state: ApiState;
  readonly row: WholeRow;
  readonly api: Api;
  readonly draft: Draft | undefined;
  readonly answer: Answer;
}

/**
 * One batch: the revision, its notice, the end of the draft, and the base path of an active API. It breaks off as a
 * whole if somebody else came first (false), or if the base path is another's (BASE_PATH_TAKEN).
 */
async function commit(ctx: Context, { state, row, api, draft, answer }: Commit): Promise<boolean> {
  const { db, actor } = ctx;
  const update = db.sql(
    PUBLISH,
    row.id,
    state.row.revision,
    ...reachParameters(reachOf(actor)),
    row.home,
    keptText(row.document),
    row.searchText,
    row.revisedAt,
    row.revisedBy,
    row.revisionNote,
    row.statusSeq,
    draft?.edit ?? null,
    draft?.updatedAt ?? null,
    row.startedBy,
    row.startedIn,
  );
  const statements = [
    ...recordOf(ctx, answer),
    update,
    unless(db, OVERTAKEN, "changes() > 0"),
    insertIfChanged(db, notice("flowrepo.flow.modified", actor, row.id, row.updatedAt), row.updatedAt),
    ...(draft === undefined ? [] : [db.sql(FORGET_DRAFT, row.id)]),
    ...(row.status === "active" ? claiming(db, row, api) : []),
    db.sql(TRIM, row.id, row.revision - ctx.config.REVISION_LIMIT),
  ];
  try {
    await unlessTaken(() => inStorage(() => db.batch(statements)));
    return true;
  } catch (error) {
    if (brokeOff(error, OVERTAKEN)) return false;
    if (brokeOff(error, TAKEN)) throw new AppError("BASE_PATH_TAKEN", { message: takenSentence(api) });
    throw error;
  }
}

function claiming(db: Database, row: WholeRow, api: Api): D1PreparedStatement[] {
  const [claim, giveUp] = claimsOf(db, row, api, row.updatedAt);
  const isOurs = "EXISTS (SELECT 1 FROM open_apis WHERE address = ?1 AND flow_id = ?2)";
  return [claim, unless(db, TAKEN, isOurs, comparable(api.basePath), row.id), giveUp];
}

const OVERTAKEN = "save.overtaken";
const TAKEN = "save.taken";

/**
 * A statement that breaks off its batch, with all that the batch did, unless a condition holds: SQLite has no RAISE
 * outside of triggers, but names the path that is none.
 */
const unless = (db: Database, word: string, holds: string, ...values: readonly unknown[]): D1PreparedStatement =>
  db.sql(`SELECT json_extract('{}', CASE WHEN ${holds} THEN '$' ELSE '${word}' END)`, ...values);

function brokeOff(error: unknown, word: string): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if (at.message.includes(word)) return true;
  return false;
}
