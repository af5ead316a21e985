import { z } from "zod";

import { AppError } from "./errors.ts";

/** Documents If-Match on a route that changes something. */
export const IfMatch = z.object({
  "if-match": z.string().optional().meta({
    description:
      "Change only the flow that has this ETag; any other is refused with 412. Without it the last writer wins.",
    example: '"3-7"',
  }),
});

/** Documents If-None-Match on a route that reads. */
export const IfNoneMatch = z.object({
  "if-none-match": z.string().optional().meta({
    description: "ETag that you have already; 304 without a body if it is still the flow's.",
    example: '"3-7"',
  }),
});

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
  new AppError("PRECONDITION_FAILED", { parameter: "If-Match", detail: `The flow has the ETag ${tag}.`, etag: tag });
