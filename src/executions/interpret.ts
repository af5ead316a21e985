import type { Fields } from "../workflows/fields.ts";
import type { Workflow } from "../workflows/model.ts";
import { advance } from "./advance.ts";
import { answered, due, signalled, terminated } from "./arrive.ts";
import { isRecord } from "../platform/shape.ts";
import { without } from "./attributes.ts";
import { threadOf } from "./calls.ts";
import { hasRoom, makeRoom, roomForCall, tooLarge } from "./room.ts";
import { goBack, routeAt, viewOf } from "./route.ts";
import { fail } from "./settle.ts";
import { isTooLarge } from "./size.ts";
import {
  MAIN,
  type BackEvent,
  type Beginning,
  type CallEvent,
  type Event,
  type Outcome,
  type Refusal,
  type State,
  type SubmitEvent,
} from "./state.ts";
import {
  applied,
  Failure,
  failureOf,
  maybe,
  patch,
  patchThread,
  refuse,
  registered,
  rootOf,
  store,
  tell,
  workOn,
  type Work,
} from "./work.ts";

export { viewOf };

/** Begins an execution, and goes to its first pause. A refused input leaves a state of no use. */
export async function begin(script: Workflow, { uuid, input, at, routeUuid }: Beginning): Promise<Outcome> {
  const work = workOn(script, blank(uuid, at), at, routeUuid);
  if (isTooLarge(input)) return refuse(work.state, { kind: "tooLarge" });
  try {
    const held = applied(work, script.validate, input);
    if (!held.ok) return invalid(work, MAIN, held.errors);
    patchThread(work, MAIN, maybe("input", held.value));
    tell(work, "started", MAIN, { data: { ...maybe("input", held.value) } });
  } catch (cause) {
    fail(work, MAIN, failureOf(cause, "/validate"));
  }
  await advance(work);
  if (!hasRoom(work, work.state)) makeRoom(work);
  return outcomeOf(work);
}

const blank = (uuid: string, at: number): State => ({
  uuid,
  startedAt: at,
  threads: {
    [MAIN]: {
      id: MAIN,
      frames: [{ block: "/commands", index: 0 }],
      attributes: {},
      waiting: null,
      heard: {},
      byClient: false,
    },
  },
  share: {},
  pending: {},
  route: null,
  history: [],
  drafts: {},
  submitted: null,
  wentBack: null,
  signals: {},
  count: 0,
  nextId: 1,
  end: null,
});

/**
 * What an event makes of an execution: the script goes on to its next pause. The same script, state and event make the
 * same outcome; time and new uuids come with the event. What is refused changes nothing.
 */
export async function interpret(script: Workflow, state: State, event: Event): Promise<Outcome> {
  let work = workFor(script, state, event);
  const refused = taken(work, event);
  if (refused?.kind === "invalid") return invalid({ ...work, state }, MAIN, refused.errors);
  if (refused !== null) return refuse(state, refused);
  if (event.type === "answered" && !hasRoom(work, state)) {
    work = workFor(script, state, event);
    taken(work, { ...event, result: undefined, fault: tooLarge });
  }
  await advance(work);
  if (hasRoom(work, state)) return outcomeOf(work);
  if (event.type !== "answered" && event.type !== "due") return refuse(state, { kind: "tooLarge" });
  return outcomeOf(withRoom(work, workFor(script, state, event), event.id));
}

const workFor = (script: Workflow, state: State, event: Event): Work =>
  workOn(script, state, event.at, "uuid" in event ? event.uuid : "");

/** What came for a client's function fails that alone, as if nothing had come. */
function withRoom(work: Work, before: Work, pending: string): Work {
  const root = rootOf(before, before.state.pending[pending]!.thread);
  if (root === MAIN) makeRoom(work);
  else fail(before, root, new Failure(tooLarge));
  return root === MAIN ? work : before;
}

/** Takes the event into the state, or says why not. */
function taken(work: Work, event: Event): Refusal | null {
  switch (event.type) {
    case "submit":
      return submitted(work, event);
    case "back":
      return back(work, event);
    case "call":
      return called(work, event);
    case "answered":
      return answered(work, event);
    case "due":
      return due(work, event);
    case "signal":
      return signalled(work, event);
    case "terminate":
      break;
  }
  return terminated(work);
}

