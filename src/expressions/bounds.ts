import { ExpressionError } from "./error.ts";
import { checkItems, checkText, type Meter } from "./guard.ts";
import { checkPicture, checkTimePicture } from "./picture.ts";

type Bound = (meter: Meter, ...args: unknown[]) => void;

/** What each built-in pays or refuses before it works. Those that are not here only pay for their arrays and texts. */
export const bounds: Readonly<Record<string, Bound>> = {
  string: (meter, value, pretty) => {
    const { nodes, depth } = meter.walk(value);
    if (pretty === true) checkText(nodes * depth * 2);
  },
  clone: perNode,
  distinct: perNode,
  spread: perNode,
  sort: (meter, items, comparator) => {
    if (Array.isArray(items) && comparator === undefined) meter.take((items.length * Math.log2(items.length + 1)) / 8);
  },
  substring: perCharacter,
  length: perCharacter,
  trim: perCharacter,
  lowercase: perCharacter,
  uppercase: perCharacter,
  contains: perCharacter,
  base64encode: perCharacter,
  base64decode: perCharacter,
  encodeUrl: perCharacter,
  encodeUrlComponent: perCharacter,
  decodeUrl: perCharacter,
  decodeUrlComponent: perCharacter,
  pad: (meter, text, width, filler) => {
    const size = Math.abs(Number(width)) * Math.max(1, lengthOf(filler));
    checkText(size);
    meter.take(size >>> 6);
    perCharacter(meter, text);
  },
  split: (meter, text, separator) => {
    perCharacter(meter, text);
    if (separator === "") checkItems(lengthOf(text));
    else if (typeof separator === "string") checkItems(occurrences(text, separator) + 1);
  },
  replace: (meter, text, pattern, replacement, limit) => {
    perCharacter(meter, text);
    if (typeof pattern !== "string" || pattern === "") return;
    const count = Math.min(occurrences(text, pattern), typeof limit === "number" ? limit : Infinity);
    meter.take(count >>> 4);
    checkText(lengthOf(text) + count * (lengthOf(replacement) - pattern.length));
  },
  join: (_meter, items, separator) => {
    if (!Array.isArray(items)) return;
    checkText(items.reduce((sum: number, item) => sum + lengthOf(item) + lengthOf(separator), 0));
  },
  zip: (meter, ...arrays) => {
    const items = arrays.map((array) => (Array.isArray(array) ? array.length : 0));
    meter.take((Math.min(...items) * (items.length + 4)) >>> 4);
  },
  merge: (meter, objects) => {
    for (const object of Array.isArray(objects) ? objects : []) perKey(meter, object);
  },
  keys: (meter, value) => {
    for (const object of Array.isArray(value) ? value : [value]) perKey(meter, object);
  },
  sift: perKey,
  each: perKey,
  formatNumber: (meter, _value, picture, options) => {
    meter.take(8);
    checkPicture(picture);
    for (const sign of Object.values(options ?? {})) checkPicture(sign);
  },
  formatInteger: (_meter, value, picture) => {
    checkPicture(picture);
    // Roman numerals are written one after the other, letter by letter.
    if (typeof picture === "string" && /^i/i.test(picture) && Math.abs(Number(value)) > 10_000) {
      throw new ExpressionError("EXPRESSION_TOO_LARGE", "A Roman numeral above 10000 is not available.");
    }
  },
  parseInteger: (_meter, text, picture) => {
    checkPicture(text);
    checkPicture(picture);
  },
  fromMillis: (_meter, _millis, picture) => checkTimePicture(picture),
  now: (_meter, picture) => checkTimePicture(picture),
  toMillis: (_meter, text, picture) => {
    checkPicture(text);
    checkTimePicture(picture, "parse");
  },
};

function perCharacter(meter: Meter, text: unknown): void {
  meter.take(lengthOf(text) >>> 6);
}

function perNode(meter: Meter, value: unknown): void {
  meter.take(meter.walk(value).nodes >>> 2);
}

function perKey(meter: Meter, object: unknown): void {
  if (typeof object === "object" && object !== null) meter.take(1 + (Object.keys(object).length >>> 3));
}

const lengthOf = (text: unknown) => (typeof text === "string" ? text.length : 0);

function occurrences(text: unknown, part: string): number {
  if (typeof text !== "string") return 0;
  let count = 0;
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + part.length)) count += 1;
  return count;
}
