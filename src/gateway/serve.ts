import { callerOf } from "../apis/client-ip.ts";
import { partsOfUrl } from "../apis/match.ts";
import { configOf, type Config } from "../platform/config.ts";
import { databaseOf, type Database } from "../db/client.ts";
import { AppError } from "../platform/errors.ts";
import { logError, logLine } from "../platform/log.ts";
import { Body } from "./body.ts";
import type { Call, World } from "./call.ts";
import { callInternally } from "./internal.ts";
import type { LiveApi } from "./compile.ts";
import { type Directory, directoryOf } from "./directory.ts";
import { destinationHeaders, isUpgrade } from "./headers.ts";
import { hostnamesOf } from "./hostnames.ts";
import { answerPreflight, runCall } from "./run-call.ts";
import { type Answer, refuse, type Stop } from "./refusal.ts";
import { beginTrace, type Traced, withoutTraceHeader } from "./traces.ts";

const PREFIX = "/gateway";

/** Where on the gateway a request is; undefined if it is none for the gateway. */
export function placeOf(
  request: Request,
  env: Env,
): { path: string; query: string; host: string | undefined } | undefined {
  const { path, query } = partsOfUrl(request.url);
  const hostnames = hostnamesOf(env);
  const host = hostnames.size === 0 ? "" : hostOf(request.url);
  // First of all, or a host that is one owner's would serve the APIs of all.
  if (hostnames.has(host)) return { path, query, host };
  return path.startsWith(`${PREFIX}/`) ? { path: path.slice(PREFIX.length), query, host: undefined } : undefined;
}

