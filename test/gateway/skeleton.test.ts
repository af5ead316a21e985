import { afterEach, beforeEach, expect, it, vi } from "vitest";

import type { Caller } from "../support/api.ts";
import { comesTo } from "../support/executions.ts";
import { apiOf, callGateway, flowsOf, liveApi, renewGateway } from "../support/gateway.ts";
import { someone } from "../support/given.ts";
import { replaceNetwork } from "../support/iam.ts";

let caller: Caller;
beforeEach(async () => {
  caller = await someone();
});
afterEach(() => {
  vi.restoreAllMocks();
});

it("a call goes to the destination with path, query and body, and its answer comes back as it is", async () => {
  const asked = replaceNetwork(() => new Response("made", { status: 201, headers: { "x-own": "1" } }));
  const { base } = await liveApi(caller, apiOf({ flows: flowsOf() }));
  const answer = await callGateway(base, "/orders/a%2Fb?x=1&x=2", { method: "POST", body: "hello" });
  expect([answer.status, await answer.text(), answer.headers.get("x-own")]).toEqual([201, "made", "1"]);
  expect(asked).toMatchObject([{ url: "https://backend.example/orders/a%2Fb?x=1&x=2", method: "POST", body: "hello" }]);
});

it("is started and stopped like any flow", async () => {
  replaceNetwork(() => new Response("here"));
  const api = apiOf({ flows: flowsOf() });
  const added = await caller.call("addFlow", { body: { name: "Orders", kind: "api", api } });
  const { id } = added.body.data;
  await renewGateway();
  expect((await callGateway(api.basePath, "/orders/1")).status).toBe(404);
  await caller.call("startFlow", { params: { id } });
  await comesTo(id, "active");
  await renewGateway();
  expect(await (await callGateway(api.basePath, "/orders/1")).text()).toBe("here");
  await caller.call("stopFlow", { params: { id } });
  await comesTo(id, "inactive");
  await renewGateway();
  expect((await callGateway(api.basePath, "/orders/1")).status).toBe(404);
});
