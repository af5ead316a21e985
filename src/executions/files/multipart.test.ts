import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { AppError } from "../../platform/errors.ts";
import { boundaryOf, MOST_HEADER_BYTES, MOST_PARTS, parts } from "./multipart.ts";

interface Read {
  name: string;
  fileName?: string;
  type?: string;
  text: string;
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The chunks one by one, each only when asked for. */
function streamOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const chunk = chunks[at];
        at += 1;
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
    },
    { highWaterMark: 0 },
  );
}

function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const cuts = [0, ...places.map((place) => place % bytes.byteLength).toSorted((a, b) => a - b), bytes.byteLength];
  return cuts.slice(1).map((end, index) => bytes.subarray(cuts[index], end));
}

/** Each byte as the character of its number, so that bodies compare as they are. */
const latin = (bytes: Uint8Array): string => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");

async function read(chunks: readonly Uint8Array[], boundary = "b", mostBytes = Infinity): Promise<Read[]> {
  const all: Read[] = [];
  for await (const { body, ...headers } of parts(streamOf(chunks), boundary, mostBytes)) {
    let text = "";
    for await (const bytes of body) {
      expect(bytes.byteLength).toBeGreaterThan(0);
      text += latin(bytes);
    }
    all.push({ ...headers, text });
  }
  return all;
}

const refused = (reading: Promise<unknown>): Promise<string> =>
  reading.then(
    () => "not refused",
    (error: unknown) => (error instanceof AppError ? `${error.code}: ${error.items[0]?.detail ?? ""}` : String(error)),
  );

const disposition = 'Content-Disposition: form-data; name="f"';
const part = (headers: string, body = "x"): string => `--b\r\n${headers}\r\n\r\n${body}\r\n`;

