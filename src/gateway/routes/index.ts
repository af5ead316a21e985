import { OpenAPIHono } from "@hono/zod-openapi";

import type { HttpEnv } from "../../identity/context.ts";
import { apiRoutes } from "./apis.ts";
import { catalogueRoutes } from "./catalogue.ts";
import { apiFlowRoutes } from "./flows.ts";
import { importRoutes } from "./import.ts";
import { repairRoutes } from "./repairs.ts";
import { apiRevisionRoutes } from "./revisions.ts";
import { saveRoutes } from "./save.ts";

/** What is done to APIs; that they are called is none of these. The catalogue comes before an API of such an id. */
export const apiManagementRoutes = new OpenAPIHono<HttpEnv>()
  .route("/", catalogueRoutes)
  .route("/", importRoutes)
  .route("/", apiRoutes)
  .route("/", saveRoutes)
  .route("/", apiFlowRoutes)
  .route("/", repairRoutes)
  .route("/", apiRevisionRoutes);
