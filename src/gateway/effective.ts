import type { Api, Plan, Scope } from "../apis/model.ts";
import { inStorage, type Database } from "../db/client.ts";
import type { FlowRow } from "../flows/store.ts";
import type { Context } from "../identity/context.ts";
import type { WhichScope } from "./edit-flow.ts";
import { getApi } from "./drafts.ts";
import { type Effective, effective, type EffectiveEntry, type Level, type Stage, viewOf } from "./inheritance.ts";
import { scopeOf, wordsOf } from "./scope-view.ts";

/** An interceptor at its turn. */
export interface Turn {
  readonly stage: Stage;
  readonly id: string;
  readonly type: string;
  readonly level: Level | "plan";
}

/** What runs for calls of a scope, as the draft has it: for an app without a plan, and for those of each plan. */
export async function getEffective(ctx: Context, { id, resource, operation }: WhichScope) {
  const { row, api } = await getApi(ctx, id);
  const scope = scopeOf(api, resource, operation);
  const { runs, request, response, destination, timeout } = runningFor(api, scope);
  const plans = await plansOf(ctx.db, row, api);
  return {
    ...wordsOf(scope),
    runs: runs ?? null,
    request,
    response,
    destination: destination ?? null,
    timeout: timeout ?? null,
    execution: [...turns("request", request), ...turns("response", response.toReversed())],
    plans: api.plans.map((plan) => ofPlan(plan, plans.get(plan), { request, response })),
  };
}

function runningFor({ flows }: Api, scope: Scope): Effective {
  if (scope.operation !== undefined) return effective(flows, scope.resource, scope.operation);
  const { request, response, runs, destination, timeout } = viewOf(flows, scope);
  const running = (list: typeof request): EffectiveEntry[] =>
    list
      .filter(({ enabled }) => enabled)
      .map(({ id, type, config, abortOnFail, when, level }) => ({
        id,
        type,
        config,
        ...(abortOnFail !== undefined && { abortOnFail }),
        ...(when !== undefined && { when }),
        level,
      }));
  return {
    ...(runs && { runs }),
    request: running(request),
    response: running(response),
    ...(destination && { destination }),
    ...(timeout && { timeout }),
  };
}

type Chain = Pick<EffectiveEntry, "id" | "type"> & { readonly level: Turn["level"] };

const turns = (stage: Stage, chain: readonly Chain[]): Turn[] =>
  chain.map(({ id, type, level }) => ({ stage, id, type, level }));

/** The plan's chain lies inside the API's: it is known only behind what identifies the app. */
function ofPlan(id: string, plan: Plan | undefined, api: Pick<Effective, "request" | "response">) {
  const chain = (stage: Stage) =>
    (plan?.[stage] ?? [])
      .filter(({ enabled }) => enabled)
      .map((entry) => ({ id: entry.id, type: entry.type, level: "plan" as const }));
  const request = [...api.request, ...chain("request")];
  const response = [...api.response, ...chain("response")];
  return {
    id,
    name: plan?.name ?? null,
    found: plan !== undefined,
    execution: [...turns("request", request), ...turns("response", response.toReversed())],
  };
}

const PLANS = `SELECT id, document FROM plans WHERE id IN (SELECT value FROM json_each(?1))
  AND EXISTS (SELECT 1 FROM plan_owners WHERE plan_owners.id = plans.id
    AND owner_id IN (SELECT value ->> '$.id' FROM json_each(?2 -> '$.owners')))`;

/** The plans of an API that are its owners': only those can be live with it. */
async function plansOf(db: Database, row: FlowRow, { plans }: Api): Promise<ReadonlyMap<string, Plan>> {
  if (plans.length === 0) return new Map();
  const find = db.sql(PLANS, JSON.stringify(plans), row.document);
  const { results } = await inStorage(() => find.all<{ id: string; document: string }>());
  return new Map(results.map(({ id, document }) => [id, JSON.parse(document) as Plan]));
}
