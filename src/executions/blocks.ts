import { isTrue } from "../expressions/evaluate.ts";
import type { Case, CommandOf, If, Loop, Switch } from "../workflows/model.ts";
import { costOf, meets } from "../expressions/pattern.ts";
import { asText } from "../platform/text.ts";
import { isSame } from "./attributes.ts";
import type { Site } from "./calls.ts";
import { MOST } from "./limits.ts";
import type { Frame, Thread } from "./state.ts";
import { commandAt, count, paid, patchThread, push, registered, scriptFault, valueOf, type Work } from "./work.ts";

export async function branch(work: Work, { id, place }: Site, command: If): Promise<void> {
  if (isTrue(await valueOf(work, id, command.condition))) push(work, id, { block: `${place}/do` });
  else if (command.else !== undefined) push(work, id, { block: `${place}/else` });
}

/** All cases from the first that fits until one breaks; default if none does. */
export async function choose(work: Work, { id, place }: Site, command: Switch): Promise<void> {
  const value = command.value === undefined ? undefined : await valueOf(work, id, command.value);
  const first = await firstFitting(work, id, command.cases, value);
  const reached = first === -1 ? [] : command.cases.slice(first);
  const last = reached.findIndex((one) => one.break === true);
  const done = last === -1 ? reached : reached.slice(0, last + 1);
  const blocks = done.map((_, index) => ({ block: `${place}/cases/${first + index}/do` }));
  const otherwise = last === -1 && command.default !== undefined ? [{ block: `${place}/default` }] : [];
  push(work, id, ...blocks, ...otherwise);
}

async function firstFitting(work: Work, id: string, cases: readonly Case[], value: unknown): Promise<number> {
  for (const [index, one] of cases.entries()) {
    const isFit =
      one.condition === undefined ? fits(work, one, value) : isTrue(await valueOf(work, id, one.condition, { value }));
    if (isFit) return index;
  }
  return -1;
}

/** A missing value is as good as null. */
function fits(work: Work, one: Case, value: unknown = null): boolean {
  if (Object.hasOwn(one, "equals")) return isSame(value, paid(work, one.equals));
  if (one.in !== undefined) return paid(work, one.in).some((item) => isSame(value, item));
  if (one.matches === undefined || value === null || typeof value === "object") return false;
  return matches(work, one.matches, asText(value));
}

function matches({ patterns }: Work, pattern: string, text: string): boolean {
  try {
    patterns.steps -= costOf(pattern, text);
    if (patterns.steps >= 0) return meets(pattern, text);
  } catch {
    throw scriptFault("PATTERN_INVALID", "A case has a pattern that is not one of RE2.");
  }
  throw scriptFault("SWITCH_TOO_LARGE", "The value of a switch is too long for its patterns.");
}

export function loop(work: Work, { id, place }: Site): void {
  push(work, id, { block: `${place}/do`, rounds: 1 });
}

/** A round is over: ends the loop or begins the next one. */
export async function nextRound(work: Work, { id, frames }: Thread, frame: Frame & { rounds: number }): Promise<void> {
  count(work);
  const { until, most } = commandAt(work.script, frame.block.replace(/\/do$/, "")) as Loop;
  const others = frames.slice(0, -1);
  if (isTrue(await valueOf(work, id, until))) return patchThread(work, id, { frames: others });
  const limit = most ?? MOST.rounds;
  if (frame.rounds >= limit) {
    throw scriptFault("LOOP_LIMIT", `A loop goes round more than ${limit} times. Look at its until, or set most.`);
  }
  patchThread(work, id, { frames: [...others, { ...frame, index: 0, rounds: frame.rounds + 1 }] });
}

export function path(work: Work, { id }: Site, { name }: CommandOf<"path">): void {
  const commands = registered(work.script.paths, name);
  if (commands === undefined) throw scriptFault("PATH_UNKNOWN", `There is no path "${name}".`);
  push(work, id, { block: `/paths/${name}` });
}
