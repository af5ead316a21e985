import { MatcherInput, RE2JS } from "re2js";
import { ExpressionError } from "./error.ts";
import { LIMITS, type Meter } from "./guard.ts";

/** What jsonata needs of a regular expression. */
interface Engine {
  lastIndex: number;
  exec(text: string): (RegExpExecArray | MatchArray) | null;
}

type MatchArray = (string | undefined)[] & { index: number };

/** Refuses a pattern that RE2, whose time is linear, does not know, or that is too large for it. */
export function checkPattern(pattern: RegExp): void {
  if (roughSize(pattern.source) > LIMITS.pattern) {
    throw invalid(pattern, `is too large: its repetitions make more than ${LIMITS.pattern} parts.`);
  }
  try {
    compiled(pattern);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.replace(/^error parsing regexp: /, "") : "";
    const known = "Look-ahead, look-behind and back-references are not available.";
    throw invalid(pattern, `is not supported (${why.slice(0, 100)}). ${known}`);
  }
}

/** The class that jsonata makes matchers of: each pays for the characters it reads with the steps of its evaluation. */
export function regexEngine(meter: Meter): new (pattern: RegExp) => Engine {
  const programs = new Map<RegExp, RE2JS>();
  return class implements Engine {
    lastIndex = 0;
    readonly #program: RE2JS;

    constructor(pattern: RegExp) {
      let program = programs.get(pattern);
      if (program === undefined) {
        program = compiled(pattern);
        meter.take(50 + program.programSize());
        programs.set(pattern, program);
      }
      this.#program = program;
    }

    exec(text: string): MatchArray | null {
      if (this.lastIndex > text.length) return null;
      const share = ((1 + this.#program.programSize() / 4) * (1 + this.#program.groupCount() / 8)) / 50;
      meter.take(8);
      const input = new CountedText(text, meter.left / share);
      const matcher = this.#program.matcher(MatcherInput.utf16(input));
      const found = matcher.find(this.lastIndex);
      const groups: (string | undefined)[] = [];
      if (found) for (let group = 0; group <= matcher.groupCount(); group += 1) groups.push(part(text, matcher, group));
      meter.take(input.reads * share);
      if (!found) return null;
      this.lastIndex = matcher.end();
      return Object.assign(groups, { index: matcher.start() });
    }
  };
}

/** A text that counts how often RE2 reads a character of it, and stops it when the evaluation can pay no more. */
class CountedText {
  reads = 0;
  readonly length: number;
  readonly #text: string;
  readonly #limit: number;

  constructor(text: string, limit: number) {
    this.#text = text;
    this.#limit = limit;
    this.length = text.length;
  }

  /** RE2 takes what calls itself a String. */
  get [Symbol.toStringTag](): string {
    return "String";
  }

  charCodeAt(index: number): number {
    this.#read(1);
    return this.#text.charCodeAt(index);
  }

  codePointAt(index: number): number | undefined {
    this.#read(1);
    return this.#text.codePointAt(index);
  }

  indexOf(prefix: string, from: number): number {
    const index = this.#text.indexOf(prefix, from);
    this.#read(1 + (((index === -1 ? this.length : index) - from) >>> 4));
    return index;
  }

  substring(start: number, end?: number): string {
    return this.#text.substring(start, end);
  }

  toString(): string {
    return this.#text;
  }

  #read(characters: number): void {
    this.reads += characters;
    if (this.reads <= this.#limit) return;
    throw new ExpressionError(
      "EXPRESSION_STEPS",
      `A regular expression needs more than the ${LIMITS.steps} steps of an evaluation. Search in less text.`,
    );
  }
}

function part(text: string, matcher: { start(group: number): number; end(group: number): number }, group: number) {
  const start = matcher.start(group);
  return start < 0 ? undefined : text.slice(start, matcher.end(group));
}

function compiled(pattern: RegExp): RE2JS {
  const flags = (pattern.ignoreCase ? RE2JS.CASE_INSENSITIVE : 0) | (pattern.multiline ? RE2JS.MULTILINE : 0);
  return RE2JS.compile(RE2JS.translateRegExp(pattern.source), flags);
}

/** Parts of a pattern with its repetitions written out, from above, so that RE2 never compiles a huge one. */
function roughSize(source: string): number {
  const open: number[] = [0];
  let last = 1;
  const tokens = source.matchAll(/\\.|\[(?:\\.|[^\]\\])*\]|\((?:\?[^)]*?[:>=!])?|\)|\{(\d+)(?:,(\d*))?\}|[\s\S]/g);
  for (const [token, least, most] of tokens) {
    if (token.startsWith("(")) {
      open.push(0);
      continue;
    }
    if (token === ")" && open.length > 1) last = open.pop()! + 2;
    else if (least === undefined) last = 1;
    else last *= Math.max(Number(least), Number(most || 0), 1) - 1;
    open[open.length - 1]! += last;
  }
  return open.reduce((sum, size) => sum + size, 0);
}

const invalid = (pattern: RegExp, why: string) =>
  new ExpressionError("EXPRESSION_INVALID", `The regular expression /${pattern.source.slice(0, 60)}/ ${why}`);
