import { createRoute, OpenAPIHono } from "@hono/zod-openapi";

import type { HttpEnv } from "../../identity/context.ts";
import { bodyErrors, refusals, secured } from "../../identity/http.ts";
import { bodyIfAny, documentedBody, json } from "../../platform/http.ts";
import { tagOf } from "../edit.ts";
import { AppSecretInput } from "../model.ts";
import { renewSecret } from "../renew-secret.ts";
import { revokeTokens } from "../revoke-tokens.ts";
import { toldOf } from "../store.ts";
import { AppAnswer, AppParams, AppSecretAnswer } from "./schemas.ts";

const tags = ["Apps"];

const renewRoute = createRoute({
  method: "post",
  path: "/apps/{id}/secrets",
  operationId: "addAppSecret",
  tags,
  summary: "Give an app a new secret",
  description:
    "The answer alone tells the secret: keep it. Earlier secrets and all tokens that were issued are void within 5 s, unless the body says `keep`. Needs the permission `apps.write`.",
  ...secured("apps.write", bodyIfAny),
  request: { params: AppParams, body: documentedBody("AppSecretInput", "May be left out.", undefined, false) },
  responses: {
    201: json(AppSecretAnswer, "The app with its new secret, which is told this once."),
    ...refusals("INVALID_ID", "APP_NOT_FOUND", "REVISION_CONFLICT", ...bodyErrors),
  },
});

const revokeRoute = createRoute({
  method: "post",
  path: "/apps/{id}/revoke",
  operationId: "revokeAppTokens",
  tags,
  summary: "Revoke the tokens of an app",
  description:
    "All tokens that were issued to it until now are void within 5 s. Its secrets stay good: with them it gets new tokens. Needs the permission `apps.write`.",
  ...secured("apps.write"),
  request: { params: AppParams },
  responses: {
    200: json(AppAnswer, "The app after it."),
    ...refusals("INVALID_ID", "APP_NOT_FOUND", "REVISION_CONFLICT"),
  },
});

export const appSecretRoutes = new OpenAPIHono<HttpEnv>()
  .openapi(renewRoute, async (c) => {
    const { row, clientSecret } = await renewSecret(c.var.context, c.req.valid("param").id, c.var.body);
    return c.json({ data: { ...toldOf(row), clientSecret }, meta: {} }, 201, { etag: tagOf(row) });
  })
  .openapi(revokeRoute, async (c) => {
    const row = await revokeTokens(c.var.context, c.req.valid("param").id);
    return c.json({ data: toldOf(row), meta: {} }, 200, { etag: tagOf(row) });
  });
appSecretRoutes.openAPIRegistry.register("AppSecretInput", AppSecretInput);
