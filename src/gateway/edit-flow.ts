import type { Fault } from "../apis/check.ts";
import { type Api, type Flows, type Scope, StoredFlow } from "../apis/model.ts";
import { faultsOfSize } from "../apis/size.ts";
import { pointerOf } from "../flows/findings.ts";
import type { Context } from "../identity/context.ts";
import { AppError } from "../platform/errors.ts";
import { type DocumentPath, fault } from "../platform/faults.ts";
import { faultsOfShape, isRecord } from "../platform/shape.ts";
import { invalidApi } from "./api-findings.ts";
import { type ApiState, editDraft, type EditedDraft, getApi } from "./drafts.ts";
import {
  editScope,
  faultsOfEdit,
  type FlowDraft,
  type InheritanceSettings,
  removeFlow,
  restore,
  takeParentsValue,
} from "./inheritance.ts";
import { byId } from "./inheritance/entry.ts";
import { flowAt, parentOf } from "./inheritance/flows.ts";
import { type Passed, passedBy } from "./propagation.ts";
import { scopeOf, type ShownScope, shownScope } from "./scope-view.ts";

export interface WhichScope {
  readonly id: string;
  readonly resource: string;
  readonly operation: string;
}

export interface WhichEdit extends WhichScope {
  /** ETag that the draft must have. */
  readonly ifMatch?: string | undefined;
}

export interface ScopeState {
  readonly state: ApiState;
  readonly scope: ShownScope;
}

export interface ScopeEdited extends ScopeState {
  readonly state: EditedDraft;
  readonly changed: readonly Passed[];
}

/** The flow of a scope, as the draft has it. */
export async function getScope(ctx: Context, { id, resource, operation }: WhichScope): Promise<ScopeState> {
  const state = await getApi(ctx, id);
  return { state, scope: shownScope(state.api, scopeOf(state.api, resource, operation)) };
}

/** Saves lists and destination for a scope in the draft, and passes the change on to the flows below. */
export async function replaceScope(ctx: Context, which: WhichEdit, body: unknown): Promise<ScopeEdited> {
  const next = flowIn(body);
  return edit(ctx, which, ({ flows, settings }, scope) => {
    const faults = faultsOfEdit(flows, scope, next);
    if (faults.length === 0) return editScope(flows, scope, next, settings);
    throw invalidApi(faults.map(({ code, list, index, message }) => fault(code, [list, index], message)));
  });
}

/** From now on the scope runs its parent's flow. */
export const removeScope = (ctx: Context, which: WhichEdit): Promise<ScopeEdited> =>
  edit(ctx, which, ({ flows, settings }, scope) => {
    requireOwn(flows, scope);
    return removeFlow(flows, scope, settings);
  });

/** Undoes a break: the parent's sequence, then its own; with `discard` the parent's alone. */
export const restoreScope = (ctx: Context, which: WhichEdit, discard: boolean): Promise<ScopeEdited> =>
  edit(ctx, which, ({ flows, settings }, scope) => {
    requireOwn(flows, scope);
    return restore(flows, scope, { ...settings, discard });
  });

/** Gives an inherited interceptor what the parent has now. */
export const takeValue = (ctx: Context, which: WhichEdit, entryId: string): Promise<ScopeEdited> =>
  edit(ctx, which, ({ flows, settings }, scope) => {
    const own = requireOwn(flows, scope);
    const isInherited = byId(own).has(entryId) && byId(parentOf(flows, scope)).has(entryId);
    if (!isInherited) throw new AppError("API_ENTRY_NOT_FOUND");
    return takeParentsValue(flows, scope, entryId, settings);
  });

function requireOwn(flows: Flows, scope: Scope) {
  const own = flowAt(flows, scope);
  if (own === undefined) throw new AppError("API_FLOW_NOT_FOUND", { detail: "It runs the flow above." });
  return own;
}

type Edited = (api: Pick<Api, "flows"> & { readonly settings: InheritanceSettings }, scope: Scope) => Flows;

async function edit(
  ctx: Context,
  { id, resource, operation, ifMatch }: WhichEdit,
  edited: Edited,
): Promise<ScopeEdited> {
  const state = await editDraft(
    ctx,
    { id, ifMatch },
    ({ api }) => {
      const flows = edited(api, scopeOf(api, resource, operation));
      return flows === api.flows ? api : { ...api, flows };
    },
    (faults, { api }) => refusal(faults, scopeOf(api, resource, operation)),
  );
  const scope = scopeOf(state.api, resource, operation);
  const changed = passedBy(state.before.flows, state.api.flows, scope, state.api.settings);
  return { state, scope: shownScope(state.api, scope), changed };
}

/** Faults in the flow of the scope lead into what was sent, others into the document. */
function refusal(faults: readonly Fault[], { resource, operation }: Scope): AppError {
  const below = resource === undefined ? ["all"] : ["resources", resource];
  const own = resource === undefined ? [] : operation === undefined ? ["all"] : ["operations", operation];
  const at = ["flows", ...below, ...own];
  const isOurs = (path: DocumentPath) => at.every((key, index) => path[index] === key);
  return invalidApi(faults, (path) => pointerOf(isOurs(path) ? path.slice(at.length) : path));
}

/** What the view of a scope tells of an entry besides what is saved of it; whoever sends it back means no harm. */
const told = new Set(["origin", "level", "drift", "parentNow", "orphaned", "base"]);

function flowIn(body: unknown): FlowDraft {
  if (!isRecord(body)) throw invalidApi([fault("WRONG_TYPE", [], "A flow must be a JSON object.")]);
  const tooLarge = faultsOfSize(body);
  if (tooLarge.length > 0) throw invalidApi(tooLarge);
  const sent = { ...saidOf(body), ...withoutTold(body, "request"), ...withoutTold(body, "response") };
  const parsed = StoredFlow.safeParse(sent);
  if (parsed.success) return parsed.data as FlowDraft;
  throw invalidApi(faultsOfShape(parsed.error.issues, sent, { schema: StoredFlow, noun: "The flow" }));
}

/** What the view of a scope tells besides its lists. Its destination may be inherited; what the scope says itself is `own`. */
const toldOfScope = new Set(["resource", "operation", "saved", "runs", "broken", "breaks", "timeout"]);

function saidOf(body: Record<string, unknown>): Record<string, unknown> {
  if (!("saved" in body && "breaks" in body)) return body;
  const { own, destination: _, ...rest } = body;
  const said = Object.fromEntries(Object.entries(rest).filter(([key]) => !toldOfScope.has(key)));
  return own === undefined || own === null ? said : { ...said, destination: own };
}

function withoutTold(body: Record<string, unknown>, list: "request" | "response"): object {
  const entries = body[list];
  return Array.isArray(entries) ? { [list]: entries.map(plain) } : {};
}

const plain = (entry: unknown): unknown =>
  isRecord(entry) ? Object.fromEntries(Object.entries(entry).filter(([key]) => !told.has(key))) : entry;
