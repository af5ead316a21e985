import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import type { Context as HonoContext } from "hono";

import type { HttpEnv } from "../../identity/context.ts";
import { AppError, errorItem, statusOf, type ErrorCode } from "../../platform/errors.ts";
import { answerError, errorResponsesAs, headerParameter, json, limitedText, MOST_BYTES } from "../../platform/http.ts";
import { readingOf } from "../hook-body.ts";
import { responseOf } from "../hook-reply.ts";
import { HELD_SECONDS } from "../../platform/patience.ts";
import { hookFlow, takeHook, type HookAnswer } from "../hook.ts";
import type { Run } from "../view.ts";
import { HookParams, HookReceiptAnswer, HookRefusal, SuffixParams } from "./hook-schemas.ts";

const errors: readonly ErrorCode[] = [
  "HOOK_NOT_FOUND",
  "HOOK_UNAUTHORIZED",
  "HOOK_RATE_LIMITED",
  "HOOK_RUN_FAILED",
  "CALL_DEPTH",
  "IDENTITY_UNAVAILABLE",
  "INVALID_JSON",
  "INVALID_BODY",
  "INVALID_PARAMETER",
  "BODY_TOO_LARGE",
  "UNSUPPORTED_MEDIA_TYPE",
  "IDEMPOTENCY_KEY_REUSED",
  "FLOW_HAS_NO_ENTRY",
  "STORAGE_UNAVAILABLE",
  "MISCONFIGURED",
  "INTERNAL",
];

const about = `The request becomes the payload of a run: for POST its body, for GET its query. It is answered at once, or with
\`fields.sync\` of the webhook step by the flow's reply step, for which it waits up to 25 seconds. Needs no token, unless the flow
asks for one (\`flowSettings.webhooks\`): then the request must be signed (HMAC) or carry a token with \`webhooks.execute\`, be it GET
or POST. An unknown flow and an inactive one answer alike. HEAD tells whether the flow is active, and begins nothing.`;

const key = headerParameter(
  "idempotency-key",
  "0b9c8a51-6a0e-4c12-9d9d-2f1d4f3f8a77",
  "Within 24 hours the same key stands for the same run, which is begun once.",
);

const body = {
  required: true,
  description: "The payload: JSON, a form, text or XML.",
  content: { "application/json": { schema: { description: "The payload.", example: { id: 1 } } } },
};

const hook = (method: "get" | "post", suffix: boolean) =>
  createRoute({
    method,
    path: suffix ? "/hook/{flowId}/{suffix}" : "/hook/{flowId}",
    operationId: `${method}Hook${suffix ? "WithSuffix" : ""}`,
    summary: "Begin a run of a flow",
    description: about,
    tags: ["Hooks"],
    security: [],
    parameters: [key],
    request: { params: suffix ? SuffixParams : HookParams, ...(method === "post" ? { body } : {}) },
    responses: {
      200: json(HookReceiptAnswer, "The run was begun, or what the flow replied."),
      202: json(HookReceiptAnswer, "The run goes on after 25 seconds; it can be looked at by its id."),
      ...errorResponsesAs(HookRefusal, ...errors),
    },
  });

export const hookRoutes = new OpenAPIHono<HttpEnv>();

for (const method of ["get", "post"] as const) {
  for (const suffix of [false, true]) hookRoutes.openapi(hook(method, suffix), (c) => answer(c) as never);
}

async function answer(c: HonoContext<HttpEnv>): Promise<Response> {
  const defer = (promise: Promise<unknown>) => c.executionCtx.waitUntil(promise);
  const by = { env: c.env, config: c.get("config"), now: Date.now, defer };
  const { headers, method } = c.req.raw;
  try {
    const row = await hookFlow(by, c.req.param("flowId")!, headers);
    if (method === "HEAD") return c.body(null, 200);
    const request = {
      method: method === "POST" ? "POST" : "GET",
      suffix: c.req.param("suffix"),
      url: new URL(c.req.url),
      headers,
      body: method === "POST" ? await bodyOf(c.req.raw) : undefined,
    } as const;
    return await told(c, await takeHook(by, row, request));
  } catch (error) {
    if (!(error instanceof AppError) || error.cause !== undefined || statusOf(error.code) >= 500) throw error;
    // The original's webhooks service has a form of its own; programs read either.
    const { status } = answerError(c, error);
    if (error.code === "HOOK_RATE_LIMITED") c.header("retry-after", `${HELD_SECONDS}`);
    return c.json({ error: error.message, errors: error.items }, status as 400);
  }
}

async function told(c: HonoContext<HttpEnv>, { requestId, runId, waited }: HookAnswer): Promise<Response> {
  const data = { requestId, runId, message: "thank you" };
  if (waited === undefined) return c.json({ data }, 200);
  if (waited.ended === undefined) return c.json({ data }, 202, { location: `/runs/${runId}` });
  const { reply, status } = waited.ended;
  if (reply !== undefined) return responseOf(reply, runId);
  if (status !== "failed" && status !== "cancelled") return c.json({ data: { ...data, status } }, 200);
  // What went wrong may name what is the flow's own; the sender learns no more than the kind.
  const run = (await c.env.RUN.getByName(runId).show(Number.MAX_SAFE_INTEGER)) as Run | undefined;
  const item = errorItem("HOOK_RUN_FAILED", { detail: run?.error?.code ?? "RUN_CANCELLED" });
  return c.json({ error: item.message, errors: [item] }, 502, { "x-run-id": runId });
}

async function bodyOf(request: Request) {
  const type = request.headers.get("content-type");
  readingOf(type);
  const [text] = await limitedText(request, MOST_BYTES);
  return { text, type: type! };
}
