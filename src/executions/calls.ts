import type { CommandOf } from "../workflows/model.ts";
import { isHostOpen } from "../workflows/url.ts";
import { addressOf } from "./address.ts";
import { asText } from "../platform/text.ts";
import { without } from "./attributes.ts";
import { MOST } from "./limits.ts";
import { inWords, take } from "./settle.ts";
import { sizeOf } from "./size.ts";
import { MAIN, type Pending, type Shown, type Thread, type Values } from "./state.ts";
import {
  applied,
  beginningOf,
  callOf,
  filled,
  filledParts,
  keepInHistory,
  maybe,
  nextId,
  patch,
  patchThread,
  registered,
  rootOf,
  scriptFault,
  tell,
  weighAll,
  type Work,
} from "./work.ts";

const MOST_WAIT_SECONDS = 2_592_000;
const DAY_SECONDS = 86_400;

/** Where a command stands, and who does it. */
export interface Site {
  readonly id: string;
  readonly place: string;
}

type Asked<P extends Pending = Pending> = P extends Pending ? Omit<P, "id" | "thread" | "place" | "async"> : never;

/** Leaves something to be done; the thread waits for it unless it goes on meanwhile. */
function expect(work: Work, { id: thread, place }: Site, async: boolean, asked: Asked): void {
  if (async) checkAsync(work, thread);
  const id = nextId(work, "p");
  const pending = { ...asked, id, thread, place, async } as Pending;
  patch(work, { pending: { ...work.state.pending, [id]: pending } });
  if (!async) patchThread(work, thread, { waiting: { pending: id } });
  weighAll(work, sizeOf(pending));
}

/** What clients have begun never hinders the script itself. */
function checkAsync(work: Work, id: string): void {
  const atWork = Object.values(work.state.pending).filter((one) => one.async);
  const counted = rootOf(work, id) === MAIN ? atWork.filter(({ thread }) => rootOf(work, thread) === MAIN) : atWork;
  if (counted.length < MOST.async) return;
  throw scriptFault("ASYNC_LIMIT", `More than ${MOST.async} async commands are at work. Wait for some of them.`);
}

export async function exchange(work: Work, site: Site, command: CommandOf<"exchange">): Promise<void> {
  const { name, url, method, headers, query, body, contentType, credentials_id, timeout, retry } = command;
  if (isHostOpen(url)) {
    const message = `The url of the exchange at ${site.place} has an expression in its scheme or host.`;
    throw scriptFault("URL_HOST_TEMPLATED", message);
  }
  const address = addressOf(await filledParts(work, site.id, url), site.place);
  const parts = { headers: headers ?? {}, query: query ?? {}, ...maybe("body", body) };
  const call = (await filled(work, site.id, parts)) as { headers: Values; query: Values; body?: unknown };
  tell(work, "exchange", site.id, { place: site.place, data: { ...maybe("name", name), url: address, ...call } });
  expect(work, site, command.async === true, {
    kind: "exchange",
    ...maybe("name", name),
    url: address,
    method: method ?? "GET",
    headers: texts(call.headers, asText),
    query: texts(call.query, (value) => (Array.isArray(value) ? value.map(asText) : asText(value))),
    ...maybe("body", call.body),
    contentType: contentType ?? "json",
    ...maybe("credentials_id", credentials_id),
    timeout: timeout ?? 30,
    ...maybe("retry", retry),
  });
}

/** Null leaves a header or a parameter out, as does an expression without a result. */
const texts = <T>(values: Values, text: (value: unknown) => T): Record<string, T> =>
  Object.fromEntries(
    Object.entries(without(values, (key) => values[key] === null)).map(([key, value]) => [key, text(value)] as const),
  );

