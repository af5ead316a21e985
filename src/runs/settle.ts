import { backoffOf, type RetryPolicy } from "../connectors/retry.ts";

/** Why a step did not do its work. */
export interface Fault {
  /** Stable name, for programs. */
  readonly code: string;
  readonly message: string;
  /** Whether another try may go better. */
  readonly mayPass: boolean;
  /** Milliseconds that the other side asked to wait. */
  readonly waitMs?: number | undefined;
}

/** What one try of a step came to. */
export type Tried =
  /** Done; each message goes on along the edges. */
  | { readonly kind: "sent" }
  | { readonly kind: "filtered" }
  /** Kept until everything that belongs together is there. */
  | { readonly kind: "gathered" }
  /** Goes on at a time, or when somebody says so. */
  | { readonly kind: "waits"; readonly until: number }
  /** To be tried later, without fault. */
  | { readonly kind: "rebound" }
  | { readonly kind: "failed"; readonly fault: Fault };

export interface TriedBefore {
  /** Tries so far, this one not counted. */
  readonly attempts: number;
  readonly rebounds: number;
}

export interface Manner {
  readonly retry: RetryPolicy;
  /** Whether a step that fails in the end passes on what it got. */
  readonly continues: boolean;
}

/** What becomes of the message at the step. */
export type Settled =
  | { readonly state: "done" | "filtered" | "gathered" }
  | { readonly state: "waiting"; readonly dueAt: number }
  | { readonly state: "due"; readonly dueAt: number; readonly fault?: Fault; readonly rebounds?: number }
  /** `passesOn`: the step failed, and what came in goes on in the place of what should have come out. */
  | { readonly state: "failed"; readonly fault: Fault; readonly passesOn: boolean };

export const MOST_REBOUNDS = 20;
const FIRST_REBOUND_MS = 15_000;
const MOST_REBOUND_MS = 600_000;

/** The one rule of what follows a try: pure, so that every cell of it is tested. `chance` is between 0 and 1. */
export function settle(tried: Tried, before: TriedBefore, manner: Manner, now: number, chance: number): Settled {
  switch (tried.kind) {
    case "sent":
      return { state: "done" };
    case "filtered":
      return { state: "filtered" };
    case "gathered":
      return { state: "gathered" };
    case "waits":
      return { state: "waiting", dueAt: tried.until };
    case "rebound": {
      const rebounds = before.rebounds + 1;
      if (rebounds > MOST_REBOUNDS) {
        const message = `The step put the message off ${MOST_REBOUNDS} times.`;
        return failed({ code: "REBOUND_LIMIT", message, mayPass: false }, manner);
      }
      const delay = Math.min(FIRST_REBOUND_MS * 2 ** (rebounds - 1), MOST_REBOUND_MS);
      return { state: "due", dueAt: now + delay, rebounds };
    }
    case "failed": {
      const { fault } = tried;
      const attempts = before.attempts + 1;
      if (!fault.mayPass || attempts >= manner.retry.attempts) return failed(fault, manner);
      return { state: "due", dueAt: now + backoffOf(manner.retry, attempts, chance, fault.waitMs), fault };
    }
    default:
      return tried satisfies never;
  }
}

const failed = (fault: Fault, { continues }: Manner): Settled => ({ state: "failed", fault, passesOn: continues });

export type RunStatus = "running" | "completed" | "filtered" | "failed" | "cancelled";

/** How a run ends of which nothing is under way any more. */
export function endOf(found: {
  readonly failed: boolean;
  readonly filtered: boolean;
  readonly arrived: boolean;
}): RunStatus {
  if (found.failed) return "failed";
  return found.filtered && !found.arrived ? "filtered" : "completed";
}
