import type { Context as HonoContext, MiddlewareHandler } from "hono";

import { Database } from "../db/client.ts";
import { Usage } from "../db/usage.ts";
import type { Config } from "../platform/config.ts";
import { AppError, type ErrorCode } from "../platform/errors.ts";
import { errorResponses } from "../platform/http.ts";
import { can } from "./actor.ts";
import type { HttpEnv } from "./context.ts";
import { identify, tokenOf } from "./identify.ts";

/** Turns the bearer token into an actor and gives the request its context. */
export const authenticate: MiddlewareHandler<HttpEnv> = async (c, next) => {
  const config = c.get("config");
  const requestId = c.get("requestId");
  const defer = (promise: Promise<unknown>) => c.executionCtx.waitUntil(promise);
  const now = Date.now;
  const actor = await identify({ config, now, defer }, tokenOf(c.req.header("authorization")));
  const { DB, FLOW_OBJECT: objects, FLOW_CHORES: chores } = c.env;
  const usage = config.SERVER_TIMING === "true" ? new Usage() : undefined;
  const db = new Database(DB, bookmarkOf(c), usage);
  c.set("context", { actor, db, config, objects, chores, requestId, now, defer });
  await next();
  if (db.bookmark) c.res.headers.set(BOOKMARK, db.bookmark);
  if (usage !== undefined) c.res.headers.set("server-timing", usage.entry);
};

const BOOKMARK = "x-d1-bookmark";

/** Where the caller's view of the data begins: behind what it saw last; otherwise at any copy, to write at the original. */
function bookmarkOf(c: HonoContext<HttpEnv>): string {
  const sent = c.req.header(BOOKMARK);
  const reads = c.req.method === "GET" || c.req.method === "HEAD";
  if (sent === undefined) return reads ? "first-unconstrained" : "first-primary";
  // The primary is never behind a bookmark, and a write must not be judged by a copy that is behind.
  if (/^[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{32}$/.test(sent)) return reads ? sent : "first-primary";
  const detail = "Send the value of an earlier answer, or none.";
  throw new AppError("INVALID_PARAMETER", { message: `Invalid ${BOOKMARK} header`, parameter: BOOKMARK, detail });
}

/** What a route may ask for, by the name that it has unless a setting gives it another. */
const settingOf = {
  "flows.read": "FLOW_READ_PERMISSION",
  "flows.write": "FLOW_WRITE_PERMISSION",
  "flows.control": "FLOW_CONTROL_PERMISSION",
  "flows.bulk": "FLOW_BULK_PERMISSION",
  "secrets.secret.read": "SECRET_READ_PERMISSION",
  "secrets.secret.write": "SECRET_WRITE_PERMISSION",
  "templates.read": "TEMPLATE_READ_PERMISSION",
  "templates.write": "TEMPLATE_WRITE_PERMISSION",
  "apps.read": "APP_READ_PERMISSION",
  "apps.write": "APP_WRITE_PERMISSION",
  "plans.read": "PLAN_READ_PERMISSION",
  "plans.write": "PLAN_WRITE_PERMISSION",
  "executions.start": "EXECUTION_START_PERMISSION",
  "executions.read": "EXECUTION_READ_PERMISSION",
  "executions.control": "EXECUTION_CONTROL_PERMISSION",
  bridge: "BRIDGE_PERMISSION",
} as const satisfies Record<string, keyof Config>;
/** `all` is an admin's, and has no other name. */
export type Permission = keyof typeof settingOf | "all";

export function requirePermission({ actor, config }: HttpEnv["Variables"]["context"], permission: Permission): void {
  const name = permission === "all" ? "all" : config[settingOf[permission]];
  if (!can(actor, name)) throw new AppError("MISSING_PERMISSION", { detail: `Needed is ${name}.` });
}

/** The parts that every protected operation has: bearer token and permission. */
export function secured(permission: Permission, ...middleware: MiddlewareHandler<HttpEnv>[]) {
  const permit: MiddlewareHandler<HttpEnv> = async (c, next) => {
    requirePermission(c.get("context"), permission);
    await next();
  };
  return { security: [{ Bearer: [] }], "x-permission": permission, middleware: [permit, ...middleware] };
}

const ofEveryRoute = [
  "MISSING_AUTHORIZATION",
  "INVALID_AUTHORIZATION",
  "TOKEN_NOT_FOUND",
  "TOKEN_INVALID",
  "TOKEN_EXPIRED",
  "IDENTITY_UNAVAILABLE",
  "MISSING_PERMISSION",
  "ORIGIN_NOT_ALLOWED",
  "INTERNAL",
  "MISCONFIGURED",
  "STORAGE_UNAVAILABLE",
] as const;

/** Error responses of a protected operation: its own and those that every one has. */
export const refusals = (...codes: readonly ErrorCode[]): object => errorResponses(...ofEveryRoute, ...codes);
/** Errors of an operation that takes an Idempotency-Key. */
export const repeatErrors = [
  "INVALID_PARAMETER",
  "FLOW_NOT_FOUND",
  "REQUEST_UNDER_WAY",
  "IDEMPOTENCY_KEY_REUSED",
] as const;
/** Errors of an operation that reads a JSON body. */
export const bodyErrors = ["INVALID_JSON", "INVALID_BODY", "BODY_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"] as const;
