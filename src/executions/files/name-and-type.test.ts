import { describe, expect, it } from "vitest";

import { fileNameOf, mimeTypeOf } from "./name-and-type.ts";

describe("the name of a file", () => {
  it.each([
    ["a.txt", "a.txt"],
    [" a b.txt ", "a b.txt"],
    ["/etc/passwd", "passwd"],
    [String.raw`C:\dir\a.txt`, "a.txt"],
    [String.raw`a/b\c/d.txt`, "d.txt"],
    ["..a", "..a"],
    [".env", ".env"],
    ["a\u0000\r\n\t\u007f\u0085b", "ab"],
    ["a\u202etxt.exe", "atxt.exe"],
    ["👩‍💻.png", "👩‍💻.png"],
    ["a".repeat(300), "a".repeat(255)],
    [`${"a".repeat(254)}🦊`, "a".repeat(254)],
    [`${"a".repeat(253)}🦊b`, `${"a".repeat(253)}🦊`],
  ])("%j is %j", (sentName, name) => {
    expect(fileNameOf(sentName)).toBe(name);
  });

  it.each([" ", ".", "..", "a/", "a/..", String.raw`a\.`, "\r\n", ".\u0000."])("is none in %j", (sentName) => {
    expect(() => fileNameOf(sentName)).toThrow(expect.objectContaining({ code: "INVALID_BODY" }));
  });
});

describe("the type of a file", () => {
  const unknown = "application/octet-stream";
  it.each<[string | undefined, string]>([
    ["text/csv", "text/csv"],
    ["Text/HTML; charset=utf-8", "text/html"],
    ["application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.text"],
    ["image/svg+xml", "image/svg+xml"],
    [undefined, unknown],
    ["", unknown],
    ["text", unknown],
    ["text/", unknown],
    ["text/a b", unknown],
    ["text/*", unknown],
    ["text/a,text/b", unknown],
    [`text/${"a".repeat(128)}`, unknown],
  ])("%j is %s", (sentType, type) => {
    expect(mimeTypeOf(sentType)).toBe(type);
  });
});
