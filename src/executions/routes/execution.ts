import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context as HonoContext } from "hono";

import type { HttpEnv } from "../../identity/context.ts";
import { documentedBody, json } from "../../platform/http.ts";
import { sha256Of } from "../../platform/ids.ts";
import type { FunctionSeen, Seen } from "../object.ts";
import { ProblemError, problemOfFault, reached } from "../problem.ts";
import { untilOf, uriOf } from "../start.ts";
import { issueToken } from "../token.ts";
import { answerRefused, answerSeen, asked, bodyOf, opened, patienceOf, sendProblem } from "./edge.ts";
import * as schemas from "./schemas.ts";

type Context = HonoContext<HttpEnv>;

const tags = ["Executions"];
const security = [{ Execution: [] }];
const params = z.object({ uuid: schemas.uuidParameter("uuid", "The execution.") });
const { problem, ofBody, ofEvery, ofFaults } = schemas;
const ofToken = ["INVALID_UUID", "TOKEN_INVALID", "EXECUTION_NOT_FOUND"] as const;
const patient = "Waits up to 25 seconds until the route is ready, and is answered at once when it is.";

const getRoute = createRoute({
  method: "get",
  path: "/api/execution/{uuid}",
  operationId: "getExecution",
  summary: "Read the current route",
  description: `${patient} It may be repeated as often as one likes. After the end it tells how the execution ended.`,
  tags,
  security,
  request: { params, query: schemas.WaitQuery },
  responses: {
    200: json(schemas.RouteResource, "The current route."),
    202: json(schemas.Running, "The workflow is at work."),
    ...problem(...ofToken, "INVALID_WAIT", ...ofFaults, ...ofEvery),
  },
});

const submitRoute = createRoute({
  method: "post",
  path: "/api/execution/{uuid}",
  operationId: "submitExecution",
  summary: "Submit what was entered at a route",
  description: `The execution goes on with the payload. ${patient} The same submit again is answered the same; one for a route that is not current any more is refused with STALE_ROUTE and the uuid of the one that is.`,
  tags,
  security,
  request: {
    params,
    query: schemas.WaitQuery,
    body: documentedBody("SubmitInput", "The current route's uuid, and what was entered.", {
      uuid: "3a0d231f-12b8-47b3-a495-b9418db294b3",
      payload: { firstname: "Joe" },
    }),
  },
  responses: {
    200: json(schemas.RouteResource, "The next route."),
    202: json(schemas.Running, "The execution goes on; its next route is not ready yet."),
    422: json(schemas.Invalid, "What was entered is not what the route asks for. Nothing was changed."),
    ...problem(
      ...ofToken,
      "INVALID_SUBMIT",
      "INVALID_WAIT",
      "STALE_ROUTE",
      "EXECUTION_RUNNING",
      "TOO_MANY_SUBMITS",
      "EXECUTION_TERMINATED",
      "PAYLOAD_TOO_LARGE",
      ...ofBody,
      ...ofFaults,
      ...ofEvery,
    ),
  },
});

const backRoute = createRoute({
  method: "post",
  path: "/api/execution/{uuid}/back",
  operationId: "goBack",
  summary: "Go back to the route before",
  description:
    "All attributes are as they were when that route was shown. It has a new uuid, and for its payload what was submitted there. The payload that is sent is kept as a draft of the route that is left, and not checked. Not possible at a checkpoint, at the first route and after the end.",
  tags,
  security,
  request: {
    params,
    body: documentedBody("SubmitInput", "The current route's uuid, and what was entered there so far.", {
      uuid: "3a0d231f-12b8-47b3-a495-b9418db294b3",
      payload: { firstname: "Joe" },
    }),
  },
  responses: {
    200: json(schemas.RouteResource, "The route before."),
    ...problem(
      ...ofToken,
      "INVALID_SUBMIT",
      "STALE_ROUTE",
      "BACK_DISABLED",
      "EXECUTION_RUNNING",
      "TOO_MANY_SUBMITS",
      "EXECUTION_TERMINATED",
      "PAYLOAD_TOO_LARGE",
      ...ofBody,
      ...ofFaults,
      ...ofEvery,
    ),
  },
});

const callRoute = createRoute({
  method: "post",
  path: "/api/execution/{uuid}/function",
  operationId: "callFunction",
  summary: "Have a function work",
  description: "The function works beside the script, with attributes of its own. Its result is at `Location`.",
  tags,
  security,
  request: { params, body: documentedBody("CallInput", "The function and its input.", { name: "exchange" }) },
  responses: {
    201: {
      ...json(schemas.Ticketed, "The function, whose result is at `Location`."),
      headers: z.object({ location: z.string() }),
    },
    422: json(schemas.Invalid, "The input is not what the function wants."),
    ...problem(
      ...ofToken,
      "INVALID_CALL",
      "FUNCTION_NOT_FOUND",
      "TOO_MANY_FUNCTIONS",
      "TOO_MANY_SUBMITS",
      "EXECUTION_TERMINATED",
      "PAYLOAD_TOO_LARGE",
      ...ofBody,
      ...ofEvery,
    ),
  },
});

