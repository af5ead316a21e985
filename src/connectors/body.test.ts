import { describe, expect, it } from "vitest";

import { textOf } from "./body.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

describe("the text of a body", () => {
  it.each([
    "text/plain",
    "text/html; charset=utf-8",
    "TEXT/CSV",
    "application/json",
    "application/json;charset=UTF-8",
    'application/json; charset="utf-8"',
    "application/json; charset=nonsense",
    "application/problem+json",
    "application/xml",
    "application/atom+xml",
    "image/svg+xml",
    "application/x-www-form-urlencoded",
    "application/x-ndjson",
    "application/yaml",
    "application/javascript",
    "",
    null,
  ])("of %j is decoded", (type) => {
    expect(textOf(utf8("Grüße 漢"), type)).toEqual({ text: "Grüße 漢" });
  });

  it.each([
    "application/octet-stream",
    "application/pdf",
    "image/png",
    "application/zip",
    "multipart/form-data; boundary=x",
    "application/jsonish",
    "nonsense",
  ])("of %j is base64", (type) => {
    expect(textOf(new Uint8Array([0, 255, 16, 128]), type)).toEqual({ text: "AP8QgA==", encoding: "base64" });
  });

  it("of no type is base64 if it is no UTF-8", () => {
    expect(textOf(new Uint8Array([255, 254]), null)).toEqual({ text: "//4=", encoding: "base64" });
  });

  it("is decoded by the character set of its type", () => {
    expect(textOf(new Uint8Array([0x47, 0xfc]), "text/xml; charset=ISO-8859-1")).toEqual({ text: "Gü" });
  });

  it("has no byte order mark", () => {
    expect(textOf(new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d]), "application/json").text).toBe("{}");
  });

  it("is empty without an encoding if there is no body", () => {
    expect(textOf(new Uint8Array(), "image/png")).toEqual({ text: "" });
  });

  it.each([1, 2, 3, 24_575, 24_576, 24_577, 100_000])("keeps %i bytes in base64", (size) => {
    const bytes = Uint8Array.from({ length: size }, (_, index) => (index * 31) % 256);
    const { text } = textOf(bytes, "image/png");
    expect(Uint8Array.from(atob(text), (character) => character.charCodeAt(0))).toEqual(bytes);
  });
});
