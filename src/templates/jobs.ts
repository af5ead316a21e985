import { z } from "zod";

import { MOST_AT_ONCE } from "../flows/many.ts";
import { ObjectId } from "../flows/model.ts";
import { can } from "../identity/actor.ts";
import type { Context } from "../identity/context.ts";
import { reachOf } from "../identity/ownership.ts";
import { AppError } from "../platform/errors.ts";
import { reachedOr } from "../platform/reached.ts";
import { hexOf, toObjectId } from "../platform/ids.ts";
import { getTemplate } from "./get.ts";
import { countInstances } from "./instances.ts";
import type { TemplateJob } from "./job.ts";
import type { Job, JobFacts, JobPage, JobView } from "./job-model.ts";
import type { Asking } from "./rights.ts";
import { refusalOfJob } from "./visible.ts";

export const UpgradeInput = z
  .object({
    instances: z
      .array(ObjectId)
      .min(1)
      .max(MOST_AT_ONCE)
      .optional()
      .meta({
        description: `Ids of the instances that are upgraded, up to ${MOST_AT_ONCE}; without it all that you or your tenant own.`,
        example: ["6b0259e4ef2fe4ca09ca001d"],
      }),
    restart: z.boolean().optional().meta({
      description: "true: those that run are stopped, upgraded and started again. Otherwise they are left as they are.",
      example: false,
    }),
  })
  .meta({ id: "UpgradeInput", description: "Which instances are upgraded, and how.", example: { restart: true } });
export type UpgradeInput = z.infer<typeof UpgradeInput>;

type Jobs = DurableObjectNamespace<TemplateJob>;

interface Wanted {
  readonly kind: JobFacts["kind"];
  readonly restart?: boolean | undefined;
  readonly instances?: readonly string[] | undefined;
}

/** Begins to do something with instances of a template. What is done is done in the name of the actor, within their reach. */
export async function beginJob(ctx: Context, jobs: Jobs, id: string, wanted: Wanted): Promise<Job> {
  const { id: templateId, revision } = await getTemplate(ctx, id);
  const { actor, requestId, repeat } = ctx;
  const reach = reachOf(actor);
  const chosen = wanted.instances && [...new Set(wanted.instances.map((one) => toObjectId(one)!))];
  const { sub, tenant, isAdmin } = actor;
  const facts: JobFacts = {
    id: `job_${repeat?.key.slice(0, 32) ?? hexOf(crypto.getRandomValues(new Uint8Array(16)))}`,
    kind: wanted.kind,
    templateId,
    revision: wanted.kind === "upgrade" ? revision : null,
    restart: wanted.restart === true,
    by: { sub, tenant, isAdmin },
    reach,
    requestId,
    fingerprint: repeat?.fingerprint ?? null,
    total: chosen?.length ?? (await countInstances(ctx.db, templateId, reach)),
  };
  const refusal = await refusalOfJob(ctx, facts);
  // A job that was begun under the same Idempotency-Key is answered, whatever is seen by now.
  if (refusal !== undefined && !(repeat !== undefined && (await isBegun(ctx, jobs, facts)))) throw refusal;
  const begun = await reached<Job | "other">(() => jobs.getByName(facts.id).begin(facts, chosen));
  if (begun === "other") throw new AppError("IDEMPOTENCY_KEY_REUSED");
  return begun;
}

async function isBegun(ctx: Context, jobs: Jobs, { id, templateId }: JobFacts): Promise<boolean> {
  const page: JobPage = { after: 0, size: 1, outcome: undefined };
  const show = () => jobs.getByName(id).show(askingAs(ctx, templateId), page);
  return (await reached<JobView | undefined>(show)) !== undefined;
}

/** A job that the actor began, with a page of its instances. */
export async function getJob(ctx: Context, jobs: Jobs, id: string, job: string, page: JobPage): Promise<JobView> {
  const asking = await askingOf(ctx, id);
  const found = await reached<JobView | undefined>(() => jobs.getByName(job).show(asking, page));
  if (found === undefined) throw new AppError("JOB_NOT_FOUND");
  return found;
}

/** Pauses a job, has it go on with the rights that who began it has now, or ends it; between two portions. */
export async function steerJob(
  ctx: Context,
  jobs: Jobs,
  id: string,
  job: string,
  to: "paused" | "running" | "cancelled",
): Promise<Job> {
  const asking = await askingOf(ctx, id);
  const steered = await reached<Job | "ended" | "denied" | undefined>(() => jobs.getByName(job).steer(asking, to));
  if (steered === undefined) throw new AppError("JOB_NOT_FOUND");
  if (steered === "ended") throw new AppError("JOB_ENDED");
  if (steered === "denied") {
    throw new AppError("MISSING_PERMISSION", { detail: `Needed is ${ctx.config.FLOW_CONTROL_PERMISSION}.` });
  }
  return steered;
}

async function askingOf(ctx: Context, id: string): Promise<Asking> {
  const { id: templateId } = await getTemplate(ctx, id);
  return askingAs(ctx, templateId);
}

function askingAs({ actor, config }: Context, templateId: string): Asking {
  const { sub, tenant, isAdmin } = actor;
  return { templateId, sub, tenant, isAdmin, mayControl: can(actor, config.FLOW_CONTROL_PERMISSION) };
}

const reached = <T>(ask: () => PromiseLike<unknown>): Promise<T> =>
  reachedOr<T>(ask, (cause) => new AppError("JOB_UNAVAILABLE", { cause }));
