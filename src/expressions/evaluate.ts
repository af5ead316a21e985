import jsonata from "jsonata";
import { builtins } from "./builtins.ts";
import { ownCopy, plain } from "./data.ts";
import { ExpressionError } from "./error.ts";
import { type Budget, LIMITS, Meter } from "./guard.ts";
import { hooks } from "./hooks.ts";
import { METER } from "./scope.ts";
import { prepare } from "./syntax.ts";

export { ExpressionError, type ExpressionErrorCode } from "./error.ts";

export type Bindings = Readonly<Record<string, unknown>>;

export interface Expression {
  /**
   * The result is a copy, made of plain JSON; undefined stays undefined. The input is never written to.
   * Bindings are variables without their dollar sign, and data like the input. Its steps are the budget's too.
   */
  evaluate(input: unknown, bindings?: Bindings, budget?: Budget): Promise<unknown>;
}

interface Compiled {
  evaluate(input: unknown, bindings: Bindings | undefined, meter: Meter): Promise<unknown>;
}

const cache = new Map<string, Compiled>();

/** Throws EXPRESSION_INVALID for what is not an expression. */
export function compile(text: string): Expression {
  const compiled = compiledOf(text);
  return { evaluate: (input, bindings, budget) => compiled.evaluate(input, bindings, new Meter(budget)) };
}

/** Evaluates with the steps that other expressions have left. */
export function evaluateWithin(meter: Meter, text: string, input: unknown, bindings?: Bindings): Promise<unknown> {
  return compiledOf(text).evaluate(input, bindings, meter);
}

/** Why a text is not an expression, in a sentence for its author; undefined if it is one. */
export function faultOf(text: string): string | undefined {
  try {
    compiledOf(text);
    return undefined;
  } catch (cause) {
    return (cause as Error).message;
  }
}

/** jsonata's own cast to a boolean. */
export function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(isTrue);
  if (typeof value === "object") return value !== null && Object.keys(value).length > 0;
  if (typeof value === "number") return value !== 0 && !Number.isNaN(value);
  return value === true || (typeof value === "string" && value !== "");
}

function compiledOf(text: string): Compiled {
  const known = cache.get(text);
  const compiled = known ?? compileAnew(text);
  if (known !== undefined) cache.delete(text);
  cache.set(text, compiled);
  if (cache.size > LIMITS.cached) cache.delete(cache.keys().next().value!);
  return compiled;
}

function compileAnew(text: string): Compiled {
  if (text.length > LIMITS.expression) {
    throw new ExpressionError("EXPRESSION_INVALID", `The expression is longer than ${LIMITS.expression} characters.`);
  }
  const { expression, writes } = parsed(text);
  for (const [name, hook] of [...hooks, ...builtins]) expression.assign(name as string, hook);
  return {
    async evaluate(input, bindings, meter) {
      try {
        const given = writes ? ownCopy(input, meter) : input;
        const variables = {
          ...((writes ? ownCopy(bindings, meter) : bindings) as Bindings | undefined),
          [METER]: meter,
        };
        return plain(await expression.evaluate(given, variables));
      } catch (cause) {
        throw asExpressionError(cause);
      }
    },
  };
}

function parsed(text: string): { expression: jsonata.Expression; writes: boolean } {
  try {
    const expression = jsonata(text, { stack: LIMITS.depth, sequence: LIMITS.sequence });
    return { expression, writes: prepare(expression.ast()) };
  } catch (cause) {
    if (cause instanceof ExpressionError) throw cause;
    if (cause instanceof RangeError) {
      throw new ExpressionError("EXPRESSION_INVALID", "The expression is nested too deeply.");
    }
    const { message, position } = cause as { message?: string; position?: number };
    const where = position === undefined ? "" : ` at character ${position}`;
    throw new ExpressionError("EXPRESSION_INVALID", `Not an expression${where}: ${shortened(message, 200)}`);
  }
}

function asExpressionError(cause: unknown): ExpressionError {
  if (cause instanceof ExpressionError) return cause;
  const { code, message, position } = cause as { code?: string; message?: string; position?: number };
  if (code === "D1011") {
    const words = `The expression calls itself more than ${LIMITS.depth} levels deep. Write the recursion as a tail call.`;
    return new ExpressionError("EXPRESSION_DEPTH", words);
  }
  if (code === "D2014" || code === "D2015") {
    const words = `The expression makes an array of more than ${LIMITS.sequence} items. Work on less data.`;
    return new ExpressionError("EXPRESSION_TOO_LARGE", words);
  }
  if (cause instanceof RangeError && /call stack/i.test(cause.message)) {
    return new ExpressionError("EXPRESSION_DEPTH", "The data is nested too deeply for the expression.");
  }
  if (cause instanceof RangeError && /invalid (?:array|string) length/i.test(cause.message)) {
    return new ExpressionError("EXPRESSION_TOO_LARGE", "The expression makes a value that is too large.");
  }
  const where = typeof position === "number" ? ` (at character ${position})` : "";
  return new ExpressionError("EXPRESSION_FAILED", `${shortened(message, quotes(cause) ? 100 : 250)}${where}`);
}

/** Whether jsonata's sentence holds data: a value, or what the author gave to $error or $assert. */
const quotes = (cause: unknown) =>
  typeof cause !== "object" || cause === null || cause instanceof Error || "value" in cause || "message" in cause;

const shortened = (message: string | undefined, length: number) =>
  message === undefined ? "The expression failed." : message.length > length ? `${message.slice(0, length)}…` : message;
