import { AppError } from "./errors.ts";
import { headerParameter } from "./http.ts";

/** Documents If-Match on a route that changes something. */
export const ifMatchHeader = headerParameter(
  "if-match",
  '"3-7"',
  "Change only the flow that has this ETag; any other is refused with 412. Without it the last writer wins.",
);

/** Documents If-None-Match on a route that reads. */
export const ifNoneMatchHeader = headerParameter(
  "if-none-match",
  '"3-7"',
  "ETag that you have already; 304 without a body if it is still the flow's.",
);

const tagsIn = (header: string): string[] => header.split(",").map((tag) => tag.trim());

/** Whether an If-Match allows the present state. Weak tags never match (RFC 9110). */
export const isMatch = (header: string | undefined, tag: string): boolean =>
  header === undefined || tagsIn(header).some((sent) => sent === "*" || sent === tag);

/** Refuses with 412 if the sender means another state than the present one. */
export function demandMatch(header: string | undefined, tag: string): void {
  if (!isMatch(header, tag)) throw preconditionFailed(tag);
}

/** Whether the sender has the present state already. */
export const isKnown = (header: string | undefined, tag: string): boolean =>
  header !== undefined && tagsIn(header).some((sent) => sent === "*" || sent.replace(/^W\//, "") === tag);

export const preconditionFailed = (tag: string): AppError =>
  new AppError("PRECONDITION_FAILED", {
    parameter: "If-Match",
    detail: `What is there has the ETag ${tag}.`,
    etag: tag,
  });
