import { inStorage } from "../db/client.ts";
import { wakeCouriers } from "../flows/courier.ts";
import { findForms, formKey } from "../flows/instance.ts";
import { documentOf, findFlows, groupsOf, type FlowRow } from "../flows/store.ts";
import { replaced } from "../flows/update.ts";
import type { TemplateForm } from "../flows/variables.ts";
import { edits, type Edited } from "../flows/write.ts";
import type { Context } from "../identity/context.ts";
import { sendInput } from "../lifecycle/send-input.ts";
import { AppError, errorItem, type ErrorCode, type ErrorHints } from "../platform/errors.ts";
import type { Entry, JobFacts, Verdict } from "./job-model.ts";
import { upgraded } from "./upgrade.ts";
import { verdictOn } from "./verdicts.ts";

/** How long an instance is waited for that does not stop. */
export const PATIENCE_MS = 10 * 60_000;

export interface Step {
  readonly ctx: Context;
  readonly facts: JobFacts;
  /** Called before a running instance is stopped. */
  readonly stopping: (flowId: string) => void;
  /** Called before instances are written. */
  readonly writing: (flowIds: readonly string[]) => void;
}

/**
 * Upgrades some instances. What is to do with each follows from its row alone and from whether it ran before, so the
 * same step again, after whatever broke it off, does nothing twice.
 */
export async function upgradeStep(step: Step, entries: readonly Entry[]): Promise<Map<string, Verdict>> {
  const { ctx, facts } = step;
  const byId = new Map(entries.map((entry) => [entry.flowId, entry]));
  const verdicts = new Map<string, Verdict>();
  const key = formKey(facts.templateId, facts.revision!);
  const form = (await findForms(ctx.db, [key])).get(key);
  for (const ids of await groupsOf(ctx.db, [...byId.keys()], facts.reach)) {
    const rows = await findFlows(ctx.db, ids, facts.reach);
    const made: Edited[] = [];
    for (const id of ids) {
      const decided = await judged(step, form, rows.get(id), byId.get(id)!);
      if ("outcome" in decided) verdicts.set(id, decided);
      else made.push(decided);
    }
    if (made.length === 0) continue;
    step.writing(made.map(({ row }) => row.id));
    const done = await write(ctx, facts, made);
    for (const { row } of made) verdicts.set(row.id, verdictOf(done.has(row.id), byId.get(row.id)!));
  }
  return verdicts;
}

/** One that ran is come to again, to be started. One that somebody was faster with is looked at anew. */
function verdictOf(isWritten: boolean, { wasActive }: Entry): Verdict {
  if (isWritten) return { outcome: wasActive ? "todo" : "done" };
  return verdictOn([errorItem("REVISION_CONFLICT")]);
}

async function write(ctx: Context, { reach }: JobFacts, made: readonly Edited[]): Promise<Set<unknown>> {
  const statements = edits(ctx.db, made, reach, ctx.config.REVISION_LIMIT);
  const done = await inStorage(() => ctx.db.batch<{ id?: string }>(statements));
  const ids = new Set(done.flatMap(({ results }) => results.map((row) => row.id)));
  wakeCouriers(
    ctx,
    made.map(({ row }) => row.id).filter((id) => ids.has(id)),
  );
  return ids;
}

async function judged(
  step: Step,
  form: TemplateForm | undefined,
  row: FlowRow | undefined,
  entry: Entry,
): Promise<Verdict | Edited> {
  const { ctx, facts } = step;
  if (form === undefined) return failed("TEMPLATE_NOT_FOUND");
  if (row === undefined) return failed("FLOW_NOT_FOUND");
  const present = documentOf(row);
  if (row.template === undefined || present.fromTemplate !== facts.templateId) {
    return unlessWaiting(step, row, entry, skipped("FLOW_NO_INSTANCE"));
  }
  if (present.instance!.revision >= facts.revision!) {
    if (entry.wasActive) return startedAgain(step, row, entry);
    return { outcome: entry.writes ? "done" : "same" };
  }
  const next = upgraded(present, row.template, form, facts.revision!);
  if ("faults" in next) return unlessWaiting(step, row, entry, { outcome: "skipped", errors: next.faults });
  if (row.status !== "inactive") return stopped(step, row, entry);
  try {
    return replaced(ctx, row, next.document, `Upgraded to revision ${facts.revision} of its template.`);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { outcome: "failed", errors: error.items };
  }
}

