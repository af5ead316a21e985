import { describe, expect, it } from "vitest";

import { documentsIn, type Found } from "./documents.ts";

const MOST = 200;

async function read(chunks: Iterable<Uint8Array | string>, line?: number): Promise<Found[]> {
  const found: Found[] = [];
  for await (const one of documentsIn(chunks, { most: MOST, ...(line === undefined ? {} : { line }) })) found.push(one);
  return found;
}

/** Each document behind its line, or what was wrong with it. */
const told = (found: readonly Found[]) =>
  found.map((one) => `${one.line} ${"text" in one ? one.text : one.fault.error}`);

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const pretty = JSON.stringify([{ a: { b: [1, { c: "}" }] } }, { d: 2 }], null, 2);
/** As mongoexport --jsonArray --pretty writes it. */
const mongo = '[{\n\t"a": {\n\t\t"b": 1\n\t}\n},\n{\n\t"c": [\n\t\t{\n\t\t\t"d": 2\n\t\t}\n\t]\n}]\n';

const files: [string, string, string[]][] = [
  ["nothing", "", []],
  ["blanks alone", " \r\n\t\n", []],
  ["one document to a line", '{"a":1}\n{"b":2}\n', ['1 {"a":1}', '2 {"b":2}']],
  ["a last line without an end", '{"a":1}\n{"b":2}', ['1 {"a":1}', '2 {"b":2}']],
  ["Windows line ends", '{"a":1}\r\n{"b":2}\r\n', ['1 {"a":1}', '2 {"b":2}']],
  ["blank lines", '\n\n{"a":1}\n \n\t\n{"b":2}\n\n', ['3 {"a":1}', '6 {"b":2}']],
  ["a byte order mark", '\u{feff}{"a":1}\n', ['1 {"a":1}']],
  ["a byte order mark in front of an array", '\u{feff}[{"a":1}]', ['1 {"a":1}']],
  ["several on one line", '{"a":1}{"b":2} {"c":3}', ['1 {"a":1}', '1 {"b":2}', '1 {"c":3}']],
  ["braces and quotes in texts", '{"a":"}{\\"}\\\\"}\n{"[":"]"}', ['1 {"a":"}{\\"}\\\\"}', '2 {"[":"]"}']],
  ["an array on one line", '[{"a":1},{"b":[2]}]', ['1 {"a":1}', '1 {"b":[2]}']],
  ["an array, one to a line", '[{"a":1},\n{"b":2}]\n', ['1 {"a":1}', '2 {"b":2}']],
  ["commas in front of lines", '[{"a":1}\n,{"b":2}\n]', ['1 {"a":1}', '2 {"b":2}']],
  ["an empty array", "[\n]\n", []],
  [
    "an array in lines with two blanks",
    pretty,
    [
      '2 {\n    "a": {\n      "b": [\n        1,\n        {\n          "c": "}"\n        }\n      ]\n    }\n  }',
      '12 {\n    "d": 2\n  }',
    ],
  ],
  [
    "an array as mongoexport breaks it into lines",
    mongo,
    ['1 {\n\t"a": {\n\t\t"b": 1\n\t}\n}', '6 {\n\t"c": [\n\t\t{\n\t\t\t"d": 2\n\t\t}\n\t]\n}'],
  ],
  [
    "documents over several lines without an array",
    '{\n  "a": 1\n}\n{\n  "b": 2\n}\n',
    ['1 {\n  "a": 1\n}', '4 {\n  "b": 2\n}'],
  ],
  [
    "lines without indentation",
    '{\n"a": [\n{\n"b": 1\n}\n]\n}\n{"c":1}',
    ['1 {\n"a": [\n{\n"b": 1\n}\n]\n}', '8 {"c":1}'],
  ],
  ["one array behind the other", '[{"a":1}]\n[{"b":2}]', ['1 {"a":1}', '2 {"b":2}']],
];
const broken: typeof files = [
  ["a document that is cut off", '{"a":1}\n{"b":{"c":2}', ['1 {"a":1}', "2 DOCUMENT_CUT_OFF"]],
  ["a text that is cut off", '{"a":1}\n{"b":"c', ['1 {"a":1}', "2 DOCUMENT_CUT_OFF"]],
  [
    "an array that is cut off in a document",
    '[{"a":1},\n{"b":',
    ['1 {"a":1}', "2 DOCUMENT_CUT_OFF", "2 ARRAY_CUT_OFF"],
  ],
  ["an array that is cut off between documents", '[{"a":1},\n{"b":2}\n', ['1 {"a":1}', '2 {"b":2}', "3 ARRAY_CUT_OFF"]],
  ["a line without its end", '{"a":{"b":1}\n{"c":2}\n', ["1 DOCUMENT_CUT_OFF", '2 {"c":2}']],
  ["a line that ends in a text", '{"a":"b\n{"c":2}\n', ["1 DOCUMENT_CUT_OFF", '2 {"c":2}']],
  ["a line of nothing but a brace", '{\n{"c":2}\n', ["1 DOCUMENT_CUT_OFF", '2 {"c":2}']],
  ["a line of two characters", '{"\n{"c":2}\n', ["1 DOCUMENT_CUT_OFF", '2 {"c":2}']],
  ["a brace too many", '{"a":1}}\n{"c":2}\n', ['1 {"a":1}', "1 }", '2 {"c":2}']],
  ["what is no document", 'name=x\n{"c":2}\nnull', ["1 name=x", '2 {"c":2}', "3 null"]],
  ["entries that are no documents", '[null,5 ,"x",{"c":2},[1]]', ["1 null", "1 5 ", '1 "x"', '1 {"c":2}', "1 [1]"]],
  ["what follows an array", '[{"a":1}]\nend', ['1 {"a":1}', "2 end"]],
  ["a document that is too large", `{"a":"${"x".repeat(MOST)}"}\n{"b":2}`, ["1 DOCUMENT_TOO_LARGE", '2 {"b":2}']],
];

