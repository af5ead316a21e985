import { reachOf } from "../identity/ownership.ts";
import type { JobFacts } from "./job-model.ts";

/** For so long a job may use the rights that its beginner had, under way or paused. */
export const RIGHTS_MS = 24 * 3600_000;

export const OUTLIVED =
  "It was not through 24 hours after it was begun or last resumed by whoever began it. What is done stays done; instances that were stopped to be upgraded stay stopped.";

/** Whoever asks something of a job. */
export interface Asking {
  readonly templateId: string;
  readonly sub: string;
  readonly tenant: string | null;
  readonly isAdmin: boolean;
  /** Whether they may start and stop flows. */
  readonly mayControl: boolean;
}

/** Only who began a job, and admins, learn of it. */
export const isSeenBy = ({ templateId, by }: JobFacts, asking: Asking): boolean =>
  templateId === asking.templateId && (asking.isAdmin || by.sub === asking.sub);

export const isControlling = ({ kind, restart }: Pick<JobFacts, "kind" | "restart">): boolean =>
  kind !== "upgrade" || restart;

/**
 * A job with the rights that its beginner has now. It never comes to reach everything: an admin has to begin such a
 * job as one. Undefined for anybody else: an admin lends it nothing.
 */
export function renewed(facts: JobFacts, { sub, tenant, isAdmin }: Asking): JobFacts | undefined {
  if (sub !== facts.by.sub) return undefined;
  const by = { sub, tenant, isAdmin: isAdmin && facts.by.isAdmin };
  return { ...facts, by, reach: reachOf({ ...by, permissions: [] }) };
}
