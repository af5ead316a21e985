/** A value as text: text as it is, all else as JSON, nothing as the empty text. */
export const asText = (value: unknown): string =>
  typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
