import type { Stage } from "../../apis/interceptors.ts";
import type { Call } from "../call.ts";
import type { Step } from "../chain.ts";
import type { LogLine, Recorder, StepOutcome } from "../trace.ts";

export const MOST_NOTES = 50;
const MOST_LOGS = 50;

export interface HeaderChange {
  readonly name: string;
  readonly before?: string;
  readonly after?: string;
}

export interface RecordedStep {
  readonly step: Step;
  readonly notes: string[];
  readonly logs: LogLine[];
  ms: number;
  /** None of a step that never ended. */
  outcome: StepOutcome | undefined;
  headers: readonly HeaderChange[];
}

export interface RecordedDestination {
  readonly url: string;
  status?: number;
  code?: string;
  ms: number;
}

/** Takes down what happens to a call, as it is. It is written only through a veil. */
export class TraceRecorder implements Recorder {
  readonly steps: RecordedStep[] = [];
  /** Of what is no interceptor's. */
  readonly notes: string[] = [];
  asked: RecordedDestination | undefined;
  readonly #now: () => number;
  #left = { notes: MOST_NOTES, logs: MOST_LOGS };

  constructor(now: () => number) {
    this.#now = now;
  }

  enter(step: Step, call: Call): (outcome: StepOutcome) => void {
    const began = this.#now();
    const before = namedOf(headersOf(call, step.stage));
    const recorded: RecordedStep = { step, notes: [], logs: [], ms: 0, outcome: undefined, headers: [] };
    this.steps.push(recorded);
    return (outcome) => {
      recorded.ms = this.#now() - began;
      recorded.outcome = outcome;
      recorded.headers = changesOf(before, namedOf(headersOf(call, step.stage)));
    };
  }

  note(text: string): void {
    if (this.#left.notes === 0) return;
    this.#left.notes -= 1;
    (this.steps.at(-1)?.notes ?? this.notes).push(text);
  }

  log(line: LogLine): void {
    if (this.#left.logs === 0) return;
    this.#left.logs -= 1;
    this.steps.at(-1)?.logs.push(line);
  }

  destination(url: string): (outcome: { readonly status?: number; readonly code?: string }) => void {
    const began = this.#now();
    const asked: RecordedDestination = { url, ms: 0 };
    this.asked = asked;
    return (outcome) => {
      Object.assign(asked, outcome, { ms: this.#now() - began });
    };
  }

  /** Settles when the bodies that are logged have gone by. */
  async settled(): Promise<void> {
    await Promise.all(this.steps.flatMap(({ logs }) => logs.flatMap(({ body }) => body?.done ?? [])));
  }
}

const none = new Headers();

const headersOf = (call: Call, stage: Stage): Headers =>
  stage === "request" ? call.headers : (call.answer?.headers ?? none);

/** Only Set-Cookie comes several times, and is never shown. */
const namedOf = (headers: Headers): ReadonlyMap<string, string> => new Map(headers);

function changesOf(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): HeaderChange[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].flatMap((name) => {
    const [one, other] = [before.get(name), after.get(name)];
    if (one === other) return [];
    return [{ name, ...(one === undefined ? {} : { before: one }), ...(other === undefined ? {} : { after: other }) }];
  });
}
