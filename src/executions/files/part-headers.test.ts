import { describe, expect, it } from "vitest";

import { AppError } from "../../platform/errors.ts";
import { partHeadersOf } from "./part-headers.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const disposition = 'Content-Disposition: form-data; name="f"';
const read = (...lines: string[]) => partHeadersOf(bytesOf(lines.map((line) => `\r\n${line}`).join("")));

const reasonOf = (reading: () => unknown): string | undefined => {
  try {
    reading();
  } catch (error) {
    if (error instanceof AppError && error.code === "INVALID_BODY") return error.items[0]?.detail;
  }
  return "not refused";
};

describe("a part", () => {
  it.each<[string, string, string | undefined]>([
    ['name="f"', "f", undefined],
    ['name="f"; filename=""', "f", ""],
    ['name="f"; filename="a.txt"', "f", "a.txt"],
    ["name=f;filename=a.txt;", "f", "a.txt"],
    ['NAME=f; FileName="a;b=c.txt" ', "f", "a;b=c.txt"],
    ['name=""; filename=a', "", "a"],
    ['name="größe%22"; other=1', 'größe"', undefined],
    [String.raw`name="f"; filename="a \"b\" \\ c"`, "f", String.raw`a "b" \ c`],
    [String.raw`name="f"; filename="C:\dir\new.txt"`, "f", String.raw`C:\dir\new.txt`],
    ['name="f"; filename="a%22b%0d%0A%2F%41.txt"', "f", 'a"b\r\n%2F%41.txt'],
    ['name="f"; filename="日本語 – Übersicht 🦊.pdf"', "f", "日本語 – Übersicht 🦊.pdf"],
    ["name=f; filename*=UTF-8''%e2%82%ac%20rates.txt", "f", "€ rates.txt"],
    ["name=f; filename*=utf-8'en-GB'a%22.txt; filename=\"fallback.txt\"", "f", 'a".txt'],
    ["name=f; filename=\"fallback.txt\"; filename*=utf-8''%25", "f", "%"],
  ])("is named by %s", (parameters, name, fileName) => {
    const expected = { name, ...(fileName === undefined ? {} : { fileName }) };
    expect(read(`Content-Disposition: form-data; ${parameters}`)).toEqual(expected);
  });

  it.each([
    [
      ["content-disposition:Form-Data;name=f", "CONTENT-TYPE:\tText/Plain; charset=utf-8 "],
      "Text/Plain; charset=utf-8",
    ],
    [["Content-Type:", disposition], ""],
    [["X-Other: ü\t1", disposition, "Content-Transfer-Encoding: 8BIT"], undefined],
  ])("has the type that %j say", (lines, type) => {
    expect(read(...lines)).toEqual({ name: "f", ...(type === undefined ? {} : { type }) });
  });
});

describe("a part is refused", () => {
  const line = "Each header of a part must be a name, a colon and a value, and end with CRLF.";
  const form = 'A part must have one Content-Disposition: form-data; name="…".';
  const coded = "filename* must be UTF-8'' and a name in percent-encoding (RFC 5987).";
  const encoding = "A part must come as it is, without Content-Transfer-Encoding.";

  it.each<[string, string[], string]>([
    ["with LF alone", [`${disposition}\nX: 1`], line],
    ["with CR alone", [`${disposition}\rX: 1`], line],
    ["with NUL", [`${disposition}; filename="a\0"`], line],
    ["with a folded header", [`${disposition};`, ' filename="a"'], line],
    ["with a header without a name", [": 1", disposition], line],
    ["with a header without a colon", ["X", disposition], line],
    ["with a header twice", ["X: 1", "x: 2", disposition], "A part must not have two headers x."],
    ["without headers", [], form],
    ["without Content-Disposition", ["Content-Type: text/plain"], form],
    ["with another disposition", ['Content-Disposition: attachment; name="f"'], form],
    ["with another disposition of like name", ['Content-Disposition: form-data2; name="f"'], form],
    ["without a name", ['Content-Disposition: form-data; filename="a"'], form],
    ["without parameters", ["Content-Disposition: form-data"], form],
    ["with two names", [`${disposition}; NAME=g`], form],
    ["with two file names", [`${disposition}; filename=a; filename=b`], form],
    ["with a name that does not end", [String.raw`${disposition}; filename="a\"`], form],
    ["with something behind a name", [`${disposition}x`], form],
    ["with a coded name of another charset", [`${disposition}; filename*=iso-8859-1''a`], coded],
    ["with a coded name that is not UTF-8", [`${disposition}; filename*=utf-8''%ff`], coded],
    ["with a coded name that is not coded", [`${disposition}; filename*=utf-8''%zz; filename=a`], coded],
    ["with an encoding of its own", [disposition, "Content-Transfer-Encoding: base64"], encoding],
  ])("%s", (_, lines, reason) => {
    expect(reasonOf(() => read(...lines))).toBe(reason);
  });

  it("whose headers are not UTF-8", () => {
    const block = Uint8Array.of(...bytesOf(`\r\n${disposition}; filename="`), 0xff, ...bytesOf('"'));
    expect(reasonOf(() => partHeadersOf(block))).toBe("The headers of a part must be UTF-8.");
  });
});
