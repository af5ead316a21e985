import { runInSandbox } from "./sandbox/engine.ts";
import { faultOf, type Result, resultOf } from "./sandbox/result.ts";

/** Characters of all that a script is given of a call, as JSON. */
export const MOST_INPUT = 1_048_576;

/** A call as a script sees it: data alone, and nothing that leads out. */
export interface ScriptInput {
  /** Milliseconds since 1970: what the script's clock says, all the time. */
  readonly at: number;
  readonly request: MessageInput & {
    readonly method: string;
    readonly path: string;
    /** Path and query. */
    readonly url: string;
    readonly query: readonly Pair[];
  };
  readonly response: (MessageInput & { readonly status: number }) | null;
  readonly call: {
    readonly id: string;
    readonly context: Readonly<Record<string, unknown>>;
    readonly app: object | null;
    readonly token: object | null;
    readonly env: Readonly<Record<string, string>>;
  };
}

export type Pair = readonly [name: string, value: string];

interface MessageInput {
  readonly headers: readonly Pair[];
  /** Absent if the script neither reads nor sets it. */
  readonly body?: string | undefined;
}

export type ScriptOutcome = { readonly traces: readonly string[] } & (
  | { readonly result: Result }
  | { readonly fault: string }
);

const none: readonly string[] = [];

/** Runs a script over a call. Whatever the script does comes to an outcome; a fault is a sentence for its author. */
export async function runScript(script: string, input: ScriptInput): Promise<ScriptOutcome> {
  const text = JSON.stringify(input);
  if (text.length > MOST_INPUT) {
    return { traces: none, fault: `The call is larger than the ${MOST_INPUT} characters that a script is given.` };
  }
  const ran = await runInSandbox(script, text);
  if (ran.kind === "stopped") return { traces: none, fault: `The script was stopped. ${ran.why}` };
  if (ran.kind === "done") {
    const result = resultOf(ran.text);
    if (result !== undefined) return { traces: result.traces, result };
    return { traces: none, fault: "The script leaves what nothing can be made of. A status is 200 to 599." };
  }
  const fault = faultOf(ran.text);
  if (fault === undefined) return { traces: none, fault: "The script failed." };
  const place = fault.line > 0 ? ` in line ${fault.line}` : "";
  return { traces: fault.traces, fault: `The script failed${place} (${fault.kind}).` };
}
