import { AppError, errorItem, redelivery, type ErrorCode, type ErrorItem } from "../platform/errors.ts";
import type { Entry, Verdict } from "./job-model.ts";

/** Faults of one instance in a row; with the waits between them they take more than ten minutes. */
export const MOST_FAULTS = 25;
/** Instances that are tried by themselves in one portion. */
const MOST_ALONE = 10;

const mayPass = (errors: readonly ErrorItem[]): boolean =>
  errors.every(({ error }) => redelivery[error as ErrorCode] === "retry");

/** A fault that may pass is waited for; any other is final. */
export const verdictOn = (errors: readonly ErrorItem[]): Verdict => ({
  outcome: mayPass(errors) ? "waiting" : "failed",
  errors,
});

/** Whether the instance is to be tried again after a fault, and not just waited for. */
export const isFault = ({ outcome, errors }: Verdict): boolean => outcome === "waiting" && errors !== undefined;

/** Whoever met a fault is tried by itself from then on, so that one instance does not hold up the others. */
export function groupsToTry(entries: readonly Entry[]): Entry[][] {
  const together = entries.filter(({ faults }) => faults === 0);
  const alone = entries.filter(({ faults }) => faults > 0).slice(0, MOST_ALONE);
  return [...(together.length === 0 ? [] : [together]), ...alone.map((entry) => [entry])];
}

/** What becomes of instances whose work broke off. Of several it is unknown whose fault it was. */
export function verdictsOnThrown(error: unknown, entries: readonly Entry[]): Map<string, Verdict> {
  const errors = error instanceof AppError ? error.items : [errorItem("INTERNAL")];
  const verdict: Verdict = entries.length > 1 ? { outcome: "waiting", errors } : verdictOn(errors);
  return new Map(entries.map(({ flowId }) => [flowId, verdict]));
}

const NOT_STARTED = "It ran before; it may have been stopped and was not started again.";

/** Gives up what was tried often enough, and tells of an instance that may be left stopped. */
export function settled(verdict: Verdict, { faults, wasActive }: Entry): Verdict {
  const outcome = isFault(verdict) && faults + 1 >= MOST_FAULTS ? "failed" : verdict.outcome;
  if (outcome !== "failed" || !wasActive) return { ...verdict, outcome };
  const errors = (verdict.errors ?? []).map((item) => ({ ...item, detail: item.detail ?? NOT_STARTED }));
  return { outcome, errors };
}
