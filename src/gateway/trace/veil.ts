import { credential } from "../../connectors/headers.ts";
import { costOf, replacedAll } from "../../expressions/pattern.ts";
import { hideIn, isSecretName, MASKED, maskJson } from "../../secrets/mask.ts";
import { replaceAt } from "../json-paths.ts";
import type { Collected } from "./collect.ts";
import type { Hiding } from "./hiding.ts";

/** Steps of RE2 that the patterns of one trace may take: some tenths of a second. */
const MOST_STEPS = 4_000_000;
const NOT_WRITTEN = "[not written]";
/** The shortest piece of a hidden header's value that is looked for by itself. */
const SHORTEST_PIECE = 12;
export const MOST_VALUE = 1000;
/** Characters of a body that are written. */
export const MOST_BODY = 64 * 1024;

export const cut = (text: string, most = MOST_VALUE): string => (text.length > most ? `${text.slice(0, most)}…` : text);

/** Characters of a body that is no JSON in which is searched, and the longest finding of which none would be left. */
const MOST_SEARCHED = 2 * MOST_BODY;
const LONGEST_FOUND = 1000;
const UNSEARCHABLE = "It is too large, or no whole JSON or form, so what must not be seen cannot be found.";

/** What stands of a body in a trace: its text, or why there is none. */
export type Told = { readonly body: string; readonly truncated?: true } | { readonly missing: string };

/**
 * What a trace may show. Values that must not be seen are learned first, wherever they stand, and then hidden in every
 * text, whoever wrote it there. What cannot be searched is not written.
 */
export class Veil {
  readonly #rules: readonly Hiding[];
  readonly #hidesAll: boolean;
  readonly #known = new Set<string>();
  #steps = MOST_STEPS;

  constructor(rules: readonly Hiding[]) {
    this.#rules = rules;
    this.#hidesAll = rules.some(({ location }) => location === "everything");
  }

