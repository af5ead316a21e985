import { AppError } from "../platform/errors.ts";
import { decompressed } from "../platform/http.ts";

/** Bytes of documents in one request, unpacked. */
export const MOST_BYTES_SENT = 64 * 1024 * 1024;

const types = ["application/x-ndjson", "application/ndjson", "text/plain", "application/json"];

/** Of what was sent so far everything that could be stored is stored: a caller who sends less goes on from there. */
export const tooMuch = (what: string): AppError => {
  const detail = `${what} Send less at a time; what was stored before stays, and may be sent again.`;
  return new AppError("BODY_TOO_LARGE", { detail });
};

const tooLong = (): AppError => tooMuch(`At most ${MOST_BYTES_SENT} bytes are taken at once.`);

/** The bytes of a body with documents, unpacked, as they come. */
export function bytesOfBody(request: Request): AsyncIterable<Uint8Array> {
  requireType(request.headers.get("content-type") ?? "");
  const { headers } = request;
  if (Number(headers.get("content-length") ?? 0) > MOST_BYTES_SENT) throw tooLong();
  const content = decompressed(request);
  if (content === null) throw new AppError("INVALID_BODY", { message: "A body with documents is required." });
  return counted(content);
}

function requireType(type: string): void {
  const [essence = "", ...parameters] = type
    .toLowerCase()
    .split(";")
    .map((part) => part.trim());
  if (!types.includes(essence)) {
    const message = "The body must be documents as JSON in UTF-8, one to a line or in an array.";
    throw new AppError("UNSUPPORTED_MEDIA_TYPE", { message, detail: `Send one of ${types.join(", ")}.` });
  }
  const charset = parameters.find((part) => part.startsWith("charset="))?.slice(8);
  if (charset !== undefined && !/^"?utf-?8"?$/.test(charset)) {
    throw new AppError("UNSUPPORTED_MEDIA_TYPE", { message: "unsupported charset", detail: "Send UTF-8." });
  }
}

async function* counted(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await readFrom(reader);
      if (done) break;
      bytes += value.byteLength;
      if (bytes > MOST_BYTES_SENT) throw tooLong();
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
  if (bytes === 0) throw new AppError("INVALID_BODY", { message: "A body with documents is required." });
}

async function readFrom(reader: ReadableStreamDefaultReader<Uint8Array>) {
  try {
    return await reader.read();
  } catch (cause) {
    throw new AppError("INVALID_JSON", { detail: "The body broke off, or is not packed as it says.", cause });
  }
}
