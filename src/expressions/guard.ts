import { ExpressionError } from "./error.ts";

/** How far one evaluation may go. A step is one evaluated node, about a microsecond; large values cost more of them. */
export const LIMITS = {
  /** Characters of one expression. */
  expression: 10_000,
  /** Compiled expressions that an isolate keeps. */
  cached: 500,
  /** Steps of one evaluation; all expressions of one template or mapper share them. */
  steps: 100_000,
  /** Nodes being evaluated within one another. */
  depth: 300,
  /** Scopes within one another, by nested functions or partial application. */
  scopes: 150,
  /** Items of one array that is made. */
  sequence: 50_000,
  /** Characters of one string, and of all strings in one value. */
  text: 1_048_576,
  /** Scalars, arrays and objects in one value, each counted as often as it is referred to. */
  nodes: 200_000,
  /** Arrays and objects within one another in one value. */
  nesting: 300,
  /** Characters of a picture for numbers and dates. */
  picture: 100,
  /** Instructions of one regular expression. */
  pattern: 1000,
  /** Expressions in one template or mapper. */
  expressions: 1000,
} as const;

export interface Size {
  readonly nodes: number;
  readonly text: number;
  readonly depth: number;
}

const scalar: Size = { nodes: 1, text: 0, depth: 0 };

/** Steps that many evaluations have together, and whoever works with what they make. */
export class Budget {
  readonly #most: number;
  #left: number;

  constructor(steps: number) {
    this.#most = steps;
    this.#left = steps;
  }

  take(steps: number): void {
    this.#left -= steps;
    if (this.#left >= 0) return;
    const words = `All expressions together need more than ${this.#most} steps. Work on less data, or in several goes.`;
    throw new ExpressionError("EXPRESSION_STEPS", words);
  }
}

/** What one evaluation, or all expressions of one template, may still use. */
export class Meter {
  #steps: number = LIMITS.steps;
  readonly #budget: Budget | undefined;
  #sizes = new WeakMap<object, Size>();
  #spans = new WeakMap<object, number>();
  /** Copies that $clone made and no transform has taken yet. */
  readonly clones = new WeakSet();
  /** How often each key of a grouping was evaluated. */
  readonly keys = new Map<object, number>();
  /** Siblings that jsonata began at once and that wait for their turn. */
  readonly lanes: (() => void)[][] = [];
  laneIsOpen = false;

  constructor(budget?: Budget) {
    this.#budget = budget;
  }

  get left(): number {
    return this.#steps;
  }

  take(steps: number): void {
    this.#steps -= steps;
    this.#budget?.take(steps);
    if (this.#steps < 0) {
      throw new ExpressionError(
        "EXPRESSION_STEPS",
        `The expression needs more than ${LIMITS.steps} steps. Look for an endless recursion, or work on less data.`,
      );
    }
  }

  /** Pays for a value that came out of a node or a function, whose arrays others will walk. */
  receive(value: unknown): void {
    if (typeof value === "string") {
      checkText(value.length);
      this.take(value.length >>> 9);
    } else if (Array.isArray(value)) this.take(this.span(value) >>> 8);
  }

  /** Items of an array, counting those of arrays inside it. */
  span(array: readonly unknown[], depth = 0): number {
    const known = this.#spans.get(array);
    if (known !== undefined) return known;
    checkNesting(depth);
    this.take(array.length >>> 8);
    let total = 1;
    for (const item of array) total += Array.isArray(item) ? this.span(item, depth + 1) : 1;
    checkNodes(total);
    this.#spans.set(array, total);
    return total;
  }

  /** The size of a value as a tree. Shared parts are measured once, so a graph that doubles costs no more than its text. */
  size(value: unknown, depth = 0): Size {
    if (typeof value === "string") return { nodes: 1, text: value.length, depth: 0 };
    if (typeof value !== "object" || value === null || "_jsonata_lambda" in value) return scalar;
    const known = this.#sizes.get(value);
    if (known !== undefined) return known;
    checkNesting(depth);
    const size = this.#measure(value, depth);
    checkNodes(size.nodes);
    checkText(size.text);
    checkNesting(size.depth);
    this.#sizes.set(value, size);
    return size;
  }

  /** Checks a value that is about to be walked as a whole, and pays for the walk. */
  walk(value: unknown): Size {
    const size = this.size(value);
    checkText(size.text);
    this.take((size.nodes >>> 4) + (size.text >>> 9));
    return size;
  }

  /** A transform changed a copy: what was measured may be wrong by now. */
  forget(): void {
    this.#sizes = new WeakMap();
    this.#spans = new WeakMap();
  }

  #measure(value: object, depth: number): Size {
    let nodes = 1;
    let text = 0;
    let deepest = 0;
    const add = (item: unknown) => {
      const part = this.size(item, depth + 1);
      nodes += part.nodes;
      text += part.text;
      deepest = Math.max(deepest, part.depth);
    };
    if (Array.isArray(value)) {
      this.take(value.length >>> 5);
      for (const item of value) add(item);
    } else {
      const keys = Object.keys(value);
      this.take(1 + (keys.length >>> 5));
      for (const key of keys) {
        text += key.length;
        add((value as Record<string, unknown>)[key]);
      }
    }
    return { nodes, text, depth: deepest + 1 };
  }
}

export function checkText(length: number): void {
  if (length > LIMITS.text) tooLarge(`a text of more than ${LIMITS.text} characters`);
}

export function checkItems(length: number): void {
  if (length > LIMITS.sequence) tooLarge(`an array of more than ${LIMITS.sequence} items`);
}

export function checkNodes(nodes: number): void {
  if (nodes > LIMITS.nodes) tooLarge(`a value of more than ${LIMITS.nodes} parts`);
}

function checkNesting(depth: number): void {
  if (depth > LIMITS.nesting) tooLarge(`a value that is nested more than ${LIMITS.nesting} levels deep`);
}

function tooLarge(what: string): never {
  throw new ExpressionError("EXPRESSION_TOO_LARGE", `The expression makes ${what}. Work on less data.`);
}
