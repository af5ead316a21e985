import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";

import { FlowParams, ItemErrors } from "../../flows/routes/schemas.ts";
import type { HttpEnv } from "../../identity/context.ts";
import { bodyErrors, refusals, secured } from "../../identity/http.ts";
import { idempotencyHeader } from "../../identity/idempotency.ts";
import { documentedBody, json, jsonBody, parsed } from "../../platform/http.ts";
import { restartRun } from "../control.ts";
import { replayFailed, replayRun } from "../replay.ts";
import { RunId } from "../view.ts";
import { Begun, ofFlow, ofRun, RunParams } from "./run-schemas.ts";

const tags = ["Runs"];

const restartRoute = createRoute({
  method: "post",
  path: "/runs/{id}/restart",
  operationId: "restartRun",
  summary: "Take up a failed run again",
  description:
    "The same run goes on: steps that failed or were cut off are tried again, what is done stays done. Needs the permission `flows.control`.",
  tags,
  ...secured("flows.control"),
  request: { params: RunParams },
  responses: {
    200: json(Begun, "The run goes on."),
    ...refusals(...ofRun, "RUN_NOT_FAILED", "RUN_OF_ANOTHER", "FLOW_NOT_ACTIVE"),
  },
});

const replayRoute = createRoute({
  method: "post",
  path: "/runs/{id}/replay",
  operationId: "replayRun",
  summary: "Repeat a run",
  description:
    "Begins a new run with what this one had at a step; what the steps before it made is used as it is. Needs the permission `flows.control`.",
  tags,
  ...secured("flows.control", jsonBody),
  parameters: [idempotencyHeader],
  request: {
    params: RunParams,
    body: documentedBody("ReplayInput", "From where, and of which version.", { step: "step_4" }),
  },
  responses: {
    201: json(Begun, "The new run."),
    ...refusals(
      ...ofRun,
      "STEP_NOT_FOUND",
      "REPLAY_TOO_LARGE",
      "FLOW_NOT_ACTIVE",
      "IDEMPOTENCY_KEY_REUSED",
      ...bodyErrors,
    ),
  },
});

const Replayed = z
  .object({
    data: z
      .array(
        z
          .object({
            id: RunId,
            run: RunId.meta({
              description: "The new run.",
              example: "run_6b0259e4ef2fe4ca09ca001d_019aa3b0c1d20f1e2d3c4b5a6978",
            }),
          })
          .meta({ id: "ReplayedRun", description: "A run that was repeated." }),
      )
      .meta({ description: "The oldest first; at most 50 in one request." }),
    refused: z
      .array(
        ItemErrors.extend({ id: RunId }).meta({
          id: "RefusedReplay",
          description: "A run that could not be repeated.",
        }),
      )
      .meta({ description: "Those of them that could not be repeated. They count as failed, and not as repeated." }),
    meta: z
      .object({
        next: RunId.nullable().meta({
          description: "For `after`, where there may be more, even if this answer has none; null if there are not.",
        }),
      })
      .meta({ id: "ReplayedMeta", description: "Where it goes on." }),
  })
  .meta({ id: "ReplayedAnswer", description: "Runs that were repeated." });

const replayFailedRoute = createRoute({
  method: "post",
  path: "/flows/{id}/runs/replay-failed",
  operationId: "replayFailedRuns",
  summary: "Repeat the runs of a flow that failed",
  description:
    "Begins a new run for each that failed and was not repeated yet, from its beginning, the oldest first, 50 at a time. It looks through 500 failed runs at most, those that were repeated included: send it again with `meta.next` as `after` until that is null. Needs the permission `flows.control`.",
  tags,
  ...secured("flows.control"),
  request: {
    params: FlowParams,
    query: z.object({
      after: RunId.optional().meta({
        description: "Only runs that began after this one.",
        example: "run_6b0259e4ef2fe4ca09ca001d_019aa3b0c1d20f1e2d3c4b5a6978",
      }),
      version: z
        .enum(["original", "current"])
        .default("current")
        .meta({ description: "Which document runs: that of then, or the present one.", example: "current" }),
    }),
  },
  responses: { 200: json(Replayed, "The runs that were repeated."), ...refusals(...ofFlow, "FLOW_NOT_ACTIVE") },
});

const ReplayInput = z
  .object({
    step: z
      .string()
      .optional()
      .meta({ description: "Step from which on; without it from the beginning.", example: "step_4" }),
    version: z
      .enum(["original", "current"])
      .default("current")
      .meta({ description: "Which document runs: that of then, or the present one.", example: "current" }),
  })
  .meta({ id: "ReplayInput", description: "How a run is repeated." });

export const repeatRoutes = new OpenAPIHono<HttpEnv>();
repeatRoutes.openAPIRegistry.register("ReplayInput", ReplayInput);

repeatRoutes
  .openapi(restartRoute, async (c) => {
    const { id } = c.req.valid("param");
    await restartRun(c.env, c.get("context"), id);
    return c.json({ data: { id }, meta: {} }, 200);
  })
  .openapi(replayRoute, async (c) => {
    const how = { ...parsed(ReplayInput, c.get("body")), key: c.req.header("idempotency-key") };
    const id = await replayRun(c.env, c.get("context"), c.req.valid("param").id, how);
    return c.json({ data: { id }, meta: {} }, 201);
  })
  .openapi(replayFailedRoute, async (c) => {
    const { after = "", version } = c.req.valid("query");
    const { replayed, refused, next } = await replayFailed(
      c.env,
      c.get("context"),
      c.req.valid("param").id,
      after,
      version,
    );
    return c.json({ data: replayed, refused, meta: { next } }, 200);
  });
