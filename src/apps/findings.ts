import type { z } from "zod";

import { AppError, errorItem, statusOf, type ErrorItem } from "../platform/errors.ts";
import type { DocumentPath, Fault } from "../platform/faults.ts";
import { faultsOfShape } from "../platform/shape.ts";

const MOST_TOLD = 500;

const pointerOf = (path: DocumentPath): string =>
  path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");

/** Parses what was sent; all that is wrong with its shape is told. */
export function parsed<T extends z.ZodType>(schema: T, sent: unknown, noun: string): z.output<T> {
  const result = schema.safeParse(sent);
  if (result.success) return result.data;
  const faults = faultsOfShape(result.error.issues, sent, { schema, noun }).slice(0, MOST_TOLD);
  const items = faults.map(({ path, message }) =>
    errorItem("INVALID_BODY", { pointer: pointerOf(path), detail: message }),
  );
  throw new AppError("INVALID_BODY", { items });
}

export const findingOf = ({ code, path, message }: Fault): ErrorItem & { pointer: string } => ({
  message,
  code: statusOf("INVALID_PLAN"),
  error: code,
  pointer: pointerOf(path),
});

/** An answer must not become many times as large as what was sent. */
export function invalidPlan(faults: readonly Fault[]): AppError {
  const rest = faults.length - MOST_TOLD;
  const more = { code: "MORE_FINDINGS", path: [], message: `There are ${rest} more findings.` };
  const told = rest > 0 ? [...faults.slice(0, MOST_TOLD), more] : faults;
  return new AppError("INVALID_PLAN", { items: told.map(findingOf) });
}
