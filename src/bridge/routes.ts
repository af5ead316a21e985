import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";

import { FlowParams, revisionNumber } from "../flows/routes/schemas.ts";
import { timeOf } from "../flows/store.ts";
import type { HttpEnv } from "../identity/context.ts";
import { bodyErrors, refusals, secured } from "../identity/http.ts";
import { mailboxOf, type Pulled } from "../messages/mailbox.ts";
import type { Envelope } from "../messages/model.ts";
import { AppError } from "../platform/errors.ts";
import { documentedBody, json, jsonBody, listBody, parsed } from "../platform/http.ts";
import { isRecord } from "../platform/shape.ts";
import { documentOfCommand } from "./document.ts";
import {
  BusMessage,
  FlowOfCommand,
  MOST_AT_ONCE,
  PulledAnswer,
  PullQuery,
  SettledAnswer,
  SettleInput,
  TakenAnswer,
} from "./model.ts";
import { takeMessages } from "./take.ts";

const needs = "Needs the permission `bridge`, and the setting BRIDGE.";
const tags = ["Bridge"];

/** Where nobody has switched a bridge on, there is none. */
const ifOn: MiddlewareHandler<HttpEnv> = async (c, next) => {
  if (c.var.config.BRIDGE === "off") {
    throw new AppError("NOT_FOUND", { detail: "There is no bridge here: the setting BRIDGE is off." });
  }
  await next();
};

const pullRoute = createRoute({
  method: "get",
  path: "/bridge/commands",
  operationId: "pullBridgeCommands",
  tags,
  summary: "Fetch what is to be published",
  description: `Commands and notices for the bus, handed out for a time. What is not settled by then is handed out again. ${needs}`,
  ...secured("bridge", ifOn),
  request: { query: PullQuery },
  responses: {
    200: json(PulledAnswer, "Messages; empty if there is none."),
    ...refusals("INVALID_PARAMETER", "NOT_FOUND"),
  },
});

const settleRoute = createRoute({
  method: "post",
  path: "/bridge/commands/settle",
  operationId: "settleBridgeCommands",
  tags,
  summary: "Tell what was published",
  description: `Forgets what the bus has taken and puts off what it has not. ${needs}`,
  ...secured("bridge", ifOn, jsonBody),
  request: { body: documentedBody("SettleInput", "The leases.") },
  responses: { 200: json(SettledAnswer, "What was settled."), ...refusals("NOT_FOUND", ...bodyErrors) },
});

const reportRoute = createRoute({
  method: "post",
  path: "/bridge/reports",
  operationId: "takeBridgeReports",
  tags,
  summary: "Hand over messages of the bus",
  description: `flow.started, flow.stopped, flow.failed, iam.user.deleted and iam.tenant.deleted, one or up to ${MOST_AT_ONCE}. What is answered as taken has had its effect, or is kept as a dead letter. ${needs}`,
  ...secured("bridge", ifOn, listBody),
  request: {
    body: documentedBody("BusMessages", "Messages in their order.", [
      { headers: { name: "flow.started", createdAt: 1795316300551 }, payload: { id: "6b0259e4ef2fe4ca09ca001d" } },
    ]),
  },
  responses: {
    200: json(TakenAnswer, "One entry per message, in its place."),
    ...refusals("NOT_FOUND", ...bodyErrors),
  },
});

const flowRoute = createRoute({
  method: "get",
  path: "/bridge/flows/{id}/{revision}",
  operationId: "getBridgeFlow",
  tags,
  summary: "Get the flow of a command",
  description: `A command whose flow would not fit a queue names its revision; this is the document. ${needs}`,
  ...secured("bridge", ifOn),
  request: { params: FlowParams.extend({ revision: revisionNumber("revision", "Number of the revision.") }) },
  responses: {
    200: json(FlowOfCommand, "The document."),
    ...refusals("INVALID_ID", "INVALID_PARAMETER", "NOT_FOUND", "FLOW_NOT_FOUND", "REVISION_NOT_FOUND"),
  },
});

export const bridgeRoutes = new OpenAPIHono<HttpEnv>();
bridgeRoutes.openAPIRegistry.register("SettleInput", SettleInput);
bridgeRoutes.openAPIRegistry.register(
  "BusMessages",
  z
    .union([BusMessage, z.array(BusMessage).max(MOST_AT_ONCE)])
    .openapi({ description: "A message as it stands on the bus, or several." }),
);

bridgeRoutes
  .openapi(pullRoute, async (c) => {
    const { most, lease, wait } = c.req.valid("query");
    // Nobody reads what a HEAD is answered.
    if (c.req.method === "HEAD") {
      return c.json(told({ messages: [], ...(await mailboxOf(c.env).standing()) }, Date.now()), 200);
    }
    const order = { most: Number(most), leaseSeconds: Number(lease), waitSeconds: Number(wait) };
    return c.json(told(await mailboxOf(c.env).pull(order), Date.now()), 200);
  })
  .openapi(settleRoute, async (c) => {
    const data = await mailboxOf(c.env).settle(parsed(SettleInput, c.var.body));
    return c.json({ data, meta: {} }, 200);
  })
  .openapi(reportRoute, async (c) => {
    const messages = isRecord(c.var.body) ? [c.var.body] : (c.var.body as unknown[]);
    if (messages.length > MOST_AT_ONCE) {
      throw new AppError("INVALID_BODY", { detail: `Send at most ${MOST_AT_ONCE} messages at once.` });
    }
    return c.json({ data: await takeMessages(c.env, messages), meta: {} }, 200);
  })
  .openapi(flowRoute, async (c) => {
    const { id, revision } = c.req.valid("param");
    return c.json({ data: await documentOfCommand(c.var.context.db, id, Number(revision)), meta: {} }, 200);
  });

const told = ({ messages, backlog, oldest }: Pulled, now: number) => ({
  data: messages.map(({ leaseId, since, attempts, body }) => ({
    leaseId,
    since: timeOf(since),
    attempts,
    message: JSON.parse(body) as Envelope & { payload: object },
  })),
  meta: { backlog, oldestSeconds: oldest === null ? null : Math.max(0, (now - oldest) / 1000) },
});
