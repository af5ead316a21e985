import { describe, expect, it } from "vitest";

import { type Counted, FullKeys, gapOf, judge, mostOf, type Rule, secondsOf, windowAt } from "./counting.ts";

const at = (text: string): number => Date.parse(text);
const before = (text: string): number => at(text) - 1;

describe("a window", () => {
  it.each([
    ["second", at("2026-03-01T10:20:30.000Z"), "2026-03-01T10:20:30Z", "2026-03-01T10:20:31Z"],
    ["second", at("2026-03-01T10:20:30.999Z"), "2026-03-01T10:20:30Z", "2026-03-01T10:20:31Z"],
    ["minute", at("2026-03-01T10:20:00Z"), "2026-03-01T10:20:00Z", "2026-03-01T10:21:00Z"],
    ["minute", before("2026-03-01T10:21:00Z"), "2026-03-01T10:20:00Z", "2026-03-01T10:21:00Z"],
    ["hour", at("2026-03-01T10:00:00Z"), "2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z"],
    ["hour", before("2026-03-01T11:00:00Z"), "2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z"],
    ["day", at("2026-03-29T00:00:00Z"), "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z"],
    ["day", before("2026-03-30T00:00:00Z"), "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z"],
    ["month", at("2026-01-31T12:00:00Z"), "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"],
    ["month", at("2026-02-01T00:00:00Z"), "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"],
    ["month", before("2026-03-01T00:00:00Z"), "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"],
    ["month", at("2028-02-29T23:59:59.999Z"), "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"],
    ["month", at("2026-04-30T23:59:59.999Z"), "2026-04-01T00:00:00Z", "2026-05-01T00:00:00Z"],
    ["month", before("2027-01-01T00:00:00Z"), "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"],
  ] as const)("of a %s at %i is from %s to %s", (interval, moment, starts, ends) => {
    expect(windowAt(interval, moment)).toEqual({ starts: at(starts), ends: at(ends) });
  });
});

describe("a soft limit", () => {
  it.each([
    [300, undefined, 300],
    [300, 30, 390],
    [1, 99, 1],
    [1, 100, 2],
    [3, 33, 3],
    [3, 34, 4],
    [7, 50, 10],
    [10, 1000, 110],
    [999_999_999, 1, 1_009_999_998],
  ])("of %i calls and %s percent lets %i through", (calls, percent, most) => {
    expect(mostOf(calls, percent)).toBe(most);
  });
});

describe("a gap", () => {
  it.each([
    [1, "second", 1000],
    [60, "minute", 1000],
    [3600, "hour", 1000],
    [3, "second", 334],
    [7, "minute", 8572],
    [899_999, "hour", 5],
    [900_000, "hour", 4],
    [1_000_000, "second", 1],
  ] as const)("of %i a %s is %i ms of a clock of whole ones", (limit, interval, ms) => {
    expect(gapOf(limit, interval)).toBe(ms);
  });
});

const minute = at("2026-03-01T10:20:00Z");
const end = minute + 60_000;
const three: Rule = { kind: "window", interval: "minute", most: 3 };
const gap: Rule = { kind: "gap", gapMs: 400 };
type Cell = readonly [
  what: string,
  Rule,
  Counted | undefined,
  now: number,
  verdict: readonly [boolean, number, boolean, number],
  next: Counted | undefined,
];

const cells: readonly Cell[] = [
  ["the first of a window", three, undefined, minute, [true, 1, false, 60_000], { ends: end, taken: 1 }],
  ["one of it", three, { ends: end, taken: 1 }, end - 10, [true, 2, false, 10], { ends: end, taken: 2 }],
  ["the last of it", three, { ends: end, taken: 2 }, end - 1, [true, 3, true, 1], { ends: end, taken: 3 }],
  ["one too many", three, { ends: end, taken: 3 }, end - 1, [false, 3, true, 1], undefined],
  [
    "the first of the next",
    three,
    { ends: end, taken: 3 },
    end,
    [true, 1, false, 60_000],
    { ends: end + 60_000, taken: 1 },
  ],
  [
    "one much later",
    three,
    { ends: end, taken: 3 },
    end + 90_000,
    [true, 1, false, 30_000],
    { ends: end + 120_000, taken: 1 },
  ],
  ["one of a clock that was set back", three, { ends: end, taken: 3 }, minute - 1, [false, 3, true, 60_001], undefined],
  [
    "one more of such a clock",
    three,
    { ends: end, taken: 1 },
    minute - 1,
    [true, 2, false, 60_001],
    { ends: end, taken: 2 },
  ],
  ["the first of a spike", gap, undefined, 5000, [true, 1, true, 400], { ends: 5400, taken: 1 }],
  ["one at once behind it", gap, { ends: 5400, taken: 1 }, 5000, [false, 1, true, 400], undefined],
  ["one just too early", gap, { ends: 5400, taken: 1 }, 5399, [false, 1, true, 1], undefined],
  ["one after the gap", gap, { ends: 5400, taken: 1 }, 5400, [true, 1, true, 400], { ends: 5800, taken: 1 }],
];

describe("a call", () => {
  it.each(cells)("that is %s", (_, rule, counted, now, [passes, taken, isFull, waitMs], next) => {
    const expected = { verdict: { passes, taken, isFull, waitMs }, ...(next === undefined ? {} : { next }) };
    expect(judge(rule, counted, now)).toEqual(expected);
  });
});

describe("seconds", () => {
  it.each([
    [0, 1],
    [1, 1],
    [1000, 1],
    [1001, 2],
    [60_000, 60],
  ])("of %i ms are %i", (ms, seconds) => expect(secondsOf(ms)).toBe(seconds));
});

describe("keys that are full", () => {
  it("are so until their time, the latest that was heard", () => {
    const full = new FullKeys(2);
    expect(full.until("a", 0)).toBeUndefined();
    full.heard("a", 100);
    full.heard("a", 50);
    expect([full.until("a", 99), full.until("a", 100), full.until("b", 0)]).toEqual([100, undefined, undefined]);
  });

  it("are bounded: the one that was heard of longest ago is forgotten", () => {
    const full = new FullKeys(2);
    for (const key of ["a", "b", "a", "c"]) full.heard(key, 100);
    expect(["a", "b", "c"].map((key) => full.until(key, 0))).toEqual([100, undefined, 100]);
  });
});
