import { abandon } from "../connectors/body.ts";
import { ConnectorError } from "../connectors/fault.ts";
import { isReadable } from "./headers.ts";

/** Bytes of a body that something reads: 4 MiB. One that only passes may have any size. */
export const MOST_READ_BYTES = 4 * 1024 * 1024;

export type BodyFaultCode = "BODY_TOO_LARGE" | "BODY_ENCODED" | "BODY_BROKEN" | "BODY_LATE";

/** Why a body cannot be read. What follows for the call depends on whose body it is. */
export class BodyFault extends Error {
  override readonly name = "BodyFault";
  readonly code: BodyFaultCode;
  readonly of: "request" | "answer";
  /** Whether some of it is gone, so that it cannot pass either. */
  readonly isLost: boolean;

  constructor(code: BodyFaultCode, of: "request" | "answer", isLost = false) {
    super(`${of} ${code}`);
    this.code = code;
    this.of = of;
    this.isLost = isLost;
  }
}

type Racing = <T>(work: Promise<T>) => Promise<T>;

/** A body on its way: it passes as a stream unless something reads or replaces it. */
export class Body {
  readonly #of: "request" | "answer";
  readonly #race: Racing;
  #stream: ReadableStream<Uint8Array> | null;
  #headers: Headers | undefined;
  #bytes: Uint8Array | undefined;
  #isChanged = false;

  /** `headers` are those that it came with; `race` is what bounds the time of reading. */
  constructor(
    of: "request" | "answer",
    stream: ReadableStream<Uint8Array> | null,
    headers?: Headers,
    race: Racing = (work) => work,
  ) {
    this.#of = of;
    this.#stream = stream;
    this.#headers = headers;
    this.#race = race;
  }

  static of(of: "request" | "answer", content: string | Uint8Array): Body {
    const body = new Body(of, null);
    body.#bytes = asBytes(content);
    return body;
  }

  get isEmpty(): boolean {
    return this.#stream === null && (this.#bytes === undefined || this.#bytes.byteLength === 0);
  }

  /** Whether it is held as bytes: its encoding is undone, and its length is known. */
  get isRead(): boolean {
    return this.#bytes !== undefined;
  }

  /** Whether it is another one than came. */
  get isChanged(): boolean {
    return this.#isChanged;
  }

  /** All of it. Throws BodyFault if it is too large, encoded in a way that nobody undoes, or breaks off. */
  async bytes(): Promise<Uint8Array> {
    if (this.#bytes !== undefined) return this.#bytes;
    if (this.#stream === null) return new Uint8Array();
    if (this.#headers !== undefined && !isReadable(this.#headers, this.#of)) {
      throw new BodyFault("BODY_ENCODED", this.#of);
    }
    this.#bytes = await this.#readAll(this.#stream);
    this.#stream = null;
    return this.#bytes;
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes());
  }

  /** What it is as JSON; undefined for an empty one and for one that is none. */
  async json(): Promise<unknown> {
    const text = await this.text();
    if (text.trim() === "") return undefined;
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return undefined;
    }
  }

  /** Puts another body in its place; what came is let go. */
  replace(content: string | Uint8Array): void {
    abandon(this.#stream);
    this.#stream = null;
    this.#bytes = asBytes(content);
    this.#isChanged = true;
  }

  /** Has the stream pass through something on its way. */
  pass(through: (stream: ReadableStream<Uint8Array>) => ReadableStream<Uint8Array>): void {
    if (this.#stream !== null) this.#stream = through(this.#stream);
  }

  /** A second body with the same content, for whoever keeps it. */
  copy(): Body {
    const other = new Body(this.#of, null, this.#headers);
    if (this.#stream !== null) [this.#stream, other.#stream] = this.#stream.tee();
    other.#bytes = this.#bytes;
    return other;
  }

  /** What is handed on. */
  get content(): ReadableStream<Uint8Array> | Uint8Array | null {
    if (this.#bytes === undefined) return this.#stream;
    return this.#bytes.byteLength === 0 ? null : this.#bytes;
  }

  abandon(): void {
    abandon(this.#stream);
    this.#stream = null;
  }

  async #readAll(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
    if (Number(this.#headers?.get("content-length") ?? 0) > MOST_READ_BYTES) {
      throw new BodyFault("BODY_TOO_LARGE", this.#of);
    }
    const reader = stream.getReader();
    const chunks: Uint8Array[] = [];
    let size = 0;
    try {
      for (;;) {
        const { done, value } = await this.#race(reader.read());
        if (done) return joined(chunks, size);
        size += value.byteLength;
        if (size > MOST_READ_BYTES) throw new BodyFault("BODY_TOO_LARGE", this.#of, true);
        chunks.push(value);
      }
    } catch (error) {
      reader.cancel().catch(() => undefined);
      if (error instanceof BodyFault) throw error;
      const isLate = error instanceof ConnectorError && error.code === "TIMEOUT";
      throw new BodyFault(isLate ? "BODY_LATE" : "BODY_BROKEN", this.#of, true);
    }
  }
}

const asBytes = (content: string | Uint8Array): Uint8Array =>
  typeof content === "string" ? new TextEncoder().encode(content) : content;

function joined(chunks: readonly Uint8Array[], size: number): Uint8Array {
  if (chunks.length === 1) return chunks[0]!;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
