import type { Deadline } from "./deadline.ts";
import { ConnectorError } from "./fault.ts";

/** Lets go of a body that nobody reads, so that its connection is free. */
export function abandon(body: ReadableStream | null): void {
  body?.cancel().catch(() => undefined);
}

/** Reads a body to its end; one that has more than `mostBytes` is cut off. */
export async function readBody(
  { body, headers }: Response,
  mostBytes: number,
  deadline: Deadline,
  origin: string,
): Promise<Uint8Array> {
  if (body === null) return new Uint8Array();
  const tooLarge = () =>
    new ConnectorError("ANSWER_TOO_LARGE", `${origin} answered more than the ${mostBytes} bytes that are read.`);
  if (Number(headers.get("content-length") ?? 0) > mostBytes) {
    abandon(body);
    throw tooLarge();
  }
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await deadline.race(reader.read());
      if (done) return joined(chunks, size);
      size += value.byteLength;
      if (size > mostBytes) throw tooLarge();
      chunks.push(value);
    }
  } catch (error) {
    reader.cancel().catch(() => undefined);
    throw error instanceof ConnectorError
      ? error
      : new ConnectorError("NETWORK", `The answer of ${origin} broke off before its end.`);
  }
}

function joined(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

const textual =
  /^(?:text\/.+|.+\+(?:json|xml|yaml)|(?:.+\/)(?:json|xml|x-www-form-urlencoded|javascript|ecmascript|graphql|(?:x-)?ndjson|jsonl|json-seq|(?:x-)?yaml|toml|sql))$/;

export interface Text {
  readonly text: string;
  readonly encoding?: "base64";
}

/** A body as text: decoded if its type is one of text, else as base64. */
export function textOf(bytes: Uint8Array, contentType: string | null): Text {
  if (bytes.byteLength === 0) return { text: "" };
  const [type = "", ...parameters] = (contentType ?? "").split(";").map((part) => part.trim().toLowerCase());
  if (textual.test(type)) return { text: decoderOf(parameters).decode(bytes) };
  return (type === "" ? untyped(bytes) : undefined) ?? { text: base64Of(bytes), encoding: "base64" };
}

/** UTF-8, unless the type names another character set that is known. */
function decoderOf(parameters: readonly string[]): TextDecoder {
  const charset = parameters.find((parameter) => parameter.startsWith("charset="))?.slice("charset=".length);
  try {
    return new TextDecoder(charset?.replaceAll('"', "") ?? "utf-8");
  } catch {
    return new TextDecoder();
  }
}

function untyped(bytes: Uint8Array): Text | undefined {
  try {
    return { text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes) };
  } catch {
    return undefined;
  }
}

/** Divisible by three, so that the pieces join without padding between them. */
const PIECE = 3 * 8192;

function base64Of(bytes: Uint8Array): string {
  const pieces = Array.from({ length: Math.ceil(bytes.byteLength / PIECE) }, (_, index) =>
    btoa(String.fromCharCode(...bytes.subarray(index * PIECE, (index + 1) * PIECE))),
  );
  return pieces.join("");
}
