import { checkApi } from "../apis/check.ts";
import { partsOfUrl } from "../apis/match.ts";
import type { Api } from "../apis/model.ts";
import type { App } from "../apps/model.ts";
import { appOfRow, type AppRow } from "../apps/store.ts";
import { within } from "../apps/reach.ts";
import { inStorage } from "../db/client.ts";
import type { FlowRow } from "../flows/store.ts";
import type { Context } from "../identity/context.ts";
import { reachOf, reachParameters } from "../identity/ownership.ts";
import { AppError } from "../platform/errors.ts";
import { fault } from "../platform/faults.ts";
import { invalidApi } from "./api-findings.ts";
import { LiveApi } from "./compile.ts";
import { getApi } from "./drafts.ts";
import { planFor } from "./identify.ts";
import { faultOfReferences, homeOf } from "./references.ts";
import { type Answer, refuse } from "./refusal.ts";
import { runCall } from "./run-call.ts";
import { callOf, preflightAnswer, responseOf, worldOf } from "./serve.ts";
import { traceId } from "./trace/id.ts";
import { TraceRecorder } from "./trace/record.ts";
import type { Trace } from "./trace/view.ts";
import { traceOf } from "./traces.ts";
import { toldOf } from "./try/answer.ts";
import type { Tried, TryInput } from "./try/input.ts";
import { requestOf } from "./try/request.ts";
import { dryWorld } from "./try/world.ts";

/** Has a call go through an API as it is being edited, whatever the flow's status, and tells what happened. */
export async function tryCall(
  { env, origin }: { readonly env: Env; readonly origin: string },
  ctx: Context,
  id: string,
  input: TryInput,
): Promise<Tried> {
  const { row, api, saved } = await getApi(ctx, id);
  const live = await liveApiOf(env, ctx, row, input.of === "draft" ? api : saved);
  const app = input.app === undefined ? undefined : await appWithin(ctx, input.app);
  const request = requestOf(input, origin);
  const real = worldOf(env, ctx.config, { waitUntil: ctx.defer });
  await real.directory.freshen(ctx.now(), ctx.defer);
  const { answer, trace } = await called({ live, app, request, id: ctx.requestId, began: ctx.now() });
  const told = await toldOf(responseOf(answer, request.method));
  return { answer: told, trace: await trace() };

  async function called(coming: Coming): Promise<{ answer: Answer; trace: () => Promise<Trace | null> }> {
    const world = dryWorld(real, input);
    const { path: rest, query } = partsOfUrl(request.url);
    const match = live.match(request.method, rest);
    if (match === undefined) {
      return { answer: refuse("RESOURCE_NOT_FOUND", { requestId: coming.id }).answer, trace: noTrace };
    }
    const facts = { ...coming, place: { query }, rest, match };
    if (match.operation === undefined) {
      const headers = { allow: match.allowed.join(", ") };
      const refusal = refuse("METHOD_NOT_ALLOWED", { requestId: coming.id, headers });
      return { answer: (await preflightAnswer(facts, world)) ?? refusal.answer, trace: noTrace };
    }
    const recorder = new TraceRecorder(ctx.now);
    const call = callOf({
      ...facts,
      operation: match.operation.id,
      traced: { recorder, end: () => undefined },
    });
    call.app = app;
    call.plan = app && planFor(live.facts, app);
    const { answer: came, code } = await runCall(call, live, match, world);
    const tracing = { live, recorder, call, answer: came, code, isAsked: true };
    return { answer: came, trace: () => traceOf(traceId(coming.began), tracing, world) };
  }
}

const noTrace = (): Promise<null> => Promise.resolve(null);

interface Coming {
  readonly live: LiveApi;
  readonly app: App | undefined;
  readonly request: Request;
  readonly id: string;
  readonly began: number;
}

/** The API as the gateway would run it, had the actor started it: theirs are the rights to secrets, plans and APIs. */
async function liveApiOf(env: Env, { actor, db, config }: Context, row: FlowRow, document: Api): Promise<LiveApi> {
  const checked = checkApi(document);
  if (!checked.ok) throw invalidApi(checked.faults);
  const { api } = checked;
  const started = { startedBy: actor.sub, startedIn: actor.tenant };
  const sentence = await faultOfReferences(db, env, { ...row, ...started }, api);
  if (sentence !== undefined) throw invalidApi([fault("REFERENCE_UNKNOWN", [], sentence)]);
  const facts = { id: row.id, revision: row.revision, name: row.name, home: homeOf(row), ...started };
  return new LiveApi(api, facts, config.HTTP_ALLOW_PRIVATE === "true");
}

const FIND_APP = `SELECT * FROM apps WHERE client_id = ?1 AND ${within("apps", 2)}`;

async function appWithin({ db, actor }: Context, clientId: string): Promise<App> {
  const find = db.sql(FIND_APP, clientId, ...reachParameters(reachOf(actor)));
  const { results } = await inStorage(() => find.all<AppRow>());
  const [row] = results;
  if (row === undefined) throw new AppError("APP_NOT_FOUND");
  return appOfRow(row);
}
