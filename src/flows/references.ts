import { findMapped } from "../components/store.ts";
import type { Context, Judgement, Reference } from "../identity/context.ts";
import { AppError, statusOf, type ErrorItem } from "../platform/errors.ts";
import { isUnasked } from "../neighbours/judge.ts";
import { isHexId } from "../platform/ids.ts";
import { isRecord } from "../platform/shape.ts";
import { told } from "./check.ts";
import { pointerOf, type Finding } from "./findings.ts";
import { recordsIn } from "./graph.ts";
import type { FlowDocument } from "./model.ts";
import { documentOf, type FlowRow } from "./store.ts";

type Row = Pick<FlowRow, "document">;

/** What the steps of an integration flow name by id, broken or not; names of built-in components are no ids. */
export function referencesIn(flow: unknown): Reference[] {
  if (!isRecord(flow) || (flow["kind"] ?? "integration") !== "integration" || !isRecord(flow["graph"])) return [];
  return recordsIn(flow["graph"]["nodes"]).flatMap((node, index) => {
    if (node === undefined) return [];
    const { componentId, credentials_id: secretId, function: name } = node;
    const place = (key: string) => pointerOf(["graph", "nodes", index, key]);
    const called = typeof name === "string" && name !== "" ? { called: { name, pointer: place("function") } } : {};
    return [
      ...idIn(componentId).map((id) => ({ kind: "component" as const, id, pointer: place("componentId"), ...called })),
      ...idIn(secretId).map((id) => ({ kind: "secret" as const, id, pointer: place("credentials_id") })),
    ];
  });
}

const idIn = (value: unknown): string[] => (typeof value === "string" && isHexId(value) ? [value.toLowerCase()] : []);

/** What the neighbours say of flows, in their order; nothing if none is asked. */
async function judged(ctx: Context, flowsOf: () => readonly unknown[]): Promise<Judgement[]> {
  const { neighbours } = ctx;
  if (neighbours === undefined) return [];
  const references = flowsOf().map(referencesIn);
  const isMapped = await mappedAmong(ctx, references.flat());
  return neighbours.judge(references.map((list) => list.filter((one) => !isMapped(one))));
}

/** Where flows run here, a component that an admin mapped is called as mapped, whatever others have under its id. */
async function mappedAmong(ctx: Context, references: readonly Reference[]): Promise<(one: Reference) => boolean> {
  const { ORCHESTRATOR: runsBy, COMPONENT_REPOSITORY_BASE_URL: base } = ctx.config;
  if (runsBy !== "embedded" || base === undefined) return () => false;
  const ids = references.filter(({ kind }) => kind === "component").map(({ id }) => id);
  const mapped = await findMapped(ctx.db, ids);
  return ({ kind, id }) => kind === "component" && mapped.has(id);
}

/** What a save of a flow comes to beside its answer. */
export interface Told {
  /** With CHECKS=enforce. */
  readonly refusal?: AppError;
  readonly warnings: readonly Finding[];
}

/** Judges flows that are about to be stored, in their order. A neighbour that does not answer keeps none from it. */
export async function toldOnSave(ctx: Context, rows: readonly Row[]): Promise<Told[]> {
  const judgements = await judged(ctx, () => rows.map(documentOf));
  return rows.map((_, at) => {
    const { hidden, warnings, unanswered } = judgements[at] ?? nothing;
    if (ctx.config.CHECKS === "warn") return { warnings: told([...hidden, ...warnings, ...unanswered]) };
    const refusal = hidden.length === 0 ? {} : { refusal: new AppError("INVALID_FLOW", { items: told([...hidden]) }) };
    return { ...refusal, warnings: told([...warnings, ...unanswered]) };
  });
}

/** The same for one flow: its warnings. Throws INVALID_FLOW with CHECKS=enforce. */
export async function warningsOnSave(ctx: Context, row: Row): Promise<readonly Finding[]> {
  const [{ refusal, warnings }] = (await toldOnSave(ctx, [row])) as [Told];
  if (refusal !== undefined) throw refusal;
  return warnings;
}

/** Warnings of several flows by their places in the request. */
export type PlacedWarnings = Map<number, readonly Finding[]>;

/** The same for flows by their places: notes the warnings, and answers which are refused. */
export async function refusedOnSave(
  ctx: Context,
  rows: ReadonlyMap<number, Row>,
  warnings: PlacedWarnings,
): Promise<Map<number, AppError>> {
  const all = await toldOnSave(ctx, [...rows.values()]);
  const refused = new Map<number, AppError>();
  for (const [index, at] of [...rows.keys()].entries()) {
    const { refusal, warnings: own } = all[index]!;
    if (refusal === undefined) warnings.set(at, own);
    else refused.set(at, refusal);
  }
  return refused;
}

/** Warnings as one list for the answer, which begins each pointer with the place. */
export const listOf = (warnings: PlacedWarnings): Finding[] =>
  told(
    [...warnings]
      .toSorted(([a], [b]) => a - b)
      .flatMap(([at, own]) => own.map((one) => ({ ...one, pointer: `/${at}${one.pointer}` }))),
  );

/**
 * Why flows are not started, in their order; undefined where nothing stands in the way. `advice` is for those that refer
 * to more than one request may ask: nobody is to pass unseen by naming much.
 */
export const refusalsOfStart = (ctx: Context, rows: readonly Row[], advice: string) =>
  refusalsOf(ctx, () => rows.map(documentOf), advice);

/** The same for what is started in the form of these graphs, whatever else it has. */
export const refusalsOfForms = (ctx: Context, forms: readonly Pick<FlowDocument, "graph">[], advice: string) =>
  refusalsOf(ctx, () => forms, advice);

async function refusalsOf(ctx: Context, flowsOf: () => readonly unknown[], advice: string) {
  const judgements = await judged(ctx, flowsOf);
  return judgements.map(({ hidden, unanswered }) => {
    const beyond = unanswered.filter(isUnasked).map((item) => ({ ...item, detail: `${item.detail} ${advice}` }));
    const refused = [...hidden, ...beyond];
    if (refused.length > 0) return new AppError("REFERENCES_NOT_VISIBLE", { items: told(refused).map(asConflict) });
    const isBlind = unanswered.length > 0 && ctx.config.CHECKS === "enforce";
    return isBlind ? new AppError("NEIGHBOUR_UNAVAILABLE", { items: unanswered }) : undefined;
  });
}

const asConflict = (item: ErrorItem): ErrorItem => ({ ...item, code: statusOf("REFERENCES_NOT_VISIBLE") });

/** The same as a check of a flow tells it. */
export async function findingsOfReferences(ctx: Context, flow: () => unknown): Promise<Finding[]> {
  const { hidden, warnings, unanswered } = (await judged(ctx, () => [flow()]))[0] ?? nothing;
  const isFault = ctx.config.CHECKS === "enforce";
  return [...(isFault ? hidden : hidden.map(asWarning)), ...[...warnings, ...unanswered].map(asWarning)];
}

const asWarning = (found: Finding): Finding => ({ ...found, warning: true });

const nothing: Judgement = { hidden: [], warnings: [], unanswered: [] };
