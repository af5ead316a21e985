import * as fc from "fast-check";
import { expect, it } from "vitest";

import { jsonFinding, type JsonLimits } from "./json-threat.ts";

const none: JsonLimits = { maxDepth: -1, maxEntries: -1, maxItems: -1, maxNameLength: -1, maxValueLength: -1 };
const finding = (text: string, limits: Partial<JsonLimits> = {}) => jsonFinding(text, { ...none, ...limits });

it.each<[keyof JsonLimits, number, string, string, number]>([
  ["maxDepth", 2, '{"a":[1,{}]}'.replace("{}", "2"), '{"a":[1,{}]}', 9],
  ["maxDepth", 2, "[[],[]]", "[[],[[]]]", 6],
  ["maxDepth", 0, "1", "[]", 1],
  ["maxEntries", 2, '{"a":1,"b":{"c":1}}', '{"a":1,"b":2,"c":3}', 13],
  ["maxEntries", 0, "{}", '{"a":1}', 2],
  ["maxItems", 2, "[1,[2,3]]", "[1,2 ,3]", 6],
  ["maxItems", 0, "[ ]", "[1]", 2],
  ["maxNameLength", 3, '{"abc":"defgh"}', '{"abcd":1}', 2],
  ["maxNameLength", 1, '{"\\u00e9":1}', '{"\\u00e9\\n":1}', 2],
  ["maxValueLength", 3, '{"abcdef":["abc"]}', '["abcd"]', 2],
  ["maxValueLength", 0, '""', '"a"', 1],
])("%s %i", (limit, most, within, above, at) => {
  expect(finding(within, { [limit]: most })).toBeUndefined();
  expect(finding(above, { [limit]: most })).toEqual({ limit, at });
  expect(finding(above)).toBeUndefined();
});

it("what is no JSON is found with its place", () => {
  expect(finding('{"a":1,}')).toEqual({ limit: undefined, at: 8 });
  expect(finding('["\\x"]')).toEqual({ limit: undefined, at: 3 });
  expect(finding("[1,2")).toEqual({ limit: undefined, at: 5 });
});

it("takes what JSON.parse takes, and nothing else", () => {
  const sign = fc.constantFrom(
    ...'[]{},:"\\-+.eE019ntfu \n\t\u00a0\u0001'.split(""),
    "true",
    "null",
    "false",
    '"a"',
    "12",
    '"k":',
    "\\u00e9",
  );
  const broken = fc.array(sign, { maxLength: 12 }).map((signs) => signs.join(""));
  const whole = fc.tuple(fc.json(), fc.nat(), sign).map(([text, at, other]) => {
    const place = at % (text.length * 2);
    return place >= text.length ? text : text.slice(0, place) + other + text.slice(place + 1);
  });
  fc.assert(
    fc.property(fc.oneof(broken, whole), (text) => {
      let isJson = true;
      try {
        JSON.parse(text);
      } catch {
        isJson = false;
      }
      expect(finding(text) === undefined).toBe(isJson);
    }),
    { numRuns: 3000 },
  );
});

it("depth costs no more than its characters", () => {
  const text = "[".repeat(500_000) + "]".repeat(500_000);
  expect(finding(text)).toBeUndefined();
  expect(finding(text, { maxDepth: 499_999 })).toEqual({ limit: "maxDepth", at: 500_000 });
});
