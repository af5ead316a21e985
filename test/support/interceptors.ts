import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";

import { answer } from "../../src/app.ts";
import { apiOf, type entry, flowsOf } from "./gateway.ts";

export interface Lists {
  readonly request?: readonly ReturnType<typeof entry>[];
  readonly response?: readonly ReturnType<typeof entry>[];
}

/** An API with a resource `/name/{id}` for each name, whose interceptors are those given for it. */
export const apiOfLists = (given: Readonly<Record<string, Lists>>, more: object = {}) =>
  apiOf({
    resources: Object.keys(given).map((id) => ({
      id,
      path: `/${id}/{id}`,
      operations: ["GET", "HEAD", "POST"].map((method) => ({ id: method.toLowerCase(), method })),
    })),
    flows: {
      ...flowsOf(),
      resources: Object.fromEntries(
        Object.entries(given).map(([id, { request = [], response = [] }]) => {
          const named = (list: NonNullable<Lists["request"]>, end = "") =>
            list.map((one) => ({ ...one, id: `${id}-${one.id}${end}` }));
          return [id, { all: { request: named(request), response: named(response, "-back") }, operations: {} }];
        }),
      ),
    },
    ...more,
  });

/** Calls the gateway and waits for all that goes on behind the answer. */
export async function callSettled(base: string, path: string, init: RequestInit = {}, changed?: object) {
  const ctx = createExecutionContext();
  const request = new Request(`http://flows.test/gateway${base}${path}`, { redirect: "manual", ...init });
  const { status, headers, body } = await answer(request, changed === undefined ? env : { ...env, ...changed }, ctx);
  const text = body === null ? "" : await new Response(body).text();
  await waitOnExecutionContext(ctx);
  return { status, headers, text };
}
