import type { Fault } from "../apis/check.ts";
import { type Finding, pointerOf } from "../flows/findings.ts";
import { AppError, statusOf } from "../platform/errors.ts";
import type { DocumentPath } from "../platform/faults.ts";

const MOST_TOLD = 500;

/** What is wrong with an API as its author reads it; `pointer` makes of a path in the document one in what was sent. */
export function findingsOf(faults: readonly Fault[], pointer: (path: DocumentPath) => string = pointerOf): Finding[] {
  const told = faults.slice(0, MOST_TOLD).map((one) => ({
    message: one.message,
    code: statusOf("INVALID_API"),
    error: one.code,
    pointer: pointer(one.path),
    ...(one.warning === true ? { warning: one.warning } : {}),
  }));
  const rest = faults.length - told.length;
  if (rest === 0) return told;
  const message = `There are ${rest} more findings.`;
  return [...told, { message, code: statusOf("INVALID_API"), error: "MORE_FINDINGS", pointer: "" }];
}

/** Refuses an API with all that is wrong with it. */
export function invalidApi(faults: readonly Fault[], pointer?: (path: DocumentPath) => string): AppError {
  const grave = faults.filter(({ warning }) => warning !== true);
  return new AppError("INVALID_API", { items: findingsOf(grave, pointer) });
}
