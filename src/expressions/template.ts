import { asText } from "../platform/text.ts";
import { ExpressionError } from "./error.ts";
import { type Bindings, evaluateWithin, faultOf } from "./evaluate.ts";
import { type Budget, checkText, LIMITS, Meter } from "./guard.ts";
import { type Part, partsOf } from "./scan.ts";

export interface Fault {
  /** JSON pointer (RFC 6901) into the template or mapper. */
  readonly pointer: string;
  readonly message: string;
}

/**
 * JSON with {{ expressions }} in its strings. A string that is nothing but one expression becomes its result: undefined
 * leaves a key out and is null in an array. Otherwise results are written into the text, objects and arrays as JSON.
 */
export function render(value: unknown, input: unknown, bindings?: Bindings, budget?: Budget): Promise<unknown> {
  const work = new Work(input, bindings, budget);
  return filled(value, (text) => work.template(text), 0);
}

/** Text of a template, or what one of its expressions came to. */
export type Made =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "result"; readonly value: unknown };

/** The parts of one text, for whoever puts the results into it in a way of its own. */
export async function renderParts(text: string, input: unknown, budget?: Budget): Promise<Made[]> {
  const work = new Work(input, undefined, budget);
  const made: Made[] = [];
  for (const part of partsIn(text)) {
    made.push(
      part.kind === "text"
        ? { kind: "text", text: part.text }
        : { kind: "result", value: await work.expression(part.text) },
    );
  }
  return made;
}

function partsIn(text: string): Part[] {
  const parts = partsOf(text);
  if (parts === undefined) throw new ExpressionError("EXPRESSION_INVALID", unclosed);
  return parts;
}

/** JSON in which every string is one expression. */
export function mapped(mapper: unknown, input: unknown, bindings?: Bindings): Promise<unknown> {
  const work = new Work(input, bindings);
  return filled(mapper, (text) => work.expression(text), 0);
}

export function faultsOfTemplate(value: unknown): Fault[] {
  return faults(value, (text) => {
    const parts = partsOf(text);
    if (parts === undefined) return [unclosed];
    return parts.filter(({ kind }) => kind === "expression").map((part) => faultOf(part.text));
  });
}

export function faultsOfMapper(mapper: unknown): Fault[] {
  return faults(mapper, (text) => [faultOf(text)]);
}

/** What it costs of a budget to begin one, however small it is. */
const STEPS_OF_EXPRESSION = 4;

const unclosed = "A {{ is not closed by }}.";

/** What one template or mapper shares: the steps, the number of expressions and the text of its results. */
class Work {
  readonly #meter: Meter;
  readonly #budget: Budget | undefined;
  readonly #input: unknown;
  readonly #bindings: Bindings | undefined;
  #expressions = 0;
  #text = 0;

  constructor(input: unknown, bindings: Bindings | undefined, budget?: Budget) {
    this.#meter = new Meter(budget);
    this.#budget = budget;
    this.#input = input;
    this.#bindings = bindings;
  }

  async expression(text: string): Promise<unknown> {
    this.#expressions += 1;
    if (this.#expressions > LIMITS.expressions) throw tooMany();
    this.#budget?.take(STEPS_OF_EXPRESSION);
    const result = await evaluateWithin(this.#meter, text, this.#input, this.#bindings);
    this.#text += textLength(result);
    checkText(this.#text);
    return result;
  }

  async template(text: string): Promise<unknown> {
    const parts = partsIn(text);
    const only = parts[0];
    if (parts.length === 1 && only?.kind === "expression") return this.expression(only.text);
    let joined = "";
    for (const part of parts) {
      joined += part.kind === "text" ? part.text : asText(await this.expression(part.text));
    }
    return joined;
  }
}

type Fill = (text: string) => Promise<unknown>;

/** One string after the other, so that the first fault ends the work. */
async function filled(value: unknown, fill: Fill, depth: number): Promise<unknown> {
  if (typeof value === "string") return fill(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth > LIMITS.nesting) throw tooDeep();
  if (Array.isArray(value)) {
    const items: unknown[] = [];
    for (const item of value) items.push((await filled(item, fill, depth + 1)) ?? null);
    return items;
  }
  const entries: [string, unknown][] = [];
  for (const [key, item] of Object.entries(value)) {
    const result = await filled(item, fill, depth + 1);
    if (result !== undefined) entries.push([key, result]);
  }
  return Object.fromEntries(entries);
}

function faults(root: unknown, check: (text: string) => (string | undefined)[]): Fault[] {
  const found: Fault[] = [];
  let expressions = 0;
  const visit = (value: unknown, pointer: string, depth: number) => {
    if (typeof value === "string") {
      const messages = check(value);
      expressions += messages.length;
      for (const message of messages) if (message !== undefined) found.push({ pointer, message });
    } else if (typeof value === "object" && value !== null) {
      if (depth > LIMITS.nesting) found.push({ pointer, message: tooDeep().message });
      else for (const [key, item] of Object.entries(value)) visit(item, `${pointer}/${escaped(key)}`, depth + 1);
    }
  };
  visit(root, "", 0);
  if (expressions > LIMITS.expressions) found.push({ pointer: "", message: tooMany().message });
  return found;
}

const escaped = (key: string) => key.replaceAll("~", "~0").replaceAll("/", "~1");

const textLength = (value: unknown) => (value === undefined ? 0 : asText(value).length);

const tooMany = () =>
  new ExpressionError("EXPRESSION_TOO_LARGE", `There are more than ${LIMITS.expressions} expressions.`);

const tooDeep = () =>
  new ExpressionError("EXPRESSION_TOO_LARGE", `It is nested more than ${LIMITS.nesting} levels deep.`);
