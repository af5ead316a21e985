import { env } from "cloudflare:workers";

import type { AppRow } from "../../src/apps/store.ts";
import type { PlanRow } from "../../src/apps/plan-store.ts";
import type { Answer, Caller } from "../support/api.ts";

export const user = (id: string) => ({ id, type: "user" });
export const tenant = (id: string) => ({ id, type: "tenant" });

export interface NewApp {
  readonly id: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Registers an app of the caller. */
export async function appOf(caller: Caller, more: object = {}): Promise<NewApp> {
  const answer = await caller.call("addApp", { body: { name: "Shop", ...more } });
  if (answer.status !== 201) throw new Error(`The app was refused: ${JSON.stringify(answer.body)}`);
  return answer.body.data as NewApp;
}

export const limit = (calls = 10) => ({ id: "limit", type: "rateLimit", config: { calls, interval: "minute" } });

/** Stores a plan of the caller and answers its id. */
export async function planOf(caller: Caller, more: object = {}): Promise<string> {
  const answer = await caller.call("addPlan", { body: { name: "Gold", request: [limit()], ...more } });
  if (answer.status !== 201) throw new Error(`The plan was refused: ${JSON.stringify(answer.body)}`);
  return (answer.body as { data: { id: string } }).data.id;
}

export const appRow = (id: string): Promise<AppRow | null> =>
  env.DB.prepare("SELECT * FROM apps WHERE id = ?").bind(id).first<AppRow>();

export const planRow = (id: string): Promise<PlanRow | null> =>
  env.DB.prepare("SELECT * FROM plans WHERE id = ?").bind(id).first<PlanRow>();

export async function ownersIndexed(table: "app_owners" | "plan_owners", id: string): Promise<string[]> {
  const { results } = await env.DB.prepare(`SELECT owner_id FROM ${table} WHERE id = ? ORDER BY owner_id`)
    .bind(id)
    .all<{ owner_id: string }>();
  return results.map((row) => row.owner_id);
}

/** What gateways have been told to forget, newest first. */
export async function changesOf(id: string): Promise<string[]> {
  const { results } = await env.DB.prepare("SELECT of FROM gateway_changes WHERE id = ? ORDER BY seq DESC")
    .bind(id)
    .all<{ of: string }>();
  return results.map((row) => row.of);
}

export const faultsIn = (answer: Answer): [error: string, pointer: string][] =>
  (answer.body.errors as { error: string; pointer: string }[]).map(({ error, pointer }) => [error, pointer]);
