import { describe, expect, it } from "vitest";

import { defaultRetry } from "../connectors/retry.ts";
import { endOf, MOST_REBOUNDS, settle, type Fault, type Manner, type Tried } from "./settle.ts";

const NOW = 1_000_000;
const fault = (mayPass: boolean, waitMs?: number): Fault => ({ code: "HTTP_STATUS", message: "503", mayPass, waitMs });
const failed = (mayPass: boolean, waitMs?: number): Tried => ({ kind: "failed", fault: fault(mayPass, waitMs) });
const stops: Manner = { retry: defaultRetry, continues: false };
const goesOn: Manner = { retry: defaultRetry, continues: true };
const once: Manner = { retry: { ...defaultRetry, attempts: 1 }, continues: false };
const patient: Manner = { retry: { ...defaultRetry, attempts: 10, mostDelayMs: 60_000 }, continues: false };
const limit: Fault = { code: "REBOUND_LIMIT", message: "The step put the message off 20 times.", mayPass: false };

type Row = [
  what: string,
  tried: Tried,
  before: [attempts: number, rebounds: number],
  manner: Manner,
  chance: number,
  becomes: object,
];

const table: Row[] = [
  ["sent", { kind: "sent" }, [0, 0], stops, 1, { state: "done" }],
  ["sent at the last try", { kind: "sent" }, [2, 20], stops, 1, { state: "done" }],
  ["filtered", { kind: "filtered" }, [0, 0], stops, 1, { state: "filtered" }],
  ["gathered", { kind: "gathered" }, [0, 0], stops, 1, { state: "gathered" }],
  ["waits", { kind: "waits", until: 7 }, [2, 20], stops, 1, { state: "waiting", dueAt: 7 }],
  ["rebound, first", { kind: "rebound" }, [0, 0], stops, 1, { state: "due", dueAt: NOW + 15_000, rebounds: 1 }],
  ["rebound, second", { kind: "rebound" }, [0, 1], stops, 1, { state: "due", dueAt: NOW + 30_000, rebounds: 2 }],
  ["rebound, far on", { kind: "rebound" }, [0, 12], stops, 1, { state: "due", dueAt: NOW + 600_000, rebounds: 13 }],
  [
    "rebound, last",
    { kind: "rebound" },
    [0, MOST_REBOUNDS - 1],
    stops,
    1,
    { state: "due", dueAt: NOW + 600_000, rebounds: 20 },
  ],
  [
    "rebound too often",
    { kind: "rebound" },
    [0, MOST_REBOUNDS],
    stops,
    1,
    { state: "failed", fault: limit, passesOn: false },
  ],
  [
    "rebound too often, continuing",
    { kind: "rebound" },
    [0, MOST_REBOUNDS],
    goesOn,
    1,
    { state: "failed", fault: limit, passesOn: true },
  ],
  ["a fault for good", failed(false), [0, 0], stops, 1, { state: "failed", fault: fault(false), passesOn: false }],
  [
    "a fault for good, continuing",
    failed(false),
    [0, 0],
    goesOn,
    1,
    { state: "failed", fault: fault(false), passesOn: true },
  ],
  [
    "a fault that may pass, first",
    failed(true),
    [0, 0],
    stops,
    1,
    { state: "due", dueAt: NOW + 5000, fault: fault(true) },
  ],
  [
    "a fault that may pass, second",
    failed(true),
    [1, 0],
    stops,
    1,
    { state: "due", dueAt: NOW + 10_000, fault: fault(true) },
  ],
  [
    "a fault that may pass, last",
    failed(true),
    [2, 0],
    stops,
    1,
    { state: "failed", fault: fault(true), passesOn: false },
  ],
  [
    "a fault that may pass, last, continuing",
    failed(true),
    [2, 0],
    goesOn,
    1,
    { state: "failed", fault: fault(true), passesOn: true },
  ],
  [
    "a fault that may pass, continuing, first",
    failed(true),
    [0, 0],
    goesOn,
    1,
    { state: "due", dueAt: NOW + 5000, fault: fault(true) },
  ],
  [
    "a fault that may pass where there is one try",
    failed(true),
    [0, 0],
    once,
    1,
    { state: "failed", fault: fault(true), passesOn: false },
  ],
  [
    "rebounds do not count as tries",
    failed(true),
    [0, 20],
    stops,
    1,
    { state: "due", dueAt: NOW + 5000, fault: fault(true) },
  ],
  ["by chance a fifth sooner", failed(true), [0, 0], stops, 0, { state: "due", dueAt: NOW + 4000, fault: fault(true) }],
  ["by chance between", failed(true), [0, 0], stops, 0.5, { state: "due", dueAt: NOW + 4500, fault: fault(true) }],
  ["a delay at its most", failed(true), [8, 0], patient, 1, { state: "due", dueAt: NOW + 60_000, fault: fault(true) }],
  [
    "asked for longer",
    failed(true, 90_000),
    [0, 0],
    stops,
    1,
    { state: "due", dueAt: NOW + 90_000, fault: fault(true, 90_000) },
  ],
  ["asked for shorter", failed(true, 1), [0, 0], stops, 1, { state: "due", dueAt: NOW + 5000, fault: fault(true, 1) }],
  [
    "asked for more than five minutes",
    failed(true, 1e9),
    [0, 0],
    stops,
    1,
    { state: "due", dueAt: NOW + 300_000, fault: fault(true, 1e9) },
  ],
];

describe("what becomes of a message", () => {
  it.each(table)("%s", (_, tried, [attempts, rebounds], manner, chance, becomes) => {
    expect(settle(tried, { attempts, rebounds }, manner, NOW, chance)).toEqual(becomes);
  });
});

describe("the end of a run", () => {
  it.each([
    [{ failed: false, filtered: false, arrived: false }, "completed"],
    [{ failed: false, filtered: false, arrived: true }, "completed"],
    [{ failed: false, filtered: true, arrived: false }, "filtered"],
    [{ failed: false, filtered: true, arrived: true }, "completed"],
    [{ failed: true, filtered: false, arrived: false }, "failed"],
    [{ failed: true, filtered: false, arrived: true }, "failed"],
    [{ failed: true, filtered: true, arrived: false }, "failed"],
    [{ failed: true, filtered: true, arrived: true }, "failed"],
  ] as const)("%j is %s", (found, status) => {
    expect(endOf(found)).toBe(status);
  });
});
