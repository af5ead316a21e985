import { RE2JS } from "re2js";

/** Instructions of a pattern's program: with the text's length they are what a comparison costs. */
const MOST_INSTRUCTIONS = 1000;
const MOST_CACHED = 200;

const cache = new Map<string, RE2JS>();

/** Why a text is no RE2 pattern, in a sentence for its author; undefined if it is one. */
export function faultOfPattern(pattern: string): string | undefined {
  try {
    const size = compiled(pattern).programSize();
    if (size <= MOST_INSTRUCTIONS) return undefined;
    return `The pattern is too large: it makes ${size} instructions, at most ${MOST_INSTRUCTIONS} are possible.`;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.replace(/^error parsing regexp: /, "") : "";
    return `Not an RE2 pattern (${why.slice(0, 100)}). Look-ahead, look-behind and back-references are not available.`;
  }
}

/** What it costs at most to compare a text with a pattern: steps of RE2, some ten million a second. */
export const costOf = (pattern: string, text: string): number => compiled(pattern).programSize() * (text.length + 1);

/** Whether the whole text meets the pattern. Throws if it is none: scripts are checked when they are stored. */
export const meets = (pattern: string, text: string): boolean => compiled(pattern).testExact(text);

/** A text with a replacement, taken as it is, in place of all that the pattern finds. */
export const replacedAll = (pattern: string, text: string, replacement: string): string =>
  compiled(pattern)
    .matcher(text)
    .replaceAll(() => replacement);

function compiled(pattern: string): RE2JS {
  const known = cache.get(pattern);
  const program = known ?? RE2JS.compile(pattern);
  if (known !== undefined) cache.delete(pattern);
  cache.set(pattern, program);
  if (cache.size > MOST_CACHED) cache.delete(cache.keys().next().value!);
  return program;
}
