import { z } from "@hono/zod-openapi";

import { objectIdPattern } from "../../platform/ids.ts";
import { Template } from "../model.ts";

export const TemplateParams = z.object({
  id: z
    .string()
    .regex(objectIdPattern)
    .openapi({
      param: { name: "id", in: "path" },
      description: "Id of the template: 24 hexadecimal digits, or any 12 single-byte characters.",
      example: "5ca5c44c187c040010a9bb8d",
    }),
});

export const TemplateAnswer = z
  .object({ data: Template, meta: z.object({}).meta({ description: "Always empty here." }) })
  .meta({ id: "TemplateAnswer", description: "One template." });
