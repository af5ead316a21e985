import { describe, expect, it } from "vitest";

import { hiddenIn, shownBy } from "./hidden.ts";

const basic = btoa("alice:a:passphrase");

it.each<[string, Record<string, string>, string[]]>([
  ["nothing", {}, []],
  ["a pair", { authorization: `Basic ${basic}` }, [basic, "a:passphrase"]],
  ["a token", { authorization: "Bearer abc.def" }, ["abc.def"]],
  ["a key", { "x-key": "a key with blanks" }, ["a key with blanks"]],
])("headers with %s show it in these forms", (_, headers, forms) => {
  expect(shownBy(headers)).toEqual(forms);
});

describe("an answer", () => {
  it.each<[string, unknown, unknown]>([
    ["a text", "it was s3cr3t-key", "it was [masked]"],
    ["a list", ["s3cr3t-key", 1, null], ["[masked]", 1, null]],
    ["an object", { a: { b: "s3cr3t-key" }, c: true }, { a: { b: "[masked]" }, c: true }],
    ["a key", { "s3cr3t-key": 1 }, { "[masked]": 1 }],
    ["nothing of it", { a: [1, "x"] }, { a: [1, "x"] }],
    ["nothing", undefined, undefined],
  ])("that repeats a secret as %s does not any more", (_, value, expected) => {
    expect(hiddenIn(value, ["s3cr3t-key"])).toEqual(expected);
  });

  it("is itself where there is no secret, and however deep it is", () => {
    const deep = JSON.parse("[".repeat(5000) + "]".repeat(5000)) as unknown;
    expect(hiddenIn(deep, [])).toBe(deep);
    expect(() => hiddenIn(deep, ["s3cr3t-key"])).not.toThrow();
  });
});
