import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";

import { Meta } from "../../flows/model.ts";
import type { HttpEnv } from "../../identity/context.ts";
import { refusals, secured } from "../../identity/http.ts";
import { json, send } from "../../platform/http.ts";
import { catalogueText } from "../catalogue.ts";
import { InterceptorAbout, tags } from "./schemas.ts";

const listRoute = createRoute({
  method: "get",
  path: "/apis/interceptors",
  operationId: "getInterceptors",
  tags,
  summary: "List the interceptors",
  description:
    "Everything that may stand in the flows of APIs and plans: what it does, where it may stand, and the JSON Schema of its settings. Needs the permission `flows.read`.",
  ...secured("flows.read"),
  responses: {
    200: json(
      z
        .object({
          data: z.array(InterceptorAbout).meta({ description: "The interceptors." }),
          meta: Meta,
        })
        .meta({ id: "InterceptorsAnswer", description: "The catalogue of interceptors." }),
      "The catalogue.",
    ),
    ...refusals(),
  },
});

export const catalogueRoutes = new OpenAPIHono<HttpEnv>().openapi(listRoute, (c) =>
  send(c, { status: 200, body: catalogueText() }),
);
