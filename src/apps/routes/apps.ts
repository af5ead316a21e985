import { createRoute, OpenAPIHono } from "@hono/zod-openapi";

import type { HttpEnv } from "../../identity/context.ts";
import { bodyErrors, refusals, secured } from "../../identity/http.ts";
import { isKnown } from "../../platform/conditional.ts";
import { documentedBody, json, jsonBody } from "../../platform/http.ts";
import { createApp } from "../create-app.ts";
import { deleteApp } from "../delete-app.ts";
import { tagOf } from "../edit.ts";
import { getApp } from "../get-app.ts";
import { listApps } from "../list.ts";
import { AppInput, AppPatch } from "../model.ts";
import { toldOf } from "../store.ts";
import { updateApp } from "../update-app.ts";
import { appSecretRoutes } from "./app-secrets.ts";
import {
  AppAnswer,
  AppListAnswer,
  AppParams,
  AppSecretAnswer,
  deleted,
  ifMatchOf,
  ifNoneMatchOf,
  pageQuery,
} from "./schemas.ts";

const tags = ["Apps"];

const createAppRoute = createRoute({
  method: "post",
  path: "/apps",
  operationId: "addApp",
  tags,
  summary: "Register an app",
  description:
    "An app calls APIs, through a plan that it shares with them. It gets a client id, and a secret that this answer alone tells: keep it. You and your tenant become owners. Needs the permission `apps.write`.",
  ...secured("apps.write", jsonBody),
  request: { body: documentedBody("AppInput", "The app.") },
  responses: {
    201: json(AppSecretAnswer, "The app with its secret, which is told this once."),
    ...refusals("OWNER_NOT_ALLOWED", "PLAN_NOT_FOUND", "REVISION_CONFLICT", ...bodyErrors),
  },
});

const listRoute = createRoute({
  method: "get",
  path: "/apps",
  operationId: "getApps",
  tags,
  summary: "List apps",
  description: "The apps that you or your tenant own, without their fields. Needs the permission `apps.read`.",
  ...secured("apps.read"),
  request: { query: pageQuery("apps", /^[0-9a-f]{24}$/, "5ca5c44c187c040010a9bb8c") },
  responses: {
    200: json(AppListAnswer, "A page of apps; empty if there is none."),
    ...refusals("INVALID_PARAMETER"),
  },
});

const getRoute = createRoute({
  method: "get",
  path: "/apps/{id}",
  operationId: "getAppById",
  tags,
  summary: "Get an app",
  description: "One app that you or your tenant own. Needs the permission `apps.read`.",
  ...secured("apps.read"),
  parameters: [ifNoneMatchOf("app")],
  request: { params: AppParams },
  responses: {
    200: json(AppAnswer, "The app, without its secret."),
    304: { description: "The app is still the one with the ETag that was sent." },
    ...refusals("INVALID_ID", "APP_NOT_FOUND"),
  },
});

const updateRoute = createRoute({
  method: "patch",
  path: "/apps/{id}",
  operationId: "updateApp",
  tags,
  summary: "Edit an app",
  description:
    "Replaces name, enabled, fields and plans, those that are sent, each as a whole. It may be given plans that you or your tenant own; plans that it has may stay. Gateways know it within 5 s. Needs the permission `apps.write`.",
  ...secured("apps.write", jsonBody),
  parameters: [ifMatchOf("app")],
  request: { params: AppParams, body: documentedBody("AppPatch", "What to replace.") },
  responses: {
    200: json(AppAnswer, "The app after the edit."),
    ...refusals(
      "INVALID_ID",
      "APP_NOT_FOUND",
      "PLAN_NOT_FOUND",
      "REVISION_CONFLICT",
      "PRECONDITION_FAILED",
      ...bodyErrors,
    ),
  },
});

const deleteRoute = createRoute({
  method: "delete",
  path: "/apps/{id}",
  operationId: "deleteApp",
  tags,
  summary: "Delete an app",
  description:
    "Removes the app for good: its client id, secrets and tokens are void within 5 s. Needs the permission `apps.write`.",
  ...secured("apps.write"),
  parameters: [ifMatchOf("app")],
  request: { params: AppParams },
  responses: {
    200: json(deleted("App"), "The app is gone."),
    ...refusals("INVALID_ID", "APP_NOT_FOUND", "REVISION_CONFLICT", "PRECONDITION_FAILED"),
  },
});

export const appRoutes = new OpenAPIHono<HttpEnv>()
  .openapi(createAppRoute, async (c) => {
    const { row, clientSecret } = await createApp(c.var.context, c.var.body);
    return c.json({ data: { ...toldOf(row), clientSecret }, meta: {} }, 201, { etag: tagOf(row) });
  })
  .openapi(listRoute, async (c) => {
    const { "page[size]": size, "page[after]": after = "" } = c.req.valid("query");
    return c.json(await listApps(c.var.context, { size: Number(size), after }), 200);
  })
  .openapi(getRoute, async (c) => {
    const row = await getApp(c.var.context, c.req.valid("param").id);
    const etag = tagOf(row);
    if (!isKnown(c.req.header("if-none-match"), etag)) return c.json({ data: toldOf(row), meta: {} }, 200, { etag });
    return c.body(null, 304, { etag });
  })
  .openapi(updateRoute, async (c) => {
    const which = { id: c.req.valid("param").id, ifMatch: c.req.header("if-match") };
    const row = await updateApp(c.var.context, which, c.var.body);
    return c.json({ data: toldOf(row), meta: {} }, 200, { etag: tagOf(row) });
  })
  .openapi(deleteRoute, async (c) => {
    await deleteApp(c.var.context, { id: c.req.valid("param").id, ifMatch: c.req.header("if-match") });
    return c.json({ msg: "App was successfully deleted" }, 200);
  });
appRoutes.route("/", appSecretRoutes);
appRoutes.openAPIRegistry.register("AppInput", AppInput);
appRoutes.openAPIRegistry.register("AppPatch", AppPatch);
