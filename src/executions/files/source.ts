import { AppError } from "../../platform/errors.ts";

const LINE_END = [13, 10];
const MOST_EPILOGUE_BYTES = 16 * 1024;

/** Reads a stream forward from mark to mark, and holds no more than its latest chunk and the beginning of a mark. */
export class Source {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #mostBytes: number;
  /** A boundary that opens the body has no line before it that could end. */
  #held = new Uint8Array(LINE_END);
  #read = 0;

  constructor(stream: ReadableStream<Uint8Array>, mostBytes: number) {
    this.#reader = stream.getReader();
    this.#mostBytes = mostBytes;
  }

  /** The next bytes before the mark; nothing once the mark was passed. */
  async before(mark: Uint8Array): Promise<Uint8Array | undefined> {
    for (;;) {
      const at = placeOf(mark, this.#held);
      if (at > 0) return this.#take(at);
      if (this.#held.byteLength >= mark.byteLength) {
        this.#take(mark.byteLength);
        return undefined;
      }
      await this.#more();
    }
  }

  async skip(mark: Uint8Array): Promise<void> {
    while ((await this.before(mark)) !== undefined);
  }

  /** All bytes before the mark; nothing if there are more than `mostBytes`. */
  async block(mark: Uint8Array, mostBytes: number): Promise<Uint8Array | undefined> {
    const pieces: Uint8Array[] = [];
    let size = 0;
    for (let piece = await this.before(mark); piece !== undefined; piece = await this.before(mark)) {
      size += piece.byteLength;
      if (size > mostBytes) return undefined;
      pieces.push(piece);
    }
    return joined(pieces, size);
  }

  /** The next two bytes, which stay where they are. */
  async peek(): Promise<string> {
    while (this.#held.byteLength < 2) await this.#more();
    return String.fromCharCode(...this.#held.subarray(0, 2));
  }

  /** What follows the last boundary means nothing; it is read so that the connection can go on, unless it is long. */
  async epilogue(): Promise<void> {
    const begin = this.#read;
    while (this.#read - begin <= MOST_EPILOGUE_BYTES && (await this.#chunk()) !== undefined);
  }

  close(): void {
    this.#reader.cancel().catch(() => undefined);
  }

  #take(count: number): Uint8Array {
    const taken = this.#held.subarray(0, count);
    this.#held = this.#held.subarray(count);
    return taken;
  }

  async #more(): Promise<void> {
    const chunk = await this.#chunk();
    if (chunk === undefined) {
      throw new AppError("INVALID_BODY", { detail: 'The body must end with the boundary and "--" behind it.' });
    }
    this.#held =
      this.#held.byteLength === 0 ? chunk : joined([this.#held, chunk], this.#held.byteLength + chunk.byteLength);
  }

  async #chunk(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { done, value } = await this.#reader.read().catch((cause: unknown) => {
      throw new AppError("INVALID_BODY", { detail: "The body broke off before its end.", cause });
    });
    if (done) return undefined;
    this.#read += value.byteLength;
    if (this.#read > this.#mostBytes) throw new AppError("BODY_TOO_LARGE");
    return value as Uint8Array<ArrayBuffer>;
  }
}

/** Where the mark begins, or could begin: from there on the bytes agree with it as far as they go. */
function placeOf(mark: Uint8Array, bytes: Uint8Array): number {
  for (let at = bytes.indexOf(mark[0]!); at !== -1; at = bytes.indexOf(mark[0]!, at + 1)) {
    const length = Math.min(mark.byteLength, bytes.byteLength - at);
    let same = 1;
    while (same < length && bytes[at + same] === mark[same]) same += 1;
    if (same === length) return at;
  }
  return bytes.byteLength;
}

function joined(pieces: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.byteLength;
  }
  return whole;
}
