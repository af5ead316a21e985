/** A JSON document in a file of many, as it stands there. */
export interface FoundDocument {
  /** Number of the line on which it begins. */
  readonly line: number;
  readonly text: string;
}

/** A place in the file where no document could be read. What follows it is read all the same. */
export interface LostDocument {
  readonly line: number;
  readonly fault: { readonly error: string; readonly message: string };
}

export type Found = FoundDocument | LostDocument;

/** Of a template with what it was before; of a flow it is less. */
export const MOST_BYTES_OF_A_DOCUMENT = 8 * 1024 * 1024;

type Chunk = Uint8Array | string;

export interface Reading {
  /** Number of the first line. */
  readonly line?: number;
  /** Bytes that a document may have. */
  readonly most: number;
}

/**
 * The documents of a file, one after another: one to a line, one behind the other however they are broken into lines,
 * or the entries of one array. It holds no more than one document at a time.
 */
export async function* documentsIn(
  chunks: AsyncIterable<Chunk> | Iterable<Chunk>,
  { line = 1, most }: Reading,
): AsyncGenerator<Found> {
  const scanner = new Scanner(line, most);
  const encoder = new TextEncoder();
  for await (const chunk of chunks) yield* scanner.take(typeof chunk === "string" ? encoder.encode(chunk) : chunk);
  yield* scanner.end();
}

const [TAB, NEWLINE, RETURN, BLANK] = [0x09, 0x0a, 0x0d, 0x20];
const [QUOTE, COMMA, BACKSLASH] = [0x22, 0x2c, 0x5c];
const [OPEN_LIST, CLOSE_LIST, OPEN, CLOSE] = [0x5b, 0x5d, 0x7b, 0x7d];
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const faults = {
  cut: { error: "DOCUMENT_CUT_OFF", message: "The document is not closed. The file may have been cut off here." },
  open: { error: "ARRAY_CUT_OFF", message: "The array is not closed. The file may have been cut off here." },
  encoding: { error: "DOCUMENT_NOT_UTF8", message: "The document is not in UTF-8." },
} as const;

/**
 * Goes by braces, brackets and quotes alone, which are the same bytes in UTF-8 wherever they stand. What is between them
 * is judged by whoever parses a document.
 */
class Scanner {
  readonly #most: number;
  #line: number;
  /** Bytes of the stream before the present chunk. */
  #before = 0;
  #marks = 0;
  #isList = false;
  #isClosed = false;
  #hasBegun = false;
  /** Of the present document: open braces; 0 outside of one, and -1 in what can be none. */
  #depth = 0;
  #inText = false;
  #isEscaped = false;
  #firstLine = 0;
  /** Where it begins in the stream, and in the present chunk. */
  #origin = 0;
  #from = 0;
  #earlier: Uint8Array[] = [];
  #bytes = 0;
  /** Whether it has more than a brace on its first line; unknown until that ends. */
  #isOneLiner: boolean | undefined;
  #atLineStart = false;

  constructor(line: number, most: number) {
    this.#line = line;
    this.#most = most;
  }

