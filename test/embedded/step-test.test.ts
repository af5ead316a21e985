import { env } from "cloudflare:workers";
import { afterEach, expect, it, vi } from "vitest";

import { as } from "../support/api.ts";
import { everyPermission, flowOf, someone } from "../support/given.ts";
import { replaceNetwork } from "../support/iam.ts";
import { activeFlow } from "../support/runs.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const graph = {
  nodes: [
    { id: "pick", componentId: "switch" },
    { id: "big", componentId: "transform", fields: { expression: "data.amount * 2" } },
    { id: "small", componentId: "filter", fields: { condition: "data.amount > 1" } },
    { id: "call", componentId: "http", fields: { url: "https://target.example/", method: "POST" } },
    { id: "wait", componentId: "delay", fields: { seconds: 60 } },
    { id: "join", componentId: "aggregate" },
    { id: "other", componentId: "flow", fields: { flow: "6b0259e4ef2fe4ca09ca001d" } },
    { id: "note", componentId: "log", fields: { message: "amount {{data.amount}}" } },
  ],
  edges: [
    { source: "pick", target: "big", config: { condition: "data.amount > 100" } },
    { source: "pick", target: "small" },
  ],
};

it.each([
  [
    "pick",
    { data: { amount: 150 } },
    { outcome: "sent", targets: [{ step: "big", message: { metadata: {}, data: { amount: 150 } } }] },
  ],
  ["pick", { data: { amount: 50 } }, { outcome: "sent", targets: [{ step: "small" }] }],
  ["big", { data: { amount: 4 } }, { outcome: "sent", outputs: [{ metadata: {}, data: 8 }], targets: [] }],
  ["small", { data: { amount: 1 } }, { outcome: "filtered", outputs: [] }],
  ["note", { data: { amount: 7 } }, { outcome: "sent", lines: ["amount 7"] }],
  ["join", { data: {} }, { outcome: "gathered" }],
  ["join", { gathered: [1, 2] }, { outcome: "sent", outputs: [{ data: [1, 2] }] }],
  ["other", { data: {} }, { outcome: "failed", error: { code: "NOT_IN_A_TEST", step: "other" } }],
  ["big", { data: { amount: "x" } }, { outcome: "failed", error: { code: "EXPRESSION_FAILED", step: "big" } }],
])("tries the step %s with %j", async (stepId, sample, expected) => {
  const caller = await someone();
  const id = await flowOf(caller, { graph });
  const answer = await caller.call("testStep", { params: { id, stepId }, body: sample });
  expect(answer.status).toBe(200);
  expect(answer.body.data).toMatchObject(expected);
});

it("tells until when a step would wait, and does not wait", async () => {
  const caller = await someone();
  const id = await flowOf(caller, { graph });
  const { body } = await caller.call("testStep", { params: { id, stepId: "wait" }, body: { data: {} } });
  expect(body.data.outcome).toBe("waits");
  expect(Date.parse(body.data.waitsUntil)).toBeGreaterThan(Date.now() + 50_000);
});

it("calls what the step calls, and leaves no run behind", async () => {
  const asked = replaceNetwork(() => Response.json({ stored: 1, token: "t0k3n" }));
  const caller = await someone();
  const id = await activeFlow(caller, graph);
  const { body } = await caller.call("testStep", { params: { id, stepId: "call" }, body: { data: { a: 1 } } });
  expect(asked.map((one) => one.body)).toEqual(['{"a":1}']);
  expect(body.data).toMatchObject({
    outcome: "sent",
    outputs: [{ data: { stored: 1, token: "[masked]" } }],
    error: null,
  });
  expect(await env.DB.prepare("SELECT count(*) AS n FROM runs WHERE flow_id = ?").bind(id).first("n")).toBe(0);
});

it("knows only steps of the flow, and flows of the caller", async () => {
  const caller = await someone();
  const id = await flowOf(caller, { graph });
  const unknown = await caller.call("testStep", { params: { id, stepId: "none" }, body: {} });
  expect([unknown.status, unknown.body.errors[0].error]).toEqual([404, "STEP_NOT_FOUND"]);
  const stranger = await someone();
  expect((await stranger.call("testStep", { params: { id, stepId: "big" }, body: {} })).status).toBe(404);
  const reader = await as({ ...caller, permissions: everyPermission.filter((name) => name !== "flows.control") });
  expect((await reader.call("testStep", { params: { id, stepId: "big" }, body: {} })).status).toBe(403);
});
