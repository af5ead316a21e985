import { z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";

import type { HttpEnv } from "../../identity/context.ts";
import { jsonBody } from "../../platform/http.ts";
import { objectIdPattern } from "../../platform/ids.ts";
import { Template } from "../model.ts";

/** The original's callers may send no body at all. */
export const bodyIfAny: MiddlewareHandler<HttpEnv> = async (c, next) => {
  if (c.req.raw.body !== null) return jsonBody(c, next);
  c.set("body", {});
  return next();
};

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
