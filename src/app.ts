import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context as HonoContext } from "hono";
import { HTTPException } from "hono/http-exception";
import { methodNotAllowed } from "hono/method-not-allowed";

import { appRoutes } from "./apps/routes/apps.ts";
import { planRoutes } from "./apps/routes/plans.ts";
import { bridgeRoutes } from "./bridge/routes.ts";
import { componentRoutes } from "./components/routes.ts";
import { apiDocs, openApiDocument } from "./docs.ts";
import { flowRoutes } from "./flows/routes/index.ts";
import type { HttpEnv } from "./identity/context.ts";
import { authenticate } from "./identity/http.ts";
import { lifecycleRoutes } from "./lifecycle/routes.ts";
import { backOfficeRoutes } from "./executions/routes/back-office.ts";
import { answerProblem, hubPaths, isHub, openToAll } from "./executions/routes/edge.ts";
import { executionRoutes } from "./executions/routes/execution.ts";
import { executorRoutes } from "./executions/routes/executor.ts";
import { fileRoutes } from "./executions/routes/files.ts";
import { hubPage } from "./executions/routes/hub-page.ts";
import { sharableRoutes } from "./executions/routes/sharables.ts";
import { hookRoutes } from "./runs/routes/hooks.ts";
import { eventRoutes } from "./runs/routes/events.ts";
import { stepRoutes } from "./runs/routes/steps.ts";
import { repeatRoutes } from "./runs/routes/repeats.ts";
import { runRoutes } from "./runs/routes/runs.ts";
import { scheduleRoutes } from "./runs/routes/schedule.ts";
import { operationsRoutes } from "./operations/routes.ts";
import { AppError, errorItem } from "./platform/errors.ts";
import { apiManagementRoutes } from "./gateway/routes/index.ts";
import { traceRoutes } from "./gateway/routes/traces.ts";
import { tryRoutes } from "./gateway/routes/try.ts";
import { placeOf, serve } from "./gateway/serve.ts";
import { answerError } from "./platform/http.ts";
import { logError } from "./platform/log.ts";
import { crossOrigin, everyRequest, settings } from "./platform/request.ts";
import { secretRoutes } from "./secrets/routes.ts";
import { templateRoutes } from "./templates/routes/index.ts";
import { transferRoutes } from "./transfer/routes.ts";

// Express took a slash at the end of a path.
export const app = new OpenAPIHono<HttpEnv>({ strict: false });

/** Calls of APIs go past all that the repository does with requests and answers. */
export function answer(request: Request, env: Env, ctx: ExecutionContext): Response | Promise<Response> {
  const place = placeOf(request, env);
  return place === undefined ? app.fetch(request, env, ctx) : serve(request, env, ctx, place);
}

app.onError((error, c) => {
  if (isHub(c.req.path)) return answerProblem(error, c);
  if (error instanceof AppError) {
    if (error.code === "INTERNAL" || error.cause !== undefined) note(error);
    return answerError(c, error);
  }
  if (error instanceof HTTPException && error.status < 500) return answerError(c, new AppError("INVALID_BODY"));
  note(error);
  return answerError(c, new AppError("INTERNAL"));

  function note(unexpected: unknown) {
    logError({ LOG_LEVEL: c.var.config?.LOG_LEVEL ?? "error" }, "request.failed", unexpected, {
      requestId: c.var.requestId,
    });
  }
});
app.notFound((c) => told(c, new AppError("NOT_FOUND")));

/** An error in the form of the API to which the path belongs. */
function told(c: HonoContext<HttpEnv>, error: AppError): Response {
  return isHub(c.req.path) ? answerProblem(error, c) : answerError(c, error);
}

app.use(everyRequest);
app.use(settings);
app.use(
  methodNotAllowed({
    app,
    onMethodNotAllowed: (c, methods) => {
      c.header("allow", [...new Set([...methods, "OPTIONS"])].join(", "));
      if (c.req.method === "OPTIONS") return c.body(null, 204);
      return told(c, new AppError("METHOD_NOT_ALLOWED", { detail: `Allowed are ${methods.join(", ")}.` }));
    },
  }),
);
app.options("/", (c) => c.body(null, 204, { "access-control-allow-origin": "*" }));

// A pattern with /* also stands for the path before it.
for (const path of [
  "/flows/*",
  "/secrets/*",
  "/templates/*",
  "/components/*",
  "/dead-letters/*",
  "/runs/*",
  "/apps/*",
  "/plans/*",
  "/apis/*",
  "/bridge/*",
  "/api/backoffice/*",
]) {
  app.use(path, crossOrigin);
  app.use(path, authenticate);
}
for (const path of hubPaths) app.use(`${path}/*`, openToAll);
// The first member of a path parameter's or query's faults decides which of the two sentences is told.
app.defaultHook = (result) => {
  if (result.success) return;
  const items = result.error.issues.map((issue) => {
    const parameter = String(issue.path[0]);
    if (result.target === "param" && parameter === "id") {
      return errorItem("INVALID_ID", { parameter, detail: "Expected are 24 hexadecimal digits." });
    }
    return errorItem("INVALID_PARAMETER", {
      message: `Invalid ${parameter} parameter`,
      parameter,
      detail: issue.message,
    });
  });
  throw new AppError(items[0]?.error === "INVALID_ID" ? "INVALID_ID" : "INVALID_PARAMETER", { items });
};

// Before the routes of one flow, whose id would be export.
app.route("/", transferRoutes);
app.route("/", flowRoutes);
app.route("/", lifecycleRoutes);
app.route("/", secretRoutes);
app.route("/", templateRoutes);
app.route("/", componentRoutes);
app.route("/", operationsRoutes);
app.route("/", bridgeRoutes);
app.route("/", appRoutes);
app.route("/", planRoutes);
app.route("/", apiManagementRoutes);
app.route("/", traceRoutes);
app.route("/", tryRoutes);
app.route("/", hookRoutes);
app.route("/", runRoutes);
app.route("/", repeatRoutes);
app.route("/", scheduleRoutes);
app.route("/", stepRoutes);
app.route("/", eventRoutes);
app.route("/", executorRoutes);
app.route("/", executionRoutes);
app.route("/", fileRoutes);
app.route("/", sharableRoutes);
app.route("/", backOfficeRoutes);

app.openAPIRegistry.registerComponent("securitySchemes", "Bearer", {
  type: "http",
  scheme: "bearer",
  description: "A token of the identity management: a JWT of the configured issuer, or an opaque one.",
});
app.openAPIRegistry.registerComponent("securitySchemes", "Execution", {
  type: "http",
  scheme: "bearer",
  bearerFormat: "JWT",
  description: "The token that the start of an execution answered; it opens that execution alone.",
});
app.get("/openapi.json", (c) => c.json(openApiDocument(app), 200, { "access-control-allow-origin": "*" }));
app.get("/api-docs", apiDocs);
app.get("/hub/:name?", hubPage);
app.get("/", (c) => c.redirect("/api-docs", 302));
app.get("/docs", (c) => c.redirect("/api-docs", 302));
