import type { Reply } from "./model.ts";

/** Headers that speak of the reply itself. All others speak for the whole origin, the connection, or us. */
const allowed = new Set([
  "cache-control",
  "content-disposition",
  "content-language",
  "content-type",
  "etag",
  "expires",
  "last-modified",
  "link",
  "location",
  "retry-after",
  "vary",
]);

/** Of the author's own, `x-…`, those that are ours, a browser's or a proxy's. */
const reserved =
  /^x-(?:request-id|run-id|frame-options|content-type-options|xss-protection|forwarded(?:-.*)?|accel-.*|dns-prefetch-control|permitted-cross-domain-policies)$/;

/** What a flow may set, for its author. */
export const ALLOWED_HEADERS = `${[...allowed].join(", ")} and x-* of its own; location goes with 201 and 3xx alone, values are printable ASCII`;

/** Whether a header goes out with a flow's reply. The name is in small letters. */
export function isReplied(name: string, value: string, status: number): boolean {
  if (!allowed.has(name) && (!/^x-[\w-]{1,62}$/.test(name) || reserved.test(name))) return false;
  if (name === "location" && status !== 201 && (status < 300 || status > 399)) return false;
  // What is more than ASCII the runtime would write to its own log.
  return /^[\t\x20-\x7e]*$/.test(value);
}

/** What a flow replies is its author's word on our origin: a browser shows it, and runs nothing of it. */
const policy = "default-src 'none'; sandbox; frame-ancestors 'none'";

const isBodyless = (status: number): boolean => status === 204 || status === 205 || status === 304;

/** The answer of a synchronous hook. */
export function responseOf({ status, headers, body }: Reply, runId: string): Response {
  const passed = Object.entries(headers).filter(([name, value]) => isReplied(name.toLowerCase(), value, status));
  return new Response(isBodyless(status) ? null : body, {
    status,
    headers: { ...Object.fromEntries(passed), "content-security-policy": policy, "x-run-id": runId },
  });
}
