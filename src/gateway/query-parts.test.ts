import { expect, it } from "vitest";

import { changedQuery, nameOf, withQuery } from "./query-parts.ts";

type Values = Record<string, string[]>;

const changed = (query: string, remove: string[], set: Values = {}, add: Values = {}) =>
  changedQuery(query, {
    remove: new Set(remove),
    set: new Map(Object.entries(set)),
    add: new Map(Object.entries(add)),
  });

it.each<[string, string[], Values, Values, string]>([
  ["?a=1&b=%2f+%c3&&c", [], {}, {}, "?a=1&b=%2f+%c3&&c"],
  ["", [], {}, {}, ""],
  ["?", [], {}, { a: ["1"] }, "?a=1"],
  ["?a=1&b=2&a=3", ["a"], {}, {}, "?b=2"],
  ["?a=1", ["a"], {}, {}, ""],
  ["?%61=1&a+b=2&a%20b=3&A=4&a", ["a", "a b"], {}, {}, "?A=4"],
  ["?a=1&b=%7E&a=2", [], { a: ["ü &"] }, {}, "?a=%C3%BC%20%26&b=%7E"],
  ["?b=1", [], { a: ["x"] }, {}, "?b=1&a=x"],
  ["?a=1&b=2&%61=3", [], { a: [] }, {}, "?b=2"],
  ["?a=1", ["a"], { a: ["2"] }, { a: ["3", "4"] }, "?a=2&a=3&a=4"],
  ["?a=1", [], {}, { "b=": ["=&#"] }, "?a=1&b%3D=%3D%26%23"],
  ["?%=1&%zz=2&%ff=3", ["%"], {}, {}, "?%zz=2&%ff=3"],
  ["??a=1", ["a"], {}, {}, "??a=1"],
  ["?%3fa=1&x=2", ["?a"], {}, {}, "?x=2"],
])("%s without %j, with %j set and %j added is %s", (query, remove, set, add, expected) => {
  expect(changed(query, remove, set, add)).toBe(expected);
});

it("half a character is written as the sign for one that is unknown", () => {
  expect(changed("", [], { y: ["\ud800"] })).toBe("?y=%EF%BF%BD");
});

it.each([
  ["a=b=c", "a"],
  ["a", "a"],
  ["=x", ""],
  ["%3D=x", "="],
  ["+a+=x", " a "],
])("the name of %s is %j", (part, name) => {
  expect(nameOf(part)).toBe(name);
});

it.each([
  ["https://a.example/x", "", "https://a.example/x"],
  ["https://a.example/x", "?", "https://a.example/x"],
  ["https://a.example/x", "?b=1", "https://a.example/x?b=1"],
  ["https://a.example/x?a=1", "?b=1", "https://a.example/x?a=1&b=1"],
])("%s with %s is %s", (url, query, expected) => {
  expect(withQuery(url, query)).toBe(expected);
});
