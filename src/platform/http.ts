import type { Context as HonoContext, Next } from "hono";
import type { z } from "zod";

import { AppError, ErrorBody, errorItem, messageOf, statusOf, type ErrorCode } from "./errors.ts";

/** 1 MiB, for any body and for a stored flow. */
export const MOST_BYTES = 1024 * 1024;
/** 8 MiB, for a list of several flows. */
const MOST_BYTES_OF_A_LIST = 8 * MOST_BYTES;
/** Far below what the JSON functions of the database take. */
const MOST_LEVELS = 200;

/** An answer whose body is JSON text already. */
export interface Answer {
  readonly status: 200 | 201;
  readonly body: string;
  readonly etag?: string;
  /** Flows whose documents it tells. */
  readonly about?: readonly string[];
}

/** Sends an answer. Its form is the route's: the tests check every one against the declared schema. */
export function send(c: HonoContext, { status, body, etag }: Answer): never {
  if (etag !== undefined) c.header("etag", etag);
  return c.body(body, status, { "content-type": "application/json" }) as never;
}

/** The one place where an error becomes an answer. */
export function answerError(c: HonoContext, error: AppError): Response {
  const status = statusOf(error.code);
  if (status === 503 || error.code === "IDENTITY_UNAVAILABLE") c.header("retry-after", "5");
  if (status === 401) c.header("www-authenticate", 'Bearer realm="flow-repository"');
  if (error.etag !== undefined) c.header("etag", error.etag);
  return c.json({ errors: error.items }, status);
}

/** Responses of an OpenAPI operation for the errors it may answer, built from the error table. */
export const errorResponses = (...codes: readonly ErrorCode[]): object => errorResponsesAs(ErrorBody, ...codes);

/** The same in a form that says more. */
export function errorResponsesAs(schema: z.ZodType, ...codes: readonly ErrorCode[]): object {
  const byStatus = Map.groupBy(codes, statusOf);
  return Object.fromEntries(
    [...byStatus].map(([status, group]) => [
      status,
      {
        description: group.map((code) => `\`${code}\`: ${messageOf(code)}`).join("\n\n"),
        content: {
          "application/json": {
            schema,
            examples: Object.fromEntries(group.map((code) => [code, { value: { errors: [errorItem(code)] } }])),
          },
        },
      },
    ]),
  );
}

/** Documents a header that a route takes. Its values are judged where they are used. */
export const headerParameter = (name: string, example: string, description: string) => ({
  name,
  in: "header" as const,
  required: false,
  schema: { type: "string" as const, description, example },
  description,
});

export const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { "application/json": { schema } },
});

/** A body in the form that a schema says; the first fault is told with its place. */
export function parsed<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new AppError("INVALID_BODY", { pointer: ["", ...issue!.path].join("/"), detail: issue!.message });
}

/** Documents a body that the verb itself checks, so that all findings are told and none is hidden by the first. */
export const documentedBody = (name: string, description: string, example?: unknown, required = true) => ({
  required,
  description,
  content: {
    "application/json": {
      schema: { $ref: `#/components/schemas/${name}` },
      ...(example === undefined ? {} : { example }),
    },
  },
});

/** Reads a JSON body into `c.var.body`: media type, size, syntax and depth are judged here and nowhere else. */
export const jsonBody = (c: HonoContext, next: Next): Promise<void> => readBody(c, next, MOST_BYTES);

/** The same for a body that may be a list of several, which may have more bytes. */
export const listBody = (c: HonoContext, next: Next): Promise<void> => readBody(c, next, MOST_BYTES_OF_A_LIST);

/** The same for a body that may be left out: then it is an empty object. */
export const bodyIfAny = (c: HonoContext, next: Next): Promise<void> => readBody(c, next, MOST_BYTES, true);

