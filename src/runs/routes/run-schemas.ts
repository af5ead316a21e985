import { z } from "@hono/zod-openapi";

import { Meta } from "../../flows/model.ts";
import { runStatuses } from "../model.ts";
import { RunId } from "../view.ts";

export const RunParams = z.object({ id: RunId });

export const Begun = z
  .object({
    data: z.object({ id: RunId }).meta({ id: "RunBegun", description: "The run that was begun." }),
    meta: Meta,
  })
  .meta({ id: "RunBegunAnswer", description: "A run that was begun." });

export const RunListQuery = z.object({
  "filter[status]": z
    .string()
    .optional()
    .meta({
      description: `Only runs with this status; several are separated by commas: ${runStatuses.join(", ")}.`,
      example: "failed",
    }),
  "filter[from]": z.iso
    .datetime({ offset: true })
    .optional()
    .meta({ description: "Only runs that began at this time or later.", example: "2026-11-22T00:00:00Z" }),
  "filter[to]": z.iso
    .datetime({ offset: true })
    .optional()
    .meta({ description: "Only runs that began before this time.", example: "2026-11-23T00:00:00Z" }),
  "filter[instance]": z.string().optional().meta({
    description: "Only runs of this instance. An instance is a flow, so the list is its own or empty.",
    example: "6b0259e4ef2fe4ca09ca001d",
  }),
  "page[size]": z.coerce
    .number()
    .int()
    .min(1)
    .max(100)
    .default(20)
    .meta({ description: "Runs on a page, 1 to 100.", example: 20 }),
  "page[after]": RunId.optional().meta({
    description: "Id of the last run of the page before.",
    example: "run_6b0259e4ef2fe4ca09ca001d_019aa3b0c1d20f1e2d3c4b5a6978",
  }),
});

export type RunListQuery = z.infer<typeof RunListQuery>;

export const RunInput = z
  .object({
    data: z
      .unknown()
      .optional()
      .meta({ description: "The payload.", example: { id: 1 } }),
    metadata: z.record(z.string(), z.unknown()).optional().meta({ description: "What is told about it.", example: {} }),
    step: z
      .string()
      .optional()
      .meta({ description: "Step at which it begins; without it a `manual` step, else the entry.", example: "step_1" }),
  })
  .meta({ id: "RunInput", description: "What a run begins with." });

/** Errors of every operation on a flow's runs, and on one run. */
export const ofFlow = ["INVALID_ID", "FLOW_NOT_FOUND", "INVALID_PARAMETER"] as const;
export const ofRun = ["RUN_NOT_FOUND", "INVALID_PARAMETER"] as const;
