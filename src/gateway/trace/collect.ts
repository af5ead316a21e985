import type { Body } from "../body.ts";
import { isReadable } from "../headers.ts";

/** Bytes of a body that are kept until it is written, and beyond which it is not. */
export const MOST_COLLECTED = 1024 * 1024;

/** A body of which a trace keeps a copy. */
export interface Collected {
  readonly type: string;
  /** What is there of it by now, and whether that is all. */
  readonly now: () => { readonly bytes: Uint8Array; readonly isWhole: boolean };
  /** Settles when no more will come. */
  readonly done: Promise<void>;
  /** Why there is nothing of it. */
  readonly missing?: string;
}

const typeOf = (headers: Headers): string => headers.get("content-type")?.toLowerCase() ?? "";

const missing = (why: string): Collected => ({
  type: "",
  now: () => ({ bytes: new Uint8Array(), isWhole: false }),
  done: Promise.resolve(),
  missing: why,
});

const whole = (type: string, bytes: Uint8Array): Collected => ({
  type,
  now: () => ({ bytes, isWhole: true }),
  done: Promise.resolve(),
});

/**
 * Keeps a copy of a body. A stream goes on as a stream: what is traced must neither wait for its end, nor fail because
 * it is too large to be read. Of a request whose length is known the body is read, so that it keeps that length.
 */
export async function collect(body: Body, headers: Headers, of: "request" | "answer"): Promise<Collected> {
  const type = typeOf(headers);
  if (body.isEmpty || body.isRead) return whole(type, await body.bytes());
  if (!isReadable(headers, of)) return missing("It is encoded.");
  const length = of === "request" ? headers.get("content-length") : null;
  if (length === null) return passing(body, type);
  return Number(length) > MOST_COLLECTED ? missing(`It has ${length} bytes.`) : whole(type, await body.bytes());
}

function passing(body: Body, type: string): Collected {
  const chunks: Uint8Array[] = [];
  let size = 0;
  let isWhole = false;
  const { promise: done, resolve: settle } = Promise.withResolvers<void>();
  const keep = (chunk: Uint8Array): void => {
    // A copy: whoever takes the chunk may take its memory along.
    if (size <= MOST_COLLECTED) chunks.push(chunk.slice(0, MOST_COLLECTED + 1 - size));
    size += chunk.byteLength;
    if (size > MOST_COLLECTED) settle();
  };
  body.pass((stream) => {
    const reader = stream.getReader();
    const passed = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
      try {
        const { done: isOver, value } = await reader.read();
        if (isOver) {
          isWhole = true;
          settle();
          controller.close();
        } else {
          keep(value);
          controller.enqueue(value);
        }
      } catch (error) {
        settle();
        throw error;
      }
    };
    const cancelled = (reason: unknown): Promise<void> => {
      settle();
      return reader.cancel(reason);
    };
    return new ReadableStream<Uint8Array>({ pull: passed, cancel: cancelled }, { highWaterMark: 0 });
  });
  return {
    type,
    done,
    now: () => ({ bytes: joined(chunks), isWhole: isWhole && size <= MOST_COLLECTED }),
  };
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.byteLength;
  }
  return all;
}
