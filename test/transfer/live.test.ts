import { env } from "cloudflare:workers";
import { afterEach, beforeAll, expect, it, vi } from "vitest";

import type { Caller } from "../support/api.ts";
import { comesTo, freshName, started } from "../support/executions.ts";
import { apiOf, callGateway, flowsOf, renewGateway } from "../support/gateway.ts";
import { admin, newId, outboxOf, rowOf, someone } from "../support/given.ts";
import { replaceNetwork } from "../support/iam.ts";
import { sent, type Line } from "./given.ts";

let root: Caller;
let owner: Caller;
beforeAll(async () => {
  root = await admin();
  owner = await someone();
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** A line of an export of somebody's active flow. */
const exported = (own: Line): Line & { id: string } => ({
  id: newId(),
  name: "Moved here",
  status: "active",
  createdAt: "2024-01-02T03:04:05.678Z",
  updatedAt: "2024-01-02T03:04:05.678Z",
  statusSeq: 2,
  startId: newId(),
  startedBy: owner.sub,
  startedIn: owner.tenant,
  owners: [{ id: owner.tenant, type: "tenant" }],
  ...own,
});

/** The flow of the last change that gateways are told of. */
const changes = () =>
  env.DB.prepare("SELECT id FROM gateway_changes ORDER BY seq DESC LIMIT 1").first<{ id: string }>();

it("an active workflow that is imported answers to its name", async () => {
  const name = freshName();
  const commands = [{ command: "route", name: "hello", uri: "/hello" }, { command: "success" }];
  const line = exported({ kind: "workflow", workflow: { name, access: "public", commands } });
  await sent(root, [line], { imported: 1 });
  await expect.poll(() => outboxOf(line.id)).toEqual([]);
  await expect
    .poll(
      async () =>
        (await env.DB.prepare("SELECT 1 FROM open_workflows WHERE flow_id = ?").bind(line.id).all()).results.length,
    )
    .toBe(2);
  const client = await started(name);
  expect(client.uuid).toBeDefined();
  // Its report is that of the start which it has had all along.
  expect(await rowOf(line.id)).toMatchObject({ status: "active", status_seq: 2, start_id: line["startId"] });
});

it("an active API that is imported answers on a gateway that knew others before", async () => {
  replaceNetwork(() => new Response("here"));
  const api = apiOf({ flows: flowsOf() });
  await renewGateway();
  expect((await callGateway(api.basePath, "/orders/1")).status).toBe(404);
  const line = exported({ kind: "api", api });
  await sent(root, [line], { imported: 1 });
  // A gateway that is called all the time reads nothing but what this tells.
  expect(await changes()).toEqual({ id: line.id });
  await renewGateway();
  expect(await (await callGateway(api.basePath, "/orders/1")).text()).toBe("here");
  await expect.poll(() => outboxOf(line.id)).toEqual([]);
  expect(await rowOf(line.id)).toMatchObject({ status: "active", status_seq: 2 });
});

it("an active API whose base path is another's gets none, and says why", async () => {
  const api = apiOf({ flows: flowsOf() });
  const [first, second] = [exported({ kind: "api", api }), exported({ kind: "api", api })];
  await sent(root, [first, second], { imported: 2 });
  await comesTo(second.id, "inactive");
  const { data } = (await owner.call("getFlowById", { params: { id: second.id } })).body;
  expect(data.lastError.reason).toContain("Another API stands at");
  expect(await rowOf(first.id)).toMatchObject({ status: "active" });
  const claimed = await env.DB.prepare("SELECT flow_id FROM open_apis WHERE base_path = ?").bind(api.basePath).all();
  expect(claimed.results).toEqual([{ flow_id: first.id }]);
});

it("an active API at a host name of others gets no path, not even for a moment", async () => {
  const api = apiOf({ flows: flowsOf(), hostnames: ["own.example.com"] });
  const line = exported({ kind: "api", api });
  const noChores = { FLOW_CHORES: { sendBatch: () => Promise.resolve() } };
  await sent(root, [line], { imported: 1 }, { env: noChores });
  const claimed = await env.DB.prepare("SELECT flow_id FROM open_apis WHERE base_path = ?").bind(api.basePath).all();
  expect(claimed.results).toEqual([]);
});
