import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";

import type { HttpEnv } from "../../identity/context.ts";
import { bodyErrors, refusals, repeatErrors, secured } from "../../identity/http.ts";
import { idempotencyHeader, repeatable } from "../../identity/idempotency.ts";
import { bodyIfAny, documentedBody, json, parsed, send } from "../../platform/http.ts";
import { saveApi } from "../save.ts";
import { ApiParams, ifDraftHeader, Overview, tags } from "./schemas.ts";

const known = ["INVALID_ID", "FLOW_NOT_FOUND", "API_NOT_FOUND"] as const;

const SaveInput = z
  .object({
    note: z.string().min(1).max(500).optional().meta({
      description: "What changed, for the list of revisions; by itself the difference in words.",
      example: "A limit for everybody.",
    }),
  })
  .meta({ id: "ApiSaveInput", description: "How a draft is saved." });

const saveRoute = createRoute({
  method: "post",
  path: "/apis/{id}/save",
  operationId: "saveApi",
  tags,
  summary: "Save the draft of an API",
  description:
    "Makes the draft a new revision, at once and as a whole. Of an active API every gateway has it within 5 seconds; calls in flight finish on the revision with which they began. Needs the permission `flows.write`; while the API is active `flows.control` too.",
  ...secured("flows.write", bodyIfAny, repeatable),
  parameters: [ifDraftHeader, idempotencyHeader],
  request: {
    params: ApiParams,
    body: documentedBody("ApiSaveInput", "A note; may be left out.", { note: "A limit for everybody." }, false),
  },
  responses: {
    200: json(Overview, "The API after it."),
    ...refusals(
      ...known,
      "NOTHING_TO_SAVE",
      "DRAFT_OUTDATED",
      "API_MOVING",
      "BASE_PATH_TAKEN",
      "REVISION_CONFLICT",
      "INVALID_API",
      "PRECONDITION_FAILED",
      ...bodyErrors,
      ...repeatErrors.filter((code) => code !== "FLOW_NOT_FOUND"),
    ),
  },
});

export const saveRoutes = new OpenAPIHono<HttpEnv>();
saveRoutes.openAPIRegistry.register("ApiSaveInput", SaveInput);

saveRoutes.openapi(saveRoute, async (c) => {
  const { note } = parsed(SaveInput, c.var.body);
  const which = { id: c.req.valid("param").id, ifMatch: c.req.header("if-match"), note };
  return send(c, await saveApi(c.var.context, c.env, which));
});
