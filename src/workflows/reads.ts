import jsonata from "jsonata";

import { partsOf } from "../expressions/scan.ts";
import type { Node } from "../expressions/syntax.ts";
import { type DocumentPath } from "../platform/faults.ts";

/** A name that an expression looks up in its input. */
export interface Read {
  readonly name: string;
  /** Whether the expression asks for it, and goes on without it. */
  readonly isAsked: boolean;
}

/** A step of a path has filters; so does, under another name, what is no path. */
interface Syntax extends Omit<Node, "lhs"> {
  readonly lhs?: unknown;
  readonly steps?: readonly Syntax[];
  readonly stages?: readonly Filter[];
  readonly predicate?: readonly Filter[];
  readonly arguments?: readonly Syntax[];
  readonly body?: Syntax;
  readonly condition?: Syntax;
  readonly then?: Syntax;
  readonly else?: Syntax;
}
interface Filter {
  readonly expr?: Syntax;
}
interface Visit {
  readonly node: Syntax;
  /** Whether names are looked up in the input itself, and not in what a path has come to. */
  readonly isAtRoot: boolean;
}

/**
 * The names that an expression reads from the input. What a filter, a transform or a later step reads has another
 * context and is left out, so that there may be more names, but none of these is wrong.
 */
export function readsOf(expression: string): Read[] {
  const names = new Set<string>();
  const asked = new Set<string>();
  const waiting: Visit[] = [{ node: jsonata(expression).ast() as Syntax, isAtRoot: true }];
  while (waiting.length > 0) {
    const visit = waiting.pop()!;
    for (const name of namesOf(visit)) names.add(name);
    for (const node of questionsOf(visit.node)) for (const name of namesOf({ ...visit, node })) asked.add(name);
    for (const child of childrenOf(visit).toReversed()) waiting.push(child);
  }
  return [...names].map((name) => ({ name, isAsked: asked.has(name) }));
}

const ROOT = "$";
const CONTEXT = "";

const isVariable = (node: Syntax | undefined, name: string) => node?.type === "variable" && node.value === name;

/** Whether the step of a path is looked up in the input: the first one, or the one behind `$` or `$$`. */
function isStepAtRoot(steps: readonly Syntax[], index: number, isAtRoot: boolean): boolean {
  if (index > 0 && isVariable(steps[index - 1], ROOT)) return true;
  return isAtRoot && (index === 0 || (index === 1 && isVariable(steps[0], CONTEXT)));
}

function namesOf({ node: { type, steps = [] }, isAtRoot }: Visit): string[] {
  if (type !== "path") return [];
  return steps
    .filter((step, index) => step.type === "name" && isStepAtRoot(steps, index, isAtRoot))
    .map((step) => String(step.value));
}

/** What `$exists`, `? :`, `?:` and `??` ask for. */
function questionsOf(node: Syntax): readonly Syntax[] {
  if (node.type === "condition") return node.condition === undefined ? [] : [node.condition];
  return isVariable(node.procedure, "exists") ? (node.arguments ?? []) : [];
}

type Pairs = readonly (readonly [Syntax, Syntax])[];

function childrenOf({ node, isAtRoot }: Visit): Visit[] {
  const here = (...nodes: readonly (Syntax | undefined)[]) => visits(nodes, isAtRoot);
  const filters = [...(node.stages ?? []), ...(node.predicate ?? [])].map(({ expr }) => expr);
  const rest = elsewhere(...filters, ...(node.group?.lhs ?? []).flat());
  switch (node.type) {
    case "path": {
      const steps = node.steps ?? [];
      const inner = steps.map((step, index) => ({ node: step, isAtRoot: isStepAtRoot(steps, index, isAtRoot) }));
      return [...inner, ...rest];
    }
    case "binary":
    case "apply":
      return [...here(node.lhs as Syntax, node.rhs), ...rest];
    case "bind":
      return here(node.rhs);
    case "unary":
      if (node.value === "{") return [...here(...(node.lhs as Pairs).flat()), ...rest];
      return [...here(node.expression, ...(node.expressions ?? [])), ...rest];
    case "block":
      return [...here(...(node.expressions ?? [])), ...rest];
    case "condition":
      return [...here(node.condition, node.then, node.else), ...rest];
    case "function":
    case "partial":
      // A path that names a function is a slip of another kind.
      return [
        ...here(node.procedure?.type === "path" ? undefined : node.procedure, ...(node.arguments ?? [])),
        ...rest,
      ];
    case "lambda":
      // Its body sees the context in which it was made, whatever it is called with.
      return here(node.body);
    case "transform":
      return elsewhere(node.pattern, node.update, node.delete);
    case "sort":
      return [...elsewhere(...(node.terms ?? []).map(({ expression }) => expression)), ...rest];
    default:
      return rest;
  }
}

const elsewhere = (...nodes: readonly (Syntax | undefined)[]) => visits(nodes, false);

const visits = (nodes: readonly (Syntax | undefined)[], isAtRoot: boolean): Visit[] =>
  nodes.filter((node) => node !== undefined).map((node) => ({ node, isAtRoot }));

/** An expression and where it stands. */
export interface PlacedExpression {
  readonly text: string;
  readonly path: DocumentPath;
}

export interface PlacedTemplate {
  readonly value: unknown;
  readonly path: DocumentPath;
}

/** The expressions in the texts of a template. */
export function expressionsIn(value: unknown, path: DocumentPath): PlacedExpression[] {
  if (typeof value === "string") {
    const parts = partsOf(value)?.filter(({ kind }) => kind === "expression") ?? [];
    return parts.map(({ text }) => ({ text, path }));
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    expressionsIn(item, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}
