import type { Repeatable } from "../identity/context.ts";
import type { Reach } from "../identity/ownership.ts";
import type { Counted } from "../db/usage.ts";
import type { Input, Status } from "./transition.ts";

/** What is asked of a flow's object. Crosses to it as plain data. */
export interface LifecycleInput extends Input {
  readonly flowId: string;
  /** Through whom the flow is reached; null for the service itself and for admins. */
  readonly reach: Reach;
  /** Account that starts the flow. */
  readonly by?: string;
  /** That account's tenant. */
  readonly byTenant?: string | null;
  /** Of a report that does not say which start it is about: when it was made, in milliseconds, by the clock of its sender. */
  readonly at?: number | undefined;
  /** In a report of failure: why. */
  readonly reason?: string | undefined;
  readonly requestId?: string;
  /** ETag that the flow must have. */
  readonly ifMatch?: string | undefined;
  /** Of a start: the revision that was judged, 0 if none was. One at another is not started. */
  readonly revision?: number | undefined;
  readonly repeat?: Repeatable | undefined;
}

interface Observed {
  /** From where a reader must begin to see what was done. */
  readonly bookmark?: string | null;
  readonly usage?: Counted;
}

/** What came of it. Expected refusals are values, since a class does not survive the crossing. */
export type Outcome = Observed & Result;

export type Result =
  | {
      readonly ok: true;
      readonly result: "move" | "resend" | "same" | "stale";
      readonly from: Status;
      readonly status: Status;
      readonly statusSeq: number;
      readonly etag: string;
    }
  | {
      readonly ok: false;
      readonly error:
        | "FLOW_NOT_FOUND"
        | "FLOW_STOPPING"
        | "INSTANCE_INCOMPLETE"
        | "REVISION_CONFLICT"
        | "STORAGE_UNAVAILABLE"
        | "PRECONDITION_FAILED"
        | "REQUEST_UNDER_WAY";
      /** With PRECONDITION_FAILED: the tag that the flow has. */
      readonly etag?: string;
      /** With INSTANCE_INCOMPLETE: what is missing. */
      readonly detail?: string;
    };
