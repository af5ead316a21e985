import { type DocumentPath, type Fault, fault } from "../platform/faults.ts";

const MOST_TOLD = 100;

/** Keys that a schema would drop without a word. */
export function faultsOfKeys(workflow: Record<string, unknown>): Fault[] {
  const faults: Fault[] = [];
  const waiting: { value: unknown; path: DocumentPath }[] = [{ value: workflow, path: [] }];
  while (waiting.length > 0 && faults.length < MOST_TOLD) {
    const { value, path } = waiting.pop()!;
    if (typeof value !== "object" || value === null) continue;
    for (const [key, item] of Object.entries(value)) {
      const at = [...path, Array.isArray(value) ? Number(key) : key];
      if (key !== "__proto__") waiting.push({ value: item, path: at });
      else faults.push(fault("KEY_INVALID", at, '"__proto__" cannot stand here. Use another name.'));
    }
  }
  return faults;
}