function outcomeOf(work: Work): Outcome {
  const more = { level: "warn", message: `${work.dropped} more lines are left out.` };
  if (work.dropped > 0) work.lines.push({ type: "log", thread: MAIN, data: more });
  return { state: work.state, lines: work.lines };
}

const invalid = ({ state }: Work, thread: string, errors: (Refusal & { kind: "invalid" })["errors"]): Outcome =>
  refuse(state, { kind: "invalid", errors }, [{ type: "validation", thread, data: { errors } }]);

function submitted(work: Work, { routeUuid, payload, hash, files }: SubmitEvent): Refusal | null {
  const { end, route, history, drafts, submitted: last } = work.state;
  if (end !== null || route?.uuid !== routeUuid) {
    // Whoever did not get the answer to the last submit asks for it again, also when it was the end.
    if (last?.uuid === routeUuid && last.hash === hash) return { kind: "repeated" };
    if (end !== null) return { kind: "terminated" };
    return route === null ? { kind: "running" } : { kind: "stale", current: route.uuid };
  }
  if (isTooLarge(payload)) return { kind: "tooLarge" };
  const shown = history.at(-1)!;
  const { namespace, name, merge } = routeAt(work.script, shown.place);
  try {
    const held = applied(work, route.validate, payload, files);
    if (!held.ok) return { kind: "invalid", errors: held.errors };
    tell(work, "submit", MAIN, { place: shown.place, data: { ...maybe("payload", payload) } });
    const path = namespace ?? name ?? null;
    const value = held.value ?? {};
    if (path !== null) store(work, MAIN, path, value, merge);
    else if (route.validate !== undefined) store(work, MAIN, null, listed(route.validate, value), merge);
  } catch (cause) {
    const failure = failureOf(cause, shown.place);
    if (failure.fault.code === "ATTRIBUTES_TOO_LARGE") return { kind: "tooLarge" };
    fail(work, MAIN, failure);
    return null;
  }
  patchThread(work, MAIN, { waiting: null });
  patch(work, {
    route: null,
    history: [...history.slice(0, -1), { ...shown, payload: payload === undefined ? {} : payload }],
    drafts: without(drafts, (place) => place === shown.place),
    submitted: { uuid: routeUuid, hash },
    wentBack: null,
  });
  return null;
}

/** At the top level only what the route asks for is written: an attribute of the script is not for anybody to set. */
const listed = (fields: Fields, value: unknown): unknown =>
  !isRecord(value) ? value : Object.fromEntries(Object.entries(value).filter(([name]) => Object.hasOwn(fields, name)));

function back(work: Work, event: BackEvent): Refusal | null {
  const { end, route, history, wentBack } = work.state;
  if (end !== null) return { kind: "terminated" };
  if (route === null) return { kind: "running" };
  // Whoever did not get the answer to the last step back asks for it again.
  if (wentBack?.uuid === event.routeUuid && wentBack.hash === event.hash) return { kind: "repeated" };
  if (route.uuid !== event.routeUuid) return { kind: "stale", current: route.uuid };
  if (history.length < 2) return { kind: "backDisabled" };
  if (isTooLarge(event.payload)) return { kind: "tooLarge" };
  goBack(work, event);
  return null;
}

function called(work: Work, { name, payload, thread: id, files }: CallEvent): Refusal | null {
  const { end } = work.state;
  if (end !== null) return { kind: "terminated" };
  const definition = registered(work.script.functions, name);
  if (definition === undefined || definition.internal === true) return { kind: "unknown", name };
  if (Object.hasOwn(work.state.threads, id)) return { kind: "repeated" };
  if (isTooLarge(payload)) return { kind: "tooLarge" };
  if (!roomForCall(work)) return { kind: "tooMany" };
  const enter = (input: unknown) => {
    patch(work, { threads: { ...work.state.threads, [id]: threadOf(id, name, input, true) } });
    tell(work, "function", id, { data: { name, ...maybe("input", input) } });
  };
  try {
    const held = applied(work, definition.validate, payload, files);
    if (!held.ok) return { kind: "invalid", errors: held.errors };
    enter(held.value);
  } catch (cause) {
    enter(undefined);
    fail(work, id, failureOf(cause, `/functions/${name}/validate`));
  }
  return null;
}
