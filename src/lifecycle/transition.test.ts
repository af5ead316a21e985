import { describe, expect, it } from "vitest";

import {
  patience,
  table,
  transition,
  type Decision,
  type Input,
  type State,
  type Status,
  type Trigger,
} from "./transition.ts";

const limits = { startTries: 5, stalledTries: 3 };
const current = "the present start";
const stateOf = (status: Status, more: Partial<State> = {}): State => ({
  status,
  startId: current,
  tries: 1,
  overdue: false,
  ...more,
});

const statuses = ["inactive", "starting", "active", "stopping"] as const satisfies readonly Status[];
const reports = ["started", "stopped", "failed"] as const satisfies readonly Trigger[];
const triggers = ["start", "stop", "forceStop", ...reports, "deadline"] as const satisfies readonly Trigger[];

const same: Decision = { kind: "same" };
const stale: Decision = { kind: "stale" };
const toStarting: Decision = { kind: "move", to: "starting", command: "flow.starting" };
const toStopping: Decision = { kind: "move", to: "stopping", command: "flow.stopping" };
const forced: Decision = { kind: "move", to: "inactive", command: "flow.stopping" };
const toActive: Decision = { kind: "move", to: "active" };
const toInactive: Decision = { kind: "move", to: "inactive" };
const failing: Decision = { kind: "move", to: "stopping", command: "flow.stopping", failure: "FLOW_FAILED" };
const timedOut: Decision = { kind: "move", to: "stopping", command: "flow.stopping", failure: "START_TIMEOUT" };
const stoppingRefused: Decision = { kind: "refuse", error: "FLOW_STOPPING" };
const startAgain: Decision = { kind: "resend", command: "flow.starting" };
const stopAgain: Decision = { kind: "resend", command: "flow.stopping" };
const stopStalls: Decision = { kind: "resend", command: "flow.stopping", failure: "STOP_TIMEOUT" };

type Cell = readonly [Status, Trigger, Decision];

/** The house's table, read row by row. A deadline is judged with its command not yet overdue. */
const cells: readonly Cell[] = [
  ["inactive", "start", toStarting],
  ["inactive", "stop", same],
  ["inactive", "forceStop", same],
  ["inactive", "started", stale],
  ["inactive", "stopped", stale],
  ["inactive", "failed", stale],
  ["inactive", "deadline", same],

  ["starting", "start", same],
  ["starting", "stop", toStopping],
  ["starting", "forceStop", forced],
  ["starting", "started", toActive],
  ["starting", "stopped", toInactive],
  ["starting", "failed", failing],
  ["starting", "deadline", same],

  ["active", "start", same],
  ["active", "stop", toStopping],
  ["active", "forceStop", forced],
  ["active", "started", same],
  ["active", "stopped", toInactive],
  ["active", "failed", failing],
  ["active", "deadline", same],

  ["stopping", "start", stoppingRefused],
  ["stopping", "stop", same],
  ["stopping", "forceStop", forced],
  ["stopping", "started", stale],
  ["stopping", "stopped", toInactive],
  ["stopping", "failed", same],
  ["stopping", "deadline", same],
];

const cellOf = (status: Status, trigger: Trigger) => cells.find((cell) => cell[0] === status && cell[1] === trigger)!;

describe("the lifecycle table", () => {
  it("has every status with every trigger exactly once", () => {
    const every = statuses.flatMap((status) => triggers.map((trigger) => `${status} ${trigger}`));
    expect(cells.map(([status, trigger]) => `${status} ${trigger}`).toSorted()).toEqual(every.toSorted());
    expect(Object.keys(table).toSorted()).toEqual(statuses.toSorted());
    for (const row of Object.values(table)) {
      expect([...Object.keys(row), "deadline"].toSorted()).toEqual(triggers.toSorted());
    }
  });

  it.each(cells)("decides for a flow that is %s on %s: %o", (status, trigger, decision) => {
    expect(transition(stateOf(status), { trigger }, limits)).toEqual(decision);
  });

  it.each(cells.filter(([, trigger]) => trigger !== "deadline"))(
    "lets time change nothing about %s on %s",
    (status, trigger, decision) => {
      for (const tries of [0, 1, 5, 1000]) {
        expect(transition(stateOf(status, { tries, overdue: true }), { trigger }, limits)).toEqual(decision);
      }
    },
  );
});

