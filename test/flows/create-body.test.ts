import { describe, expect, it } from "vitest";

import type { Call } from "../support/api.ts";
import { exampleFlow, someone } from "../support/given.ts";

const MOST_BYTES = 1024 * 1024;
const json = { "content-type": "application/json" };
const send = async (operationId: string, raw: BodyInit | undefined, headers: Call["headers"] = json) =>
  (await someone()).call(operationId, { ...(raw === undefined ? {} : { raw }), headers });

/** Sent piece by piece, without a length. */
function streamOf(...pieces: Uint8Array[]): ReadableStream<Uint8Array> {
  const left = [...pieces];
  return new ReadableStream({
    pull(controller) {
      const piece = left.shift();
      if (piece === undefined) controller.close();
      else controller.enqueue(piece);
    },
  });
}

const encode = (text: string) => new TextEncoder().encode(text);
const packed = async (text: string, encoding: "gzip" | "deflate") =>
  new Uint8Array(await new Response(streamOf(encode(text)).pipeThrough(new CompressionStream(encoding))).arrayBuffer());
const right = JSON.stringify(exampleFlow());
const tooLarge = { message: "request entity too large", code: 413, error: "BODY_TOO_LARGE" };

describe.each(["addFlow", "validateFlow"])("%s reads a body", (operationId) => {
  const taken = operationId === "addFlow" ? 201 : 200;

  it("of at most 1 MiB", async () => {
    expect((await send(operationId, right.padEnd(MOST_BYTES))).status).toBe(taken);
    const { status, body } = await send(operationId, right.padEnd(MOST_BYTES + 1));
    expect([status, body]).toEqual([413, { errors: [expect.objectContaining(tooLarge)] }]);
  });

  it("of at most 1 MiB, not characters", async () => {
    for (const key of ["description", "aKeyThatIsDropped"]) {
      const flow = { ...exampleFlow(), [key]: "ü".repeat(MOST_BYTES / 2) };
      expect((await send(operationId, JSON.stringify(flow))).status).toBe(413);
    }
  });

  it("of at most 1 MiB also if it does not say how long it is", async () => {
    const piece = encode(" ".repeat(64 * 1024));
    const { status, body } = await send(
      operationId,
      streamOf(encode(right), ...Array.from({ length: 16 }, () => piece)),
    );
    expect([status, body]).toEqual([413, { errors: [expect.objectContaining(tooLarge)] }]);
    const fitting = streamOf(encode(right), ...Array.from({ length: 15 }, () => piece));
    expect((await send(operationId, fitting)).status).toBe(taken);
  });

  it("that comes byte by byte", async () => {
    const bytes = encode(JSON.stringify({ ...exampleFlow(), name: "Ünïcode 👩‍👧" }));
    const { status, body } = await send(operationId, streamOf(...Array.from(bytes, (byte) => new Uint8Array([byte]))));
    expect(status).toBe(taken);
    expect(body.data).toMatchObject(operationId === "addFlow" ? { name: "Ünïcode 👩‍👧" } : { valid: true });
  });

  it.each([
    "{",
    "}",
    "{'name':'x'}",
    '{"name":"x"}}',
    '{"name":"x",}',
    "[1,]",
    "undefined",
    "NaN",
    '"x',
    "[".repeat(10_000),
    '{"name":"\u0001"}',
  ])("that is JSON and not %j", async (raw) => {
    const { status, body } = await send(operationId, raw);
    expect(status).toBe(400);
    expect(body.errors).toEqual([
      expect.objectContaining({ message: "The body is not valid JSON.", code: 400, error: "INVALID_JSON" }),
    ]);
  });

  it.each([
    ["a lone byte of a longer character", [0x22, 0xc3, 0x22]],
    ["bytes that no character begins with", [0x22, 0xff, 0xfe, 0x22]],
    ["half a surrogate pair", [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ["a character that breaks off", [0x22, 0xf0, 0x9f]],
  ])("that is UTF-8 and not %s", async (_, bytes) => {
    const { status, body } = await send(operationId, new Uint8Array(bytes));
    expect([status, body.errors[0].error]).toEqual([400, "INVALID_JSON"]);
  });

  it.each([
    ["nothing", undefined],
    ["nothing but a type", ""],
    ["white space", " \n\t"],
  ])("that is there and not %s", async (_, raw) => {
    const { status, body } = await send(operationId, raw);
    expect([status, body.errors[0].error]).toEqual([400, "INVALID_BODY"]);
  });

  it.each([10_000, 400_000])("that is not %i levels deep", async (levels) => {
    const deep = `${"[".repeat(levels)}${"]".repeat(levels)}`;
    const { status, body } = await send(operationId, right.replace("{", `{"flowSettings":${deep},`));
    expect([status, body.errors[0].error]).toEqual([400, "INVALID_BODY"]);
    const objects = `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`;
    expect((await send(operationId, right.replace("{", `{"flowSettings":${objects},`))).status).toBe(400);
  });

  it("that is 150 levels deep", async () => {
    const deep = `${'{"a":['.repeat(75)}${"]}".repeat(75)}`;
    expect((await send(operationId, right.replace("{", `{"flowSettings":${deep},`))).status).toBe(taken);
  });

  it.each([
    "text/plain",
    "text/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonp",
    "application/octet-stream",
    "x-application/json",
    "json",
  ])("that is not called %s", async (type) => {
    const { status, body } = await send(operationId, right, { "content-type": type });
    expect([status, body.errors[0].error]).toEqual([415, "UNSUPPORTED_MEDIA_TYPE"]);
  });

  it("whose type is told", async () => {
    const { status, body } = await send(operationId, encode(right), {});
    expect([status, body.errors[0].error]).toEqual([415, "UNSUPPORTED_MEDIA_TYPE"]);
  });

  it.each([
    ["latin1", "LATIN1"],
    ["ISO-8859-1", "ISO-8859-1"],
    ['"windows-1252"', "WINDOWS-1252"],
    ["utf-7", "UTF-7"],
  ])("that is not written in %s", async (charset, told) => {
    const { status, body } = await send(operationId, right, { "content-type": `application/json; charset=${charset}` });
    expect(status).toBe(415);
    expect(body.errors).toEqual([
      expect.objectContaining({ message: `unsupported charset "${told}"`, code: 415, error: "UNSUPPORTED_MEDIA_TYPE" }),
    ]);
  });

  it.each([
    "application/json",
    "application/json;charset=utf-8",
    'application/json; charset="UTF-8"',
    "application/json; version=1; charset=utf8",
    "Application/JSON",
  ])("that is called %s", async (type) => {
    expect((await send(operationId, right, { "content-type": type })).status).toBe(taken);
  });

  it.each(["1e999", "-1e999", `{"flowSettings":{"a":[1,1e999]},${right.slice(1)}`])(
    "that has no number that would be lost: %s",
    async (raw) => {
      const { status, body } = await send(operationId, raw);
      expect([status, body.errors[0].error]).toEqual([400, "INVALID_BODY"]);
    },
  );

  it.each(["gzip", "deflate"] as const)("that is packed with %s, of at most 1 MiB unpacked", async (encoding) => {
    const headers = { ...json, "content-encoding": encoding };
    expect((await send(operationId, await packed(right, encoding), headers)).status).toBe(taken);
    expect((await send(operationId, await packed(right.padEnd(MOST_BYTES), encoding), headers)).status).toBe(taken);
    const { status, body } = await send(operationId, await packed(right.padEnd(50 * MOST_BYTES), encoding), headers);
    expect([status, body.errors]).toEqual([413, [expect.objectContaining(tooLarge)]]);
  });

  it.each([
    ["not packed at all", right, 400, "INVALID_JSON"],
    ["packed in another way", right, 415, "UNSUPPORTED_MEDIA_TYPE"],
  ])("that is packed as it says, not %s", async (_, raw, status, error) => {
    const headers = { ...json, "content-encoding": status === 400 ? "gzip" : "br" };
    const answer = await send(operationId, raw, headers);
    expect([answer.status, answer.body.errors[0].error]).toEqual([status, error]);
  });

  it("that is packed and does not break off", async () => {
    const whole = await packed(right, "gzip");
    const answer = await send(operationId, whole.slice(0, whole.length - 12), { ...json, "content-encoding": "gzip" });
    expect([answer.status, answer.body.errors[0].error]).toEqual([400, "INVALID_JSON"]);
  });

  it("that begins with a byte order mark", async () => {
    expect((await send(operationId, `\ufeff${right}`)).status).toBe(taken);
  });
});

describe.each([
  ["addFlow", 8, 201],
  ["updateFlowBulk", 8, 200],
  ["startMultipleFlows", 1, 200],
  ["stopMultipleFlows", 1, 200],
] as const)("%s reads a list", (operationId, most, taken) => {
  const limit = most * MOST_BYTES;

  it(`of at most ${most} MiB`, async () => {
    expect((await send(operationId, "[]".padEnd(limit))).status).toBe(taken);
    const { status, body } = await send(operationId, "[]".padEnd(limit + 1));
    expect([status, body]).toEqual([413, { errors: [expect.objectContaining(tooLarge)] }]);
  });

  it(`of at most ${most} MiB, not characters, and also if it does not say how long it is`, async () => {
    const entry = `["${"ü".repeat(limit / 2 - 2)}"]`;
    expect((await send(operationId, streamOf(encode(entry)))).status).toBe(taken);
    const { status, body } = await send(operationId, streamOf(encode(`${entry} `)));
    expect([status, body]).toEqual([413, { errors: [expect.objectContaining(tooLarge)] }]);
  });

  it("whose beginning is a list's, and an object of at most 1 MiB", async () => {
    for (const raw of ["{}".padEnd(MOST_BYTES + 1), "{}".padStart(MOST_BYTES + 1)]) {
      expect((await send(operationId, raw)).status).toBe(413);
    }
    expect((await send(operationId, "[]".padStart(limit))).status).toBe(taken);
  });
});

describe("a flow that is to be stored", () => {
  it.each(["null", "1", '"flow"', "true"])("is not %s", async (raw) => {
    const { status, body } = await send("addFlow", raw);
    expect(status).toBe(400);
    expect(body.errors).toEqual([
      expect.objectContaining({ message: "The body must be a JSON object or array.", code: 400 }),
    ]);
  });

  it.each([
    ["edges", `{"graph":{"nodes":[{"id":"a"}],"edges":[${"0,".repeat(400_000)}0]}}`],
    ["nodes", `{"graph":{"nodes":[${"{},".repeat(300_000)}{}]}}`],
    ["owners", `{"graph":{"nodes":[{"id":"a"}]},"owners":[${"0,".repeat(400_000)}0]}`],
  ])("may be wrong in very many %s and is then told to be wrong", async (_, raw) => {
    expect((await send("addFlow", raw)).status).toBe(400);
  });

  it("may not become larger than 1 MiB by being stored", async () => {
    const numbers = `[${Array.from({ length: 200_000 }, () => "1e20").join(",")}]`;
    const raw = right.replace("{", `{"flowSettings":${numbers},`);
    const { status, body } = await send("addFlow", raw);
    expect([status, body.errors?.[0]?.message]).toEqual([413, "request entity too large"]);
    const checked = await send("validateFlow", raw);
    expect(checked.body.data?.valid ?? false).toBe(false);
  });
});
