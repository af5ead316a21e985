/** Ids, names and figures only: never a token, an address with a password, or a payload. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Log {
  info(event: string, fields?: LogFields): void;
  error(event: string, error: unknown, fields?: LogFields): void;
}

const line = (level: "info" | "error", event: string, fields: LogFields): string =>
  JSON.stringify({ time: new Date().toISOString(), level, event, ...fields });

/** One line of JSON for each thing that happened. */
export function logAs(level: "info" | "error" | "silent"): Log {
  return {
    info: (event, fields = {}) => {
      if (level === "info") console.log(line("info", event, fields));
    },
    error: (event, error, fields = {}) => {
      if (level !== "silent") console.error(line("error", event, { ...fields, error: wordsOf(error) }));
    },
  };
}

/** What an error says. Addresses lose what may be a password. */
export function wordsOf(error: unknown): string {
  const told = error instanceof Error ? messageOf(error) : String(error);
  return told.replaceAll(/\/\/[^/\s]*@/g, "//…@").slice(0, 300);
}

function messageOf(error: Error): string {
  const { code } = error as { code?: unknown };
  const cause = error.cause instanceof Error ? `: ${wordsOf(error.cause)}` : "";
  return `${error.message === "" && typeof code === "string" ? code : error.message}${cause}`;
}
