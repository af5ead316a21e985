import { z } from "@hono/zod-openapi";

import { ErrorBody } from "../../platform/errors.ts";

export const HookReceiptAnswer = z
  .object({
    data: z
      .object({
        requestId: z.string().meta({
          description: "Id of the request: `x-request-id`, or a new one.",
          example: "4bf92f3577b34da6a3ce929d0e0e4736",
        }),
        runId: z.string().meta({
          description: "Id of the run that it began.",
          example: "run_6b0259e4ef2fe4ca09ca001d_019aa3b0c1d20f1e2d3c4b5a6978",
        }),
        message: z.string().meta({ description: "For people.", example: "thank you" }),
        status: z
          .string()
          .optional()
          .meta({ description: "Of a synchronous hook without a reply: how the run ended.", example: "completed" }),
      })
      .meta({ id: "HookReceipt", description: "What a request to a hook began." }),
  })
  .meta({ id: "HookAnswer", description: "The request was taken; the run goes to its end." });

export const HookRefusal = ErrorBody.extend({
  error: z
    .string()
    .optional()
    .meta({ description: "The same as in the Open Integration Hub's webhooks service.", example: "Unauthorized" }),
}).meta({ id: "HookRefusal", description: "Why a request to a hook was refused." });

export const HookParams = z.object({
  flowId: z.string().meta({ description: "Id of the flow.", example: "6b0259e4ef2fe4ca09ca001d" }),
});
export const SuffixParams = HookParams.extend({
  suffix: z
    .string()
    .regex(/^\w{1,64}$/)
    .meta({ description: "One word that the flow gets as `pathSuffix`.", example: "orders" }),
});
