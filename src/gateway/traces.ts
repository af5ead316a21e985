import type { Call, World } from "./call.ts";
import type { LiveApi } from "./compile.ts";
import type { Answer } from "./refusal.ts";
import type { Recorder } from "./trace.ts";

/** A call that is traced. */
export interface Traced {
  readonly recorder: Recorder;
  /** Has the trace kept. */
  end(call: Call, answer: Answer, code: string | undefined, world: World): void;
}

/** Begins the trace of a call: of the share that the API says, and of those that ask for it and may. */
export async function beginTrace(
  _sent: Headers,
  _live: LiveApi,
  _world: World,
  _id: string,
): Promise<Traced | undefined> {
  return undefined;
}