describe("a report about a certain start", () => {
  const everyReport = statuses.flatMap((status) => reports.map((trigger) => [status, trigger] as const));

  it.each(everyReport)("is stale for a flow that is %s if %s names another start", (status, trigger) => {
    expect(transition(stateOf(status), { trigger, startId: "an earlier start" }, limits)).toEqual(stale);
  });

  it.each(everyReport)("is stale for a flow that is %s and never had a start when %s names one", (status, trigger) => {
    expect(transition(stateOf(status, { startId: null }), { trigger, startId: current }, limits)).toEqual(stale);
  });

  it.each(everyReport)("is judged by the table for a flow that is %s if %s names its start", (status, trigger) => {
    expect(transition(stateOf(status), { trigger, startId: current }, limits)).toEqual(cellOf(status, trigger)[2]);
  });

  it.each(everyReport)("is judged by the table alone for a flow that is %s if %s names none", (status, trigger) => {
    const inputs: Input[] = [{ trigger }, { trigger, startId: undefined }];
    for (const startId of [current, "another", null]) {
      for (const input of inputs) {
        expect(transition(stateOf(status, { startId }), input, limits)).toEqual(cellOf(status, trigger)[2]);
      }
    }
  });
});

describe("a deadline", () => {
  it.each([
    ["starting", 1, startAgain],
    ["starting", 4, startAgain],
    ["starting", 5, timedOut],
    ["starting", 6, timedOut],
    ["stopping", 1, stopAgain],
    ["stopping", 2, stopStalls],
    ["stopping", 3, stopStalls],
    ["stopping", 1000, stopStalls],
    ["inactive", 1, same],
    ["inactive", 1000, same],
    ["active", 1, same],
    ["active", 1000, same],
  ] as const)("that has passed for a flow that is %s after %i tries leads to %o", (status, tries, decision) => {
    expect(transition(stateOf(status, { tries, overdue: true }), { trigger: "deadline" }, limits)).toEqual(decision);
  });

  it.each(statuses)("that has not passed changes nothing for a flow that is %s, whatever the tries", (status) => {
    for (const tries of [0, 1, 4, 5, 6, 1000]) {
      expect(transition(stateOf(status, { tries }), { trigger: "deadline" }, limits)).toEqual(same);
    }
  });

  it.each([
    [1, 1, timedOut],
    [2, 1, startAgain],
    [2, 2, timedOut],
    [9, 8, startAgain],
    [9, 9, timedOut],
  ])("gives up a start with %i tries allowed after %i as the settings say", (startTries, tries, decision) => {
    const state = stateOf("starting", { tries, overdue: true });
    expect(transition(state, { trigger: "deadline" }, { ...limits, startTries })).toEqual(decision);
  });
});

describe("patience", () => {
  it.each([
    [1, 30, 30],
    [2, 30, 60],
    [3, 30, 120],
    [4, 30, 240],
    [7, 30, 1920],
    [8, 30, 3600],
    [9, 30, 3600],
    [31, 30, 3600],
    [1_000_000, 30, 3600],
    [Number.MAX_SAFE_INTEGER, 30, 3600],
    [1, 1, 1],
    [12, 1, 2048],
    [13, 1, 3600],
    [1, 3600, 3600],
    [1, 86_400, 3600],
  ])("after %i tries that begin with %i seconds is %i seconds", (tries, first, seconds) => {
    expect(patience(tries, first)).toBe(seconds);
  });
});
