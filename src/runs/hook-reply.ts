import type { Reply } from "./model.ts";

/** Headers that speak for the whole origin, for the connection, or for a body in another form than ours. */
const refused = new Set([
  "clear-site-data",
  "connection",
  "content-encoding",
  "content-length",
  "content-security-policy",
  "content-security-policy-report-only",
  "keep-alive",
  "service-worker-allowed",
  "set-cookie",
  "strict-transport-security",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "www-authenticate",
  "x-request-id",
]);

/** What a flow replies is its author's word on our origin: a browser shows it, and runs nothing of it. */
const policy = "default-src 'none'; sandbox; frame-ancestors 'none'";

const isBodyless = (status: number): boolean => status === 204 || status === 205 || status === 304;

/** The answer of a synchronous hook. */
export function responseOf({ status, headers, body }: Reply, runId: string): Response {
  const passed = Object.entries(headers).filter(([name]) => !refused.has(name.toLowerCase()));
  return new Response(isBodyless(status) ? null : body, {
    status,
    headers: { ...Object.fromEntries(passed), "content-security-policy": policy, "x-run-id": runId },
  });
}