const resultRoute = createRoute({
  method: "get",
  path: "/api/execution/{uuid}/function/{functionUuid}",
  operationId: "getFunctionResult",
  summary: "Read the result of a function",
  description: "Waits up to 25 seconds for it. It is kept until the execution ends.",
  tags,
  security,
  request: {
    params: params.extend({ functionUuid: schemas.uuidParameter("functionUuid", "The function that was called.") }),
    query: schemas.WaitQuery,
  },
  responses: {
    200: json(
      z.unknown().meta({ description: "The result, as the function ended.", example: { hello: "dummy" } }),
      "The result.",
    ),
    202: json(schemas.Running, "The function is at work."),
    ...problem(...ofToken, "FUNCTION_NOT_FOUND", "INVALID_WAIT", ...ofFaults, ...ofEvery),
  },
});

export const executionRoutes = new OpenAPIHono<HttpEnv>();
executionRoutes.openAPIRegistry.register("SubmitInput", schemas.SubmitInput);
executionRoutes.openAPIRegistry.register("CallInput", schemas.CallInput);
executionRoutes.openapi(getRoute, (c) => look(c, c.req.param("uuid")) as never);
executionRoutes.openapi(submitRoute, (c) => submit(c, c.req.param("uuid")) as never);
executionRoutes.openapi(backRoute, (c) => back(c, c.req.param("uuid")) as never);
executionRoutes.openapi(callRoute, (c) => call(c, c.req.param("uuid")) as never);
executionRoutes.openapi(resultRoute, (c) => result(c, c.req.param("uuid"), c.req.param("functionUuid")) as never);

// The seed's sample has a slash at the end.
executionRoutes.post("/api/execution/:uuid/function/", (c) => call(c, c.req.param("uuid")));

async function look(c: Context, uuid: string): Promise<Response> {
  const object = await opened(c, uuid);
  const patience = await asked(object, () => patienceOf(c));
  return answerSeen(c, uuid, await reached<Seen>(() => object().look(patience)));
}

/** Takes what was submitted at a route. The same again has the same hash, whatever the order of its keys in the text. */
export async function submit(c: Context, uuid: string): Promise<Response> {
  const object = await opened(c, uuid);
  const { routeUuid, payload } = await asked(object, () => inputOf(c));
  const patience = await asked(object, () => patienceOf(c));
  const event = { type: "submit", routeUuid, payload, hash: await sha256Of(sorted(payload)) } as const;
  return answerSeen(c, uuid, await reached<Seen>(() => object().go(event, patience)));
}

export async function back(c: Context, uuid: string): Promise<Response> {
  const object = await opened(c, uuid);
  const { routeUuid, payload } = await asked(object, () => inputOf(c));
  const event = { type: "back", routeUuid, payload } as const;
  return answerSeen(c, uuid, await reached<Seen>(() => object().go(event, 0)));
}

export async function call(c: Context, uuid: string): Promise<Response> {
  const object = await opened(c, uuid);
  const { name, payload } = await asked(object, async () => read(schemas.CallInput, await bodyOf(c), "INVALID_CALL"));
  const thread = crypto.randomUUID();
  const event = { type: "call", name, payload, thread } as const;
  const taken = await reached<Seen | { kind: "taken" }>(() => object().tell(event));
  // Repeated: it was taken, and the answer was lost.
  if (taken.kind === "refused" && taken.refused.kind !== "repeated") return answerRefused(c, taken.refused);
  const expiresAt = await reached<number | undefined>(() => object().expiresAt());
  if (taken.kind === "none" || expiresAt === undefined) throw new ProblemError("EXECUTION_NOT_FOUND");
  const config = c.get("config");
  const execution = uuid.toLowerCase();
  const now = Date.now();
  const uri = `${uriOf(execution)}/function/${thread}`;
  c.header("location", new URL(uri, c.req.url).href);
  const token = await issueToken(config, { execution, function: thread }, now, untilOf(config, now, expiresAt));
  return c.json({ uuid: thread, uri, token }, 201);
}

async function result(c: Context, uuid: string, func: string): Promise<Response> {
  const object = await opened(c, uuid, func);
  const patience = await asked(object, () => patienceOf(c));
  const seen = await reached<FunctionSeen>(() => object().resultOf(func.toLowerCase(), patience));
  switch (seen.kind) {
    case "result":
      return c.json((seen.result ?? null) as object);
    case "running":
      c.header("retry-after", "1");
      return c.json({ uuid: func.toLowerCase(), status: "running" }, 202);
    case "fault":
      return sendProblem(c, problemOfFault(seen));
    case "none": {
      const expiresAt = await reached<number | undefined>(() => object().expiresAt());
      throw new ProblemError(expiresAt === undefined ? "EXECUTION_NOT_FOUND" : "FUNCTION_NOT_FOUND");
    }
    default:
      return seen satisfies never;
  }
}

async function inputOf(c: Context) {
  const { uuid: routeUuid, payload } = read(schemas.SubmitInput, await bodyOf(c), "INVALID_SUBMIT");
  return { routeUuid, payload };
}

function read<T extends z.ZodType>(schema: T, body: unknown, code: "INVALID_SUBMIT" | "INVALID_CALL"): z.output<T> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ProblemError(code, { detail: `${["body", ...issue!.path].join(".")}: ${issue!.message}` });
}

/** JSON with the keys of every object in one order. */
const sorted = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([one], [other]) => (one < other ? -1 : 1)))
      : inner,
  ) ?? "";
