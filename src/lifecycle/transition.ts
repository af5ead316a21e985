/**
 * What may follow what. This table is the whole rule; it knows no clock, storage or ids.
 *
 * inactive  nothing runs, the document may be edited. Only a start leads out.
 * starting  flow.starting is on its way and waits for a report. A missing report has the command sent again; after the
 *           last try the start counts as failed.
 * active    the orchestrator said that the flow runs.
 * stopping  flow.stopping is on its way. It is sent again until an answer comes; force stop is the way out.
 *
 * `same` succeeds and changes nothing; `stale` is a report about something that is over: taken and ignored.
 */
export type Status = "inactive" | "starting" | "active" | "stopping";
export type CommandName = "flow.starting" | "flow.stopping";
export type Trigger = "start" | "stop" | "forceStop" | "started" | "stopped" | "failed" | "deadline";
export type Failure = "FLOW_FAILED" | "START_TIMEOUT" | "STOP_TIMEOUT";

export type Decision =
  | { readonly kind: "move"; readonly to: Status; readonly command?: CommandName; readonly failure?: Failure }
  | { readonly kind: "resend"; readonly command: CommandName; readonly failure?: Failure }
  | { readonly kind: "same" }
  | { readonly kind: "stale" }
  | { readonly kind: "refuse"; readonly error: "FLOW_STOPPING" };

const same = { kind: "same" } as const;
const stale = { kind: "stale" } as const;
const move = (to: Status, command?: CommandName): Decision =>
  command === undefined ? { kind: "move", to } : { kind: "move", to, command };
const failing: Decision = { kind: "move", to: "stopping", command: "flow.stopping", failure: "FLOW_FAILED" };
const forced = move("inactive", "flow.stopping");

export const table: Readonly<Record<Status, Readonly<Record<Exclude<Trigger, "deadline">, Decision>>>> = {
  inactive: {
    start: move("starting", "flow.starting"),
    stop: same,
    forceStop: same,
    started: stale,
    stopped: stale,
    failed: stale,
  },
  starting: {
    start: same,
    stop: move("stopping", "flow.stopping"),
    forceStop: forced,
    started: move("active"),
    stopped: move("inactive"),
    failed: failing,
  },
  active: {
    start: same,
    stop: move("stopping", "flow.stopping"),
    forceStop: forced,
    started: same,
    stopped: move("inactive"),
    failed: failing,
  },
  stopping: {
    start: { kind: "refuse", error: "FLOW_STOPPING" },
    stop: same,
    forceStop: forced,
    started: stale,
    stopped: move("inactive"),
    failed: same,
  },
};

export interface State {
  readonly status: Status;
  /** Which start the status belongs to. */
  readonly startId: string | null;
  /** How often the present command was sent. */
  readonly tries: number;
  /** Whether the present command has waited for its answer as long as it may. */
  readonly overdue: boolean;
}

export interface Input {
  readonly trigger: Trigger;
  /** In reports: which start they are about. The original orchestrator does not say. */
  readonly startId?: string | undefined;
}

export interface Limits {
  /** How often `flow.starting` is sent. */
  readonly startTries: number;
  /** From how many unanswered `flow.stopping` on the flow is shown as stalled. */
  readonly stalledTries: number;
}

/** Decides; whoever carries it out does so only if the state is still the one given. */
export function transition(state: State, input: Input, limits: Limits): Decision {
  if (input.trigger === "deadline") return whenOverdue(state, limits);
  if (input.startId !== undefined && input.startId !== state.startId) return stale;
  return table[state.status][input.trigger];
}

function whenOverdue({ status, tries, overdue }: State, limits: Limits): Decision {
  if (!overdue) return same;
  if (status === "starting") {
    return tries < limits.startTries
      ? { kind: "resend", command: "flow.starting" }
      : { kind: "move", to: "stopping", command: "flow.stopping", failure: "START_TIMEOUT" };
  }
  if (status === "stopping") {
    return tries + 1 >= limits.stalledTries
      ? { kind: "resend", command: "flow.stopping", failure: "STOP_TIMEOUT" }
      : { kind: "resend", command: "flow.stopping" };
  }
  return same;
}

const HOUR_SECONDS = 3600;

/** Seconds to wait for the answer to a command that was sent `tries` times: doubles, up to an hour. */
export const patience = (tries: number, firstSeconds: number): number =>
  Math.min(HOUR_SECONDS, firstSeconds * 2 ** Math.min(tries - 1, 30));