const failed = (code: ErrorCode, hints?: ErrorHints): Verdict => ({
  outcome: "failed",
  errors: [errorItem(code, hints)],
});
const skipped = (code: ErrorCode, hints?: ErrorHints): Verdict => ({
  outcome: "skipped",
  errors: [errorItem(code, hints)],
});

/** One that was stopped for an upgrade which it cannot have any more is started again all the same. */
async function unlessWaiting(step: Step, row: FlowRow, entry: Entry, verdict: Verdict): Promise<Verdict> {
  if (!entry.wasActive || row.status === "active" || row.status === "starting") return verdict;
  const { outcome, errors } = await startedAgain(step, row, entry);
  return outcome === "done" ? verdict : { outcome, ...(errors === undefined ? {} : { errors }) };
}

/** Has a running instance stopped, if that was asked for, and waits for it. */
async function stopped(step: Step, row: FlowRow, entry: Entry): Promise<Verdict> {
  const { ctx, facts } = step;
  const message = `Flow is not inactive. Current status: ${row.status}`;
  if (!facts.restart) {
    return skipped("FLOW_NOT_INACTIVE", { message, detail: "Upgrade it with restart, or stop it first." });
  }
  if (isTooLong(entry, ctx.now())) {
    const detail = "It did not stop within ten minutes: it was neither upgraded nor started again.";
    return failed("FLOW_NOT_INACTIVE", { message, detail });
  }
  if (row.status === "stopping") return { outcome: "waiting" };
  step.stopping(row.id);
  return sent(step, row.id, { trigger: "stop" }, "waiting");
}

async function startedAgain(step: Step, row: FlowRow, entry: Entry): Promise<Verdict> {
  if (row.status === "active" || row.status === "starting") return { outcome: "done" };
  if (row.status === "stopping") {
    if (!isTooLong(entry, step.ctx.now())) return { outcome: "waiting" };
    return failed("FLOW_STOPPING", { detail: "It is upgraded, but was not started again." });
  }
  const { actor } = step.ctx;
  // An admin's upgrade must not make the instance run in the admin's name, who has none of its secrets.
  const keeps = actor.isAdmin && row.startedBy !== null;
  const starter = keeps ? { by: row.startedBy!, byTenant: row.startedIn } : { by: actor.sub, byTenant: actor.tenant };
  return sent(step, row.id, { trigger: "start", ...starter }, "done");
}

/** Hands an input to the instance's object. One that cannot be reached at the moment is tried again later. */
async function sent(
  { ctx, facts }: Step,
  flowId: string,
  input: { trigger: "start" | "stop"; by?: string; byTenant?: string | null },
  then: Verdict["outcome"],
): Promise<Verdict> {
  try {
    const outcome = await sendInput(ctx.objects, { flowId, reach: facts.reach, requestId: ctx.requestId, ...input });
    if (outcome.ok) return { outcome: then };
    if (outcome.error === "FLOW_STOPPING") return { outcome: "waiting" };
    return verdictOn([errorItem(outcome.error, outcome.detail === undefined ? {} : { detail: outcome.detail })]);
  } catch (error) {
    return verdictOn(error instanceof AppError ? error.items : [errorItem("FLOW_UNAVAILABLE")]);
  }
}

const isTooLong = ({ since }: Entry, now: number): boolean => since !== null && now - since > PATIENCE_MS;
