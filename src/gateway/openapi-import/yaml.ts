import { Composer, CST, isScalar, Lexer, Parser, visit } from "yaml";

/**
 * The parser takes time with the number of tokens, some microseconds each, so they are counted, not timed. A document of
 * 1 MiB with a key and a short text on each line has some 300,000.
 */
const MOST_TOKENS = 500_000;

export type Reason = "syntax" | "alias" | "depth" | "tokens" | "documents" | "key";
export type Parsed =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly reason: Reason; readonly line?: number };

class Refusal extends Error {
  readonly reason: Reason;
  readonly offset: number;

  constructor(reason: Reason, offset: number) {
    super(reason);
    this.reason = reason;
    this.offset = offset;
  }
}

/**
 * One document of YAML 1.2 as plain values. No tag makes more than text, numbers, lists and objects. An alias is refused
 * when its token comes, as are too many levels, before anything is built.
 */
export function parseYaml(text: string, mostDepth: number): Parsed {
  try {
    return { ok: true, value: documentOf(text, mostDepth).toJS({ maxAliasCount: 0 }) };
  } catch (error) {
    // Whatever else the library throws is about the text too.
    if (!(error instanceof Refusal)) return { ok: false, reason: "syntax" };
    return { ok: false, reason: error.reason, line: text.slice(0, error.offset).split(/\r?\n/).length };
  }
}

function documentOf(text: string, mostDepth: number) {
  const composer = new Composer({
    logLevel: "silent",
    prettyErrors: false,
    resolveKnownTags: false,
    stringKeys: true,
    // The library compares each key with all others: `requireOneOfEach` does not.
    uniqueKeys: false,
  });
  // By itself it gathers every fault with a stack of its own, which for a million of them takes many seconds.
  Reflect.set(composer, "onError", (source: unknown, _code: string, _message: string, isWarning?: boolean) => {
    if (isWarning !== true) throw new Refusal("syntax", offsetOf(source));
  });
  const documents = composer.compose(tokensOf(text, mostDepth), true, text.length);
  const document = documents.next().value!;
  const another = documents.next().value;
  if (another) throw new Refusal("documents", another.range[0]);
  if (document.errors[0] !== undefined) throw new Refusal("syntax", document.errors[0].pos[0]);
  requireOneOfEach(document);
  return document;
}

function* tokensOf(text: string, mostDepth: number) {
  const parser = new Parser();
  let tokens = 0;
  for (const lexeme of new Lexer().lex(text)) {
    tokens += 1;
    if (tokens > MOST_TOKENS) throw new Refusal("tokens", parser.offset);
    if (CST.tokenType(lexeme) === "alias") throw new Refusal("alias", parser.offset);
    for (const token of parser.next(lexeme)) yield checked(token);
    // The document and a text are on the stack too.
    if (parser.stack.length > mostDepth + 2) throw new Refusal("depth", parser.offset);
  }
  for (const token of parser.end()) yield checked(token);
}

function checked(token: CST.Token): CST.Token {
  if (token.type === "error") throw new Refusal("syntax", token.offset);
  return token;
}

function requireOneOfEach(document: Parameters<typeof visit>[0]): void {
  visit(document, {
    Map: (_key, { items }) => {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) throw new Refusal("key", key.range?.[0] ?? 0);
        seen.add(key.value);
      }
    },
  });
}

function offsetOf(source: unknown): number {
  if (typeof source === "number") return source;
  const [first] = Array.isArray(source) ? (source as number[]) : [(source as { offset: number }).offset];
  return first ?? 0;
}
