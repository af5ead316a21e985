import { isRecord } from "../platform/shape.ts";

/** Puts one value over another as the original does: objects by key, arrays by position, all else as a whole. */
export function merged(base: unknown, over: unknown): unknown {
  if (over === undefined) return base;
  if (Array.isArray(base) && Array.isArray(over)) {
    const length = Math.max(base.length, over.length);
    return Array.from({ length }, (_, at) => merged(base[at], over[at]));
  }
  if (!isRecord(base) || !isRecord(over)) return over;
  const keys = new Set([...Object.keys(base), ...Object.keys(over)]);
  return Object.fromEntries([...keys].map((key) => [key, merged(ownIn(base, key), ownIn(over, key))]));
}

const ownIn = (of: Record<string, unknown>, key: string): unknown => (Object.hasOwn(of, key) ? of[key] : undefined);
