import { checkPlan } from "../apis/check.ts";
import { AppError, type ErrorItem } from "../platform/errors.ts";
import type { Fault } from "../platform/faults.ts";
import { MOST_BYTES } from "../platform/http.ts";
import { findingOf, invalidPlan } from "./findings.ts";

export interface Checked {
  /** JSON: the plan, whole. */
  readonly document: string;
  readonly warnings: (ErrorItem & { pointer: string })[];
}

/** A plan in the form that is stored. All that is wrong is told at once, with what was found elsewhere. */
export function storedForm(sent: unknown, found: readonly Fault[] = []): Checked {
  const checked = checkPlan(sent);
  if (!checked.ok || found.length > 0) throw invalidPlan([...found, ...(checked.ok ? [] : checked.faults)]);
  const document = JSON.stringify(checked.plan);
  if (new TextEncoder().encode(document).byteLength > MOST_BYTES) {
    throw new AppError("BODY_TOO_LARGE", { detail: `A plan may have at most ${MOST_BYTES} bytes.` });
  }
  return { document, warnings: checked.warnings.map(findingOf) };
}
