import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context as HonoContext } from "hono";

import { FlowParams } from "../../flows/routes/schemas.ts";
import type { HttpEnv } from "../../identity/context.ts";
import { refusals, secured } from "../../identity/http.ts";
import { expiryOf, tokenOf } from "../../identity/identify.ts";
import { eventAnswer, lastEventId } from "../../platform/event-stream.ts";
import { headerParameter } from "../../platform/http.ts";
import { flowEvents, runEvents } from "../events.ts";
import { RunId } from "../view.ts";

const stream = {
  200: {
    description: "Server-sent events (text/event-stream), until the caller goes, the token expires or there is an end.",
    content: {
      "text/event-stream": {
        schema: z.string().meta({ example: 'id: 7\nevent: step\ndata: {"step":"step_1","state":"done"}\n\n' }),
      },
    },
  },
};
const lastEvent = headerParameter(
  "last-event-id",
  "7",
  "Id of the last event that was seen: the stream goes on behind it.",
);

const flowRoute = createRoute({
  method: "get",
  path: "/flows/{id}/events",
  operationId: "watchFlow",
  tags: ["Start and stop"],
  summary: "Watch a flow",
  description:
    "An event `flow` with the status at once and after each transition; its id is the flow's statusSeq. Needs the permission `flows.read`.",
  ...secured("flows.read"),
  parameters: [lastEvent],
  request: { params: FlowParams },
  responses: { ...stream, ...refusals("INVALID_ID", "FLOW_NOT_FOUND", "FLOW_UNAVAILABLE") },
});

const runRoute = createRoute({
  method: "get",
  path: "/runs/{id}/events",
  operationId: "watchRun",
  tags: ["Runs"],
  summary: "Watch a run",
  description:
    "An event `step` for each change of a message at a step, what has happened before included, and an event `run` at the end. Needs the permission `flows.read`.",
  ...secured("flows.read"),
  parameters: [lastEvent],
  request: { params: z.object({ id: RunId }) },
  responses: { ...stream, ...refusals("RUN_NOT_FOUND", "INVALID_PARAMETER") },
});

const answer = (c: HonoContext<HttpEnv>, events: ReadableStream<Uint8Array>): never =>
  eventAnswer(events, expiryOf(tokenOf(c.req.header("authorization")), Date.now()), Date.now()) as never;

const after = (c: HonoContext<HttpEnv>): number => lastEventId(c.req.header("last-event-id"));

export const eventRoutes = new OpenAPIHono<HttpEnv>()
  .openapi(flowRoute, async (c) => answer(c, await flowEvents(c.get("context"), c.req.valid("param").id, after(c))))
  .openapi(runRoute, async (c) =>
    answer(c, await runEvents(c.env, c.get("context"), c.req.valid("param").id, after(c))),
  );
