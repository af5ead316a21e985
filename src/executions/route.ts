import type { CommandOf, Workflow } from "../workflows/model.ts";
import { asText } from "../platform/text.ts";
import { without } from "./attributes.ts";
import { MOST } from "./limits.ts";
import { dropThreads, endExecution } from "./settle.ts";
import { MAIN, type BackEvent, type RouteView, type Shown, type State, type View } from "./state.ts";
import {
  commandAt,
  filled,
  isKept,
  maybe,
  numberOf,
  patch,
  patchThread,
  registered,
  scriptFault,
  tell,
  type Work,
} from "./work.ts";

type RouteCommand = CommandOf<"route">;

/** What a route is: what is said at its use goes before what is registered. */
export const routeAt = (script: Workflow, place: string): RouteCommand => {
  const command = commandAt(script, place) as RouteCommand;
  return { ...registered(script.routes, command.name), ...command };
};

/** Shows a route to the user; the thread waits, or everything ends. */
export async function showRoute(work: Work, id: string, place: string): Promise<void> {
  if (id !== MAIN) throw scriptFault("ROUTE_IN_FUNCTION", "A function shows no routes.");
  const route = routeAt(work.script, place);
  if (route.uri === undefined) throw scriptFault("ROUTE_URI_REQUIRED", `The route at ${place} has no uri.`);
  const parts = { uri: route.uri, ...maybe("export", route.export), ...maybe("result", route.result) };
  const { uri, export: data, result } = (await filled(work, id, parts)) as Readonly<Record<string, unknown>>;
  const view = { uri: asText(uri), ...maybe("name", route.name), ...maybe("export", data) };
  tell(work, "route", id, { place, data: view });
  if (route.terminal === true) {
    const last: RouteView = { uuid: work.uuid, terminal: true, backEnabled: false, ...view };
    return endExecution(work, { status: "terminated", kind: "done", ...maybe("result", result), view: last });
  }
  const { history, drafts, share, signals, nextId, threads } = work.state;
  const { frames, attributes, heard } = threads[MAIN]!;
  const before = history.findLast((shown) => shown.place === place && shown.payload !== undefined);
  const payload = Object.hasOwn(drafts, place) ? drafts[place] : before?.payload;
  const shown: Shown = { place, view, frames, attributes, share, heard, signals, nextId };
  const kept = route.checkpoint === true ? [] : history.slice(1 - MOST.history);
  patch(work, {
    history: [...kept, shown],
    route: { uuid: work.uuid, ...maybe("payload", payload), ...maybe("validate", route.validate) },
  });
  patchThread(work, MAIN, { waiting: { route: work.uuid } });
}

const isBackEnabled = ({ history }: State): boolean => history.length > 1;

/** Goes back to the route before; whoever calls has seen that there is one. */
export function goBack(work: Work, { routeUuid, payload, hash, uuid }: BackEvent): void {
  const { history, drafts } = work.state;
  const left = history.at(-1)!;
  const earlier = history.at(-2)!;
  const draft = payload ?? (Object.hasOwn(drafts, left.place) ? drafts[left.place] : left.payload);
  dropSince(work, earlier);
  patchThread(work, MAIN, {
    frames: earlier.frames,
    attributes: earlier.attributes,
    heard: earlier.heard,
    waiting: { route: uuid },
  });
  const { validate } = routeAt(work.script, earlier.place);
  patch(work, {
    share: earlier.share,
    signals: earlier.signals,
    history: history.slice(0, -1),
    drafts: draft === undefined ? drafts : { ...drafts, [left.place]: draft },
    route: { uuid, ...maybe("payload", earlier.payload), ...maybe("validate", validate) },
    submitted: null,
    wentBack: { uuid: routeUuid, ...maybe("hash", hash) },
  });
  tell(work, "back", MAIN, { place: left.place, data: { to: earlier.place, ...maybe("payload", payload) } });
}

/** What the main thread has begun since then is given up; what was begun before goes on, as do functions of clients. */
function dropSince(work: Work, shown: Shown): void {
  const since = Object.values(work.state.pending).filter(
    (one) => one.thread === MAIN && !isKept(numberOf(one.id), shown),
  );
  const ids = new Set(since.map(({ id }) => id));
  patch(work, { pending: without(work.state.pending, (id) => ids.has(id)) });
  dropThreads(work, new Set(since.flatMap((one) => (one.kind === "function" ? [one.callee] : []))));
}

/** What the client is shown. */
export function viewOf(state: State): View {
  const { end, route, history } = state;
  if (end?.fault !== undefined) return { kind: "fault", ...end.fault };
  if (end?.view !== undefined) return { kind: "route", route: end.view };
  const shown = history.at(-1);
  if (route === null || shown === undefined) return { kind: "running" };
  const { uri, name, export: data } = shown.view;
  const view: RouteView = {
    uuid: route.uuid,
    uri,
    terminal: false,
    backEnabled: isBackEnabled(state),
    ...maybe("export", data),
    ...maybe("payload", route.payload),
    ...maybe("validate", route.validate),
    ...maybe("name", name),
  };
  return { kind: "route", route: view };
}
