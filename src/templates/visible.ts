import { findForms, formKey } from "../flows/instance.ts";
import { refusalsOfForms } from "../flows/references.ts";
import type { Context } from "../identity/context.ts";
import { AppError } from "../platform/errors.ts";
import { reachOf } from "../identity/ownership.ts";
import { revisionsAtRest } from "./instances.ts";
import type { JobFacts } from "./job-model.ts";

/** Graphs of templates that are held at once. */
const PORTION = 10;
const ADVICE = "Start the instances by themselves.";

/**
 * Why instances are not started: the graph that they have of the template names what the caller cannot see. A job has
 * no token of theirs, so this is judged once, before it begins; secrets that instances bring themselves are not.
 */
export async function refusalOfJob(
  ctx: Context,
  facts: Pick<JobFacts, "kind" | "restart" | "templateId" | "revision">,
): Promise<AppError | undefined> {
  if (ctx.neighbours === undefined) return undefined;
  const revisions = await startedRevisions(ctx, facts);
  for (let at = 0; at < revisions.length; at += PORTION) {
    const portion = revisions.slice(at, at + PORTION).map((one) => [one, formKey(facts.templateId, one)] as const);
    const found = await findForms(
      ctx.db,
      portion.map(([, key]) => key),
    );
    const forms = portion.flatMap(([revision, key]) => {
      const form = found.get(key);
      return form === undefined ? [] : [{ revision, form }];
    });
    const refusals = await refusalsOfForms(
      ctx,
      forms.map(({ form }) => form),
      ADVICE,
    );
    const first = refusals.findIndex((refusal) => refusal !== undefined);
    if (first >= 0) return placed(refusals[first]!, forms[first]!.revision);
  }
  return undefined;
}

/** At which revisions of the template the job starts instances. */
async function startedRevisions(
  ctx: Context,
  { kind, restart, templateId, revision }: Parameters<typeof refusalOfJob>[1],
): Promise<readonly number[]> {
  if (kind === "start") return revisionsAtRest(ctx.db, templateId, reachOf(ctx.actor));
  return kind === "upgrade" && restart ? [revision!] : [];
}

/** Pointers lead into a revision of the template, so it is said into which. */
function placed({ code, items }: AppError, revision: number): AppError {
  const where = `The place is in revision ${revision} of the template.`;
  return new AppError(code, {
    items: items.map((item) => ({ ...item, detail: `${item.detail ?? ""} ${where}`.trim() })),
  });
}
