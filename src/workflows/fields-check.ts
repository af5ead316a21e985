import { type DocumentPath, type Fault, fault } from "../platform/faults.ts";
import type { Fields } from "./fields.ts";
import { faultOfPattern } from "../expressions/pattern.ts";

/** What no payload could ever meet. */
export const faultsOfFields = (fields: Fields | undefined, path: DocumentPath): Fault[] =>
  Object.entries(fields ?? {}).flatMap(([name, field]): Fault[] => {
    const at = [...path, name];
    if (field.rule === "nested") return faultsOfFields(field.fields, [...at, "fields"]);
    if (field.rule === "regex") return faultsOfPattern(field.pattern, [...at, "pattern"]);
    if (field.rule !== "string" && field.rule !== "number") return [];
    if ((field.min ?? -Infinity) <= (field.max ?? Infinity)) return [];
    return [fault("RANGE_INVALID", [...at, "min"], `min (${field.min}) must be at most max (${field.max}).`)];
  });

export function faultsOfPattern(pattern: string, path: DocumentPath): Fault[] {
  const message = faultOfPattern(pattern);
  return message === undefined ? [] : [fault("PATTERN_INVALID", path, message)];
}
