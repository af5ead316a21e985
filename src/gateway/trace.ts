import type { Call } from "./call.ts";
import type { Step } from "./chain.ts";

/** What is written down of a call that is traced. */
export interface Recorder {
  /** An interceptor begins; what it answers is told how it ended. */
  enter(step: Step, call: Call): (outcome: StepOutcome) => void;
  /** A line about the interceptor that is at work. */
  note(text: string): void;
  /** The destination begins to be asked; what it answers is told how it ended. */
  destination(url: string): (outcome: { readonly status?: number; readonly code?: string }) => void;
}

export type StepOutcome =
  | { readonly kind: "passed" | "skipped" | "later" }
  | { readonly kind: "stopped"; readonly code: string; readonly status: number }
  | { readonly kind: "failed"; readonly message: string; readonly goesOn: boolean };
