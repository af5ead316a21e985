import { z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";

import { can } from "../../identity/actor.ts";
import type { HttpEnv } from "../../identity/context.ts";
import type { Config } from "../../platform/config.ts";
import { AppError } from "../../platform/errors.ts";
import { jsonBody } from "../../platform/http.ts";
import { objectIdPattern } from "../../platform/ids.ts";
import { Template } from "../model.ts";

const settingOf = {
  "templates.read": "TEMPLATE_READ_PERMISSION",
  "templates.write": "TEMPLATE_WRITE_PERMISSION",
  "flows.read": "FLOW_READ_PERMISSION",
  "flows.write": "FLOW_WRITE_PERMISSION",
  "flows.control": "FLOW_CONTROL_PERMISSION",
} as const satisfies Record<string, keyof Config>;
export type Permission = keyof typeof settingOf;

export function requirePermission({ actor, config }: HttpEnv["Variables"]["context"], permission: Permission): void {
  const name = config[settingOf[permission]];
  if (!can(actor, name)) throw new AppError("MISSING_PERMISSION", { detail: `Needed is ${name}.` });
}

/** Bearer token and permission; the names of the permissions are settings. */
export function guarded(permission: Permission, ...middleware: MiddlewareHandler<HttpEnv>[]) {
  const permit: MiddlewareHandler<HttpEnv> = async (c, next) => {
    requirePermission(c.get("context"), permission);
    await next();
  };
  return { security: [{ Bearer: [] }], "x-permission": permission, middleware: [permit, ...middleware] };
}

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
