import { ExpressionError } from "./error.ts";
import { checkPattern } from "./regex.ts";

/** What the hooks must know of a node, as bits. */
export const MARK = {
  /** jsonata begins it together with its siblings. */
  parallel: 1,
  /** Its value is walked as a whole: compared, made text of, or quoted in an error. */
  walked: 2,
  /** It names the function of a call. */
  procedure: 4,
  /** It selects what a transform changes. */
  pattern: 8,
  /** It says what a transform changes it to. */
  update: 16,
  /** It holds a grouping. */
  group: 32,
  /** It is a key of a grouping. */
  key: 64,
  /** It is a term of an order-by. */
  term: 128,
  /** It is the value of a key. */
  value: 256,
} as const;

/** A node of jsonata's syntax tree, as far as the guards read it. */
export interface Node {
  readonly type?: string;
  readonly value?: unknown;
  readonly expressions?: readonly Node[];
  readonly expression?: Node;
  readonly lhs?: unknown;
  readonly rhs?: Node;
  readonly procedure?: Node;
  readonly pattern?: Node;
  readonly update?: Node;
  readonly delete?: Node;
  readonly terms?: readonly { readonly expression: Node }[];
  readonly group?: { readonly lhs: readonly (readonly [Node, Node])[] };
  readonly focus?: unknown;
  readonly index?: unknown;
  readonly keepSingletonArray?: boolean;
  marks?: number;
}

/**
 * Marks the tree for the hooks and refuses what is not allowed.
 * Tells whether jsonata, evaluating it, may write into arrays of the input: it pushes into an empty one that it groups,
 * and flags one that `[]` keeps.
 */
export function prepare(tree: Node): boolean {
  let writes = false;
  const seen = new Set<object>();
  const waiting: unknown[] = [tree];
  while (waiting.length > 0) {
    const next = waiting.pop();
    if (typeof next !== "object" || next === null || next instanceof RegExp || seen.has(next)) continue;
    seen.add(next);
    if (!Array.isArray(next)) {
      markChildren(next);
      const node = next as Node;
      writes ||= node.group !== undefined || node.keepSingletonArray === true;
      writes ||= node.type === "unary" && node.value === "{";
    }
    for (const [key, child] of Object.entries(next)) if (key !== "signature") waiting.push(child);
  }
  return writes;
}

function markChildren(node: Node): void {
  switch (node.type) {
    case "variable":
      if (node.value === "eval") refuse("$eval is not available: write the expression itself.");
      break;
    case "regex":
      checkPattern(node.value as RegExp);
      break;
    case "unary":
      if (node.value === "[") for (const item of node.expressions ?? []) mark(item, MARK.parallel);
      if (node.value === "-") mark(node.expression, MARK.walked);
      if (node.value === "{") markPairs(node.lhs as Pairs, MARK.walked);
      break;
    case "binary":
      if (node.value !== "=" && node.value !== "!=" && node.value !== "&") break;
      mark(node.lhs as Node, MARK.walked);
      mark(node.rhs, MARK.walked);
      break;
    case "function":
    case "partial":
      mark(node.procedure, MARK.procedure);
      break;
    case "transform":
      mark(node.pattern, MARK.pattern);
      mark(node.update, MARK.update | MARK.walked);
      mark(node.delete, MARK.walked);
      break;
    case "sort":
      for (const term of node.terms ?? []) mark(term.expression, MARK.term);
      break;
    default:
  }
  // An object with a function `then` is what a promise waits for, for ever.
  if (node.focus === "then" || node.index === "then") refuse("$then cannot be bound in a path.");
  if (node.group !== undefined && node.type !== undefined) {
    mark(node, MARK.group);
    markPairs(node.group.lhs, MARK.walked | MARK.key);
  }
}

type Pairs = readonly (readonly [Node, Node])[];

function markPairs(pairs: Pairs, key: number): void {
  for (const [name, value] of pairs) {
    mark(name, key);
    mark(value, MARK.parallel | MARK.value);
  }
}

function mark(node: Node | undefined, bits: number): void {
  if (node !== undefined) node.marks = (node.marks ?? 0) | bits;
}

function refuse(message: string): never {
  throw new ExpressionError("EXPRESSION_INVALID", message);
}
