import { bytesOf } from "../messages/model.ts";
import { errorItem, type ErrorItem } from "../platform/errors.ts";
import { isHexId } from "../platform/ids.ts";
import { isRecord } from "../platform/shape.ts";
import { pointerOf } from "./findings.ts";
import { faultsAgainst } from "./value-schema.ts";
import { missingIn, type Variable, type Variables } from "./variables.ts";

export const MOST_VALUE_BYTES = 64 * 1024;
const MOST_FAULTS = 100;

/** What keeps values from being those of an instance, each with its place below `at`. Values are not repeated. */
export function faultsOfValues(variables: Variables, values: unknown, at: readonly string[]): ErrorItem[] {
  if (!isRecord(values)) return [fault(at, "Values are an object by the names of the template's variables.")];
  if (bytesOf(JSON.stringify(values)) > MOST_VALUE_BYTES) {
    return [fault(at, `All values have at most ${MOST_VALUE_BYTES} bytes.`)];
  }
  const known = Object.keys(variables);
  const ofValues = Object.entries(values).flatMap(([name, value]) => {
    const variable = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (variable === undefined) {
      const told = known.length === 0 ? "It has none." : `It has ${known.slice(0, 20).join(", ")}.`;
      return [fault([...at, name], `The template has no such variable. ${told}`)];
    }
    return value === null || value === undefined ? [] : faultsOfValue(variable, value, [...at, name]);
  });
  const missing = missingIn(variables, values).map((name) => fault([...at, name], "The template requires it."));
  return [...ofValues, ...missing].slice(0, MOST_FAULTS);
}

/** What is wrong with one value of a variable. */
export function faultsOfValue(variable: Variable, value: unknown, at: readonly string[]): ErrorItem[] {
  if (variable.secret === true && !(typeof value === "string" && isHexId(value))) {
    return [fault(at, "Use the id of a secret: 24 hexadecimal digits.")];
  }
  if (variable.schema === undefined) return [];
  return faultsAgainst(variable.schema, value).map(({ pointer, detail }) => ({
    ...fault(at, detail),
    pointer: pointerOf(at) + pointer,
  }));
}

const fault = (at: readonly string[], detail: string): ErrorItem =>
  errorItem("INVALID_VALUES", { pointer: pointerOf(at), detail });
