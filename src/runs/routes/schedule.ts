import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";

import { Meta } from "../../flows/model.ts";
import { FlowParams } from "../../flows/routes/schemas.ts";
import type { HttpEnv } from "../../identity/context.ts";
import { refusals, secured } from "../../identity/http.ts";
import { json } from "../../platform/http.ts";
import { previewSchedule } from "../preview.ts";
import { SchedulePreview } from "../view.ts";

const Answer = z
  .object({ data: SchedulePreview, meta: Meta })
  .meta({ id: "SchedulePreviewAnswer", description: "When a flow begins runs by itself." });

const route = createRoute({
  method: "get",
  path: "/flows/{id}/schedule",
  operationId: "previewSchedule",
  tags: ["Runs"],
  summary: "See when a flow is due",
  description:
    "The next five times of each schedule of the flow, by the rule that an active flow runs by; it need not be active. Needs the permission `flows.read`.",
  ...secured("flows.read"),
  request: { params: FlowParams },
  responses: {
    200: json(Answer, "The schedules; empty if the flow has none."),
    ...refusals("INVALID_ID", "FLOW_NOT_FOUND"),
  },
});

export const scheduleRoutes = new OpenAPIHono<HttpEnv>().openapi(route, async (c) => {
  const data = await previewSchedule(c.get("context"), c.req.valid("param").id);
  return c.json({ data, meta: {} }, 200);
});
