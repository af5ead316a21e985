import { z } from "@hono/zod-openapi";

import { ErrorItem } from "../../platform/errors.ts";
import { objectIdPattern } from "../../platform/ids.ts";
import { Flow, Meta, SaveMeta } from "../model.ts";

export const FlowParams = z.object({
  id: z
    .string()
    .regex(objectIdPattern)
    .openapi({
      param: { name: "id", in: "path" },
      description: "Id of the flow: 24 hexadecimal digits, or any 12 single-byte characters.",
      example: "6b0259e4ef2fe4ca09ca001d",
    }),
});

export const FlowAnswer = z.object({ data: Flow, meta: Meta }).meta({ id: "FlowAnswer", description: "One flow." });

export const SavedFlowAnswer = z
  .object({ data: Flow, meta: SaveMeta })
  .meta({ id: "SavedFlowAnswer", description: "One flow, as it was stored." });

export const ItemErrors = z
  .object({ errors: z.array(ErrorItem).meta({ description: "At least one error." }) })
  .meta({ id: "ItemErrors", description: "Why this one of several was refused." });

export const FlowsAnswer = z
  .object({
    data: z.array(z.union([Flow, ItemErrors])).meta({ description: "One entry per flow that was sent, in its place." }),
    meta: SaveMeta,
  })
  .meta({ id: "FlowsAnswer", description: "Results of a request about several flows." });

/** The number of a revision in a path. */
export const revisionNumber = (name: string, description: string) =>
  z
    .string()
    .regex(/^[1-9]\d{0,8}$/, "Use the number of a revision.")
    .openapi({ param: { name, in: "path" }, description, example: "2" });

/** Where a page of revisions begins. */
export const BeforeRevision = z.object({
  before: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, "Use the number of a revision.")
    .optional()
    .meta({ description: "Only revisions below this number.", example: "12" }),
});
