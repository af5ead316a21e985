import { env } from "cloudflare:workers";
import { expect, it } from "vitest";

import { databaseOf } from "../../src/db/client.ts";
import { traceId } from "../../src/gateway/trace/id.ts";
import { forgetChanges, forgetTraces } from "../../src/gateway/trace/store.ts";
import type { Caller } from "../support/api.ts";
import { apiOf } from "../support/gateway.ts";
import { flowOf, newId, someone } from "../support/given.ts";

const ofApi = () => ({ kind: "api", graph: undefined, api: apiOf() });

const traceOf = (by: Caller, of: string, trace: string) => by.call("getTrace", { params: { id: of, traceId: trace } });

it("are listed with the newest first, by status, for the API's owners", async () => {
  const owner = await someone();
  const flow = await flowOf(owner, ofApi());
  const at = Date.now();
  const insert = env.DB.prepare(
    "INSERT INTO gateway_traces (flow_id, id, status, code, method, path, revision, ms, body) VALUES (?, ?, ?, ?, 'GET', '/x', 1, 2, '{}')",
  );
  const ids = [200, 404, 500, 503].map((status, index) => ({ id: traceId(at + index), status }));
  await env.DB.batch(ids.map((one) => insert.bind(flow, one.id, one.status, null)));
  const list = async (query: Record<string, string> = {}) =>
    (await owner.call("listTraces", { params: { id: flow }, query })).body;
  const all = await list();
  expect(all.data.map((one: { status: number }) => one.status)).toEqual([503, 500, 404, 200]);
  expect(all.data[0]).toEqual({
    id: ids[3]!.id,
    at: new Date(at + 3).toISOString(),
    method: "GET",
    path: "/x",
    status: 503,
    code: null,
    revision: 1,
    ms: 2,
  });
  const page = await list({ "page[size]": "3" });
  expect([page.data.length, page.meta.next]).toEqual([3, ids[1]!.id]);
  const rest = await list({ "page[size]": "3", "page[after]": page.meta.next });
  expect([rest.data.map((one: { id: string }) => one.id), rest.meta.next]).toEqual([[ids[0]!.id], null]);
  for (const [filter, count] of [
    ["5xx", 2],
    ["404", 1],
    ["4xx", 1],
    ["201", 0],
  ] as const) {
    expect((await list({ "filter[status]": filter })).data).toHaveLength(count);
  }
  const wrong = await owner.call("listTraces", { params: { id: flow }, query: { "filter[status]": "6xx" } });
  const other = await someone();
  const faults = [
    wrong,
    await other.call("listTraces", { params: { id: flow } }),
    await traceOf(other, flow, ids[0]!.id),
    await traceOf(owner, flow, traceId(1)),
    await traceOf(owner, await flowOf(owner, ofApi()), ids[0]!.id),
    await traceOf(owner, flow, "trace_1"),
  ].map(({ status, body }) => [status, body.errors[0].error]);
  expect(faults).toEqual([
    [400, "INVALID_PARAMETER"],
    [404, "FLOW_NOT_FOUND"],
    [404, "FLOW_NOT_FOUND"],
    [404, "TRACE_NOT_FOUND"],
    [404, "TRACE_NOT_FOUND"],
    [400, "INVALID_PARAMETER"],
  ]);
});

it("old traces and old changes are forgotten, and no others", async () => {
  const [now, day] = [Date.now(), 24 * 3600_000];
  const flow = newId();
  const kept = traceId(now - 7 * day + 60_000);
  const insert = `INSERT INTO gateway_traces (flow_id, id, status, method, path, revision, ms, body)
    SELECT ?1, ?2 || printf('%012x', value), 200, 'GET', '/', 1, 1, '{}' FROM json_each(?3)`;
  const old = `trace_${(now - 7 * day - 1).toString(16).padStart(12, "0")}0000`;
  const many = JSON.stringify(Array.from({ length: 1500 }, (_, index) => index));
  await env.DB.batch([
    env.DB.prepare(insert).bind(flow, old, many),
    env.DB.prepare(insert).bind(flow, kept.slice(0, -12), "[1]"),
    env.DB.prepare(`INSERT INTO gateway_changes ("of", id, at) VALUES ('api', ?, ?), ('api', ?, ?)`).bind(
      flow,
      Math.floor(now / 1000) - 2000,
      flow,
      Math.floor(now / 1000) - 60,
    ),
  ]);
  await forgetTraces(databaseOf(env.DB), { GATEWAY_TRACE_DAYS: 7 }, now);
  await forgetChanges(databaseOf(env.DB), now);
  const rows = await env.DB.prepare("SELECT id FROM gateway_traces WHERE flow_id = ?").bind(flow).all<{ id: string }>();
  expect(rows.results.map((row) => row.id.slice(0, 18))).toEqual([kept.slice(0, 18)]);
  const changes = await env.DB.prepare("SELECT count(*) AS count FROM gateway_changes WHERE id = ?").bind(flow).first();
  expect(changes).toEqual({ count: 1 });
});
