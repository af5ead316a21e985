import { isRecord } from "../platform/shape.ts";

/**
 * What MongoDB's extended JSON stands for (both forms, and that of older tools): ids as text, times as ISO text, numbers
 * as numbers. Only objects of exactly one such key with a value of its form are taken for it; any other `$` is the
 * author's own.
 */
export function plainOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainOf);
  if (!isRecord(value)) return value;
  const entries = Object.entries(value);
  const [first, ...others] = entries;
  if (first !== undefined && others.length === 0) {
    const plain = wrappers[first[0]]?.(first[1]);
    if (plain !== undefined) return plain;
  }
  return Object.fromEntries(entries.map(([key, entry]) => [key, plainOf(entry)]));
}

/** Milliseconds since 1970 of a time, as ISO text, as a number or in extended JSON; undefined if it is none. */
export function timeIn(value: unknown): number | undefined {
  const inner = isRecord(value) && Object.keys(value).length === 1 ? (value["$date"] ?? value) : value;
  const milliseconds =
    typeof inner === "string" ? ofIso(inner) : isRecord(inner) ? wholeNumber(inner["$numberLong"]) : inner;
  if (typeof milliseconds !== "number" || !Number.isInteger(milliseconds)) return undefined;
  return Math.abs(milliseconds) <= MOST_MILLISECONDS ? milliseconds : undefined;
}

/** The furthest that a Date can tell. */
const MOST_MILLISECONDS = 8.64e15;

const iso = /^([+-]\d{6}|\d{4})-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d))?$/;

function ofIso(text: string): number | undefined {
  if (!iso.test(text)) return undefined;
  const time = Date.parse(text.replace(/([+-]\d\d)(\d\d)$/, "$1:$2"));
  return Number.isNaN(time) ? undefined : Math.floor(time);
}

const wrappers: Readonly<Record<string, ((value: unknown) => unknown) | undefined>> = Object.assign(
  Object.create(null) as object,
  {
    $oid: (value: unknown) =>
      typeof value === "string" && /^[0-9a-fA-F]{24}$/.test(value) ? value.toLowerCase() : undefined,
    $date: (value: unknown) => {
      const time = timeIn({ $date: value });
      return time === undefined ? undefined : new Date(time).toISOString();
    },
    $numberInt: wholeNumber,
    $numberLong: wholeNumber,
    $numberDouble: number,
    $numberDecimal: number,
  },
);

/** More digits than a number can hold stay a text. */
function wholeNumber(value: unknown): number | string | undefined {
  if (typeof value !== "string" || !/^-?\d{1,19}$/.test(value)) return undefined;
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/** JSON has no word for what is no number or without end; the original told null. */
function number(value: unknown): number | string | null | undefined {
  if (typeof value !== "string") return undefined;
  if (/^(?:-?Infinity|NaN)$/.test(value)) return null;
  if (!/^-?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,4})?$/.test(value)) return undefined;
  return Number.isFinite(Number(value)) ? Number(value) : value;
}
