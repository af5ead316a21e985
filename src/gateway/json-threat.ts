import type { ConfigOf } from "../apis/interceptors.ts";

export type JsonLimits = ConfigOf<"jsonThreat">;

/** Why JSON is refused, and at which character, counted from 1. Tells nothing of what stands there. */
export interface JsonFinding {
  readonly limit: keyof JsonLimits | undefined;
  readonly at: number;
}

class Found extends Error {
  readonly finding: JsonFinding;
  constructor(finding: JsonFinding) {
    super();
    this.finding = finding;
  }
}

/**
 * Reads JSON (RFC 8259) character by character and makes nothing of it, so that neither depth nor size costs more than
 * its characters. Undefined: it is JSON, and within all limits.
 */
export function jsonFinding(text: string, limits: JsonLimits): JsonFinding | undefined {
  try {
    new Scan(text, limits).document();
    return undefined;
  } catch (found) {
    if (found instanceof Found) return found.finding;
    throw found;
  }
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const word = /true|false|null/y;

class Scan {
  readonly #text: string;
  readonly #limits: JsonLimits;
  #at = 0;
  /** What is open: twice the number of its entries or items so far, and one more if it is an object. */
  readonly #open: number[] = [];

  constructor(text: string, limits: JsonLimits) {
    this.#text = text;
    this.#limits = limits;
  }

  document(): void {
    this.#value();
    while (this.#open.length > 0) this.#within();
    this.#space();
    if (this.#at < this.#text.length) throw this.#found(undefined);
  }

  /** A value, or no more than the sign that opens it. */
  #value(): void {
    const code = this.#space();
    if (code === OPEN_OBJECT) return this.#enter(1, CLOSE_OBJECT);
    if (code === OPEN_LIST) return this.#enter(0, CLOSE_LIST);
    if (code === QUOTE) return this.#string("maxValueLength");
    const pattern = code === 0x74 || code === 0x66 || code === 0x6e ? word : number;
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text)) throw this.#found(undefined);
    this.#at = pattern.lastIndex;
    return undefined;
  }

  #enter(kind: 0 | 1, close: number): void {
    if (above(this.#open.length + 1, this.#limits.maxDepth)) throw this.#found("maxDepth");
    this.#at += 1;
    if (this.#space() === close) this.#at += 1;
    else this.#open.push(kind);
  }

  #entry(): void {
    if (this.#space() !== QUOTE) throw this.#found(undefined);
    this.#string("maxNameLength");
    if (this.#space() !== COLON) throw this.#found(undefined);
    this.#at += 1;
    return this.#value();
  }

  /** The next of what is open, or its end. Not called from within a value, so that depth needs no stack. */
  #within(): void {
    const last = this.#open.length - 1;
    const held = this.#open[last]!;
    const isObject = (held & 1) === 1;
    const code = this.#space();
    if (held > 1) {
      if (code === (isObject ? CLOSE_OBJECT : CLOSE_LIST)) {
        this.#at += 1;
        this.#open.pop();
        return;
      }
      if (code !== COMMA) throw this.#found(undefined);
    }
    const limit = isObject ? "maxEntries" : "maxItems";
    if (above((held >> 1) + 1, this.#limits[limit])) throw this.#found(limit);
    if (held > 1) this.#at += 1;
    this.#open[last] = held + 2;
    if (isObject) this.#entry();
    else this.#value();
  }

  #string(limit: "maxNameLength" | "maxValueLength"): void {
    const most = this.#limits[limit];
    const began = this.#at;
    let length = 0;
    for (let at = began + 1; ; at += 1) {
      const code = this.#text.charCodeAt(at);
      if (code === QUOTE) {
        this.#at = at + 1;
        return;
      }
      // Also what comes behind the end, which is not a number.
      if (!(code >= 0x20)) throw new Found({ limit: undefined, at: at + 1 });
      if (code === BACKSLASH) at = this.#escape(at);
      length += 1;
      if (above(length, most)) throw new Found({ limit, at: began + 1 });
    }
  }

  /** Where an escape ends that begins at a place. */
  #escape(at: number): number {
    const sign = this.#text.charAt(at + 1);
    if (sign !== "" && '"\\/bfnrt'.includes(sign)) return at + 1;
    if (sign === "u" && /^[0-9a-fA-F]{4}$/.test(this.#text.slice(at + 2, at + 6))) return at + 5;
    throw new Found({ limit: undefined, at: at + 1 });
  }

  /** Past spaces; the character that follows. */
  #space(): number {
    for (; ; this.#at += 1) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return code;
    }
  }

  #found(limit: keyof JsonLimits | undefined): Found {
    return new Found({ limit, at: this.#at + 1 });
  }
}

const above = (count: number, most: number): boolean => most >= 0 && count > most;
