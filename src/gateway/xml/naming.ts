import type { ConfigOf } from "../../apis/interceptors.ts";

/** How attributes, texts, lists and what has no name are called. */
export type Naming = Omit<ConfigOf<"jsonXml">, "to">;

/** Elements, or objects and lists, within one another. */
export const MOST_DEPTH = 100;
/** Elements and attributes, or values of JSON. */
export const MOST_NODES = 100_000;

const start =
  "A-Z_a-z\\u{C0}-\\u{D6}\\u{D8}-\\u{F6}\\u{F8}-\\u{2FF}\\u{370}-\\u{37D}\\u{37F}-\\u{1FFF}\\u{200C}\\u{200D}" +
  "\\u{2070}-\\u{218F}\\u{2C00}-\\u{2FEF}\\u{3001}-\\u{D7FF}\\u{F900}-\\u{FDCF}\\u{FDF0}-\\u{FFFD}\\u{10000}-\\u{EFFFF}";
const part = `[${start}][${start}\\-.0-9\\u{B7}\\u{300}-\\u{36F}\\u{203F}\\u{2040}]*`;
const xmlName = new RegExp(`^${part}(?::${part})?$`, "u");

/** Whether something can be the name of an element or an attribute: with at most one prefix. */
export const isXmlName = (name: string): boolean => xmlName.test(name);
