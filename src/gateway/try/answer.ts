import { textOf } from "../../connectors/body.ts";
import { Deadline } from "../../connectors/deadline.ts";
import type { Tried } from "./input.ts";

const MOST_BYTES = 64 * 1024;
/** A stream without an end is shown as far as it came by then. */
const PATIENCE_MS = 10_000;

/** An answer in JSON: its body is read so far, and no further. */
export async function toldOf({ status, headers, body }: Response): Promise<Tried["answer"]> {
  const { bytes, isWhole } = await beginningOf(body);
  const { text, encoding } = textOf(bytes, headers.get("content-type"));
  return {
    status,
    headers: Object.fromEntries(named(headers)),
    body: text,
    ...(encoding === undefined ? {} : { encoding }),
    ...(isWhole ? {} : { truncated: true as const }),
  };
}

/** Cookies come one by one, and would overwrite each other. */
const named = (headers: Headers): [string, string][] =>
  [...headers].map(([name]) => [name, name === "set-cookie" ? headers.getSetCookie().join(", ") : headers.get(name)!]);

async function beginningOf(body: ReadableStream<Uint8Array> | null): Promise<{ bytes: Uint8Array; isWhole: boolean }> {
  const bytes = new Uint8Array(MOST_BYTES);
  if (body === null) return { bytes: bytes.subarray(0, 0), isWhole: true };
  const reader = body.getReader();
  const deadline = new Deadline(PATIENCE_MS, "The destination");
  let size = 0;
  let isWhole = false;
  try {
    for (;;) {
      const { done, value } = await deadline.race(reader.read());
      isWhole = done;
      if (done) break;
      bytes.set(value.subarray(0, MOST_BYTES - size), size);
      size += value.byteLength;
      if (size > MOST_BYTES) break;
    }
  } catch {
    // It broke off, or takes too long: what came of it is shown.
  } finally {
    deadline.clear();
    if (!isWhole) reader.cancel().catch(() => undefined);
  }
  return { bytes: bytes.subarray(0, Math.min(size, MOST_BYTES)), isWhole };
}
