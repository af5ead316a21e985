import type { Context as HonoContext, MiddlewareHandler } from "hono";

import type { HttpEnv } from "../../identity/context.ts";
import { AppError } from "../../platform/errors.ts";
import { limitedText, MOST_BYTES, parseJson } from "../../platform/http.ts";
import { logError } from "../../platform/log.ts";
import type { ExecutionObject, Seen } from "../object.ts";
import { problemOf, problemOfFault, ProblemError, reached, type Problem } from "../problem.ts";
import type { Refusal } from "../state.ts";
import { readToken, type Ticket } from "../token.ts";
import { UUID } from "../uuid.ts";

type Context = HonoContext<HttpEnv>;

/** Any page may call: nothing here goes by cookies, only by the token that the page has itself. */
export const openToAll: MiddlewareHandler<HttpEnv> = async (c, next) => {
  c.header("access-control-allow-origin", "*");
  c.header("access-control-expose-headers", "location, retry-after, x-request-id");
  if (c.req.method !== "OPTIONS") return next();
  c.header("access-control-allow-methods", "GET, POST, DELETE, OPTIONS");
  c.header("access-control-allow-headers", "authorization, content-type");
  c.header("access-control-max-age", "86400");
  return c.body(null, 204);
};

/** Where the Hub Client API is. */
export const hubPaths = ["/api/executor", "/api/execution", "/api/files", "/api/sharable"] as const;

/** Whether a path belongs to it: its errors have a form of their own. */
export const isHub = (path: string): boolean => hubPaths.some((hub) => path === hub || path.startsWith(`${hub}/`));

/** Errors in the form of the Hub Client API. */
export function answerProblem(error: unknown, c: Context): Response {
  const told = problemOf(error);
  if (told === undefined || told.status >= 500 || (error instanceof AppError && error.cause !== undefined)) {
    logError({ LOG_LEVEL: c.var.config?.LOG_LEVEL ?? "error" }, "request.failed", error, {
      requestId: c.var.requestId,
    });
  }
  return sendProblem(c, told ?? problemOf(new AppError("INTERNAL"))!);
}

export function sendProblem(c: Context, body: Problem): Response {
  if (body.status === 401) c.header("www-authenticate", 'Bearer realm="executions"');
  if (body.status === 429) c.header("retry-after", "60");
  if (body.status === 503) c.header("retry-after", "5");
  return c.body(JSON.stringify(body), body.status as 400, { "content-type": "application/problem+json" });
}

/** Where an execution is asked; a stub that broke off once serves no second call. */
export type ExecutionStub = () => DurableObjectStub<ExecutionObject>;

export const objectOf =
  (c: Context, uuid: string): ExecutionStub =>
  () =>
    c.env.EXECUTION.getByName(uuid.toLowerCase());

/** What the token of a request opens. */
export async function ticketIn(c: Context): Promise<Ticket> {
  const ticket = await readToken(c.get("config"), c.req.header("authorization"), Date.now());
  if (ticket === undefined) throw new ProblemError("TOKEN_INVALID");
  return ticket;
}

/**
 * The execution in the path, if the token opens it. Refuses in the order: a uuid that is none, a token that is none, an
 * execution that is not, a token of another execution.
 */
export async function opened(c: Context, uuid: string, func?: string): Promise<ExecutionStub> {
  demandUuid(uuid);
  if (func !== undefined) demandUuid(func);
  const ticket = await ticketIn(c);
  const object = objectOf(c, uuid);
  if (ticket.execution === uuid.toLowerCase()) {
    if (ticket.function === undefined || ticket.function === func?.toLowerCase()) return object;
    throw new ProblemError("TOKEN_INVALID");
  }
  const expiresAt = await reached<number | undefined>(() => object().expiresAt());
  throw new ProblemError(expiresAt === undefined ? "EXECUTION_NOT_FOUND" : "TOKEN_INVALID");
}

export function demandUuid(text: string): void {
  if (!UUID.test(text)) throw new ProblemError("INVALID_UUID");
}

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\b/i;

/** A JSON body, if there is one. */
export async function bodyOf(c: Context): Promise<unknown> {
  const [text] = await limitedText(c.req.raw, MOST_BYTES);
  if (text.trim() === "") return undefined;
  const type = c.req.header("content-type") ?? "";
  if (!JSON_TYPE.test(type) || /charset=(?!"?utf-8\b)/i.test(type)) throw new AppError("UNSUPPORTED_MEDIA_TYPE");
  return parseJson(text);
}

/** Reads a request to an execution: where there is none, that is told before what is wrong with the request. */
export async function asked<T>(object: ExecutionStub, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const expiresAt = await reached<number | undefined>(() => object().expiresAt());
    throw expiresAt === undefined ? new ProblemError("EXECUTION_NOT_FOUND") : error;
  }
}

const PATIENCE_S = 25;

export function patienceOf(c: Context): number {
  const text = c.req.query("wait");
  if (text === undefined) return PATIENCE_S * 1000;
  if (!/^\d{1,2}$/.test(text) || Number(text) > 55) throw new ProblemError("INVALID_WAIT");
  return Number(text) * 1000;
}

/** The answer to what was found. */
export function answerSeen(c: Context, uuid: string, seen: Seen): Response {
  switch (seen.kind) {
    case "route":
      return c.json(seen.route);
    case "running":
      c.header("retry-after", "1");
      return c.json({ uuid: uuid.toLowerCase(), status: "running" }, 202);
    case "fault":
      return sendProblem(c, problemOfFault(seen));
    case "none":
      throw new ProblemError("EXECUTION_NOT_FOUND");
    case "tooOften":
      throw new ProblemError("TOO_MANY_SUBMITS");
    case "refused":
      return answerRefused(c, seen.refused);
    default:
      return seen satisfies never;
  }
}

export function answerRefused(c: Context, refused: Refusal): Response {
  switch (refused.kind) {
    case "invalid":
      return c.json({ errors: refused.errors }, 422);
    case "stale":
      throw new ProblemError("STALE_ROUTE", { currentRouteUuid: refused.current });
    case "terminated":
    case "gone":
      throw new ProblemError("EXECUTION_TERMINATED");
    case "running":
    case "repeated":
      throw new ProblemError("EXECUTION_RUNNING");
    case "backDisabled":
      throw new ProblemError("BACK_DISABLED");
    case "unknown":
      throw new ProblemError("FUNCTION_NOT_FOUND");
    case "tooMany":
      throw new ProblemError("TOO_MANY_FUNCTIONS");
    case "tooLarge":
      throw new ProblemError("PAYLOAD_TOO_LARGE");
    default:
      return refused satisfies never;
  }
}
