import { z } from "@hono/zod-openapi";

import { objectIdPattern } from "../platform/ids.ts";
import { SecretEntry } from "./model.ts";

export const SecretParams = z.object({
  id: z
    .string()
    .regex(objectIdPattern)
    .openapi({
      param: { name: "id", in: "path" },
      description: "Id of the secret: 24 hexadecimal digits, or any 12 single-byte characters.",
      example: "5ca5c44c187c040010a9bb8c",
    }),
});

export const SecretAnswer = z
  .object({ data: SecretEntry, meta: z.object({}).meta({ description: "Always empty here." }) })
  .meta({ id: "SecretAnswer", description: "One secret." });

export const SecretListAnswer = z
  .object({
    data: z.array(SecretEntry).meta({ description: "The secrets of this page, the oldest first." }),
    meta: z
      .object({ perPage: z.int().meta({ description: "Secrets per page.", example: 100 }) })
      .meta({ description: "Where this page stands." }),
    links: z
      .object({
        next: z.string().nullable().meta({
          description: "Address of the page behind this one; null if there is none.",
          example: "/secrets?page%5Bsize%5D=100&page%5Bafter%5D=5ca5c44c187c040010a9bb8c",
        }),
      })
      .meta({ description: "Leads from page to page at the same cost however deep." }),
  })
  .meta({ id: "SecretListAnswer", description: "A page of secrets." });
