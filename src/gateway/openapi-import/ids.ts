import { shortHashOf } from "../../platform/ids.ts";

/** What an id is made from. */
export interface Claim {
  /** What the document calls it, if anything. */
  readonly wanted?: string | undefined;
  readonly slug: string;
  /** No other claim has it. */
  readonly key: string;
}

const MOST_SLUG = 80;
const usable = /^[A-Za-z][\w.-]{0,99}$/;

/**
 * An id for each claim: what is wanted, if one alone wants it and it can be an id; else the slug, and where it is not
 * free, with a hash of the key. The order says nothing, so no id goes to another path when a document is sorted.
 */
export function idsOf(claims: readonly Claim[]): string[] {
  const wanted = countOf(claims.map((claim) => claim.wanted));
  const given = claims.map((claim) => (isUsable(claim.wanted) && wanted.get(claim.wanted) === 1 ? claim.wanted : ""));
  const slugs = countOf(claims.map(({ slug }, index) => (given[index] === "" ? slug : undefined)));
  const taken = new Set(given);
  const free = claims.map(({ slug }) => slugs.get(slug) === 1 && !taken.has(slug) && isUsable(slug));
  for (const [index, { slug }] of claims.entries()) if (given[index] === "" && free[index]) taken.add(slug);
  return claims.map(({ slug, key }, index) => {
    const id = given[index] || (free[index] ? slug : unlike(taken, `${slug}-${hashOf(key)}`));
    taken.add(id);
    return id;
  });
}

/** Small letters, digits and `-`, a letter first. */
export function slugOf(text: string): string {
  const words = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, MOST_SLUG)
    .replaceAll(/^-+|-+$/g, "");
  if (words === "") return "api";
  return /^[a-z]/.test(words) ? words : `n-${words}`;
}

/** `All` is the name of a scope, and an object has `constructor` by birth. */
const isUsable = (id: string | undefined): id is string =>
  id !== undefined && usable.test(id) && !/^all$/i.test(id) && !(id in Object.prototype);

function countOf(words: readonly (string | undefined)[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) if (word !== undefined) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

function unlike(taken: ReadonlySet<string>, id: string): string {
  let free = id;
  for (let next = 2; taken.has(free); next += 1) free = `${id}-${next}`;
  return free;
}

/** Whoever makes two alike gets a number behind the second. */
const hashOf = (text: string): string => shortHashOf(text).toString(16).padStart(8, "0");