describe.each([...files, ...broken])("a file with %s", (_, text, expected) => {
  it.each([
    ["at once", (whole: Uint8Array) => [whole]],
    ["byte by byte", (whole: Uint8Array) => Array.from(whole, (byte) => new Uint8Array([byte]))],
    [
      "in pieces of three bytes",
      (whole: Uint8Array) =>
        Array.from({ length: Math.ceil(whole.length / 3) }, (__, at) => whole.subarray(at * 3, at * 3 + 3)),
    ],
  ])("is read %s", async (__, cut) => {
    expect(told(await read(cut(bytes(text))))).toEqual(expected);
  });
});

it("takes text as well as bytes, and characters of several bytes wherever they are cut", async () => {
  const text = '{"a":"ü 😀"}\n';
  const whole = bytes(text);
  for (let at = 0; at <= whole.length; at += 1) {
    expect(told(await read([whole.subarray(0, at), whole.subarray(at)]))).toEqual([`1 ${text.trim()}`]);
  }
  expect(told(await read([text, text]))).toEqual([`1 ${text.trim()}`, `2 ${text.trim()}`]);
});

it("loses a document that is not in UTF-8, and that one alone", async () => {
  const found = await read([bytes('{"a":"'), new Uint8Array([0xc3, 0x28]), bytes('"}\n{"b":2}\n')]);
  expect(told(found)).toEqual(["1 DOCUMENT_NOT_UTF8", '2 {"b":2}']);
});

it("takes a document of just as many bytes as are allowed", async () => {
  const just = `{"a":"${"x".repeat(MOST - 8)}"}`;
  expect(told(await read([just]))).toEqual([`1 ${just}`]);
  expect(told(await read([just.replace('"a"', '"aa"')]))).toEqual(["1 DOCUMENT_TOO_LARGE"]);
});

it("says how large a document is that comes in many pieces, and keeps none of it", async () => {
  const pieces = ['{"a":"', ...Array<string>(1000).fill("x".repeat(100)), '"}\n', '{"b":2}'];
  const [large, next] = await read(pieces);
  expect(large).toMatchObject({ fault: { message: "The document has 100008 bytes; at most 200 are taken." } });
  expect(next).toEqual({ line: 2, text: '{"b":2}' });
});

it("counts lines from where it is told to", async () => {
  expect(told(await read(['\n{"a":1}'], 500))).toEqual(['501 {"a":1}']);
});

it("reads on only as it is asked", async () => {
  let asked = 0;
  function* chunks() {
    for (; asked < 100; asked += 1) yield '{"a":1}\n';
  }
  const reading = documentsIn(chunks(), { most: MOST });
  await reading.next();
  await reading.next();
  expect(asked).toBeLessThan(3);
});
