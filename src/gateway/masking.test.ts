import { describe, expect, it } from "vitest";

import { parseExactly } from "./exact-json.ts";
import { compilePaths, replaceAt } from "./json-paths.ts";
import { maskText, maskValue } from "./masking.ts";

const masking = (keepFirst = 0, keepLast = 0, sign = "*") => ({ keepFirst, keepLast, sign });

it.each<[string, number, number, string]>([
  ["", 0, 0, ""],
  ["abc", 0, 0, "***"],
  ["abcdef", 2, 0, "ab****"],
  ["abcdef", 0, 2, "****ef"],
  ["abcdef", 2, 3, "ab*def"],
  ["abcde", 2, 3, "*****"],
  ["abcd", 2, 3, "****"],
  ["a", 20, 20, "*"],
  ["😀ü😀x", 1, 1, "😀**x"],
])("of %j stay %i at the first and %i at the last: %j", (text, first, last, expected) => {
  expect(maskText(text, masking(first, last))).toBe(expected);
});

it.each<[unknown, unknown]>([
  [4111, "#111"],
  [true, "#rue"],
  [false, "##lse"],
  [null, null],
  [
    [12, "ab", { c: "xyzuv", d: [null] }],
    ["##", "##", { c: "##zuv", d: [null] }],
  ],
])("masks %j", (value, expected) => {
  expect(maskValue(value, masking(0, 3, "#"))).toEqual(expected);
});

it("a value that is nested too deep is not masked by half", () => {
  const deep: unknown = JSON.parse("[".repeat(400) + "]".repeat(400));
  expect(() => maskValue(deep, masking())).toThrow("more than 300 levels");
});

describe("numbers come out as they went in", () => {
  it.each([
    "12345678901234567890",
    "0.1234567890123456789",
    "1e400",
    "1.50",
    "1E3",
    "-0.0",
    "12",
    "1.25",
    '"12345678901234567890"',
  ])("%s", (number) => {
    const text = `{"a":${number},"b":["x",${number}],"d":"2024-10-10"}`;
    expect(JSON.stringify(parseExactly(text))).toBe(text);
    const masked = replaceAt(parseExactly(text), compilePaths(["a", "b.*.rawJSON"]), (value) =>
      maskValue(value, masking(0, 1)),
    );
    const bare = number.replaceAll('"', "");
    expect(JSON.stringify(masked)).toBe(
      `{"a":"${"*".repeat(bare.length - 1)}${bare.at(-1)}","b":["x",${number}],"d":"2024-10-10"}`,
    );
  });

  it.each(["", "{", "{'a':1}", "12345678901234567890 1"])("%j is no JSON", (text) => {
    expect(() => parseExactly(text)).toThrow(SyntaxError);
  });
});
