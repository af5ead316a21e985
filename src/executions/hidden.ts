import { hideIn } from "../secrets/mask.ts";
import { isRecord } from "../platform/shape.ts";
import { MOST } from "./limits.ts";

/** What headers show of a secret, in the forms in which the other side may repeat it. */
export const shownBy = (authorization: Readonly<Record<string, string>>): string[] =>
  Object.values(authorization).flatMap((header) => {
    const word = header.replace(/^(?:Basic|Bearer) /, "");
    return header.startsWith("Basic ") ? [word, passphraseIn(word)] : [word];
  });

function passphraseIn(word: string): string {
  const pair = new TextDecoder().decode(Uint8Array.from(atob(word), (character) => character.charCodeAt(0)));
  return pair.slice(pair.indexOf(":") + 1);
}

/** An answer without what it repeats of a secret: the script may show it to anybody. What is too deep is refused later. */
export function hiddenIn(value: unknown, known: readonly string[], depth = 0): unknown {
  if (known.length === 0 || depth > MOST.depth) return value;
  if (typeof value === "string") return hideIn(value, known);
  if (Array.isArray(value)) return value.map((entry) => hiddenIn(entry, known, depth + 1));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [hideIn(key, known), hiddenIn(entry, known, depth + 1)]),
  );
}
