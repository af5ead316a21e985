import { AppError } from "../../platform/errors.ts";
import { parametersOf, partHeadersOf, type PartHeaders } from "./part-headers.ts";
import { Source } from "./source.ts";

/** One part of a form. Its body can be read, once, until the next part is asked for. */
export interface Part extends PartHeaders {
  readonly body: AsyncIterable<Uint8Array>;
}

export const MOST_PARTS = 20;
export const MOST_HEADER_BYTES = 16 * 1024;

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const endOfHeaders = bytesOf("\r\n\r\n");
const formData = /^[ \t]*multipart\/form-data[ \t]*(?=;|$)/i;
const boundaryForm = /^[\w'()+,\-./:=? ]{0,69}[\w'()+,\-./:=?]$/;

/** The boundary that a Content-Type of `multipart/form-data` names; nothing where the type is another one. */
export function boundaryOf(contentType: string | null): string | undefined {
  if (contentType === null || !formData.test(contentType)) return undefined;
  const boundary = parametersOf(contentType.replace(formData, ""))?.get("boundary");
  if (boundary === undefined || !boundaryForm.test(boundary)) {
    throw invalid("The Content-Type must name the boundary, of 1 to 70 characters (RFC 2046).");
  }
  return boundary;
}

/** The parts of a `multipart/form-data` body, as they come in. Leaving the loop early cancels the stream. */
export async function* parts(
  stream: ReadableStream<Uint8Array>,
  boundary: string,
  mostBytes = Infinity,
): AsyncGenerator<Part, void, undefined> {
  const source = new Source(stream, mostBytes);
  const delimiter = bytesOf(`\r\n--${boundary}`);
  try {
    await source.skip(delimiter);
    for (let count = 1; await another(source); count += 1) {
      if (count > MOST_PARTS) throw invalid(`A body can have at most ${MOST_PARTS} parts.`);
      const block = await source.block(endOfHeaders, MOST_HEADER_BYTES);
      if (block === undefined) throw invalid(`The headers of a part can have at most ${MOST_HEADER_BYTES} bytes.`);
      const body = bodyOf(source, delimiter);
      yield { ...partHeadersOf(block), body: body.read() };
      await body.end();
    }
    await source.epilogue();
  } finally {
    source.close();
  }
}

/** Whether the boundary that was just passed begins a part, or ends the body. */
async function another(source: Source): Promise<boolean> {
  const next = await source.peek();
  if (next !== "\r\n" && next !== "--") throw invalid('A boundary must be followed by CRLF, or by "--" at the end.');
  return next === "\r\n";
}

function bodyOf(source: Source, delimiter: Uint8Array) {
  let open = true;
  return {
    async *read(): AsyncGenerator<Uint8Array, void, undefined> {
      while (open) {
        const bytes = await source.before(delimiter);
        if (bytes === undefined) open = false;
        else yield bytes;
      }
    },
    /** Passes over what the reader left. */
    async end(): Promise<void> {
      if (open) await source.skip(delimiter);
      open = false;
    },
  };
}

const invalid = (detail: string): AppError => new AppError("INVALID_BODY", { detail });
