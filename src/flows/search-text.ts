import type { FlowDocument } from "./model.ts";

/** Stands between name and description. */
export const SEARCH_SEPARATOR = "\u001f";
const MOST_SEARCHED = 100_000;

/** A form in which substrings can be compared whatever the case, in any script: lower first, since only that folds ẞ. */
export const foldForSearch = (text: string): string => text.normalize("NFKC").toLowerCase().toUpperCase();

/** What a search looks through: the beginning of name and description, folded. */
export const searchTextOf = ({ name, description }: FlowDocument): string =>
  foldForSearch(
    [name, description].map((text) => (text ?? "").replaceAll(SEARCH_SEPARATOR, " ")).join(SEARCH_SEPARATOR),
  ).slice(0, MOST_SEARCHED);
