import { savedFlows } from "../apis/scopes.ts";
import type { Api, Entry } from "../apis/model.ts";
import { inStorage, type Database } from "../db/client.ts";
import type { FlowRow } from "../flows/store.ts";
import { configOf } from "../platform/config.ts";
import { listOf } from "../platform/faults.ts";

const PLANS = `SELECT id FROM plans WHERE id IN (SELECT value FROM json_each(?1))
  AND EXISTS (SELECT 1 FROM plan_owners WHERE plan_owners.id = plans.id
    AND owner_id IN (SELECT value ->> '$.id' FROM json_each(?2 -> '$.owners')))`;
const APIS = `SELECT id FROM flows WHERE id IN (SELECT value FROM json_each(?1)) AND coalesce(home, id) = ?2 AND document ->> '$.kind' = 'api'`;
const SECRETS = `SELECT id FROM secrets WHERE id IN (SELECT value FROM json_each(?1))
  AND EXISTS (SELECT 1 FROM secret_owners WHERE secret_owners.id = secrets.id AND owner_id IN (?2, ?3))`;

/** Whose an API is: the owner under whom it is listed. */
export const homeOf = ({ home, id }: Pick<FlowRow, "home" | "id">): string => home ?? id;

/** What an API names and its owners do not have: plans, other APIs, bindings with certificates. */
export async function faultOfReferences(db: Database, env: Env, row: FlowRow, api: Api): Promise<string | undefined> {
  const certificate = savedFlows(api.flows)
    .map(({ flow }) => flow.destination?.certificate)
    .find((name) => name !== undefined && !isFetcher((env as unknown as Record<string, unknown>)[name]));
  if (certificate !== undefined) {
    return `This service has no certificate ${certificate}. An operator adds it as an mTLS binding.`;
  }
  const entries = savedFlows(api.flows).flatMap(({ flow }) => [...flow.request, ...flow.response]);
  const named = {
    plan: new Set(api.plans),
    api: idsIn(entries, "internalCall", "api"),
    secret: new Set([...idsIn(entries, "jwt", "secret"), ...idsIn(entries, "serviceCallout", "secret")]),
  };
  if (named.plan.size + named.api.size + named.secret.size === 0) return undefined;
  const { startedBy } = row;
  const found = await inStorage(() =>
    db.batch<{ id: string }>([
      db.sql(PLANS, JSON.stringify([...named.plan]), row.document),
      db.sql(APIS, JSON.stringify([...named.api]), homeOf(row)),
      db.sql(SECRETS, JSON.stringify([...named.secret]), startedBy ?? "", row.startedIn ?? startedBy ?? ""),
    ]),
  );
  const missing = (["plan", "api", "secret"] as const).map((noun, at) => {
    const there = new Set(found[at]!.results.map(({ id }) => id));
    return [noun, [...named[noun]].filter((id) => !there.has(id))] as const;
  });
  // Whether a secret is there is asked elsewhere where secrets are kept elsewhere, call by call.
  const asked = missing.filter(([noun]) => noun !== "secret" || configOf(env).SECRET_SERVICE_BASE_URL === undefined);
  const fault = asked.find(([, ids]) => ids.length > 0);
  return fault === undefined ? undefined : `${sentences[fault[0]]}: ${listOf(fault[1])}.`;
}

const sentences = {
  plan: "Plans of the API are not there, or not its owners'",
  api: "APIs that are called internally are not there, or not the same owner's",
  secret: "Secrets of the API are not there, or not known to who starts it",
} as const;

const isFetcher = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "fetch" in value && typeof value.fetch === "function";

function idsIn(entries: readonly Entry[], type: string, field: string): Set<string> {
  const ids = entries
    .filter((entry) => entry.type === type && entry.enabled)
    .map(({ config }) => (config as Readonly<Record<string, unknown>>)[field]);
  return new Set(ids.filter((id) => typeof id === "string"));
}