  learnHeaders(headers: Iterable<readonly [string, string]>): void {
    for (const [name, value] of headers) {
      if (this.#markOf("header", name) === undefined) continue;
      this.#known.add(value);
      const pieces = value.split(/[\s,;=]+/).filter((piece) => piece.length >= SHORTEST_PIECE);
      for (const piece of [...pieces, ...ofBasic(value)]) this.#known.add(piece);
    }
  }

  learnQuery(query: string): void {
    for (const { name, value } of parametersOf(query)) {
      if (value === undefined || this.#markOf("query", name) === undefined) continue;
      this.#known.add(value);
      this.#known.add(decoded(value));
    }
  }

  header(name: string, value: string): string {
    return this.#markOf("header", name) ?? cut(this.text(value));
  }

  /** With its `?`, or empty; parameters keep their places. */
  query(query: string): string {
    const parameters = parametersOf(query).map(({ sent, name, value }) => {
      const mark = value === undefined ? undefined : this.#markOf("query", name);
      return mark === undefined ? this.text(sent) : `${this.text(sent.slice(0, sent.indexOf("=")))}=${mark}`;
    });
    return parameters.length === 0 ? "" : cut(`?${parameters.join("&")}`);
  }

  /** Without the values of its query, and without who asks. */
  address(address: string): string {
    const url = URL.parse(address);
    if (url === null) return NOT_WRITTEN;
    const names = parametersOf(url.search).map(({ sent, value }) =>
      value === undefined ? sent : sent.slice(0, sent.indexOf("=")),
    );
    const query = names.length === 0 ? "" : `?${names.join("&")}`;
    return cut(this.text(`${url.protocol}//${url.host}${url.pathname}${query}`));
  }

  /** A text of any origin. */
  text(text: string): string {
    if (this.#hidesAll) return text === "" ? "" : NOT_WRITTEN;
    return this.#patterns(hideIn(text, [...this.#known]));
  }

  body({ type, now, missing }: Collected): Told {
    if (missing !== undefined) return { missing };
    const { bytes, isWhole } = now();
    const text = textOf(bytes, isWhole);
    if (text === undefined) return { missing: `It is no text; it has ${bytes.byteLength} bytes.` };
    const shown = this.#shown(text, type, isWhole);
    if (shown === undefined) return { missing: UNSEARCHABLE };
    const hidden = this.text(shown.text);
    const truncated = shown.isCut || hidden.length > MOST_BODY ? ({ truncated: true } as const) : {};
    return { body: hidden.slice(0, MOST_BODY), ...truncated };
  }

  /** A body by its form; undefined if what must not be seen could not be found in it. */
  #shown(text: string, type: string, isWhole: boolean): { text: string; isCut: boolean } | undefined {
    const isForm = type.startsWith("application/x-www-form-urlencoded");
    const isJson = /^application\/(?:[\w.-]+\+)?json\b/.test(type) || /^\s*[[{]/.test(text);
    if (isForm || (isJson && text.trim() !== "")) {
      const shown = isWhole ? (isForm ? this.#form(text) : this.#json(text)) : undefined;
      return shown === undefined ? undefined : { text: shown, isCut: false };
    }
    const isCut = !isWhole || text.length > MOST_SEARCHED;
    // What a pattern would find may have been cut in two.
    return { text: isCut ? text.slice(0, MOST_SEARCHED).slice(0, -LONGEST_FOUND) : text, isCut };
  }

  /** Patterns are made for the text as it was sent; what they leave may be JSON no more. */
  #json(text: string): string | undefined {
    const found = this.#patterns(text);
    const left = parsed(found);
    if (left !== undefined) return this.#masked(left);
    const value = parsed(text);
    return value !== undefined && this.#masked(value) === JSON.stringify(value) ? found : undefined;
  }

  #masked(value: unknown): string {
    const shown = this.#rules.reduce((found, rule) => {
      if (rule.location !== "body" || rule.fields === undefined) return found;
      return replaceAt(found, rule.fields, () => rule.replacement);
    }, value);
    return maskJson(JSON.stringify(shown), [...this.#known]);
  }

  #form(text: string): string {
    const fields = parametersOf(`?${text}`).map(({ sent, name, value }) =>
      value !== undefined && isSecret(name) ? `${sent.slice(0, sent.indexOf("="))}=${MASKED}` : sent,
    );
    return fields.join("&");
  }

  #patterns(text: string): string {
    let shown = text;
    for (const rule of this.#rules) {
      if (rule.location !== "body" || rule.pattern === undefined) continue;
      this.#steps -= costOf(rule.pattern, shown);
      if (this.#steps < 0) return NOT_WRITTEN;
      shown = replacedAll(rule.pattern, shown, rule.replacement);
    }
    return shown;
  }

  /** What stands in place of a value; undefined if it may be seen. */
  #markOf(location: "header" | "query", name: string): string | undefined {
    const lower = name.toLowerCase();
    const isOurs = location === "header" ? lower === "set-cookie" || credential.test(lower) : isSecret(name);
    if (isOurs) return MASKED;
    const rule = this.#rules.find((one) => one.location === location && "names" in one && one.names.has(lower));
    return rule !== undefined && "replacement" in rule ? rule.replacement : undefined;
  }
}

/** The password of a header that has one. */
function ofBasic(value: string): string[] {
  const [, encoded] = /^basic\s+(\S+)$/i.exec(value) ?? [];
  try {
    return encoded === undefined ? [] : [atob(encoded).replace(/^[^:]*:/, "")];
  } catch {
    return [];
  }
}

/** In addresses and forms a mere `key` is one to something. */
const isSecret = (name: string): boolean => isSecretName(name) || name.toLowerCase() === "key";

interface Parameter {
  readonly sent: string;
  readonly name: string;
  /** As it was sent; undefined if there is none. */
  readonly value: string | undefined;
}

function parametersOf(query: string): Parameter[] {
  if (query.length < 2) return [];
  return query
    .slice(1)
    .split("&")
    .map((sent) => {
      const at = sent.indexOf("=");
      return {
        sent,
        name: decoded(at === -1 ? sent : sent.slice(0, at)),
        value: at === -1 ? undefined : sent.slice(at + 1),
      };
    });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}

function textOf(bytes: Uint8Array, isWhole: boolean): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes, { stream: !isWhole });
  } catch {
    return undefined;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