describe("the parts of a body", () => {
  it.each<[string, string, Read[]]>([
    ["one", `${part(disposition)}--b--\r\n`, [{ name: "f", text: "x" }]],
    ["no last line end", `${part(disposition)}--b--`, [{ name: "f", text: "x" }]],
    ["none", "--b--\r\n", []],
    ["a preamble", `Hello --b\r\n${part(disposition)}--b--`, [{ name: "f", text: "x" }]],
    ["an epilogue", `${part(disposition)}--b--\r\n--b\r\nanything`, [{ name: "f", text: "x" }]],
    ["an empty body", `${part(disposition, "")}--b--`, [{ name: "f", text: "" }]],
    ["line ends in a body", `${part(disposition, "\r\n\r\n--\r\n")}--b--`, [{ name: "f", text: "\r\n\r\n--\r\n" }]],
    [
      "nearly boundaries",
      `${part(disposition, "\r\r\n--a\n--b\r\n-b")}--b--`,
      [{ name: "f", text: "\r\r\n--a\n--b\r\n-b" }],
    ],
    [
      "several, a type each",
      `${part(`${disposition}\r\nContent-Type: text/plain; charset=utf-8`, "1")}${part(`content-type:A/b \r\n${disposition}`, "2")}--b--`,
      [
        { name: "f", type: "text/plain; charset=utf-8", text: "1" },
        { name: "f", type: "A/b", text: "2" },
      ],
    ],
    [
      "other headers",
      `${part(`X-A: 1\r\n${disposition}\r\nContent-Transfer-Encoding: 8BIT`)}--b--`,
      [{ name: "f", text: "x" }],
    ],
  ])("with %s", async (_, body, expected) => {
    const bytes = bytesOf(body);
    expect(await read([bytes])).toEqual(expected);
    expect(await read(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(expected);
    for (let cut = 1; cut < bytes.byteLength; cut += 1) expect(await read(cutAt(bytes, [cut]))).toEqual(expected);
  });
});

const long = (bytes: number): string => `${disposition}\r\nX: ${"a".repeat(bytes - disposition.length - 7)}`;
const ends = 'INVALID_BODY: The body must end with the boundary and "--" behind it.';
const lines = "INVALID_BODY: Each header of a part must be a name, a colon and a value, and end with CRLF.";
const nameless = 'INVALID_BODY: A part must have one Content-Disposition: form-data; name="…".';
const followed = 'INVALID_BODY: A boundary must be followed by CRLF, or by "--" at the end.';

describe("a body is refused", () => {
  it.each<[string, string, string]>([
    ["that is empty", "", ends],
    ["without a boundary", "hello\r\nworld\r\n", ends],
    ["with another boundary", "--c\r\n\r\n\r\n--c--", ends],
    ["without its last boundary", part(disposition), ends],
    ["that ends in the last boundary", `${part(disposition)}--b-`, ends],
    ["that ends after a boundary", `${part(disposition)}--b`, ends],
    ["that ends in a part", "--b\r\nContent-Disposition: form-data; name=f\r\n\r\nabc", ends],
    ["that ends in the headers", "--b\r\nContent-Disposition: form-data; name=f\r\n", ends],
    ["with LF alone", `--b\n${disposition}\n\nx\n--b--\n`, followed],
    ["with LF alone in the headers", `--b\r\n${disposition}\nX: 1\r\n\r\nx\r\n--b--`, lines],
    ["with LF alone before a boundary", `--b\r\n${disposition}\r\n\r\nx\n--b--`, ends],
    ["with a longer boundary", `--bb\r\n${disposition}\r\n\r\nx\r\n--bb--`, followed],
    ["without headers", "--b\r\n\r\nx\r\n--b--", nameless],
    [
      "with too long headers",
      `${part(long(MOST_HEADER_BYTES + 1))}--b--`,
      "INVALID_BODY: The headers of a part can have at most 16384 bytes.",
    ],
    [
      "with headers that do not end",
      `--b\r\n${long(99_999)}`,
      "INVALID_BODY: The headers of a part can have at most 16384 bytes.",
    ],
    [
      "with too many parts",
      `${part(disposition).repeat(MOST_PARTS + 1)}--b--`,
      "INVALID_BODY: A body can have at most 20 parts.",
    ],
  ])("%s", async (_, body, reason) => {
    const bytes = bytesOf(body);
    expect(await refused(read([bytes]))).toBe(reason);
    expect(await refused(read(cutAt(bytes, [bytes.byteLength - 1, bytes.byteLength >> 1])))).toBe(reason);
  });

  it("that breaks off", async () => {
    const broken = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error("ECONNRESET")) });
    expect(await refused(parts(broken, "b").next())).toBe("INVALID_BODY: The body broke off before its end.");
  });

  it("and is not, at the very limits", async () => {
    expect(await read([bytesOf(`${part(long(MOST_HEADER_BYTES))}--b--`)])).toHaveLength(1);
    expect(await read([bytesOf(`${part(disposition).repeat(MOST_PARTS)}--b--`)])).toHaveLength(MOST_PARTS);
    const body = bytesOf(`${part(disposition)}--b--\r\n`);
    expect(await read([body], "b", body.byteLength)).toHaveLength(1);
    expect(await refused(read([body], "b", body.byteLength - 1))).toBe("BODY_TOO_LARGE: ");
  });
});

describe("the boundary", () => {
  it.each<[string | null, string | undefined]>([
    ["multipart/form-data; boundary=b", "b"],
    ['Multipart/Form-Data ;charset=utf-8; Boundary="a b:c"', "a b:c"],
    ["multipart/form-data; boundary=----=_Part_1.2", "----=_Part_1.2"],
    [`multipart/form-data; boundary=${"a".repeat(70)}`, "a".repeat(70)],
    [null, undefined],
    ["multipart/mixed; boundary=b", undefined],
    ["multipart/form-data2; boundary=b", undefined],
    ["application/json", undefined],
  ])("of %s", (type, boundary) => {
    expect(boundaryOf(type)).toBe(boundary);
  });

  it.each([
    "multipart/form-data",
    "multipart/form-data; boundary=",
    'multipart/form-data; boundary=""',
    'multipart/form-data; boundary="a "',
    'multipart/form-data; boundary="a\u00fc"',
    "multipart/form-data; boundary=a; boundary=b",
    `multipart/form-data; boundary=${"a".repeat(71)}`,
  ])("is missed in %s", (type) => {
    expect(() => boundaryOf(type)).toThrow(expect.objectContaining({ code: "INVALID_BODY" }));
  });
});

/** A part of that many chunks of 1 KiB; says how many of all chunks were asked for, and whether it was cancelled. */
function counted(chunks: number, head = `--b\r\n${disposition}\r\n\r\n`) {
  const seen = { asked: 0, cancelled: false };
  const all = [bytesOf(head), ...Array.from({ length: chunks }, () => new Uint8Array(1024)), bytesOf("\r\n--b--")];
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const chunk = all[seen.asked];
        seen.asked += 1;
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
      cancel() {
        seen.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, seen };
}