  *take(chunk: Uint8Array): Generator<Found> {
    this.#from = 0;
    let at = this.#skipMark(chunk);
    while (at < chunk.length) {
      if (this.#depth > 0) {
        at = this.#inside(chunk, at);
        if (this.#depth === 0) yield this.#told(chunk, at);
        else if (at < chunk.length) yield this.#lost(faults.cut);
      } else if (this.#depth < 0) {
        at = this.#astray(chunk, at);
        if (at < chunk.length) yield this.#told(chunk, at);
      } else at = this.#outside(chunk, at);
    }
    if (this.#depth !== 0) this.#keep(chunk.subarray(this.#from));
    this.#before += chunk.length;
  }

  *end(): Generator<Found> {
    if (this.#depth > 0) yield this.#lost(faults.cut);
    else if (this.#depth < 0) yield this.#told(new Uint8Array(), 0);
    if (this.#isList && !this.#isClosed) yield { line: this.#line, fault: faults.open };
  }

  #skipMark(chunk: Uint8Array): number {
    let at = 0;
    while (this.#marks < BYTE_ORDER_MARK.length && chunk[at] === BYTE_ORDER_MARK[this.#marks]) {
      at += 1;
      this.#marks += 1;
    }
    if (at < chunk.length) this.#marks = BYTE_ORDER_MARK.length;
    return at;
  }

  /** Goes to where something begins, or to the end. */
  #outside(chunk: Uint8Array, from: number): number {
    for (let at = from; at < chunk.length; at += 1) {
      const byte = chunk[at];
      if (byte === NEWLINE) this.#line += 1;
      else if (byte === BLANK || byte === TAB || byte === RETURN || byte === COMMA) continue;
      else if (byte === CLOSE_LIST && this.#isList && !this.#isClosed) this.#isClosed = true;
      else if (byte === OPEN_LIST && (!this.#hasBegun || this.#isClosed)) this.#beginList();
      else {
        this.#begin(at, byte === OPEN || byte === OPEN_LIST ? 1 : -1);
        return at + 1;
      }
    }
    return chunk.length;
  }

  #beginList(): void {
    this.#hasBegun = this.#isList = true;
    this.#isClosed = false;
  }

  #begin(at: number, depth: number): void {
    this.#hasBegun = true;
    this.#depth = depth;
    this.#inText = this.#isEscaped = this.#atLineStart = false;
    this.#isOneLiner = undefined;
    this.#firstLine = this.#line;
    this.#origin = this.#before + at;
    this.#from = at;
    this.#earlier = [];
    this.#bytes = 0;
  }

  /** Goes behind the end of the document, to where the next one begins if it has none, or to the end of the chunk. */
  #inside(chunk: Uint8Array, from: number): number {
    for (let at = from; at < chunk.length; at += 1) {
      const byte = chunk[at];
      if (byte === NEWLINE) {
        this.#endOfLine(at);
        continue;
      }
      if (this.#atLineStart) {
        this.#atLineStart = false;
        // In no layout a brace follows at once upon the first line.
        if (byte === OPEN && (this.#isOneLiner === true || this.#line === this.#firstLine + 1)) return at;
      }
      if (this.#inText) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (byte === BACKSLASH) this.#isEscaped = true;
        else if (byte === QUOTE) this.#inText = false;
      } else if (byte === QUOTE) this.#inText = true;
      else if (byte === OPEN || byte === OPEN_LIST) this.#depth += 1;
      else if (byte === CLOSE || byte === CLOSE_LIST) {
        this.#depth -= 1;
        if (this.#depth === 0) return at + 1;
      }
    }
    return chunk.length;
  }

  /** No text goes over lines. A document that has more than a brace on its first line is one that stands on one line. */
  #endOfLine(at: number): void {
    this.#line += 1;
    this.#inText = this.#isEscaped = false;
    this.#atLineStart = true;
    this.#isOneLiner ??= this.#before + at - this.#origin > 2;
  }

  /** Goes behind what is no document: to the end of the line, or to where one begins. */
  #astray(chunk: Uint8Array, from: number): number {
    for (let at = from; at < chunk.length; at += 1) {
      const byte = chunk[at];
      if (byte === NEWLINE || byte === OPEN) return at;
      if (this.#isList && (byte === COMMA || byte === CLOSE_LIST)) return at;
    }
    return chunk.length;
  }

  #keep(piece: Uint8Array): void {
    this.#bytes += piece.length;
    if (this.#bytes > this.#most) this.#earlier = [];
    else this.#earlier.push(piece.slice());
  }

  #told(chunk: Uint8Array, to: number): Found {
    const last = chunk.subarray(this.#from, to);
    const line = this.#firstLine;
    this.#depth = 0;
    if (this.#bytes + last.length > this.#most) {
      const message = `The document has ${this.#bytes + last.length} bytes; at most ${this.#most} are taken.`;
      return { line, fault: { error: "DOCUMENT_TOO_LARGE", message } };
    }
    const whole = this.#earlier.length === 0 ? last : joined([...this.#earlier, last]);
    this.#earlier = [];
    try {
      return { line, text: decoder.decode(whole) };
    } catch {
      return { line, fault: faults.encoding };
    }
  }

  #lost(fault: LostDocument["fault"]): LostDocument {
    this.#depth = 0;
    this.#earlier = [];
    return { line: this.#firstLine, fault };
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
