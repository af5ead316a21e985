import { asText } from "../platform/text.ts";
import type { HttpAnswer } from "./call.ts";

export const bodyTypes = ["json", "form", "text"] as const;
export type BodyType = (typeof bodyTypes)[number];

const mimes: Record<BodyType, string> = {
  json: "application/json",
  form: "application/x-www-form-urlencoded",
  text: "text/plain; charset=utf-8",
};

/** An address with further query parameters; undefined if the text is none. A list stands for several parameters. */
export function addressWith(text: string, query: Readonly<Record<string, unknown>>): string | undefined {
  const url = URL.parse(text);
  if (url === null) return undefined;
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (one !== undefined && one !== null) url.searchParams.append(name, asText(one));
    }
  }
  return url.href;
}

/** A value as a body of a type, and what that type is called; undefined for a form of what is no object. */
export function bodyAs(value: unknown, type: BodyType): { text: string; mime: string } | undefined {
  const mime = mimes[type];
  if (type === "json") return { text: JSON.stringify(value), mime };
  if (type === "text") return { text: asText(value), mime };
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const entries = Object.entries(value).map(([name, one]): [string, string] => [name, asText(one)]);
  return { text: new URLSearchParams(entries).toString(), mime };
}

/** What an answer says: JSON where it says so, else its text; null for nothing. Undefined if it says JSON and is none. */
export function payloadIn({ text, headers }: Pick<HttpAnswer, "text" | "headers">): unknown {
  if (text === "") return null;
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(headers["content-type"] ?? "")) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
