import { ExpressionError } from "./error.ts";
import { checkItems, LIMITS, type Meter } from "./guard.ts";
import { regexEngine } from "./regex.ts";
import { ENTRY, EXIT, METER, PUSH, type Scope } from "./scope.ts";
import { MARK, type Node } from "./syntax.ts";

/** What jsonata calls before and after each node, and for each new scope. */
export const hooks: ReadonlyMap<symbol, unknown> = new Map<symbol, unknown>([
  [ENTRY, enter],
  [EXIT, leave],
  [PUSH, nest],
]);

function enter(node: Node, input: unknown, scope: Scope): Promise<void> | undefined {
  const meter = scope.base.lookup(METER) as Meter;
  meter.take(1);
  switch (node.type) {
    case "name":
      if (Array.isArray(input)) meter.take(meter.span(input) >>> 5);
      break;
    case "wildcard":
    case "descendant":
      meter.take(meter.walk(input).nodes >>> 4);
      if (node.type === "wildcard") payForAppends(meter, input);
      break;
    case "regex":
      if (!owned.has(scope.base)) own(scope.base, meter);
      break;
    case "unary":
      if (node.value === "{" && Array.isArray(input)) meter.take(input.length ** 2 / 4096);
      break;
    default:
  }
  const marks = node.marks ?? 0;
  if (marks === 0) return undefined;
  if ((marks & MARK.group) !== 0) for (const [key] of node.group!.lhs) meter.keys.set(key, 0);
  if ((marks & MARK.pattern) !== 0) takeClone(meter, input);
  return (marks & MARK.parallel) === 0 ? undefined : turn(meter, scope.base);
}

const owned = new WeakSet<Scope>();

function own(base: Scope, meter: Meter): void {
  base.RegexEngine = regexEngine(meter);
  owned.add(base);
}

function leave(node: Node, input: unknown, scope: Scope, result: unknown): void {
  const meter = scope.base.lookup(METER) as Meter;
  if (typeof result === "string" || Array.isArray(result)) meter.receive(result);
  else if (typeof result === "object" && result !== null) checkFunction(result, scope);
  const marks = node.marks ?? 0;
  if (marks === 0) return;
  if ((marks & MARK.walked) !== 0) meter.walk(result);
  if ((marks & MARK.procedure) !== 0) checkCallable(result);
  if ((marks & MARK.value) !== 0 && typeof result === "function") {
    throw failed("A function that was passed as an argument cannot be the value of a key.");
  }
  if ((marks & MARK.term) !== 0) meter.take(4);
  if ((marks & MARK.key) !== 0) payForGrouping(meter, node);
  if ((marks & MARK.pattern) !== 0) checkWithin(meter, input, result);
  if ((marks & MARK.update) !== 0) meter.forget();
  if ((marks & MARK.parallel) !== 0) passTurn(meter);
}

/** Counts scopes within scopes: jsonata walks up all of them for each variable and each hook. */
function nest(outer: Scope, inner: Scope): void {
  inner.level = (outer.level ?? 0) + 1;
  if (inner.level <= LIMITS.scopes) return;
  const message = `More than ${LIMITS.scopes} functions or blocks stand within one another.`;
  throw new ExpressionError("EXPRESSION_DEPTH", message);
}

/**
 * jsonata begins the items of an array, and the values of an object, all at once. One after the other, an error ends
 * everything, and depth is depth. The first goes on; those that come before anything else has run wait for it.
 */
function turn(meter: Meter, base: Scope): Promise<void> | undefined {
  if (meter.laneIsOpen) {
    base.depth -= 1;
    const { promise, resolve } = Promise.withResolvers<void>();
    meter.lanes.at(-1)!.push(() => {
      base.depth += 1;
      resolve();
    });
    return promise;
  }
  meter.lanes.push([]);
  meter.laneIsOpen = true;
  queueMicrotask(() => {
    meter.laneIsOpen = false;
  });
  return undefined;
}

function passTurn(meter: Meter): void {
  const next = meter.lanes.at(-1)?.shift();
  if (next === undefined) meter.lanes.pop();
  else next();
}

/** Data that says it is a function could bring a syntax tree of its own, past every check. */
function checkFunction(value: object, scope: Scope): void {
  const { _jsonata_lambda, _jsonata_function, environment, implementation } = value as Record<string, unknown>;
  if (_jsonata_lambda === undefined && _jsonata_function === undefined) return;
  if (_jsonata_function === true && typeof implementation === "function") return;
  if (_jsonata_lambda === true && (environment as Scope | undefined)?.base === scope.base) return;
  throw failed("The data has a key that begins with _jsonata_. Such keys are reserved.");
}

/** jsonata writes into what is called, even if it is an object of the input. */
function checkCallable(value: unknown): void {
  if (typeof value !== "object") return;
  if (value !== null && ("_jsonata_lambda" in value || "_jsonata_function" in value)) return;
  throw failed("Something is called that is not a function.");
}

/** Grouping appends each item to a copy of its group, and `*` each array to a copy of what it has. */
function payForGrouping(meter: Meter, key: Node): void {
  const count = (meter.keys.get(key) ?? 0) + 1;
  meter.keys.set(key, count);
  meter.take(count / 512);
}

function payForAppends(meter: Meter, input: unknown): void {
  const items = Object.values(input ?? {});
  const arrays = items.filter((item): item is unknown[] => Array.isArray(item));
  const total = arrays.reduce((sum, array) => sum + meter.span(array) - 2, items.length);
  checkItems(total);
  meter.take((arrays.length * total) / 2048);
}

/** The pattern of a transform must look at a fresh copy: `$clone` may have been replaced by a function that makes none. */
function takeClone(meter: Meter, input: unknown): void {
  if (typeof input === "object" && input !== null && meter.clones.delete(input)) return;
  throw failed("A transform must work on a copy. $clone must not be replaced.");
}

function checkWithin(meter: Meter, copy: unknown, matches: unknown): void {
  const parts = new Set<unknown>();
  collect(copy, parts);
  meter.take(parts.size >>> 3);
  for (const match of Array.isArray(matches) ? matches : [matches]) {
    if (typeof match === "function" || (typeof match === "object" && match !== null && !parts.has(match))) {
      throw failed("A transform may change only parts of the object that it was given.");
    }
  }
}

function collect(value: unknown, parts: Set<unknown>): void {
  if (typeof value !== "object" || value === null || parts.has(value)) return;
  parts.add(value);
  for (const item of Object.values(value)) collect(item, parts);
}

const failed = (message: string) => new ExpressionError("EXPRESSION_FAILED", message);
