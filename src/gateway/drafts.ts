import { checkApi, type Fault } from "../apis/check.ts";
import type { Api } from "../apis/model.ts";
import { inStorage, type Database } from "../db/client.ts";
import { getFlow } from "../flows/get.ts";
import { documentOf, type FlowRow } from "../flows/store.ts";
import type { Context } from "../identity/context.ts";
import { reachOf, reachParameters, within } from "../identity/ownership.ts";
import { bytesOf } from "../messages/model.ts";
import { demandMatch } from "../platform/conditional.ts";
import { AppError } from "../platform/errors.ts";
import { MOST_BYTES } from "../platform/http.ts";
import { sha256Of } from "../platform/ids.ts";
import { invalidApi } from "./api-findings.ts";

/** What is being edited of an API and not saved yet. */
export interface Draft {
  readonly api: Api;
  /** Hash of the flow's API from which it was made. */
  readonly base: string;
  /** Counts the edits. */
  readonly edit: number;
  readonly updatedAt: number;
  readonly updatedBy: string;
}

/** An API as it stands in its flow, and what is being edited of it. */
export interface ApiState {
  readonly row: FlowRow;
  readonly saved: Api;
  readonly draft: Draft | undefined;
  /** The draft's API; without a draft the flow's. */
  readonly api: Api;
}

const FIND = `SELECT base, edit, updated_at AS "updatedAt", updated_by AS "updatedBy", document FROM api_drafts WHERE flow_id = ?`;

type DraftRow = Omit<Draft, "api"> & { readonly document: string };

/** The draft of an API; undefined if nothing is unsaved. */
export async function draftOf(db: Database, { id }: Pick<FlowRow, "id">): Promise<Draft | undefined> {
  const { results } = await inStorage(() => db.sql(FIND, id).all<DraftRow>());
  return results.map(({ document, ...draft }) => ({ ...draft, api: JSON.parse(document) as Api }))[0];
}

/** An API that the actor owns. A flow of another kind is none. */
export async function getApi(ctx: Context, id: string): Promise<ApiState> {
  const row = await getFlow(ctx, id, "Flow not found");
  const saved = savedApi(row);
  const draft = await draftOf(ctx.db, row);
  return { row, saved, draft, api: draft?.api ?? saved };
}

export function savedApi(row: Pick<FlowRow, "document">): Api {
  const { kind, api } = documentOf(row);
  if (kind !== "api" || api === undefined) throw new AppError("API_NOT_FOUND");
  return api as Api;
}

/** Stands for an API in a flow: a draft whose base is another one was begun before the last change. */
export const hashOf = (api: Api): Promise<string> => sha256Of(JSON.stringify(api));

/** A draft may be given up and begun anew at the same revision, so the time of its last edit belongs to it. */
export const draftTag = ({ row, draft }: Pick<ApiState, "row" | "draft">): string =>
  draft === undefined ? `"${row.revision}-0"` : `"${row.revision}-${draft.edit}-${draft.updatedAt.toString(36)}"`;

export interface DraftEdit {
  readonly id: string;
  /** ETag that the draft must have. */
  readonly ifMatch?: string | undefined;
  /** Begin anew from what is saved now, whatever the draft was begun from. */
  readonly rebase?: boolean;
}

export interface EditedDraft extends ApiState {
  /** What stood there. */
  readonly before: Api;
  readonly warnings: readonly Fault[];
}

/** Of edits at the same time one wins each round. */
const TRIES = 25;

/**
 * Edits a draft, or begins one. `edited` is asked again if somebody else's edit came between, with what that left. Its
 * result is checked as a whole; the very same API changes nothing.
 */
export async function editDraft(
  ctx: Context,
  { id, ifMatch, rebase = false }: DraftEdit,
  edited: (state: ApiState) => unknown,
  refuse: (faults: readonly Fault[], state: ApiState) => AppError = (faults) => invalidApi(faults),
): Promise<EditedDraft> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const state = await getApi(ctx, id);
    demandMatch(ifMatch, draftTag(state));
    const next = edited(state);
    const checked = checkApi(next);
    // What was saved before a rule came may break it; to leave it as it is is no edit.
    if (next === state.api) return { ...state, before: state.api, warnings: checked.ok ? checked.warnings : [] };
    if (!checked.ok) throw refuse(checked.faults, state);
    const { api, warnings } = checked;
    const base = state.draft === undefined || rebase ? await hashOf(state.saved) : state.draft.base;
    const draft = await writeDraft(ctx, state, { api, base });
    if (draft !== undefined) return { ...state, before: state.api, draft, api, warnings };
  }
  throw new AppError("DRAFT_CONFLICT");
}

const OWNED = `flows.id = ?1 AND flows.document ->> '$.kind' = 'api' AND ${within(2)}`;
const BEGIN = `INSERT INTO api_drafts (flow_id, base, edit, updated_at, updated_by, document)
  SELECT ?1, ?4, 1, CAST(?5 AS INTEGER), ?6, ?7 FROM flows WHERE ${OWNED} ON CONFLICT (flow_id) DO NOTHING RETURNING edit`;
const EDIT = `UPDATE api_drafts SET base = ?4, edit = edit + 1, updated_at = CAST(?5 AS INTEGER), updated_by = ?6, document = ?7
  WHERE flow_id = ?1 AND edit = ?8 AND updated_at = ?9 AND EXISTS (SELECT 1 FROM flows WHERE ${OWNED}) RETURNING edit`;

/** Writes an edit unless another one came between; undefined if so. */
async function writeDraft(
  { db, actor, now }: Context,
  { row, draft }: ApiState,
  { api, base }: Pick<Draft, "api" | "base">,
): Promise<Draft | undefined> {
  const document = JSON.stringify(api);
  if (bytesOf(document) > MOST_BYTES) {
    throw new AppError("BODY_TOO_LARGE", { detail: `An API may have at most ${MOST_BYTES} bytes.` });
  }
  const next = {
    api,
    base,
    edit: (draft?.edit ?? 0) + 1,
    // Never the time of the edit before: both together tell drafts apart.
    updatedAt: Math.max(now(), (draft?.updatedAt ?? 0) + 1),
    updatedBy: actor.sub,
  };
  const values = [row.id, ...reachParameters(reachOf(actor)), base, next.updatedAt, next.updatedBy, document];
  const write = draft === undefined ? db.sql(BEGIN, ...values) : db.sql(EDIT, ...values, draft.edit, draft.updatedAt);
  const { results } = await inStorage(() => write.all());
  return results.length > 0 ? next : undefined;
}

const DISCARD = `DELETE FROM api_drafts WHERE flow_id = ?1 AND edit = ?4 AND updated_at = ?5 AND EXISTS (SELECT 1 FROM flows WHERE ${OWNED}) RETURNING edit`;

/** Gives up what is not saved: the draft then is the flow's API again. */
export async function discardDraft(ctx: Context, { id, ifMatch }: DraftEdit): Promise<ApiState> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const state = await getApi(ctx, id);
    demandMatch(ifMatch, draftTag(state));
    const { row, draft, saved } = state;
    if (draft === undefined) return state;
    const reach = reachParameters(reachOf(ctx.actor));
    const { results } = await inStorage(() => ctx.db.sql(DISCARD, row.id, ...reach, draft.edit, draft.updatedAt).all());
    if (results.length > 0) return { row, saved, draft: undefined, api: saved };
  }
  throw new AppError("DRAFT_CONFLICT");
}
