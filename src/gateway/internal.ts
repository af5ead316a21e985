import { AppError } from "../platform/errors.ts";
import { Body } from "./body.ts";
import type { ApiTarget, Call, World } from "./call.ts";
import type { LiveApi } from "./compile.ts";
import { refuse, InterceptorFault, type Answer } from "./refusal.ts";
import { runCall } from "./run-call.ts";

const MOST_DEPTH = 5;

export interface Finds {
  readonly directory: { liveApi(flowId: string, revision?: number): Promise<LiveApi | undefined> };
}

/**
 * Calls an operation of another API: its interceptors run and its destination is asked, and nothing leaves the gateway
 * on the way there. Throws InterceptorFault if there is no such operation, or if it is not this API's to call.
 */
export async function callInternally(target: ApiTarget, world: World & Finds): Promise<Answer> {
  const { from } = target;
  if (from.depth >= MOST_DEPTH) return refuse("CALL_DEPTH", { requestId: from.id }).answer;
  const live = await liveTarget(target, world);
  const { resource, operation } = operationOf(live, target);
  const path = pathOf(resource.path, target.values);
  const call: Call = {
    id: from.id,
    at: from.at,
    method: operation.method,
    path,
    sentQuery: target.query,
    sent: target.headers,
    caller: from.caller,
    api: live.facts,
    resource: resource.id,
    operation: operation.id,
    allowed: [operation.method],
    query: target.query,
    headers: new Headers(target.headers),
    body: target.body === null ? new Body("request", null) : Body.of("request", target.body),
    redirect: undefined,
    answer: undefined,
    context: {},
    app: undefined,
    plan: undefined,
    token: undefined,
    depth: from.depth + 1,
    onEveryAnswer: [],
    onDestination: [],
    onEnd: [],
    stoppedBy: undefined,
    ended: undefined,
    trace: undefined,
  };
  const { answer, code } = await runCall(call, live, { resource, operation, values: target.values }, world);
  const came = `${answer.status}${code === undefined ? "" : ` ${code}`}`;
  from.trace?.note(
    `${live.facts.name} (${live.facts.id}, revision ${live.facts.revision}), ${resource.id}/${operation.id}: ${came}`,
  );
  return answer;
}

async function liveTarget({ apiId, revision, from }: ApiTarget, { directory }: Finds): Promise<LiveApi> {
  const live = await directory.liveApi(apiId, revision).catch((error: unknown) => {
    if (error instanceof AppError) throw new InterceptorFault("The API that is called could not be read.");
    throw error;
  });
  // Somebody else's API is as unknown as one that is not live.
  if (live === undefined || live.facts.home !== from.api.home) {
    throw new InterceptorFault("The API that is called is not live, has no such revision, or belongs to others.");
  }
  if (live.facts.environment !== from.api.environment) {
    throw new InterceptorFault("The API that is called runs in another environment.");
  }
  return live;
}

function operationOf(live: LiveApi, { resource: id, operation }: ApiTarget) {
  const resource = live.resources.find((one) => one.id === id);
  const found = resource?.operations.find((one) => one.id === operation);
  if (resource === undefined || found === undefined) {
    throw new InterceptorFault(`The API that is called has no operation ${operation} of a resource ${id}.`);
  }
  return { resource, operation: found };
}

function pathOf(template: string, values: readonly string[]): string {
  let at = 0;
  const path = template.replaceAll(/\{[^}]+\}|\*$/g, () => {
    const value = values[at];
    at += 1;
    if (value === undefined) throw new InterceptorFault("The resource that is called has more parameters than values.");
    return value;
  });
  return path;
}
