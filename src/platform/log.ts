import type { Config } from "./config.ts";

/** Ids, names and figures only: never a token, a payload or a bound parameter. */
export type LogFields = Record<string, string | number | boolean | null | undefined>;

/** One structured line per request, message and transition. As JSON text, since the console takes long over objects. */
export function logLine(config: Pick<Config, "LOG_LEVEL">, event: string, fields: LogFields): void {
  if (config.LOG_LEVEL === "info") console.log(JSON.stringify({ event, ...fields }));
}

/** For what we did not expect: the names of the error and of its causes, and where it was thrown. */
export function logError(
  config: Pick<Config, "LOG_LEVEL">,
  event: string,
  error: unknown,
  fields: LogFields = {},
): void {
  if (config.LOG_LEVEL === "silent") return;
  console.error(JSON.stringify({ event, ...fields, ...describeError(error) }));
}

function describeError(error: unknown): LogFields {
  if (error === undefined) return {};
  if (!(error instanceof Error)) return { error: typeof error };
  let innermost: Error = error;
  while (innermost.cause instanceof Error) innermost = innermost.cause;
  const at = error.stack?.split("\n").find((line) => /^\s+at /.test(line));
  return { error: error.name, cause: harmless(innermost.message), at: at?.trim() };
}

/** What others say of an error may quote a value: Drizzle its parameters, D1 what it could not bind, JSON.parse the text. */
const harmless = (message: string): string => message.split(/['"`\n]/, 1)[0]!.slice(0, 200);
