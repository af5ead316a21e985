import { z } from "zod";

import type { Reach } from "../identity/ownership.ts";
import { ErrorItem } from "../platform/errors.ts";

export const jobKinds = ["upgrade", "start", "stop"] as const;
export const jobStates = ["running", "paused", "cancelled", "done"] as const;
export type JobState = (typeof jobStates)[number];

/** What a job came to with an instance; `todo` and `waiting` are not settled yet. */
export const outcomes = ["todo", "waiting", "done", "same", "skipped", "failed"] as const;
export type Outcome = (typeof outcomes)[number];

/** What a job is. Crosses to its object as plain data. */
export interface JobFacts {
  readonly id: string;
  readonly kind: (typeof jobKinds)[number];
  readonly templateId: string;
  /** Of an upgrade: the revision of the template to which it leads. */
  readonly revision: number | null;
  /** Whether instances that run are stopped for the upgrade and started again. */
  readonly restart: boolean;
  /** In whose name; the instances are those within their reach. Both are renewed when they resume it. */
  readonly by: { readonly sub: string; readonly tenant: string | null; readonly isAdmin: boolean };
  readonly reach: Reach;
  readonly requestId: string;
  /** Hash of the request under an Idempotency-Key. */
  readonly fingerprint: string | null;
  readonly total: number;
}

/** What is known of one instance. */
export interface Entry {
  readonly flowId: string;
  /** Whether it ran when the job came to it, and is to run again. */
  readonly wasActive: boolean;
  /** Whether the job has begun to write it. */
  readonly writes: boolean;
  /** Since when it is waited for, but for faults and pauses. */
  readonly since: number | null;
  /** Faults that it met in a row. */
  readonly faults: number;
}

/** What becomes of an entry. */
export interface Verdict {
  readonly outcome: Outcome;
  readonly errors?: readonly ErrorItem[];
}

const count = (description: string) => z.int().meta({ description, example: 0 });

export const JobInstance = z
  .object({
    id: z.string().meta({ description: "Id of the flow.", example: "6b0259e4ef2fe4ca09ca001d" }),
    outcome: z.enum(outcomes).meta({
      description:
        "todo: not come to yet. waiting: being stopped, or tried again later for the errors told. done. same: nothing was to do. skipped: left as it was, for the reasons told. failed.",
      example: "done",
    }),
    errors: z
      .array(ErrorItem)
      .optional()
      .meta({ description: "Why it was skipped, failed or is tried again; pointers lead into its document." }),
  })
  .meta({ id: "JobInstance", description: "What a job did with one instance." });

export const Job = z
  .object({
    id: z.string().meta({ description: "Names the job.", example: "job_5ca5c44c187c040010a9bb8d00000000" }),
    kind: z.enum(jobKinds).meta({ description: "What it does with each instance.", example: "upgrade" }),
    templateId: z.string().meta({ description: "The template.", example: "5ca5c44c187c040010a9bb8d" }),
    revision: z
      .int()
      .nullable()
      .meta({ description: "Of an upgrade: the template's revision to which it leads.", example: 4 }),
    restart: z
      .boolean()
      .meta({ description: "Whether running instances are stopped and started again.", example: false }),
    state: z.enum(jobStates).meta({ description: "Where it stands.", example: "running" }),
    startedBy: z.string().meta({ description: "Account that began it.", example: "5c0000000000000000000002" }),
    startedAt: z.iso.datetime().meta({ description: "When it began.", example: "2026-11-22T04:30:00.000Z" }),
    endedAt: z.iso
      .datetime()
      .nullable()
      .meta({ description: "When it was done or cancelled.", example: "2026-11-22T04:31:00.000Z" }),
    reason: z.string().nullable().meta({
      description:
        "Why it was cancelled without being asked to: 24 hours after its beginning, or after whoever began it resumed it last. null otherwise.",
      example: null,
    }),
    counts: z
      .object({
        total: count("Instances at its beginning."),
        waiting: count("Being stopped to be upgraded then, or tried again after an error."),
        done: count("Done."),
        same: count("Nothing was to do."),
        skipped: count("Left as they were."),
        failed: count("Failed."),
      })
      .meta({ description: "How far it is." }),
  })
  .meta({ id: "Job", description: "Work on many instances, one after another." });
export type Job = z.infer<typeof Job>;

export interface JobPage {
  readonly after: number;
  readonly size: number;
  readonly outcome: Outcome | undefined;
}

export interface JobView {
  readonly data: Job & { instances: z.infer<typeof JobInstance>[] };
  readonly meta: { after: number | null };
}

export const jobIdPattern = /^job_[0-9a-f]{32}$/;
/** Days for which a job that ended can be looked at. */
export const KEPT_DAYS = 30;
