/** Of newer engines, and not in the compiler's library yet. */
interface Exact {
  parse(
    text: string,
    revive?: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): object;
  isRawJSON(value: unknown): value is { readonly rawJSON: string };
}

const exact = JSON as unknown as Exact;

/** Signs of a number that would not come out as it went in: many digits, an exponent, a zero at its end. */
const inexact = /[\d.]{16}|\d[eE][\d+-]|\.\d*0/;

/**
 * JSON whose numbers come out as they went in, also those that no double holds: `exactNumber` tells their text. Throws
 * for what is no JSON.
 */
export function parseExactly(text: string): unknown {
  if (!inexact.test(text)) return exact.parse(text);
  return exact.parse(text, (_, value, { source }) =>
    typeof value === "number" && source !== undefined && String(value) !== source ? exact.rawJSON(source) : value,
  );
}

/** The text of a number that JSON cannot hold otherwise; undefined for all else. */
export const exactNumber = (value: unknown): string | undefined => (exact.isRawJSON(value) ? value.rawJSON : undefined);
