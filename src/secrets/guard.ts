import type { Context as HonoContext, MiddlewareHandler, Next } from "hono";

import { can } from "../identity/actor.ts";
import type { HttpEnv } from "../identity/context.ts";
import { AppError } from "../platform/errors.ts";
import { jsonBody } from "../platform/http.ts";

const settingOf = {
  "secrets.secret.read": "SECRET_READ_PERMISSION",
  "secrets.secret.write": "SECRET_WRITE_PERMISSION",
} as const;

/** Bearer token and permission; the names of the permissions are settings. */
export function guarded(permission: keyof typeof settingOf, ...middleware: MiddlewareHandler<HttpEnv>[]) {
  const permit: MiddlewareHandler<HttpEnv> = async (c, next) => {
    const { actor, config } = c.get("context");
    const name = config[settingOf[permission]];
    if (!can(actor, name)) throw new AppError("MISSING_PERMISSION", { detail: `Needed is ${name}.` });
    await next();
  };
  return { security: [{ Bearer: [] }], "x-permission": permission, middleware: [permit, ...middleware] };
}

/** What the parser says of bad JSON quotes it, and it may be the secret. */
export async function secretBody(c: HonoContext<HttpEnv>, next: Next): Promise<void> {
  try {
    await jsonBody(c, () => Promise.resolve());
  } catch (error) {
    throw error instanceof AppError && error.code === "INVALID_JSON" ? new AppError("INVALID_JSON") : error;
  }
  await next();
}
