import { ExpressionError } from "./error.ts";
import { checkNodes, checkText, LIMITS, type Meter } from "./guard.ts";

/** What has been copied so far, and what checks it. */
interface Total {
  nodes: number;
  text: number;
  readonly check: (total: Total) => void;
}

/** A copy that shares nothing with the value: plain JSON, without functions, flags of jsonata or foreign prototypes. */
export function plain(value: unknown): unknown {
  return value === undefined ? undefined : copy(value, { nodes: 0, text: 0, check: checkSize }, 0);
}

function checkSize({ nodes, text }: Total): void {
  checkNodes(nodes);
  checkText(text);
}

/** A copy of the input, of any size that the steps of the evaluation can pay. */
export function ownCopy(value: unknown, meter: Meter): unknown {
  const check = ({ nodes }: Total) => {
    if ((nodes & 15) === 0) meter.take(1);
  };
  return value === undefined ? undefined : copy(value, { nodes: 0, text: 0, check }, 0);
}

function copy(value: unknown, total: Total, depth: number): unknown {
  total.nodes += 1;
  if (typeof value === "string") total.text += value.length;
  total.check(total);
  switch (typeof value) {
    case "string":
      return value;
    case "number":
      if (!Number.isFinite(value)) throw failed("A number is out of range, as by a division by zero.");
      return value;
    case "boolean":
      return value;
    case "undefined":
      return null;
    case "object":
      break;
    default:
      throw failed(`The value holds a ${typeof value}, which is not data.`);
  }
  if (value === null) return null;
  if ("_jsonata_lambda" in value || "_jsonata_function" in value) {
    throw failed("The value holds a function, or a key that begins with _jsonata_, which is reserved.");
  }
  if (depth > LIMITS.nesting) {
    const message = `A value is nested more than ${LIMITS.nesting} levels deep.`;
    throw new ExpressionError("EXPRESSION_TOO_LARGE", message);
  }
  return Array.isArray(value)
    ? Array.from(value, (item) => copy(item, total, depth + 1))
    : copyObject(value, total, depth);
}

function copyObject(value: object, total: Total, depth: number): object {
  const result: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined) continue;
    total.text += key.length;
    set(result, key, copy(item, total, depth + 1));
  }
  return result;
}

/** An assignment to __proto__ would set the prototype. */
function set(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== "__proto__") object[key] = value;
  else Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
}

const failed = (message: string) => new ExpressionError("EXPRESSION_FAILED", message);