async function readBody(c: HonoContext, next: Next, most: number, isOptional = false): Promise<void> {
  const type = c.req.header("content-type") ?? "";
  const [text, bytes] = await limitedText(c.req.raw, most);
  if (bytes > MOST_BYTES && text.trimStart()[0] !== "[") throw tooLarge(MOST_BYTES);
  if (text !== "") requireJson(type);
  const isMissing = text.trim() === "";
  if (isMissing && !isOptional) throw new AppError("INVALID_BODY", { message: "A JSON body is required." });
  c.set("bodyText", text);
  c.set("body", isMissing ? {} : parseJson(text));
  await next();
}

function requireJson(type: string): void {
  const [essence = "", ...parameters] = type
    .toLowerCase()
    .split(";")
    .map((part) => part.trim());
  if (!/^application\/(?:[\w.-]+\+)?json$/.test(essence)) {
    const sent = essence === "" ? "No content type was sent." : `Sent was ${essence.slice(0, 100)}.`;
    throw new AppError("UNSUPPORTED_MEDIA_TYPE", { detail: `Send content-type: application/json. ${sent}` });
  }
  const charset = parameters
    .find((part) => part.startsWith("charset="))
    ?.slice(8)
    .replaceAll('"', "");
  if (charset !== undefined && charset !== "utf-8" && charset !== "utf8") {
    const message = `unsupported charset "${charset.toUpperCase().slice(0, 40)}"`;
    throw new AppError("UNSUPPORTED_MEDIA_TYPE", { message, detail: "Send UTF-8." });
  }
}

/** The body, unpacked where it was sent packed; the limit counts what comes out. */
export function decompressed({ body, headers }: Request): ReadableStream<Uint8Array> | null {
  const encoding = headers.get("content-encoding")?.toLowerCase() ?? "identity";
  if (body === null || encoding === "identity") return body;
  if (encoding !== "gzip" && encoding !== "deflate") {
    const message = `unsupported content encoding "${encoding.slice(0, 40)}"`;
    throw new AppError("UNSUPPORTED_MEDIA_TYPE", { message, detail: "Send gzip, deflate or no encoding." });
  }
  return body.pipeThrough(new DecompressionStream(encoding));
}

const tooLarge = (most: number) => new AppError("BODY_TOO_LARGE", { detail: `At most ${most} bytes are taken.` });

/** A body as text, unpacked, and its size. */
export async function limitedText(request: Request, most: number): Promise<[text: string, bytes: number]> {
  if (Number(request.headers.get("content-length") ?? 0) > most) throw tooLarge(most);
  const content = decompressed(request);
  if (content === null) return ["", 0];
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  let bytes = 0;
  let text = "";
  try {
    for await (const chunk of content) {
      bytes += chunk.byteLength;
      if (bytes > most) throw tooLarge(most);
      text += decoder.decode(chunk, { stream: true });
    }
    return [text + decoder.decode(), bytes];
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError("INVALID_JSON", { detail: "The body is not valid UTF-8 or broke off.", cause: error });
  }
}

/** Parses what a client sent, within the bounds of what can be kept. */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const detail = error instanceof Error ? error.message.replaceAll(/"[^"]*"(?:\.\.\.)?/g, "…").slice(0, 200) : "";
    throw new AppError("INVALID_JSON", { detail });
  }
  if (typeof value !== "object" || value === null) {
    throw new AppError("INVALID_BODY", { message: "The body must be a JSON object or array." });
  }
  refuseUnstorable(value);
  return value;
}

/** Breadth first and without recursion: the depth itself may be the attack. */
function refuseUnstorable(root: unknown): void {
  let present = [root];
  for (let level = 1; present.length > 0; level += 1) {
    if (level > MOST_LEVELS) {
      throw new AppError("INVALID_BODY", { message: `The body is nested deeper than ${MOST_LEVELS} levels.` });
    }
    if (present.some((value) => value === Infinity || value === -Infinity)) {
      throw new AppError("INVALID_BODY", { message: "The body has a number that is too large to be kept." });
    }
    present = present.flatMap((value) => (typeof value === "object" && value !== null ? Object.values(value) : []));
  }
}
