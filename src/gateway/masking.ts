import { asText } from "../platform/text.ts";
import { exactNumber } from "./exact-json.ts";
import { InterceptorFault } from "./refusal.ts";

export interface Masking {
  readonly keepFirst: number;
  readonly keepLast: number;
  readonly sign: string;
}

/** Levels of a value that is masked as a whole. */
const MOST_LEVELS = 300;

/** Each character as the sign, save those at the ends; a text that has no more than those is masked as a whole. */
export function maskText(text: string, { keepFirst, keepLast, sign }: Masking): string {
  const characters = Array.from(text);
  const hidden = characters.length - keepFirst - keepLast;
  if (hidden <= 0) return sign.repeat(characters.length);
  const last = keepFirst + hidden;
  return characters.slice(0, keepFirst).join("") + sign.repeat(hidden) + characters.slice(last).join("");
}

/** A value of JSON as masked text; of an object or a list, all values that stand in it. Nothing stays nothing. */
export function maskValue(value: unknown, masking: Masking, level = 0): unknown {
  if (value === null || value === undefined) return value;
  const number = exactNumber(value);
  if (number !== undefined) return maskText(number, masking);
  if (typeof value !== "object") return maskText(asText(value), masking);
  if (level === MOST_LEVELS) throw new InterceptorFault(`A value is nested more than ${MOST_LEVELS} levels deep.`);
  const below = (item: unknown): unknown => maskValue(item, masking, level + 1);
  if (Array.isArray(value)) return value.map(below);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, below(item)]));
}
