import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import { AppError } from "../../platform/errors.ts";
import { MOST_BYTES_BESIDE, receiveFile } from "./receive.ts";
import { PIECE } from "./upload.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const TYPE = "multipart/form-data; boundary=b";
const head = (parameters: string, type = "text/csv"): string =>
  `--b\r\nContent-Disposition: form-data; ${parameters}\r\nContent-Type: ${type}\r\n\r\n`;
const file = 'name="f"; filename="a.csv"';

/** A body that is sent chunk by chunk, and what was seen of it. */
function sent(chunks: Iterable<string | Uint8Array>, type: string | null = TYPE, headers: Record<string, string> = {}) {
  const seen = { bytes: 0, cancelled: false };
  const left = chunks[Symbol.iterator]();
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const { done, value } = left.next();
        if (done === true) return controller.close();
        const bytes = typeof value === "string" ? bytesOf(value) : value;
        seen.bytes += bytes.byteLength;
        return controller.enqueue(bytes);
      },
      cancel() {
        seen.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  const all = { ...headers, ...(type === null ? {} : { "content-type": type }) };
  return { request: new Request("https://example.com", { method: "POST", body, headers: all }), seen };
}

const pattern = Uint8Array.from({ length: 65_521 }, (_, index) => (index * 31) >> 3);

/** Bytes whose chunks differ and end at no round number. */
function* content(size: number): Generator<Uint8Array> {
  for (let at = 0; at < size; at += pattern.byteLength) {
    const chunk = pattern.slice(0, size - at);
    chunk[0] = at / pattern.byteLength;
    yield chunk;
  }
}

function* form(size: number): Generator<string | Uint8Array> {
  yield head(file);
  yield* content(size);
  yield "\r\n--b--\r\n";
}

function* longField(): Generator<string | Uint8Array> {
  yield head('name="field"');
  yield* content(100 * PIECE);
}

