import { describe, expect, it } from "vitest";

import { plainOf, timeIn } from "./extended-json.ts";

const ID = "5CA5c44c187c040010a9bb8b";

describe("plain", () => {
  it.each<[string, unknown, unknown]>([
    ["an id", { $oid: ID }, ID.toLowerCase()],
    ["a time as text", { $date: "2026-11-22T02:56:36.545Z" }, "2026-11-22T02:56:36.545Z"],
    ["a time without a fraction", { $date: "2026-11-22T02:56:36Z" }, "2026-11-22T02:56:36.000Z"],
    ["a time of an older mongoexport", { $date: "2026-11-22T04:56:36.545+0200" }, "2026-11-22T02:56:36.545Z"],
    ["a time as a number", { $date: 1795316196545 }, "2026-11-22T02:56:36.545Z"],
    ["a canonical time", { $date: { $numberLong: "1795316196545" } }, "2026-11-22T02:56:36.545Z"],
    ["a time before 1970", { $date: { $numberLong: "-1" } }, "1969-12-31T23:59:59.999Z"],
    ["a whole number", { $numberInt: "-5" }, -5],
    ["a long number", { $numberLong: "9007199254740991" }, 9007199254740991],
    ["a longer number than can be told", { $numberLong: "9007199254740993" }, "9007199254740993"],
    ["a fraction", { $numberDouble: "1.5" }, 1.5],
    ["a fraction with an exponent", { $numberDouble: "1.5E-7" }, 1.5e-7],
    ["what has no end", { $numberDouble: "-Infinity" }, null],
    ["what is no number", { $numberDouble: "NaN" }, null],
    ["a decimal", { $numberDecimal: "12.30" }, 12.3],
    ["a decimal that is too large", { $numberDecimal: "1E+6000" }, "1E+6000"],
    [
      "what stands in lists and objects",
      { a: [{ b: { $oid: ID } }, { $numberInt: "1" }] },
      { a: [{ b: ID.toLowerCase() }, 1] },
    ],
    ["a key of one's own beside others", { $oid: ID, x: 1 }, { $oid: ID, x: 1 }],
    ["an id that is none", { $oid: "abc" }, { $oid: "abc" }],
    ["a time that is none", { $date: "yesterday" }, { $date: "yesterday" }],
    ["a day that is none", { $date: "2026-13-45T00:00:00Z" }, { $date: "2026-13-45T00:00:00Z" }],
    ["a number that is none", { $numberInt: "five" }, { $numberInt: "five" }],
    ["a number that is no text", { $numberLong: 5 }, { $numberLong: 5 }],
    ["an operator of one's own", { $gt: { $date: "2026-11-22T02:56:36Z" } }, { $gt: "2026-11-22T02:56:36.000Z" }],
    [
      "a key that every object has",
      { constructor: 1, toString: { $oid: ID } },
      { constructor: 1, toString: ID.toLowerCase() },
    ],
    ["one such key alone", { toString: "x" }, { toString: "x" }],
    ["an empty object", {}, {}],
    ["what is plain already", [null, true, 1, "x", { a: {} }], [null, true, 1, "x", { a: {} }]],
  ])("is %s", (_, sent, plain) => {
    expect(plainOf(sent)).toEqual(plain);
  });

  it("keeps a key that is no prototype", () => {
    const sent: unknown = JSON.parse('{"__proto__":{"a":{"$numberInt":"1"}}}');
    expect(JSON.stringify(plainOf(sent))).toBe('{"__proto__":{"a":1}}');
  });
});

describe("a time", () => {
  it.each<[unknown, number | undefined]>([
    ["2026-11-22T02:56:36.545Z", 1795316196545],
    ["2026-11-22", Date.UTC(2026, 10, 22)],
    [1795316196545, 1795316196545],
    [{ $date: "2026-11-22T02:56:36.545Z" }, 1795316196545],
    [{ $date: { $numberLong: "1795316196545" } }, 1795316196545],
    [0, 0],
    [1.5, undefined],
    [9e15, undefined],
    ["1795316196545", undefined],
    ["22 November 2026", undefined],
    ["2026-11-22T02:56:36.545", undefined],
    [{ $date: "2026-11-22", more: 1 }, undefined],
    [{ $numberLong: "x" }, undefined],
    [null, undefined],
    [true, undefined],
    [[], undefined],
  ])("%j is %j", (sent, time) => {
    expect(timeIn(sent)).toBe(time);
  });
});
