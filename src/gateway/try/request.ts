import { AppError } from "../../platform/errors.ts";
import { asText } from "../../platform/text.ts";
import type { TryInput } from "./input.ts";

/** The request of a call that is tried, as a client would send it. */
export function requestOf({ method, path, query, headers: sent, body }: TryInput, origin: string): Request {
  const headers = new Headers(sent);
  // A dry run is answered in JSON: nothing can be upgraded.
  headers.delete("upgrade");
  headers.delete("content-length");
  const content = body === undefined ? undefined : new TextEncoder().encode(asText(body));
  if (content !== undefined) {
    if (/^(?:get|head)$/i.test(method)) throw invalid("body", `A ${method.toUpperCase()} has no body. Leave it out.`);
    headers.set("content-length", String(content.byteLength));
    if (!headers.has("content-type")) {
      headers.set("content-type", typeof body === "string" ? "text/plain; charset=utf-8" : "application/json");
    }
  }
  const address = `${origin}${path}${queryOf(query)}`;
  try {
    return new Request(address, { method, headers, ...(content === undefined ? {} : { body: content }) });
  } catch {
    throw invalid("method", "Such a request cannot be made. Use a method such as GET or POST.");
  }
}

function queryOf(query: TryInput["query"]): string {
  const pairs = Object.entries(query).flatMap(([name, value]) => [value].flat().map((one) => [name, one] as const));
  const text = pairs.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join("&");
  return text === "" ? "" : `?${text}`;
}

const invalid = (field: string, detail: string) => new AppError("INVALID_BODY", { pointer: `/${field}`, detail });
