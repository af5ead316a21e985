import { expect, it } from "vitest";

import { compilePaths, replaceAt } from "./json-paths.ts";

const value = () => ({
  customer: { iban: "DE1", name: "Ann", card: null },
  items: [{ card: "1", n: 1 }, { card: "2" }, { no: true }],
  "0": "zero",
});

const marked = (given: unknown, paths: readonly string[]) =>
  replaceAt(given, compilePaths(paths), (found) => ["was", found]);

it.each<[string, string[], unknown, unknown]>([
  ["nothing", [], value(), value()],
  ["a key", ["customer.iban"], { customer: { iban: "x", a: 1 } }, { customer: { iban: ["was", "x"], a: 1 } }],
  ["null", ["a"], { a: null }, { a: ["was", null] }],
  ["an object as a whole", ["a"], { a: { b: 1 } }, { a: ["was", { b: 1 }] }],
  ["the shorter of two paths", ["a.b", "a"], { a: { b: 1 } }, { a: ["was", { b: 1 }] }],
  ["every position", ["l.*.c"], { l: [{ c: 1 }, 2, { d: 1 }] }, { l: [{ c: ["was", 1] }, 2, { d: 1 }] }],
  ["every key", ["*.c"], { x: { c: 1 }, y: { c: 2 } }, { x: { c: ["was", 1] }, y: { c: ["was", 2] } }],
  ["a position", ["l.1"], { l: [1, 2, 3] }, { l: [1, ["was", 2], 3] }],
  ["a position that is none", ["l.01", "l.-1", "l.length", "l.9"], { l: [1, 2] }, { l: [1, 2] }],
  [
    "a list at the top",
    ["*"],
    [1, [2]],
    [
      ["was", 1],
      ["was", [2]],
    ],
  ],
  ["a list at the top by position", ["0.a"], [{ a: 1 }, { a: 1 }], [{ a: ["was", 1] }, { a: 1 }]],
  [
    "* beside a key",
    ["*.b", "a.c"],
    { a: { b: 1, c: 2 }, d: { b: 3, c: 4 } },
    { a: { b: ["was", 1], c: ["was", 2] }, d: { b: ["was", 3], c: 4 } },
  ],
  ["through text", ["a.0", "a.length"], { a: "text" }, { a: "text" }],
  ["what is not there", ["a.b.c", "x"], { a: { b: 1 } }, { a: { b: 1 } }],
  ["inherited keys", ["constructor", "toString.name", "a.__proto__.b"], { a: { b: 1 } }, { a: { b: 1 } }],
  ["a scalar at the top", ["*", "a"], "text", "text"],
])("replaces %s", (_, paths, given, expected) => {
  const before = structuredClone(given);
  expect(marked(given, paths)).toEqual(expected);
  expect(given).toEqual(before);
});

it("a key called __proto__ is one like any other", () => {
  const given: unknown = JSON.parse('{"__proto__":{"card":"1"},"b":1}');
  expect(JSON.stringify(marked(given, ["__proto__.card"]))).toBe('{"__proto__":{"card":["was","1"]},"b":1}');
});

it("what no path leads to is shared, and a value without a match is the same", () => {
  const given = value();
  const copy = marked(given, ["items.*.card"]) as typeof given;
  expect([copy === given, copy.customer === given.customer, copy.items[2] === given.items[2]]).toEqual([
    false,
    true,
    true,
  ]);
  expect(marked(given, ["customer.phone", "items.*.x"])).toBe(given);
});
