import { describe, expect, it } from "vitest";

import { hexOf, isHexId, newObjectId, toObjectId } from "./ids.ts";

describe("an id as the Open Integration Hub takes it", () => {
  it.each([
    ["24 hex digits stay", "6b0259e4ef2fe4ca09ca001d", "6b0259e4ef2fe4ca09ca001d"],
    ["upper case becomes lower", "6B0259E4EF2FE4CA09CA001D", "6b0259e4ef2fe4ca09ca001d"],
    ["mixed case becomes lower", "6b0259E4ef2fe4cA09ca001d", "6b0259e4ef2fe4ca09ca001d"],
    ["twelve digits are taken byte by byte", "123456789012", "313233343536373839303132"],
    ["twelve letters are taken byte by byte", "abcdefghijkl", "6162636465666768696a6b6c"],
    ["twelve characters of any ASCII are", "a b/c.d%e?f#", "6120622f632e6425653f6623"],
    ["twelve hex digits are twelve characters", "aaaaaaaaaaaa", "616161616161616161616161"],
  ])("%s", (_, text, id) => {
    expect(toObjectId(text)).toBe(id);
  });

  it.each([
    ["an empty text", ""],
    ["eleven characters", "12345678901"],
    ["thirteen characters", "1234567890123"],
    ["23 hex digits", "6b0259e4ef2fe4ca09ca001"],
    ["25 hex digits", "6b0259e4ef2fe4ca09ca001da"],
    ["24 characters that are not hex", "6b0259e4ef2fe4ca09ca001g"],
    ["24 hex digits and a line break", "6b0259e4ef2fe4ca09ca001d\n"],
    ["a blank before 24 hex digits", " 6b0259e4ef2fe4ca09ca001d"],
    ["twelve characters with an umlaut", "abcdefghijkü"],
    ["eleven characters that are twelve bytes", "abcdefghijü"],
    ["twelve characters outside ASCII", "漢漢漢漢漢漢漢漢漢漢漢漢"],
    ["null", null],
    ["undefined", undefined],
    ["true", true],
    ["a list", ["6b0259e4ef2fe4ca09ca001d"]],
    ["a negative number", -1],
    ["an object", { $ne: "x" }],
  ])("is not %s", (_, value) => {
    expect(toObjectId(value)).toBeUndefined();
  });
});

describe("a new id", () => {
  const at = Date.parse("2026-11-22T04:30:00.999Z");

  it("is 24 lower-case hex digits that begin with the second", () => {
    const id = newObjectId(at);
    expect(id).toMatch(/^[0-9a-f]{24}$/);
    expect(Number.parseInt(id.slice(0, 8), 16)).toBe(Date.parse("2026-11-22T04:30:00Z") / 1000);
    expect(toObjectId(id)).toBe(id);
  });

  it("differs from every other of the same second", () => {
    expect(new Set(Array.from({ length: 1000 }, () => newObjectId(at))).size).toBe(1000);
  });

  it("sorts after one of an earlier second", () => {
    expect(newObjectId(at + 1000) > newObjectId(at)).toBe(true);
  });
});

it.each([
  ["6b0259e4ef2fe4ca09ca001d", true],
  ["6B0259E4EF2FE4CA09CA001D", true],
  ["123456789012", false],
  ["6b0259e4ef2fe4ca09ca001", false],
  ["6b0259e4ef2fe4ca09ca001g", false],
  ["", false],
])("%j counts as 24 hex digits: %s", (text, verdict) => {
  expect(isHexId(text)).toBe(verdict);
});

it("writes every byte as two hex digits", () => {
  expect(hexOf(new Uint8Array([0, 1, 15, 16, 255]))).toBe("00010f10ff");
});