async function sumOf(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<string> {
  const digest = new crypto.DigestStream("SHA-256");
  const writer = digest.getWriter();
  for await (const chunk of chunks) await writer.write(chunk);
  await writer.close();
  return new Uint8Array(await digest.digest).join();
}

type Fault = "put" | "createMultipartUpload" | "uploadPart" | "complete" | "abort";

/** The bucket of the tests, with a record of what was asked of it, and faults where they are wanted. */
function bucketWith(...faults: Fault[]) {
  const calls: string[] = [];
  const uploads: string[] = [];
  const done = async <Result>(name: Fault, note: string, call: () => Promise<Result>): Promise<Result> => {
    calls.push(`${name}${note}`);
    if (faults.includes(name)) throw new Error("We encountered an internal error. (10001)");
    return call();
  };
  const watched = (upload: R2MultipartUpload): R2MultipartUpload => ({
    key: upload.key,
    uploadId: upload.uploadId,
    uploadPart: (number, value) =>
      done("uploadPart", ` ${number}: ${(value as Uint8Array).byteLength}`, () => upload.uploadPart(number, value)),
    complete: (pieces) => done("complete", "", () => upload.complete(pieces)),
    abort: () => done("abort", "", () => upload.abort()),
  });
  const bucket = {
    put: (key: string, value: Uint8Array, options: R2PutOptions) =>
      done("put", `: ${value.byteLength}`, () => env.FILES.put(key, value, options)),
    createMultipartUpload: async (key: string, options: R2MultipartOptions) => {
      const upload = await done("createMultipartUpload", "", () => env.FILES.createMultipartUpload(key, options));
      uploads.push(upload.uploadId);
      return watched(upload);
    },
  } as unknown as R2Bucket;
  return { bucket, calls, uploads };
}

const reasonOf = (receiving: Promise<unknown>): Promise<string> =>
  receiving.then(
    () => "not refused",
    (error: unknown) => (error instanceof AppError ? `${error.code}: ${error.items[0]?.detail ?? ""}` : String(error)),
  );

const newKey = (): string => `files/${crypto.randomUUID()}`;

describe("a file is received", () => {
  it.each<[string, number, string[]]>([
    ["empty", 0, ["put: 0"]],
    ["small", 100, ["put: 100"]],
    ["of one piece", PIECE, [`put: ${PIECE}`]],
    ["a byte over one piece", PIECE + 1, [`uploadPart 1: ${PIECE}`, "uploadPart 2: 1", "complete"]],
    ["of two pieces", 2 * PIECE, [`uploadPart 1: ${PIECE}`, `uploadPart 2: ${PIECE}`, "complete"]],
    ["of more", 2 * PIECE + 7, [`uploadPart 1: ${PIECE}`, `uploadPart 2: ${PIECE}`, "uploadPart 3: 7", "complete"]],
  ])("%s", async (_, size, expected) => {
    const key = newKey();
    const { bucket, calls } = bucketWith();
    const received = await receiveFile(sent(form(size)).request, { bucket, key, mostBytes: size });
    expect(received).toEqual({ fileName: "a.csv", mimeType: "text/csv", size });
    expect(calls.filter((call) => call !== "createMultipartUpload")).toEqual(expected);
    const stored = (await env.FILES.get(key))!;
    expect(stored.size).toBe(size);
    expect(stored.httpMetadata).toEqual({ contentType: "text/csv" });
    expect(stored.customMetadata).toEqual({});
    expect(await sumOf(stored.body)).toBe(await sumOf(content(size)));
  });

  it("from among other fields, whatever their names", async () => {
    const key = newKey();
    const chunks = [
      '--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nno file\r\n',
      head('name="nothing chosen"; filename=""', "application/octet-stream"),
      "\r\n",
      head('name="any"; filename="../../etc/pass%0D%0Awd"', "Text/PLAIN; charset=latin1"),
      "content\r\n",
      '--b\r\nContent-Disposition: form-data; name="after"\r\n\r\nno file\r\n--b--',
    ];
    const received = await receiveFile(sent(chunks).request, { bucket: env.FILES, key, mostBytes: 7 });
    expect(received).toEqual({ fileName: "passwd", mimeType: "text/plain", size: 7 });
    expect(await (await env.FILES.get(key))!.text()).toBe("content");
  });

  it("as the runtime sends it", async () => {
    const key = newKey();
    const body = new FormData();
    body.append("file", new File(["content"], "größe.png", { type: "image/png" }));
    const request = new Request("https://example.com", { method: "POST", body });
    const received = await receiveFile(request, { bucket: env.FILES, key, mostBytes: 1000 });
    expect(received).toEqual({ fileName: "größe.png", mimeType: "image/png", size: 7 });
  });
});

describe("a request is refused", () => {
  const noFile = "INVALID_BODY: Send a form with one file that has a name.";
  const several = "INVALID_BODY: Send one file, not several.";
  const ends = 'INVALID_BODY: The body must end with the boundary and "--" behind it.';

  it.each<[string, string | null, string[], string]>([
    ["of no type", null, [], "UNSUPPORTED_MEDIA_TYPE: Send a form with one file."],
    ["of another type", "application/json", ["{}"], "UNSUPPORTED_MEDIA_TYPE: Send a form with one file."],
    ["of another form", "multipart/mixed; boundary=b", ["--b--"], "UNSUPPORTED_MEDIA_TYPE: Send a form with one file."],
    ["without parts", TYPE, ["--b--"], noFile],
    ["with fields alone", TYPE, [`${head('name="f"')}x\r\n--b--`], noFile],
    ["with a file that was not chosen", TYPE, [`${head('name="f"; filename=""')}\r\n--b--`], noFile],
    ["with two files", TYPE, [`${head(file)}x\r\n${head(file)}y\r\n--b--`], several],
    [
      "with a name that is none",
      TYPE,
      [`${head('name="f"; filename="../"')}x\r\n--b--`],
      "INVALID_BODY: Give the file a name.",
    ],
    ["that ends early", TYPE, [head(file), "x"], ends],
  ])("%s", async (_, type, chunks, reason) => {
    const key = newKey();
    const { bucket, calls } = bucketWith();
    const { request } = sent(chunks, type);
    expect(await reasonOf(receiveFile(request, { bucket, key, mostBytes: 100 }))).toBe(reason);
    expect(calls).toEqual([]);
  });

  it("without a body", async () => {
    const request = new Request("https://example.com", { method: "POST", headers: { "content-type": TYPE } });
    expect(await reasonOf(receiveFile(request, { bucket: env.FILES, key: newKey(), mostBytes: 100 }))).toBe(noFile);
  });

  it("by its length, before anything is read", async () => {
    const { request, seen } = sent(form(10), TYPE, { "content-length": String(MOST_BYTES_BESIDE + 101) });
    const reason = "BODY_TOO_LARGE: A file can have at most 100 bytes.";
    expect(await reasonOf(receiveFile(request, { bucket: env.FILES, key: newKey(), mostBytes: 100 }))).toBe(reason);
    expect(seen.bytes).toBe(0);
  });

  it.each([
    ["small", 99, ["put"]],
    ["large", PIECE + 99, ["createMultipartUpload", "uploadPart", "abort"]],
  ])("with a byte too many, %s, without reading on", async (_, mostBytes, expected) => {
    const key = newKey();
    const { bucket, calls, uploads } = bucketWith();
    const { request, seen } = sent(form(4 * PIECE));
    const reason = `BODY_TOO_LARGE: A file can have at most ${mostBytes} bytes.`;
    expect(await reasonOf(receiveFile(request, { bucket, key, mostBytes }))).toBe(reason);
    expect(seen.cancelled).toBe(true);
    expect(seen.bytes).toBeLessThan(mostBytes + 200_000);
    expect(await env.FILES.head(key)).toBeNull();
    const names = calls.map((call) => call.split(" ", 1)[0]);
    expect(names).toEqual(uploads.length === 0 ? [] : expected);
  });

  it("with a byte too many at the very end", async () => {
    const { request } = sent(form(100));
    const reason = "BODY_TOO_LARGE: A file can have at most 99 bytes.";
    expect(await reasonOf(receiveFile(request, { bucket: env.FILES, key: newKey(), mostBytes: 99 }))).toBe(reason);
  });

  it("with too much beside its file", async () => {
    const { request, seen } = sent(longField());
    const receiving = receiveFile(request, { bucket: env.FILES, key: newKey(), mostBytes: 100 });
    expect(await reasonOf(receiving)).toMatch(/^BODY_TOO_LARGE/);
    expect(seen.cancelled).toBe(true);
    expect(seen.bytes).toBeLessThan(2 * MOST_BYTES_BESIDE);
  });
});

describe("nothing stays behind", () => {
  const unavailable = "STORAGE_UNAVAILABLE: ";
  const lastly = (text: string) =>
    function* () {
      yield head(file);
      yield* content(2 * PIECE);
      yield text;
    };

  it.each<[string, () => Iterable<string | Uint8Array>, Fault[], RegExp | string]>([
    ["ends early", lastly(""), [], /^INVALID_BODY/],
    ["has another file behind it", lastly(`\r\n${head(file)}x\r\n--b--`), [], /^INVALID_BODY/],
    ["has a broken part behind it", lastly("\r\n--b\r\n\r\n\r\n--b--"), [], /^INVALID_BODY/],
    ["cannot be begun", lastly("\r\n--b--"), ["createMultipartUpload"], unavailable],
    ["cannot be stored", lastly("\r\n--b--"), ["uploadPart"], unavailable],
    ["cannot be completed", lastly("\r\n--b--"), ["complete"], unavailable],
    ["is small and cannot be stored", () => form(10), ["put"], unavailable],
  ])("of a file that %s", async (_, chunks, faults, reason) => {
    const key = newKey();
    await env.FILES.put(key, "what was there before");
    const { bucket, calls, uploads } = bucketWith(...faults);
    expect(await reasonOf(receiveFile(sent(chunks()).request, { bucket, key, mostBytes: 3 * PIECE }))).toMatch(reason);
    expect(await (await env.FILES.get(key))!.text()).toBe("what was there before");
    expect(calls.filter((call) => call === "abort")).toHaveLength(uploads.length);
    for (const id of uploads) {
      await expect(env.FILES.resumeMultipartUpload(key, id).uploadPart(1, "x")).rejects.toThrow("does not exist");
    }
  });

  it("and the first fault is told, if giving up fails as well", async () => {
    const { bucket } = bucketWith("uploadPart", "abort");
    const receiving = receiveFile(sent(form(2 * PIECE)).request, { bucket, key: newKey(), mostBytes: 3 * PIECE });
    expect(await reasonOf(receiving)).toBe(unavailable);
  });

  it("which tells nothing of the storage", async () => {
    const { bucket } = bucketWith("put");
    const receiving = receiveFile(sent(form(10)).request, { bucket, key: newKey(), mostBytes: 100 });
    const error = await receiving.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect((error as AppError).items).toEqual([
      { message: "The file could not be stored. Please try again later.", code: 503, error: "STORAGE_UNAVAILABLE" },
    ]);
  });
});
