import { z } from "zod";

import { faultsOfRanges } from "./client-ip.ts";

/** A list of addresses and ranges, at least one of them. */
export const ranges = (description: string, most: number) =>
  z
    .array(z.string())
    .min(1)
    .max(most)
    .superRefine(checkRanges)
    .meta({ description, example: ["203.0.113.0/24", "2001:db8::/32"] });

export function checkRanges(list: readonly string[], check: z.core.$RefinementCtx): void {
  for (const { index, message } of faultsOfRanges(list)) {
    check.addIssue({ code: "custom", path: [index], message, params: { code: "RANGE_INVALID" } });
  }
}
