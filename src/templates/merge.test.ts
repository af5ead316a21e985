import { expect, it } from "vitest";

import { merged } from "./merge.ts";

it.each([
  ["nothing over it", { a: 1 }, undefined, { a: 1 }],
  ["a value over another", 1, 2, 2],
  ["null over a value", { a: 1 }, { a: null }, { a: null }],
  ["objects by key", { a: 1, b: { c: 1, d: 1 } }, { b: { d: 2 }, e: 3 }, { a: 1, b: { c: 1, d: 2 }, e: 3 }],
  ["arrays by position", [{ a: 1 }, { a: 2 }, 3], [{ b: 1 }], [{ a: 1, b: 1 }, { a: 2 }, 3]],
  ["a longer array", [1], [2, 3], [2, 3]],
  ["an array over an object", { a: 1 }, [1], [1]],
  ["an object over an array", [1], { a: 1 }, { a: 1 }],
  ["an object over text", "a", { a: 1 }, { a: 1 }],
])("puts %s", (_, base, over, expected) => {
  expect(merged(base, over)).toEqual(expected);
});

it("reaches no prototype", () => {
  const result = merged(
    {},
    JSON.parse('{"__proto__":{"evil":true},"constructor":{"prototype":{"evil":true}}}'),
  ) as object;
  expect(({} as Record<string, unknown>)["evil"]).toBeUndefined();
  expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
  expect(Object.keys(result)).toEqual(["__proto__", "constructor"]);
});
