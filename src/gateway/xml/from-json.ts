import { asText } from "../../platform/text.ts";
import { exactNumber } from "../exact-json.ts";
import { isXmlName, MOST_DEPTH, MOST_NODES, type Naming } from "./naming.ts";

/** Why JSON cannot be XML. Tells nothing of what stands in it. */
export class NoXml extends Error {
  override readonly name = "NoXml";
}

/** JSON as XML: the way back of xmlToJson. Throws NoXml. */
export function jsonToXml(value: unknown, naming: Naming): string {
  const writer = new Writer(naming);
  const only = onlyEntry(value, naming);
  if (only === undefined) writer.element(naming.root, Array.isArray(value) ? { [naming.item]: value } : value, 1);
  else writer.element(only[0], only[1], 1);
  return `<?xml version="1.0" encoding="UTF-8"?>${writer.parts.join("")}`;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && exactNumber(value) === undefined;

/** The one key that can be the root. */
function onlyEntry(value: unknown, { attributePrefix, textKey }: Naming): readonly [string, unknown] | undefined {
  if (!isObject(value)) return undefined;
  const entries = Object.entries(value);
  const [first] = entries;
  if (first === undefined || entries.length > 1 || Array.isArray(first[1])) return undefined;
  return first[0] === textKey || first[0].startsWith(attributePrefix) ? undefined : first;
}

class Writer {
  readonly parts: string[] = [];
  readonly #naming: Naming;
  #nodes = 0;

  constructor(naming: Naming) {
    this.#naming = naming;
  }

  element(name: string, value: unknown, depth: number): void {
    this.#count();
    if (depth > MOST_DEPTH) throw new NoXml(`It is deeper than ${MOST_DEPTH} objects and lists.`);
    if (!isXmlName(name)) throw new NoXml("A key is no name of XML.");
    this.parts.push(`<${name}`);
    if (isObject(value)) this.#fill(value, depth);
    else if (Array.isArray(value)) this.#fill({ [this.#naming.item]: value }, depth);
    else this.parts.push(">", textOf(value));
    this.parts.push(`</${name}>`);
  }

  #fill(value: Record<string, unknown>, depth: number): void {
    const { attributePrefix, textKey } = this.#naming;
    const entries = Object.entries(value);
    const isAttribute = (key: string): boolean =>
      key !== textKey && key.startsWith(attributePrefix) && key.length > attributePrefix.length;
    for (const [key, held] of entries) if (isAttribute(key)) this.#attribute(key.slice(attributePrefix.length), held);
    this.parts.push(">");
    for (const [key, held] of entries) {
      if (isAttribute(key)) continue;
      if (key === textKey) this.#text(held);
      else if (Array.isArray(held)) for (const item of held) this.element(key, item, depth + 1);
      else this.element(key, held, depth + 1);
    }
  }

  #attribute(name: string, value: unknown): void {
    this.#count();
    if (!isXmlName(name)) throw new NoXml("A key is no name of XML.");
    this.parts.push(` ${name}="${escaped(scalar(value), inAttribute)}"`);
  }

  #text(value: unknown): void {
    this.#count();
    this.parts.push(textOf(value));
  }

  #count(): void {
    this.#nodes += 1;
    if (this.#nodes > MOST_NODES) throw new NoXml(`It has more than ${MOST_NODES} values.`);
  }
}

/** Nothing is no text. */
function scalar(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value !== "object") return asText(value);
  const number = exactNumber(value);
  if (number === undefined) throw new NoXml("An attribute or a text is an object or a list.");
  return number;
}

const textOf = (value: unknown): string => escaped(scalar(value), inText);

const inText = /[&<>\r]/g;
const inAttribute = /[&<>"\t\n\r]/g;
/** Characters that XML has no way to write. */
// oxlint-disable-next-line no-control-regex
const impossible = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

const escapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function escaped(text: string, signs: RegExp): string {
  if (impossible.test(text) || !text.isWellFormed()) throw new NoXml("A text holds a character that XML cannot hold.");
  return text.replace(signs, (sign) => escapes[sign] ?? `&#${sign.charCodeAt(0)};`);
}
