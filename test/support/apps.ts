import { env } from "cloudflare:workers";

import { sha256Of } from "../../src/platform/ids.ts";
import type { Caller } from "./api.ts";
import { apiOf, callGateway, type entry, flowsOf } from "./gateway.ts";
import { newId } from "./given.ts";

export interface GivenApp {
  readonly id: string;
  readonly clientId: string;
  readonly secret: string;
}

/** Stores a plan of the caller without interceptors, unless it says otherwise, past the API. */
export async function planOf(caller: Caller, changed: object = {}): Promise<string> {
  const id = `plan_${newId()}`;
  const document = { name: "Free", request: [], response: [], ...changed };
  await env.DB.prepare("INSERT INTO plans (id, owners, created_at, updated_at, document) VALUES (?, ?, 0, 0, ?)")
    .bind(id, JSON.stringify([{ id: caller.sub, type: "user" }]), JSON.stringify(document))
    .run();
  return id;
}

/** Stores an app of the caller that has plans, past the API. */
export async function givenApp(caller: Caller, plans: readonly string[], enabled = true): Promise<GivenApp> {
  const [id, clientId, secret] = [newId(), `app_${newId()}`, crypto.randomUUID()];
  await env.DB.prepare(
    `INSERT INTO apps (id, client_id, name, owners, enabled, fields, plans, secret_hashes, tokens_from, created_at, updated_at)
      VALUES (?, ?, 'Web shop', ?, ?, '{"tier":"gold"}', ?, ?, 0, 0, 0)`,
  )
    .bind(
      id,
      clientId,
      JSON.stringify([{ id: caller.sub, type: "user" }]),
      enabled ? 1 : 0,
      JSON.stringify(plans),
      JSON.stringify([await sha256Of(secret)]),
    )
    .run();
  return { id, clientId, secret };
}

/** Writes a column of an app's row. */
export async function changeApp({ id }: Pick<GivenApp, "id">, column: string, value: unknown): Promise<void> {
  await env.DB.prepare(`UPDATE apps SET ${column} = ? WHERE id = ?`).bind(value, id).run();
}

export const basicOf = (id: string, secret: string): string => `Basic ${btoa(`${id}:${secret}`)}`;

type List = readonly ReturnType<typeof entry>[];

export interface Lists {
  readonly request?: List;
  readonly response?: List;
}

/** An API for the apps of a plan with a resource (GET, POST) for each pair of lists, called as the pair is. */
export const apiOfLists = (plan: string, given: Readonly<Record<string, Lists>>) =>
  apiOf({
    plans: [plan],
    resources: Object.keys(given).map((id) => ({
      id,
      path: `/${id}`,
      operations: ["GET", "POST"].map((method) => ({ id: method.toLowerCase(), method })),
    })),
    flows: {
      ...flowsOf(),
      resources: Object.fromEntries(
        Object.entries(given).map(([id, { request = [], response = [] }]) => {
          const named = (list: List) => list.map((one) => ({ ...one, id: `${id}-${one.id}` }));
          return [id, { all: { request: named(request), response: named(response) }, operations: {} }];
        }),
      ),
    },
  });

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** Status, code and detail of an answer. */
export async function told(answer: Response): Promise<unknown[]> {
  if (answer.status === 200) return [200];
  const { code, detail } = await answer.json<{ code: string; detail?: string }>();
  return [answer.status, code, ...(detail === undefined ? [] : [detail])];
}

export const toldWith = async (base: string, path: string, token: string): Promise<unknown[]> =>
  told(await callGateway(base, path, { headers: bearer(token) }));

export const invalidToken = (detail: string) => [401, "TOKEN_INVALID", detail];
