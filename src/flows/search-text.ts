import { isHexId } from "../platform/ids.ts";
import type { FlowDocument } from "./model.ts";

/** Stands between the marks, the name and the description. */
export const SEARCH_SEPARATOR = "\u001f";
const MOST_SEARCHED = 100_000;

/** A form in which substrings can be compared whatever the case, in any script: lower first, since only that folds ẞ. */
export const foldForSearch = (text: string): string => text.normalize("NFKC").toLowerCase().toUpperCase();

/** Characters that stand for marks, and the one that ends a text in the database. */
const unkept = /[\0\u{F0000}-\u{10FFFF}]/gu;

/** What is searched for, in the form in which texts are kept for it. */
export const foldTerm = (term: string): string => foldForSearch(term.trim().replaceAll(unkept, "\ufffd"));

export type Facet = "home" | "type" | "fromTemplate" | "componentId" | "credentials_id";

/**
 * Stands for a value in the search index, which knows nothing but runs of three characters: a hash of 45 bits as three
 * characters of private use, each from a range of its own. Migration 0002 computes the same.
 */
export function markOf(facet: Facet, value: string): string {
  let hash = 7;
  const told = `${facet}:${isHexId(value) ? value.toLowerCase() : value}`;
  for (const character of told) hash = (hash * 31 + character.codePointAt(0)!) % 2 ** 45;
  return String.fromCodePoint(
    0xf0000 + Math.floor(hash / 2 ** 30),
    0xf8000 + (Math.floor(hash / 2 ** 15) % 2 ** 15),
    0x100000 + (hash % 2 ** 15),
  );
}

/** Of a type the first 200 characters count. */
export const typeOf = (type: string): string => Array.from(type).slice(0, 200).join("");

const marksOf = (document: FlowDocument, home: string | null): Set<string> => {
  const facets: [Facet, string | null | undefined][] = [
    ["home", home],
    ["type", document.type === null || document.type === undefined ? null : typeOf(document.type)],
    ["fromTemplate", document.fromTemplate],
    ...document.graph.nodes.flatMap((node): [Facet, string | null | undefined][] => [
      ["componentId", node.componentId],
      ["credentials_id", node.credentials_id],
    ]),
  ];
  return new Set(
    facets.flatMap(([facet, value]) => (value === null || value === undefined ? [] : [markOf(facet, value)])),
  );
};

/** What a search looks through: marks of the flow's facets, then the beginning of name and description, folded. */
export function searchTextOf(document: FlowDocument, home: string | null): string {
  const told = [document.name, document.description].map((text) =>
    (text ?? "").replaceAll(SEARCH_SEPARATOR, " ").replaceAll(unkept, "\ufffd"),
  );
  const folded = foldForSearch(told.join(SEARCH_SEPARATOR)).slice(0, MOST_SEARCHED);
  return [...marksOf(document, home)].join("") + SEARCH_SEPARATOR + folded;
}
