import { OpenAPIHono, z } from "@hono/zod-openapi";

import type { HttpEnv } from "../../identity/context.ts";
import { MOST_AT_ONCE } from "../many.ts";
import { FlowInput, FlowPatch } from "../model.ts";
import { readingRoutes } from "./reading.ts";
import { revisionRoutes } from "./revisions.ts";
import { writingRoutes } from "./writing.ts";

export const flowRoutes = new OpenAPIHono<HttpEnv>();

const several = z.array(FlowInput).max(MOST_AT_ONCE);
flowRoutes.openAPIRegistry.register("FlowInput", FlowInput);
flowRoutes.openAPIRegistry.register("FlowPatch", FlowPatch);
flowRoutes.openAPIRegistry.register(
  "FlowInputOrArray",
  z.union([FlowInput, several]).openapi({ description: "A flow, or an array of flows." }),
);
flowRoutes.openAPIRegistry.register(
  "FlowPatchArray",
  z
    .array(FlowPatch.required({ id: true }))
    .max(MOST_AT_ONCE)
    .openapi({ description: "Edits, each with the id of its flow." }),
);

flowRoutes.route("/", writingRoutes);
flowRoutes.route("/", readingRoutes);
flowRoutes.route("/", revisionRoutes);