const hostOf = (url: string): string => /^[^/]+\/\/(?:[^/?#@]*@)?([^/?#:]*)/.exec(url)?.[1]?.toLowerCase() ?? "";

interface Ended {
  readonly config?: Config;
  readonly api?: LiveApi;
  readonly resource?: string;
  readonly operation?: string;
  readonly code?: string | undefined;
}

/** Takes one call through the gateway. */
export async function serve(
  request: Request,
  env: Env,
  ctx: ExecutionContext,
  place: NonNullable<ReturnType<typeof placeOf>>,
): Promise<Response> {
  const began = Date.now();
  const id = requestIdOf(request.headers);
  const ended: { -readonly [K in keyof Ended]: Ended[K] } = {};
  const response = await answered();
  if (ended.code !== undefined) log({ id, began, request, status: response.status, ...ended });
  return response;

  async function answered(): Promise<Response> {
    try {
      const config = configOf(env);
      ended.config = config;
      const world = worldOf(env, config, ctx);
      const answer = await called(world, { request, place, id, began, ended });
      if (ended.code !== undefined) answer.headers.set("x-request-id", id);
      if (place.host === undefined) for (const name of ofOrigin) answer.headers.delete(name);
      return responseOf(answer, request.method);
    } catch (error) {
      logError({ LOG_LEVEL: ended.config?.LOG_LEVEL ?? "error" }, "call.failed", error, { requestId: id });
      // Without its database, or with settings that cannot be read, the gateway is out of order for a while.
      const code = error instanceof AppError ? "GATEWAY_UNAVAILABLE" : "GATEWAY_FAILED";
      ended.code = code;
      const headers = code === "GATEWAY_UNAVAILABLE" ? { "retry-after": "5" } : {};
      return responseOf(refuse(code, { requestId: id, headers }).answer, request.method);
    }
  }
}

interface Coming {
  readonly request: Request;
  readonly place: NonNullable<ReturnType<typeof placeOf>>;
  readonly id: string;
  readonly began: number;
  readonly ended: { -readonly [K in keyof Ended]: Ended[K] };
}

async function called(world: World & { directory: Directory }, coming: Coming): Promise<Answer> {
  const { request, place, id, began, ended } = coming;
  const refused = (stop: Stop): Answer => {
    ended.code = stop.code;
    return stop.answer;
  };
  await world.directory.freshen(began, world.defer);
  const found = world.directory.find(place.path, place.host);
  const live = found && (await world.directory.liveApi(found.entry.flowId));
  // What is claimed and what stands in the document may differ for a moment.
  if (found === undefined || live === undefined || live.basePath !== found.entry.basePath) {
    return refused(refuse("API_NOT_FOUND", { requestId: id }));
  }
  ended.api = live;
  const match = live.match(request.method, found.rest);
  if (match === undefined) return refused(refuse("RESOURCE_NOT_FOUND", { requestId: id }));
  ended.resource = match.resource.id;
  const facts = { request, live, place, id, began, rest: found.rest, match };
  if (match.operation === undefined) {
    const preflight = await preflightAnswer(facts, world);
    if (preflight !== undefined) return preflight;
    const allow = { allow: match.allowed.join(", ") };
    return refused(refuse("METHOD_NOT_ALLOWED", { requestId: id, headers: allow }));
  }
  ended.operation = match.operation.id;
  const traced = await beginTrace(request.headers, live, world, id);
  const call = callOf({ ...facts, operation: match.operation.id, traced });
  const { answer, code } = await runCall(call, live, match, world);
  ended.code = code;
  traced?.end(call, answer, code, world);
  return answer;
}

/** The answer to a browser that asks whether it may call an operation of the path. */
export async function preflightAnswer(
  facts: Omit<Facts, "operation" | "traced">,
  world: World,
): Promise<Answer | undefined> {
  const { request, live, rest, match } = facts;
  if (request.method !== "OPTIONS") return undefined;
  const operation = live.match(request.headers.get("access-control-request-method") ?? "", rest)?.operation;
  if (operation === undefined) return undefined;
  const call = callOf({ ...facts, operation: operation.id, traced: undefined });
  const stop = await answerPreflight(call, live, match.resource, world);
  if (stop === undefined) return undefined;
  for (const change of call.onEveryAnswer) change(stop.answer.headers);
  return stop.answer;
}

interface Facts {
  readonly request: Request;
  readonly live: LiveApi;
  readonly place: { readonly query: string };
  readonly id: string;
  readonly began: number;
  readonly rest: string;
  readonly match: NonNullable<ReturnType<LiveApi["match"]>>;
  readonly operation: string;
  readonly traced: Traced | undefined;
}

/** A call as it comes in. */
export function callOf({ request, live, place, id, began, rest, match, operation, traced }: Facts): Call {
  const sent = withoutTraceHeader(request.headers);
  const caller = callerOf(sent, live.proxies);
  const url = request.url;
  const headers = destinationHeaders(sent, {
    caller,
    protocol: url.startsWith("https:") ? "https" : "http",
    host: sent.get("host") ?? hostOf(url),
    isUpgrade: isUpgrade(request),
    readsAnswer: false,
  });
  return {
    id,
    at: began,
    method: request.method,
    path: rest,
    sentQuery: place.query,
    sent,
    caller,
    api: live.facts,
    resource: match.resource.id,
    operation,
    allowed: match.allowed,
    query: place.query,
    headers,
    body: new Body("request", request.body, sent),
    redirect: undefined,
    answer: undefined,
    context: {},
    app: undefined,
    plan: undefined,
    token: undefined,
    depth: 0,
    onEveryAnswer: [],
    onDestination: [],
    onEnd: [],
    stoppedBy: undefined,
    ended: undefined,
    trace: traced?.recorder,
  };
}

const acceptable = /^[\w.:=+/-]{1,128}$/;

function requestIdOf(headers: Headers): string {
  const sent = headers.get("x-request-id");
  return sent !== null && acceptable.test(sent) ? sent : crypto.randomUUID();
}

/** What an API says of its whole origin, which on the gateway's own host is that of all. */
const ofOrigin = ["service-worker-allowed", "clear-site-data"];

/** What was said of the body that came, and is not true of another one. */
const ofBody = ["etag", "content-md5", "digest", "repr-digest", "content-digest", "accept-ranges"];

/** What goes out. Everything of the destination's stays as it is. */
export function responseOf({ status, headers, body, webSocket }: Answer, method: string): Response {
  if (webSocket !== undefined) return new Response(null, { status, headers, webSocket });
  if (body.isRead) {
    headers.delete("content-encoding");
    headers.delete("content-length");
    if (body.isChanged) for (const name of ofBody) headers.delete(name);
  }
  const hasNone = method === "HEAD" || status === 204 || status === 205 || status === 304;
  if (hasNone) body.abandon();
  return new Response(hasNone ? null : (body.content as BodyInit | null), { status, headers });
}

/** What interceptors have of the world in a real call. */
export function worldOf(
  env: Env,
  config: Config,
  ctx: Pick<ExecutionContext, "waitUntil">,
): World & { directory: Directory } {
  const directory = directoryOf(env);
  let db: Database | undefined;
  const world: World & { directory: Directory } = {
    env,
    config,
    directory,
    now: Date.now,
    defer: (promise) => ctx.waitUntil(promise),
    db: () => (db ??= databaseOf(env.DB)),
    fetch: (input, init) => fetch(input, init),
    fetchFor: () => world.fetch,
    isDry: false,
    appOf: (clientId) => directory.appOf(clientId),
    planOf: (id) => directory.planOf(id),
    clearedAt: (apiId, cache) => directory.clearedAt(apiId, cache),
    cleared: (apiId, cache, at) => directory.heardOfClear(apiId, cache, at),
    callApi: (target) => callInternally(target, world),
  };
  return world;
}

interface Line extends Ended {
  readonly id: string;
  readonly began: number;
  readonly request: Request;
  readonly status: number;
}

/** Calls that go well stand in the platform's own log of invocations, and in traces; a line for each would cost as much as the call. */
const log = ({ config, id, began, request, status, api, resource, operation, code }: Line): void =>
  logLine({ LOG_LEVEL: config?.LOG_LEVEL ?? "info" }, "call", {
    requestId: id,
    method: request.method,
    status,
    ...(api === undefined ? {} : { api: api.facts.id, revision: api.facts.revision }),
    ...(resource === undefined ? {} : { resource }),
    ...(operation === undefined ? {} : { operation }),
    ...(code === undefined ? {} : { code }),
    ms: Date.now() - began,
  });
