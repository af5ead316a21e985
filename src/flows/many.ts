import { AppError } from "../platform/errors.ts";

/** More flows at once could exceed what one request may ask of the database. */
export const MOST_AT_ONCE = 200;

/** Refuses a list that is too long for one request, before anything is done. */
export function requireFew(list: readonly unknown[]): void {
  if (list.length <= MOST_AT_ONCE) return;
  const message = `At most ${MOST_AT_ONCE} flows can be handled at once. Sent were ${list.length}.`;
  throw new AppError("INVALID_BODY", { message });
}
