/** An object of a document, to be read by `own` alone: its keys are the sender's words, `__proto__` among them. */
export type Plain = { readonly [key: string]: unknown };

export const isPlain = (value: unknown): value is Plain =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const own = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, key) ? (value as Plain)[key] : undefined;

/** A text of one or more characters, cut to so many. */
export function textAt(value: unknown, key: string, most: number): string | undefined {
  const text = own(value, key);
  const cut = typeof text === "string" ? text.slice(0, most).trim().toWellFormed() : "";
  return cut === "" ? undefined : cut;
}
