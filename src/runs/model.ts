import { z } from "zod";

import type { FlowDocument } from "../flows/model.ts";

/** What travels: the payload and what is told about it. A message is never changed; a step makes new ones. */
export interface Message {
  readonly data: unknown;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly attachments?: unknown;
  readonly passthrough?: Readonly<Record<string, unknown>>;
  /** Of a request to a hook: method, headers, query, params, url, originalUrl, pathSuffix. */
  readonly [key: string]: unknown;
}

export const triggers = ["webhook", "schedule", "manual", "flow", "error", "replay"] as const;
export type Trigger = (typeof triggers)[number];

export const runStatuses = ["running", "completed", "filtered", "failed", "cancelled"] as const;
export type RunStatus = (typeof runStatuses)[number];

/** What a run is from its beginning on. */
export interface RunFacts {
  readonly id: string;
  readonly flowId: string;
  readonly flowName: string | null;
  readonly revision: number;
  readonly startId: string | null;
  readonly trigger: Trigger;
  /** Account that started the flow, and its tenant: whose secrets and flows the run may use. */
  readonly startedBy: string | null;
  readonly startedIn: string | null;
  /** Tenant in whose name the flow runs, for those outside. */
  readonly tenant: string | null;
  /** Id that the outside knows the run by. */
  readonly requestId: string;
  /** Run that this one repeats. */
  readonly replayOf?: string | undefined;
  /** Item of another run that waits for this one's end. */
  readonly calledBy?: { readonly run: string; readonly item: number } | undefined;
  /** How many runs called each other down to this one. */
  readonly depth: number;
}

/** What a flow was when a run of it began. */
export interface Definition {
  readonly name: string | null;
  readonly graph: FlowDocument["graph"];
  readonly flowSettings?: unknown;
  /** Of an instance: the values of its template's variables. */
  readonly values?: Readonly<Record<string, unknown>>;
}

/** Why a run or a step of it failed. */
export const RunFault = z
  .object({
    code: z.string().meta({ description: "Stable name of the fault, for programs.", example: "HTTP_STATUS" }),
    message: z.string().meta({ description: "What happened, for people.", example: "The target answered 503." }),
    step: z.string().optional().meta({ description: "Id of the step.", example: "step_4" }),
  })
  .meta({ id: "RunFault", description: "Why a run, or a step of it, failed." });
export type RunFault = z.infer<typeof RunFault>;

/** What a synchronous hook is answered. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What a run ended with. */
export interface RunEnd {
  readonly status: RunStatus;
  /** What it replied, else the payload that arrived last. */
  readonly data?: unknown;
  /** JSON of the sealed values that this may hold. */
  readonly secrets?: string | undefined;
}

/** Bounds of one run. Each has an error code of its own. */
export const limits = {
  /** `STEP_LIMIT`: messages at steps, altogether. */
  items: 100_000,
  /** `MESSAGE_TOO_LARGE`: bytes of one message as JSON. */
  messageBytes: 1024 * 1024,
  /** `MESSAGE_TOO_LARGE`: bytes of the messages that one step sends or puts together at a time. */
  messagesBytes: 16 * 1024 * 1024,
  /** `MESSAGE_TOO_DEEP`: levels of nesting. */
  levels: 100,
  /** `LOOP_LIMIT`: times that a message comes back to one step. */
  returns: 9,
  /** `RUN_TIMEOUT`: milliseconds, unless the flow says less (`flowSettings.run.timeout`, in seconds). */
  milliseconds: 30 * 24 * 3600_000,
  /** `CALL_DEPTH`: runs that call each other. */
  depth: 10,
  /** `CALL_LIMIT`: runs that one run calls. */
  calls: 1000,
  /** `RUN_CRASHED`: times that a run is taken up again without getting on. */
  wakes: 5,
} as const;

/** Header of the requests that http steps send: how many runs called each other down to the one that calls. */
export const DEPTH_HEADER = "x-flow-depth";
