import { OpenAPIHono } from "@hono/zod-openapi";

import type { HttpEnv } from "../../identity/context.ts";
import { TemplateInput, TemplatePatch } from "../model.ts";
import { UpgradeInput } from "../jobs.ts";
import { GenerateInput, instanceRoutes } from "./instances.ts";
import { jobRoutes } from "./jobs.ts";
import { storedRoutes } from "./templates.ts";

export const templateRoutes = new OpenAPIHono<HttpEnv>();
templateRoutes.openAPIRegistry.register("TemplateInput", TemplateInput);
templateRoutes.openAPIRegistry.register("TemplatePatch", TemplatePatch);
templateRoutes.openAPIRegistry.register("GenerateInput", GenerateInput);
templateRoutes.openAPIRegistry.register("UpgradeInput", UpgradeInput);

templateRoutes.route("/", storedRoutes);
templateRoutes.route("/", instanceRoutes);
templateRoutes.route("/", jobRoutes);
