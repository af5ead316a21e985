import { env, exports } from "cloudflare:workers";
import { expect, vi } from "vitest";

import { databaseOf } from "../../src/db/client.ts";
import { findFlow } from "../../src/flows/store.ts";
import { openApi } from "../../src/gateway/open.ts";
import type { Caller } from "./api.ts";
import { flowOf, newId } from "./given.ts";

/** A base path that no other API has. */
export const freshBase = (): string => `/t${newId()}`;

export const entry = (id: string, type: string, config: object = {}, more: object = {}) => ({
  id,
  type,
  enabled: true,
  config,
  ...more,
});

/** An API with one resource /orders/{id} (GET, POST) at a backend, unless it says otherwise. */
export const apiOf = (more: object = {}) => ({
  basePath: freshBase(),
  resources: [
    {
      id: "order",
      path: "/orders/{id}",
      operations: [
        { id: "get", method: "GET" },
        { id: "post", method: "POST" },
      ],
    },
  ],
  ...more,
});

/** Flows of which only the one of the whole API is there. */
export const flowsOf = (request: readonly object[] = [], response: readonly object[] = [], more: object = {}) => ({
  all: { request, response, destination: { url: "https://backend.example" }, ...more },
  resources: {},
});

/** The isolate goes on from file to file. */
const hours = globalThis as unknown as { ofGateway?: number };

/** Has the gateway read all anew at once, as after a long silence; otherwise it hears of changes within 5 s. */
export async function renewGateway(): Promise<void> {
  hours.ofGateway = (hours.ofGateway ?? 0) + 1;
  const clock = vi.spyOn(Date, "now").mockReturnValue(Date.now() + hours.ofGateway * 3_600_000);
  await exports.default.fetch("http://flows.test/gateway/none");
  clock.mockRestore();
}

/** Stores an API of the caller that is live. */
export async function liveApi(
  caller: Caller,
  api: object = apiOf({ flows: flowsOf() }),
): Promise<{ id: string; base: string }> {
  const id = await flowOf(caller, { kind: "api", graph: undefined, api }, { status: "active" });
  await env.DB.prepare("UPDATE flows SET started_by = ?, started_in = ?, start_id = ? WHERE id = ?")
    .bind(caller.sub, caller.tenant ?? null, "start", id)
    .run();
  const row = (await findFlow(databaseOf(env.DB), id, null))!;
  expect(await openApi(databaseOf(env.DB), env, row, Date.now())).toBeUndefined();
  // As at the end of a start: what becomes active has its claim by then.
  await env.DB.prepare("UPDATE flows SET status = 'active' WHERE id = ?").bind(id).run();
  await renewGateway();
  return { id, base: (api as { basePath: string }).basePath };
}

/** Calls the gateway as a client does. */
export const callGateway = (base: string, path: string, init: RequestInit = {}): Promise<Response> =>
  exports.default.fetch(`http://flows.test/gateway${base}${path}`, { redirect: "manual", ...init });
