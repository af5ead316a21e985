import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { eventOf, moves, script, type Move } from "../../test/support/random-workflows.ts";
import { Workflow } from "../workflows/model.ts";
import { begin, interpret, viewOf } from "./interpret.ts";
import { MOST } from "./limits.ts";
import { isKeepable } from "./size.ts";
import type { Event, Outcome, Pending, State, Thread } from "./state.ts";

const start = { uuid: "e", input: { n: 1 }, at: 0, routeUuid: "r0" };
const copy = <T>(given: T): T => JSON.parse(JSON.stringify(given)) as T;

type Look = (before: State, event: Event, outcome: Outcome) => Promise<void> | void;
async function driven(of: Workflow, all: readonly Move[], look: Look = () => {}): Promise<State> {
  let { state } = await begin(of, start);
  for (const [index, one] of all.entries()) {
    const event = eventOf(state, one, index + 1);
    const outcome = await interpret(of, state, event);
    await look(state, event, outcome);
    ({ state } = outcome);
  }
  return state;
}

/** What makes no sense, whatever the script is. */
function unsound(state: State): string[] {
  const { threads, pending, route, history, end } = state;
  const view = viewOf(state);
  const asked = Object.values(pending);
  const isEmpty = Object.keys(threads).length + asked.length + history.length === 0;
  const rules: (readonly [breaks: boolean, what: string])[] = [
    [view.kind === "running" && asked.every(({ kind }) => kind === "function"), "nothing can make it go on"],
    [(view.kind === "route" && !view.route.terminal) !== (route !== null), "the view is not the current route"],
    [end !== null && !(isEmpty && route === null), "its context outlives it"],
    [history.length > MOST.history, "the history is too long"],
    [!isKeepable(state), "the state is too large"],
    [({} as { x?: unknown }).x !== undefined, "a prototype is polluted"],
    ...asked.map((one) => [!isAwaited(state, one), `nobody waits for ${one.id}`] as const),
    ...Object.values(threads).map((one) => [!isHeld(state, one), `${one.id} waits for nothing`] as const),
  ];
  return rules.filter(([breaks]) => breaks).map(([, what]) => what);
}

function isAwaited({ threads }: State, one: Pending): boolean {
  const thread = Object.hasOwn(threads, one.thread) ? threads[one.thread] : undefined;
  if (thread === undefined || thread.ended !== undefined) return false;
  if (one.kind === "function" && !Object.hasOwn(threads, one.callee)) return false;
  return one.async || (thread.waiting !== null && "pending" in thread.waiting && thread.waiting.pending === one.id);
}

function isHeld({ pending, route }: State, { id, waiting, ended }: Thread): boolean {
  if (waiting === null) return ended !== undefined;
  if (ended !== undefined) return false;
  return "pending" in waiting
    ? pending[waiting.pending]?.thread === id
    : id === "main" && waiting.route === route?.uuid;
}

/** All that the user and the script can tell apart. */
function sight(state: State) {
  const main = state.threads["main"];
  const view = viewOf(state);
  return copy({
    end: state.end === null ? null : { ...state.end, view: undefined },
    view: view.kind === "route" ? { ...view.route, uuid: "" } : view,
    main: main === undefined ? null : [main.frames, main.attributes, main.heard],
    rest: [state.share, state.signals, state.drafts],
  });
}

const runs = (check: (of: Workflow, all: Move[]) => Promise<void>) => fc.asyncProperty(script, moves, check);

describe("whatever the script and the events are", () => {
  it("the scripts are within the schema", () => {
    const within = fc.property(script, (of) => {
      expect(Workflow.safeParse(of).error).toBe(undefined);
    });
    fc.assert(within, { numRuns: 100 });
  });

  it("all comes to a route, something pending or an end, and never throws", async () => {
    const kinds = new Set<string>();
    const sound = runs(async (of, all) => {
      expect(unsound((await begin(of, start)).state)).toEqual([]);
      const ended = { kind: "end", pick: 0, payload: null };
      await driven(of, [...all, ended, ended], (_, { type }, { state, refused }) => {
        expect(unsound(state)).toEqual([]);
        kinds.add(refused?.kind ?? type);
      });
    });
    await fc.assert(sound, { numRuns: 500 });
    const seen = [
      "submit",
      "back",
      "call",
      "answered",
      "due",
      "signal",
      "invalid",
      "stale",
      "repeated",
      "gone",
      "running",
    ];
    expect([...kinds]).toEqual(expect.arrayContaining([...seen, "backDisabled", "terminate", "terminated"]));
  });

  it("back and the same submit lead to the same", async () => {
    let compared = 0;
    const same = runs(async (of, all) => {
      await driven(of, all, async (before, event, { state, refused }) => {
        const view = viewOf(state);
        const isTaken = event.type === "submit" && refused === undefined;
        if (!isTaken || view.kind !== "route" || !view.route.backEnabled) return;
        const back = await interpret(of, state, {
          type: "back",
          routeUuid: view.route.uuid,
          at: event.at,
          uuid: "back",
        });
        expect({ ...sight(back.state), rest: 0 }).toEqual({
          ...sight(before),
          rest: 0,
          view: { ...(sight(before).view as object), payload: copy(event.payload ?? {}) },
        });
        const again = await interpret(of, back.state, { ...event, routeUuid: "back" });
        expect(sight(again.state)).toEqual(sight(state));
        compared += 1;
      });
    });
    await fc.assert(same, { numRuns: 1500 });
    expect(compared).toBeGreaterThan(100);
  });

  it("what is refused changes nothing", async () => {
    const unmarked = runs(async (of, all) => {
      await driven(of, all, (before, _, { state, refused, lines }) => {
        if (refused === undefined) return;
        expect(state).toBe(before);
        expect(lines.length).toBe(refused.kind === "invalid" ? 1 : 0);
      });
    });
    await fc.assert(unmarked, { numRuns: 200 });
  });

  it("the same events make the same state", async () => {
    const repeated = runs(async (of, all) => {
      expect(JSON.stringify(await driven(of, all))).toBe(JSON.stringify(await driven(copy(of), copy(all))));
    });
    await fc.assert(repeated, { numRuns: 200 });
  });

  it("the state is plain JSON between any two events", async () => {
    const survives = runs(async (of, all) => {
      await driven(of, all, async (before, event, outcome) => {
        const again = await interpret(of, copy(before), copy(event));
        expect(JSON.stringify(again)).toBe(JSON.stringify(outcome));
        expect(copy(outcome.state)).toEqual(outcome.state);
      });
    });
    await fc.assert(survives, { numRuns: 200 });
  });
});