describe("reading", () => {
  it("asks for a chunk only when it is wanted", async () => {
    const { stream, seen } = counted(100);
    const reading = parts(stream, "b");
    const first = await reading.next();
    expect(seen.asked).toBe(1);
    const asked: number[] = [];
    for await (const bytes of first.value!.body) {
      expect(bytes.byteLength).toBe(1024);
      asked.push(seen.asked);
    }
    expect(asked).toEqual(Array.from({ length: 100 }, (_, index) => index + 2));
    expect(seen.cancelled).toBe(false);
    expect((await reading.next()).done).toBe(true);
  });

  it("passes over what was left of a body, which is closed then", async () => {
    const form = `${part(disposition, "left alone")}${part(disposition, "left half\r\n-")}${part(disposition, "last")}--b--`;
    const reading = parts(streamOf(Array.from(bytesOf(form), (byte) => Uint8Array.of(byte))), "b");
    const first = (await reading.next()).value!;
    const second = (await reading.next()).value!;
    for await (const bytes of second.body) {
      expect(latin(bytes)).toBe("l");
      break;
    }
    const third = (await reading.next()).value!;
    for await (const bytes of first.body) expect(bytes).toBeUndefined();
    const text = [];
    for await (const bytes of third.body) text.push(latin(bytes));
    expect(text.join("")).toBe("last");
    expect((await reading.next()).done).toBe(true);
  });

  it.each([
    ["the reader leaves", "b", Infinity],
    ["it is too much", "b", 5000],
  ])("ends at once when %s", async (_, boundary, mostBytes) => {
    const { stream, seen } = counted(100);
    const leave = async () => {
      let got = 0;
      for await (const { body } of parts(stream, boundary, mostBytes)) {
        for await (const bytes of body) {
          got += bytes.byteLength;
          if (got === 10_240) return;
        }
      }
    };
    await leave().catch(() => undefined);
    expect(seen.cancelled).toBe(true);
    expect(seen.asked).toBeLessThanOrEqual(11);
  });

  it.each([
    ["reads a short epilogue to its end", 15, false],
    ["leaves a long one", 100, true],
  ])("%s", async (_, chunks, cancelled) => {
    const { stream, seen } = counted(chunks, `${part(disposition)}--b--\r\n`);
    for await (const { name } of parts(stream, "b")) expect(name).toBe("f");
    expect(seen.cancelled).toBe(cancelled);
    expect(seen.asked).toBe(cancelled ? 18 : chunks + 3);
  });

  it("gives the same parts, however the body is cut", async () => {
    // Few characters, so that what looks like the beginning of a boundary is everywhere.
    const text = fc.string({ unit: fc.constantFrom("\r", "\n", "-", "b", "\r\n--", "\r\n--b", "é"), maxLength: 60 });
    const one = fc.record({ name: fc.constantFrom("f", "ü"), body: text });
    await fc.assert(
      fc.asyncProperty(
        fc.array(one, { maxLength: 5 }),
        fc.array(fc.nat(), { maxLength: 40 }),
        fc.constantFrom("bc", "-", "--b--", "b\u0020b"),
        async (written, places, end) => {
          const boundary = `b${end}`;
          const clash = written.some(({ body }) => `\r\n${body}\r\n`.includes(`\r\n--${boundary}`));
          fc.pre(!clash);
          const form = written.map(
            ({ name, body }) =>
              `--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="${name}"\r\n\r\n${body}\r\n`,
          );
          const bytes = bytesOf(`${form.join("")}--${boundary}--\r\n`);
          const expected = written.map(({ name, body }) => ({ name, fileName: name, text: latin(bytesOf(body)) }));
          expect(await read(cutAt(bytes, places), boundary)).toEqual(expected);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("reads what the runtime itself writes", async () => {
    const sent = new FormData();
    sent.append("a field", "line\r\nline");
    sent.append("file", new File(["content"], 'a "quoted"\\ name – ü.txt', { type: "text/csv" }));
    const request = new Request("https://example.com", { method: "POST", body: sent });
    const bytes = new Uint8Array(await request.arrayBuffer());
    expect(await read([bytes], boundaryOf(request.headers.get("content-type")))).toEqual([
      { name: "a field", text: "line\r\nline" },
      { name: "file", fileName: 'a "quoted"\\ name – ü.txt', type: "text/csv", text: "content" },
    ]);
  });
});