export async function callFunction(work: Work, site: Site, command: CommandOf<"function">): Promise<void> {
  const { name } = command;
  const definition = registered(work.script.functions, name);
  if (definition === undefined) throw scriptFault("FUNCTION_UNKNOWN", `There is no function "${name}".`);
  if (depthOf(work, site.id) >= MOST.calls) {
    throw scriptFault(
      "FUNCTION_DEPTH",
      `More than ${MOST.calls} functions call one another. Look for one that calls itself.`,
    );
  }
  const input = applied(work, definition.validate, await filled(work, site.id, command.input));
  if (!input.ok) {
    throw scriptFault(
      "FUNCTION_INPUT_INVALID",
      `The input of the function "${name}" is not valid. ${inWords(input.errors)}`,
    );
  }
  const callee = nextId(work, "f");
  expect(work, site, command.async === true, { kind: "function", callee });
  const thread = threadOf(callee, name, input.value, false);
  patch(work, { threads: { ...work.state.threads, [callee]: thread } });
  weighAll(work, sizeOf(thread));
  tell(work, "function", callee, { place: site.place, data: { name, ...maybe("input", input.value) } });
}

/** A thread that is about to begin with a function. */
export const threadOf = (id: string, name: string, input: unknown, byClient: boolean): Thread => ({
  id,
  function: name,
  frames: [{ block: `/functions/${name}/commands`, index: 0 }],
  attributes: {},
  ...maybe("input", input),
  waiting: null,
  heard: {},
  byClient,
});

/** How many functions stand within one another. */
function depthOf(work: Work, id: string): number {
  const caller = callOf(work, id)?.thread;
  return caller === undefined ? 1 : 1 + depthOf(work, caller);
}

export async function wait(work: Work, site: Site, { event, seconds }: CommandOf<"wait">): Promise<void> {
  const length = seconds === undefined ? undefined : lengthOf(await filled(work, site.id, seconds));
  if (event === undefined) {
    if (length === undefined) throw scriptFault("WAIT_EMPTY", "A wait has neither seconds nor event. Give it one.");
    return expect(work, site, false, { kind: "timer", at: work.at + length });
  }
  const until = length === undefined ? null : work.at + length;
  expect(work, site, false, { kind: "event", name: event, until });
  hearEarlier(work, site.id, event);
}

/** An event that came before the wait for it. */
function hearEarlier(work: Work, id: string, name: string): void {
  const { heard, waiting } = work.state.threads[id]!;
  const { signals, pending } = work.state;
  const own = Object.hasOwn(heard, name);
  if (!own && !Object.hasOwn(signals, name)) return;
  const value = own ? heard[name] : signals[name];
  if (own) patchThread(work, id, { heard: without(heard, (key) => key === name) });
  else {
    patch(work, { signals: without(signals, (key) => key === name) });
    const taken = (shown: Shown) => ({ ...shown, signals: without(shown.signals, (key) => key === name) });
    keepInHistory(work, beginningOf(work, id), taken);
  }
  if (waiting !== null && "pending" in waiting) take(work, pending[waiting.pending]!, value);
}

/** Milliseconds. */
function lengthOf(given: unknown): number {
  const seconds = typeof given === "string" && given.trim() !== "" ? Number(given) : given;
  if (typeof seconds === "number" && seconds > 0 && seconds <= MOST_WAIT_SECONDS) return Math.ceil(seconds * 1000);
  throw scriptFault("WAIT_INVALID", `The seconds of a wait are not a number above 0 and at most ${MOST_WAIT_SECONDS}.`);
}

export async function sharable(work: Work, site: Site, command: CommandOf<"sharable">): Promise<void> {
  const parts = { ...maybe("payload", command.payload), ...maybe("token", command.token) };
  const { payload, token } = (await filled(work, site.id, parts)) as { payload?: unknown; token?: unknown };
  expect(work, site, false, {
    kind: "sharable",
    of: command.of,
    ...maybe("payload", payload),
    ...maybe("token", token === undefined ? undefined : asText(token)),
    seconds: command.seconds ?? DAY_SECONDS,
  });
}
