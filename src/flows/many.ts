import { AppError, errorItem, type ErrorItem } from "../platform/errors.ts";
import { logError } from "../platform/log.ts";
import type { Config } from "../platform/config.ts";
import { isRecord } from "../platform/shape.ts";
import { listsOf } from "./check.ts";

/** More flows at once could exceed what one request may ask of the database. */
export const MOST_AT_ONCE = 1000;
/** Bytes of flows that one answer may carry; an isolate has 128 MB for all that it does at a time. */
export const MOST_ANSWERED = 20 * 1024 * 1024;
/** Nodes, edges and owners of all flows of one request. */
const MOST_ENTRIES = 50_000;

/** Refuses a list that is too long for one request, before anything is done. */
export function requireFew(list: readonly unknown[]): void {
  if (list.length <= MOST_AT_ONCE) return;
  const message = `At most ${MOST_AT_ONCE} flows can be handled at once. Sent were ${list.length}.`;
  throw new AppError("INVALID_BODY", { message });
}

/** Refuses flows that are together too much to judge in one request. */
export function requireFewEntries(flows: readonly unknown[]): void {
  const entries = flows.reduce<number>((sum, flow) => sum + entriesOf(flow), 0);
  if (entries <= MOST_ENTRIES) return;
  const message = `All flows of a request may have at most ${MOST_ENTRIES} nodes, edges and owners. Sent were ${entries}.`;
  throw new AppError("INVALID_BODY", { message });
}

const entriesOf = (flow: unknown): number =>
  isRecord(flow) ? listsOf(flow).reduce((sum, { length }) => sum + length, 0) : 0;

/** Results by flow; if the storage failed for each of them, that is the answer to the request as a whole. */
export function unlessAllFailed<T extends object>(results: (T | { errors: ErrorItem[] })[]): typeof results {
  const down = results.every((result) => "errors" in result && result.errors[0]?.error === "STORAGE_UNAVAILABLE");
  if (!down || results.length === 0) return results;
  throw new AppError("STORAGE_UNAVAILABLE", { cause: new Error("It failed for each flow.") });
}

/** Answers for one of several flows, whatever went wrong with it, so that the others get theirs. */
export function refusedItem(config: Config, error: unknown, flowId: string): { errors: ErrorItem[] } {
  const expected = error instanceof AppError;
  if (!expected || error.cause !== undefined) logError(config, "item.failed", error, { flowId });
  if (expected) return { errors: error.items.map((item) => ({ ...item, flowId })) };
  return { errors: [errorItem("INTERNAL", { flowId })] };
}
