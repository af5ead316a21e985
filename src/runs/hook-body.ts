import { AppError } from "../platform/errors.ts";
import { parseJson } from "../platform/http.ts";

/** A request's body as it came. */
export interface HookBody {
  readonly text: string;
  readonly type: string;
}

type Reading = (text: string) => unknown;

/** The kinds of bodies that hooks take. */
const kinds: readonly (readonly [pattern: RegExp, read: Reading])[] = [
  [/^application\/(?:[\w.+-]+\+)?json$/, objectOr],
  [/^application\/x-www-form-urlencoded$/, (text) => valuesOf(new URLSearchParams(text))],
  [/^text\/plain$/, textOrJson],
  [/^(?:text\/[\w.+-]+|application\/(?:[\w.+-]+\+)?xml)$/, (text) => ({ text })],
];

/** How a body of this type is read. */
export function readingOf(type: string | null): Reading {
  if (type === null) {
    const message = "Content-Type header is missing";
    throw new AppError("UNSUPPORTED_MEDIA_TYPE", { message, detail: "Say what the body is." });
  }
  const essence = type.toLowerCase().split(";", 1)[0]!.trim();
  const kind = kinds.find(([pattern]) => pattern.test(essence));
  if (kind === undefined) {
    const detail = "Send JSON, a form (application/x-www-form-urlencoded), text or XML.";
    throw new AppError("UNSUPPORTED_MEDIA_TYPE", { message: "The content type is not supported.", detail });
  }
  return kind[1];
}

/** The payload that a body makes. As in the original, whatever is no object counts as an empty one. */
export const payloadOf = (body: HookBody | undefined): unknown =>
  body === undefined ? {} : readingOf(body.type)(body.text);

function objectOr(text: string): unknown {
  if (/^\s*[[{]/.test(text)) return parseJson(text);
  if (text.trim() !== "") isJson(text);
  return {};
}

function isJson(text: string): void {
  try {
    JSON.parse(text);
  } catch {
    throw new AppError("INVALID_JSON");
  }
}

/** Senders that know no better send JSON as text. */
function textOrJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return { text };
  } catch {
    return { text };
  }
  return parseJson(text);
}

/** What a form or a query holds; a name that comes several times has a list. */
export function valuesOf(form: URLSearchParams): Record<string, string | string[]> {
  const names = [...new Set(form.keys())];
  return Object.fromEntries(
    names.map((name) => {
      const values = form.getAll(name);
      return [name, values.length === 1 ? values[0]! : values];
    }),
  );
}
