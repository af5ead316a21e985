/** Names whose values are nobody's business: whole words, however they are joined. */
const secretNames =
  /(?:^|[-_.\s])(?:password|passwd|pwd|passphrase|secret|token|api[-_]?key|apikey|authorization|cookie|set-cookie|credential|credentials|private[-_]?key|access[-_]?key|client[-_]?secret|signature|x-hmac)(?:$|[-_.\s])/i;

export const MASKED = "[masked]";
/** In the place of a message of which nothing may be shown. */
export const MASKED_JSON = JSON.stringify(MASKED);

/** camelCase is read as words too. */
export const isSecretName = (name: string): boolean => secretNames.test(name.replaceAll(/([a-z0-9])([A-Z])/g, "$1-$2"));

/** The shortest secret value that is looked for in texts; shorter ones would stain everything. */
const SHORTEST = 6;

const isLong = (value: string): boolean => value.length >= SHORTEST;

/** A text without known secret values; the longest go first, for one may stand in another. */
export function hideIn(text: string, known: readonly string[]): string {
  const values = known.filter(isLong).toSorted((one, other) => other.length - one.length);
  return values.reduce((told, secret) => told.replaceAll(secret, MASKED), text);
}

const nobody: ReadonlySet<string> = new Set();

/**
 * Masks JSON text: values of fields that are named like secrets or are marked, and the values of known secrets wherever
 * they stand.
 */
export function maskJson(text: string, known: readonly string[] = [], marked: ReadonlySet<string> = nobody): string {
  const long = new Set(known.filter(isLong));
  const masked = (value: unknown, name: string): unknown => {
    if (name !== "" && value !== null && typeof value !== "boolean" && isSecretName(name)) return MASKED;
    if (marked.has(name)) return MASKED;
    if (typeof value === "string") return hideIn(value, known);
    if (typeof value === "number") return long.has(String(value)) ? MASKED : value;
    if (Array.isArray(value)) return value.map((entry) => masked(entry, ""));
    if (typeof value === "object" && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([key, entry]) => [hideIn(key, known), masked(entry, key)]));
    }
    return value;
  };
  return JSON.stringify(masked(JSON.parse(text), ""));
}
