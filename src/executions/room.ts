import { MOST } from "./limits.ts";
import { closeCalled, dropThreads, fail } from "./settle.ts";
import { isKeepable, sizeOf } from "./size.ts";
import { MAIN, type Fault, type State, type Thread } from "./state.ts";
import { Failure, patch, type Work } from "./work.ts";

/** Whether the state is within its size. Ends of functions that clients have had before go first, then drafts. */
export function hasRoom(work: Work, before: State): boolean {
  if (work.state.end !== null) return true;
  const forgotten = Object.values(before.threads).filter((one) => hasEnded(one));
  for (const { id } of forgotten) {
    if (isKeepable(work.state)) return true;
    dropThreads(work, new Set([id]));
  }
  if (!isKeepable(work.state)) patch(work, { drafts: {} });
  return isKeepable(work.state);
}

const hasEnded = ({ byClient, ended }: Thread): boolean => byClient && ended !== undefined;

/** Room for one function of a client more: the ends of the oldest are forgotten. False if so many are at work. */
export function roomForCall(work: Work): boolean {
  const called = Object.values(work.state.threads).filter(({ byClient }) => byClient);
  if (called.length < MOST.called) return true;
  const oldest = called.find((one) => hasEnded(one));
  if (oldest !== undefined) dropThreads(work, new Set([oldest.id]));
  return oldest !== undefined;
}

/** Has functions of clients fail, the largest first, until there is room for the script; else the execution ends. */
export function makeRoom(work: Work): void {
  const called = Object.values(work.state.threads).filter(({ byClient }) => byClient);
  for (const thread of called.toSorted((left, right) => sizeOf(right) - sizeOf(left))) {
    if (isKeepable(work.state)) return;
    closeCalled(work, thread, { fault: tooLarge });
  }
  if (!isKeepable(work.state)) fail(work, MAIN, new Failure(tooLarge));
}

export const tooLarge: Fault = {
  by: "script",
  code: "ATTRIBUTES_TOO_LARGE",
  message: "The execution holds more than it can keep. Keep less in attributes, or set a checkpoint.",
};
