import { describe, expect, it } from "vitest";

import { AppError } from "../platform/errors.ts";
import { payloadOf } from "./hook-body.ts";

const refusalOf = (type: string, text: string): string => {
  try {
    payloadOf({ type, text });
  } catch (error) {
    if (error instanceof AppError) return error.code;
  }
  throw new Error("The body was not refused.");
};

const deep = `${"[".repeat(300)}${"]".repeat(300)}`;

describe("the payload of a body", () => {
  it.each<[string, string, unknown]>([
    ["application/json", '{"id":1}', { id: 1 }],
    ["application/json; charset=utf-8", '{"id":1}', { id: 1 }],
    ["Application/JSON", ' [1, {"a":2}]', [1, { a: 2 }]],
    ["application/vnd.github+json", '{"id":1}', { id: 1 }],
    ["application/json", "5", {}],
    ["application/json", '"text"', {}],
    ["application/json", "null", {}],
    ["application/json", "true", {}],
    ["application/json", "", {}],
    ["application/json", "  ", {}],
    ["application/json", '{"__proto__":{"a":1}}', JSON.parse('{"__proto__":{"a":1}}')],
    ["text/plain", '{"id":1}', { id: 1 }],
    ["text/plain;charset=UTF-8", "[1]", [1]],
    ["text/plain", "5", { text: "5" }],
    ["text/plain", "{not json", { text: "{not json" }],
    ["text/plain", "", { text: "" }],
    ["application/x-www-form-urlencoded", "a=1&b=x%20y&a=2&c=", { a: ["1", "2"], b: "x y", c: "" }],
    ["application/x-www-form-urlencoded", "__proto__=1", JSON.parse('{"__proto__":"1"}')],
    ["application/x-www-form-urlencoded", "", {}],
    ["application/xml", "<a>1</a>", { text: "<a>1</a>" }],
    ["text/xml", "<a/>", { text: "<a/>" }],
    ["application/soap+xml", "<a/>", { text: "<a/>" }],
    ["text/csv", "a;b", { text: "a;b" }],
  ])("of %s %j", (type, text, payload) => {
    const made = payloadOf({ type, text });
    expect(JSON.stringify(made)).toBe(JSON.stringify(payload));
  });

  it("without a body is empty", () => {
    expect(payloadOf(undefined)).toEqual({});
  });

  it.each([
    ["application/json", "{", "INVALID_JSON"],
    ["application/json", "nonsense", "INVALID_JSON"],
    ["application/json", '{"a":1}}', "INVALID_JSON"],
    ["application/json", deep, "INVALID_BODY"],
    ["application/json", '{"a":1e999}', "INVALID_BODY"],
    ["text/plain", deep, "INVALID_BODY"],
    ["multipart/form-data; boundary=x", "--x--", "UNSUPPORTED_MEDIA_TYPE"],
    ["application/octet-stream", "x", "UNSUPPORTED_MEDIA_TYPE"],
    ["application/jsonp", "{}", "UNSUPPORTED_MEDIA_TYPE"],
    ["image/png", "x", "UNSUPPORTED_MEDIA_TYPE"],
    ["", "{}", "UNSUPPORTED_MEDIA_TYPE"],
  ])("of %j is refused: %.20s is %s", (type, text, code) => {
    expect(refusalOf(type, text)).toBe(code);
  });
});
