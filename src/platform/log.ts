import type { Config } from "./config.ts";

/** Ids, names and figures only: never a token, a payload or a bound parameter. */
export type LogFields = Record<string, string | number | boolean | null | undefined>;

/** One structured line per request, message and transition. */
export function logLine(config: Pick<Config, "LOG_LEVEL">, event: string, fields: LogFields): void {
  if (config.LOG_LEVEL === "info") console.log({ event, ...fields });
}

/** For what we did not expect: the names of the error and of its causes, and where it was thrown. */
export function logError(
  config: Pick<Config, "LOG_LEVEL">,
  event: string,
  error: unknown,
  fields: LogFields = {},
): void {
  if (config.LOG_LEVEL === "silent") return;
  console.error({ event, ...fields, ...describeError(error) });
}

function describeError(error: unknown): LogFields {
  if (!(error instanceof Error)) return { error: typeof error };
  // Drizzle's messages carry bound parameters, so of a chain only the innermost message is shown.
  let innermost: Error = error;
  while (innermost.cause instanceof Error) innermost = innermost.cause;
  return { error: error.name, cause: innermost.message.slice(0, 500), at: error.stack?.split("\n")[1]?.trim() };
}
