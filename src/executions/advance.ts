import type { Command, CommandOf } from "../workflows/model.ts";
import { asText } from "../platform/text.ts";

import { branch, choose, loop, nextRound, path } from "./blocks.ts";
import { callFunction, exchange, sharable, wait, type Site } from "./calls.ts";
import { showRoute } from "./route.ts";
import { fail, finish } from "./settle.ts";
import type { Thread } from "./state.ts";
import {
  commandsAt,
  count,
  Failure,
  failureOf,
  filled,
  patchThread,
  registered,
  rootOf,
  store,
  tell,
  type Work,
} from "./work.ts";

/** Has every thread work until all of them wait or the execution ends. */
export async function advance(work: Work): Promise<void> {
  for (;;) {
    const thread = nextAtWork(work);
    if (thread === undefined) return;
    try {
      await step(work, thread);
    } catch (cause) {
      fail(work, thread.id, failureOf(cause, placeOf(work, thread)));
    }
  }
}

/** Functions of clients come last: they never take steps from the script. */
function nextAtWork(work: Work): Thread | undefined {
  const atWork = Object.values(work.state.threads).filter(isAtWork);
  return atWork.find(({ id }) => !work.state.threads[rootOf(work, id)]!.byClient) ?? atWork[0];
}

/** The command that a thread does, or the loop whose round is over. */
function placeOf({ script }: Work, { frames }: Thread): string {
  const { block, index } = frames.at(-1) ?? { block: "/commands", index: 0 };
  return commandsAt(script, block)[index] === undefined ? block.replace(/\/do$/, "") : `${block}/${index}`;
}

const isAtWork = ({ waiting, ended }: Thread): boolean => waiting === null && ended === undefined;

async function step(work: Work, thread: Thread): Promise<void> {
  const { id, frames } = thread;
  const frame = frames.at(-1);
  if (frame === undefined) return finish(work, id, "success", undefined);
  const { block, index, rounds } = frame;
  const command = commandsAt(work.script, block)[index];
  if (command !== undefined) {
    count(work);
    patchThread(work, id, { frames: [...frames.slice(0, -1), { ...frame, index: index + 1 }] });
    await perform(work, { id, place: `${block}/${index}` }, command);
  } else if (rounds === undefined) patchThread(work, id, { frames: frames.slice(0, -1) });
  else await nextRound(work, thread, { ...frame, rounds });
}

async function perform(work: Work, site: Site, command: Command): Promise<void> {
  tell(work, "command", site.id, { place: site.place, data: { command: command.command } });
  switch (command.command) {
    case "route":
      return showRoute(work, site.id, site.place);
    case "exchange":
      return exchange(work, site, command);
    case "function":
      return callFunction(work, site, command);
    case "set":
      return set(work, site, command);
    case "if":
    case "match":
      return branch(work, site, command);
    case "switch":
      return choose(work, site, command);
    case "loop":
      return loop(work, site);
    case "path":
      return path(work, site, command);
    case "success":
      return finish(work, site.id, "success", await filled(work, site.id, command.result));
    case "decision":
      return decide(work, site, command);
    case "error":
      return raise(work, site, command);
    case "log":
      return log(work, site, command);
    case "wait":
      return wait(work, site, command);
    case "sharable":
      return sharable(work, site, command);
  }
}

/** All values are made before the first one is written: the order of keys says nothing. */
async function set(work: Work, { id }: Site, { values, merge }: CommandOf<"set">): Promise<void> {
  const results = (await filled(work, id, values)) as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(values)) store(work, id, key, registered(results, key), merge);
}

async function decide(work: Work, { id }: Site, { decision, result }: CommandOf<"decision">): Promise<void> {
  const parts = result === undefined ? { decision } : { decision, result };
  const made = (await filled(work, id, parts)) as { decision?: unknown; result?: unknown };
  finish(work, id, "decision", { ...made, decision: asText(made.decision) });
}

async function raise(work: Work, { id }: Site, { code, message }: CommandOf<"error">): Promise<never> {
  throw new Failure({ by: "script", code, message: asText(await filled(work, id, message)) }, { raised: true });
}

async function log(work: Work, { id, place }: Site, { level, message }: CommandOf<"log">): Promise<void> {
  const data = { level: level ?? "info", message: asText(await filled(work, id, message)) };
  tell(work, "log", id, { place, data });
}
