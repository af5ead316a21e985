import type { Context as HonoContext, MiddlewareHandler } from "hono";

import { configOf, type Config } from "./config.ts";
import { AppError } from "./errors.ts";
import { logLine } from "./log.ts";

interface RequestEnv {
  Bindings: Env;
  Variables: { requestId: string; config: Config };
}

const acceptable = /^[\w.:=+/-]{1,128}$/;
const headersOfEveryAnswer = Object.entries({
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "strict-transport-security": "max-age=31536000; includeSubDomains",
});

/** Request id in and out, headers of every answer, and the one log line of the request. */
export const everyRequest: MiddlewareHandler<RequestEnv> = async (c, next) => {
  const began = Date.now();
  const sent = c.req.header("x-request-id");
  const requestId = sent !== undefined && acceptable.test(sent) ? sent : crypto.randomUUID();
  c.set("requestId", requestId);
  await next();
  const headers = c.res.headers;
  headers.set("x-request-id", requestId);
  for (const [name, value] of headersOfEveryAnswer) headers.set(name, value);
  if (!headers.has("content-security-policy")) {
    headers.set("content-security-policy", "default-src 'none'; frame-ancestors 'none'");
  }
  if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
  logLine({ LOG_LEVEL: c.get("config")?.LOG_LEVEL ?? "info" }, "request", {
    requestId,
    method: c.req.method,
    path: c.req.path.slice(0, 200),
    status: c.res.status,
    actor: actorOf(c),
    ms: Date.now() - began,
  });
};

/** Makes the settings known to all that follows. */
export const settings: MiddlewareHandler<RequestEnv> = async (c, next) => {
  c.set("config", configOf(c.env));
  await next();
};

const actorOf = (c: HonoContext): string | undefined =>
  (c.get("context") as { actor?: { sub?: string } } | undefined)?.actor?.sub;

/** Lets browsers of listed origins in, with credentials; answers preflights; refuses any other origin plainly. */
export const crossOrigin: MiddlewareHandler<RequestEnv> = async (c, next) => {
  const origin = c.req.header("origin");
  const preflight = c.req.method === "OPTIONS";
  if (origin !== undefined) {
    const allowed = c.var.config.ORIGINWHITELIST.includes(origin) || origin === new URL(c.req.url).origin;
    if (!allowed) throw new AppError("ORIGIN_NOT_ALLOWED");
    c.header("access-control-allow-origin", origin);
    c.header("access-control-allow-credentials", "true");
    c.header(
      "access-control-expose-headers",
      "x-request-id, retry-after, etag, x-d1-bookmark, idempotency-replayed, server-timing",
    );
    c.header("vary", "Origin");
  }
  if (!preflight) return next();
  c.header("access-control-allow-methods", "GET,HEAD,PUT,PATCH,POST,DELETE");
  const asked = c.req.header("access-control-request-headers");
  if (asked !== undefined) c.header("access-control-allow-headers", asked);
  c.header("access-control-max-age", "600");
  return c.body(null, 204);
};
