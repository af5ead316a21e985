import type { Call } from "./call.ts";
import type { Step } from "./chain.ts";
import type { Collected } from "./trace/collect.ts";

/** What is written down of a call that is traced. */
export interface Recorder {
  /** An interceptor begins; what it answers is told how it ended. */
  enter(step: Step, call: Call): (outcome: StepOutcome) => void;
  /** A line about the interceptor that is at work. */
  note(text: string): void;
  /** What a log interceptor has to say. */
  log(line: LogLine): void;
  /** The destination begins to be asked; what it answers is told how it ended. */
  destination(url: string): (outcome: { readonly status?: number; readonly code?: string }) => void;
}

export type StepOutcome =
  | { readonly kind: "passed" | "skipped" | "later" }
  | { readonly kind: "stopped"; readonly code: string; readonly status: number }
  | { readonly kind: "failed"; readonly message: string; readonly goesOn: boolean };

/** As it is: what must not be seen is hidden when the trace is written, by the rules of the whole chain. */
export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message?: string | undefined;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: Collected;
}
