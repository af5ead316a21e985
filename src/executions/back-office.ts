import { findFlow } from "../flows/store.ts";
import { getFlow } from "../flows/get.ts";
import type { Context } from "../identity/context.ts";
import { reachOf } from "../identity/ownership.ts";
import { AppError } from "../platform/errors.ts";
import { reachedOr } from "../platform/reached.ts";
import { isHexId } from "../platform/ids.ts";
import { maskJson } from "../secrets/mask.ts";
import type { Workflow } from "../workflows/model.ts";
import { listExecutions } from "./list.ts";
import type { Standing } from "./object.ts";
import type { Told } from "./journal.ts";
import type { RouteView } from "./state.ts";
import { findExecution, type ExecutionEntry, type ExecutionStatus } from "./store.ts";
import { UUID } from "./uuid.ts";

export interface AskedList {
  readonly "filter[workflow]"?: string | undefined;
  readonly "filter[status]"?: readonly ExecutionStatus[] | undefined;
  readonly "filter[from]"?: string | undefined;
  readonly "filter[to]"?: string | undefined;
  readonly "page[size]": number;
  readonly "page[after]"?: string | undefined;
}

/** A page of the executions of the actor's flows. */
export async function executionsOf(ctx: Context, asked: AskedList) {
  const named = asked["filter[workflow]"];
  const flow = named !== undefined && isHexId(named) ? await getFlow(ctx, named) : undefined;
  const { found, next } = await listExecutions(ctx.db, {
    reach: reachOf(ctx.actor),
    flowId: flow?.id,
    workflow: flow === undefined ? named : undefined,
    statuses: asked["filter[status]"],
    from: timeIn(asked["filter[from]"]),
    to: timeIn(asked["filter[to]"]),
    after: asked["page[after]"],
    size: asked["page[size]"],
  });
  return { data: found.map(summaryOf), meta: { next } };
}

const timeIn = (text: string | undefined): number | undefined => (text === undefined ? undefined : Date.parse(text));

export const summaryOf = ({ startedAt, endedAt, outcome, ...entry }: ExecutionEntry) => ({
  ...entry,
  startedAt: new Date(startedAt).toISOString(),
  endedAt: endedAt === null ? null : new Date(endedAt).toISOString(),
  outcome: outcome === null ? null : (JSON.parse(outcome) as Record<string, unknown>),
});

/** An execution of a flow of the actor; whose flow is gone is known to admins alone. */
async function entryOf(ctx: Context, uuid: string): Promise<ExecutionEntry> {
  const entry = UUID.test(uuid) ? await findExecution(ctx.db, uuid.toLowerCase()) : undefined;
  if (entry === undefined) throw new AppError("EXECUTION_NOT_FOUND");
  const reach = reachOf(ctx.actor);
  if (reach !== null && (await findFlow(ctx.db, entry.flowId, reach)) === undefined) {
    throw new AppError("EXECUTION_NOT_FOUND");
  }
  return entry;
}

/** How an execution stands, and what its script is; of what people entered only what the view shows, masked. */
export async function showExecution(env: Env, ctx: Context, uuid: string) {
  const entry = await entryOf(ctx, uuid);
  const standing = await reached<Standing | undefined>(() => objectOf(env, entry).standing());
  const summary = summaryOf(entry);
  const nothing = { expiresAt: null, waitsFor: [], route: null, fault: null, workflow: null };
  const gone = { ...summary, name: summary.workflow, ...nothing };
  if (standing === undefined) return gone;
  const { facts, script, view, waitsFor } = standing;
  const workflow = JSON.parse(script) as Workflow;
  const marked = new Set((workflow.mask ?? []).map((path) => path.split(".").at(-1)!));
  const route = view.kind === "route" ? maskedRoute(view.route, marked) : null;
  return {
    ...gone,
    expiresAt: new Date(facts.expiresAt).toISOString(),
    waitsFor,
    route,
    fault: view.kind === "fault" ? { code: view.code, message: view.message } : null,
    workflow,
  };
}

/** What the view asks for is no value: there the marked names are those of fields. */
function maskedRoute({ validate, ...view }: RouteView, marked: ReadonlySet<string>): object {
  const masked = JSON.parse(maskJson(JSON.stringify(view), [], marked)) as object;
  return validate === undefined ? masked : { ...masked, validate };
}

export async function eventsOf(env: Env, ctx: Context, uuid: string, after: number, size: number) {
  const entry = await entryOf(ctx, uuid);
  type Page = { told: Told[]; more: boolean } | undefined;
  const found = await reached<Page>(() => objectOf(env, entry).events(after, size));
  const { told, more } = found ?? { told: [], more: false };
  const data = told.map(({ seq, at, type, body }) => ({
    seq,
    at: new Date(at).toISOString(),
    type,
    ...(JSON.parse(body) as object),
  }));
  return { data, meta: { next: more ? told.at(-1)!.seq : null } };
}

const objectOf = (env: Env, { uuid }: Pick<ExecutionEntry, "uuid">) => env.EXECUTION.getByName(uuid);

const reached = <T>(ask: () => PromiseLike<unknown>): Promise<T> =>
  reachedOr<T>(ask, (cause) => new AppError("EXECUTION_UNAVAILABLE", { cause }));

/** Ends an execution. One that has ended stays as it is. */
export async function terminateExecution(env: Env, ctx: Context, uuid: string): Promise<void> {
  const entry = await entryOf(ctx, uuid);
  await reached(() => objectOf(env, entry).tell({ type: "terminate" }));
}

/** Tells an execution of something that its script may wait for. */
export async function signalExecution(
  env: Env,
  ctx: Context,
  uuid: string,
  { name, payload }: { name: string; payload?: unknown },
): Promise<void> {
  const entry = await entryOf(ctx, uuid);
  const taken = await objectOf(env, entry)
    .tell({ type: "signal", name, payload })
    .catch((cause: unknown) => {
      // Told twice, a script that waits twice would hear it twice.
      throw new AppError("EXECUTION_UNAVAILABLE", { cause });
    });
  if (taken.kind === "none") throw new AppError("EXECUTION_NOT_FOUND");
  if (taken.kind !== "refused") return;
  throw new AppError(taken.refused.kind === "tooLarge" ? "BODY_TOO_LARGE" : "EXECUTION_ENDED");
}
