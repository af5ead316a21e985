import type { Found } from "../../src/transfer/documents.ts";

export type Kind = "flows" | "templates";

export interface Finding {
  readonly error: string;
  readonly message: string;
  readonly pointer?: string;
  readonly detail?: string;
}

/** A document that is not stored, and why. */
export interface Refused {
  readonly line: number;
  readonly id?: string;
  readonly findings: readonly Finding[];
}

/** Documents that are sent together, and those between them that need not be sent to be refused. */
export interface Portion {
  readonly kind: Kind;
  /** Each on one line. */
  readonly texts: readonly string[];
  /** Line of the file on which each of them begins. */
  readonly lines: readonly number[];
  readonly refused: readonly Refused[];
  /** Documents of the file up to the end of the portion, and the line of the last one. */
  readonly documents: number;
  readonly line: number;
}

const MOST_DOCUMENTS = 1000;
const MOST_CHARACTERS = 4 * 1024 * 1024;

/** Divides the documents of a file into portions of one kind, from behind so many of them on. */
export async function* portionsOf(
  found: AsyncIterable<Found>,
  { areTemplates, behind }: { readonly areTemplates: boolean; readonly behind: number },
): AsyncGenerator<Portion> {
  let documents = 0;
  let gathering = new Gathering(areTemplates ? "templates" : "flows");
  for await (const one of found) {
    documents += 1;
    if (documents <= behind) continue;
    const judged = judge(one);
    const kind = areTemplates || !("kind" in judged) ? gathering.kind : judged.kind;
    if (gathering.isFull(kind, "text" in one ? one.text.length : 0)) {
      yield gathering.portion(documents - 1);
      gathering = new Gathering(kind);
    }
    gathering.add(kind, one.line, judged);
  }
  if (!gathering.isEmpty) yield gathering.portion(documents);
}

type Judged = { readonly kind: Kind; readonly text: string } | { readonly finding: Finding };

/** Only what is a JSON object is sent; which of the two it is its status tells. */
function judge(found: Found): Judged {
  if ("fault" in found) return { finding: { ...found.fault, pointer: "" } };
  let value: unknown;
  try {
    value = JSON.parse(found.text);
  } catch (error) {
    const detail = error instanceof Error ? error.message.slice(0, 200) : "";
    return { finding: { error: "INVALID_JSON", message: "The document is not valid JSON.", pointer: "", detail } };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { finding: { error: "WRONG_TYPE", message: "A document must be a JSON object.", pointer: "" } };
  }
  const { status, revisionsOf } = value as Record<string, unknown>;
  const isTemplate = status === "draft" || status === "published" || revisionsOf !== undefined;
  // Line ends in valid JSON are nothing but blanks.
  const text = found.text.includes("\n") ? found.text.replaceAll(/[\r\n]+/g, " ") : found.text;
  return { kind: isTemplate ? "templates" : "flows", text };
}

class Gathering {
  kind: Kind;
  #line = 0;
  #characters = 0;
  readonly #texts: string[] = [];
  readonly #lines: number[] = [];
  readonly #refused: Refused[] = [];

  constructor(kind: Kind) {
    this.kind = kind;
  }

  get isEmpty(): boolean {
    return this.#texts.length + this.#refused.length === 0;
  }

  /** Whether a document of that kind and length has to go into another portion. */
  isFull(kind: Kind, characters: number): boolean {
    if (this.isEmpty) return false;
    if (this.#texts.length + this.#refused.length === MOST_DOCUMENTS) return true;
    return (this.#texts.length > 0 && kind !== this.kind) || this.#characters + characters > MOST_CHARACTERS;
  }

  add(kind: Kind, line: number, judged: Judged): void {
    this.kind = kind;
    this.#line = line;
    if ("finding" in judged) {
      this.#refused.push({ line, findings: [judged.finding] });
      return;
    }
    this.#characters += judged.text.length;
    this.#texts.push(judged.text);
    this.#lines.push(line);
  }

  portion(documents: number): Portion {
    const [texts, lines, refused] = [this.#texts, this.#lines, this.#refused];
    return { kind: this.kind, texts, lines, refused, documents, line: this.#line };
  }
}
