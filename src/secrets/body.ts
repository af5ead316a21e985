import type { Context as HonoContext, Next } from "hono";

import type { HttpEnv } from "../identity/context.ts";
import { AppError } from "../platform/errors.ts";
import { jsonBody } from "../platform/http.ts";

/** What the parser says of bad JSON quotes it, and it may be the secret. */
export async function secretBody(c: HonoContext<HttpEnv>, next: Next): Promise<void> {
  try {
    await jsonBody(c, () => Promise.resolve());
  } catch (error) {
    throw error instanceof AppError && error.code === "INVALID_JSON" ? new AppError("INVALID_JSON") : error;
  }
  await next();
}
