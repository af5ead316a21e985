import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";

import type { Caller } from "../support/api.ts";
import { admin, flowOf, newId, rowOf, someone } from "../support/given.ts";
import { replaceNetwork } from "../support/iam.ts";
import { activeFlow, line, ran } from "../support/runs.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** A component that is mapped to an endpoint of its own. */
async function mappedComponent(more: Record<string, unknown> = {}) {
  const id = newId();
  const endpoint = `https://${id}.example.com/process`;
  const answer = await (
    await admin()
  ).call("mapComponent", { params: { id }, body: { name: "CRM", endpoint, ...more } });
  expect(answer.status).toBe(200);
  return { id, endpoint };
}

/** A flow whose second step is the component, and whose third tells what came. */
async function flowWith(caller: Caller, componentId: string, more: Record<string, unknown> = {}) {
  const remote = { id: "remote", componentId, function: "push", fields: { limit: 5 }, ...more };
  return activeFlow(
    caller,
    line({ id: "begin", componentId: "manual" }, remote, { id: "end", componentId: "log", fields: { message: "x" } }),
  );
}

interface ShownItem {
  readonly step: string;
  readonly state: string;
  readonly attempts: number;
  readonly input: { readonly data: unknown };
}
const itemsAt = (run: { items: ShownItem[] }, step: string) => run.items.filter((item) => item.step === step);
const dataAt = (run: { items: ShownItem[] }, step: string) => itemsAt(run, step).map(({ input }) => input.data);

describe("a remote component", () => {
  it("gets the message of its step and answers the next one", async () => {
    const { id, endpoint } = await mappedComponent();
    const asked = replaceNetwork(() => Response.json({ data: { made: true } }));
    const caller = await someone();
    const flowId = await flowWith(caller, id.toUpperCase(), { nodeSettings: { timeout: 9 } });
    const run = await ran(caller, flowId, { a: 1 });
    expect(run).toMatchObject({ status: "completed", error: null });
    expect(dataAt(run, "end")).toEqual([{ made: true }]);
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({ url: endpoint, method: "POST" });
    const body = JSON.parse(asked[0]!.body) as Record<string, unknown>;
    expect(body).toMatchObject({
      flowId,
      runId: run.id,
      stepId: "remote",
      function: "push",
      data: { a: 1 },
      config: { limit: 5, nodeSettings: { timeout: 9 } },
      snapshot: {},
      tenant: caller.tenant,
      attempt: 1,
    });
    expect(asked[0]!.headers.get("idempotency-key")).toBe(body["id"]);
    expect(asked[0]!.headers.get("x-flow-depth")).toBe("1");
    expect(body["id"]).toMatch(new RegExp(`^${run.id}/remote/\\d+$`));
  });

  it("may answer many messages, or none", async () => {
    const { id } = await mappedComponent();
    const caller = await someone();
    const flowId = await flowWith(caller, id);
    replaceNetwork(() => Response.json({ messages: [{ data: 1 }, { data: 2 }, { data: 3 }] }));
    const many = await ran(caller, flowId, {});
    expect(many.status).toBe("completed");
    expect(dataAt(many, "end")).toEqual([1, 2, 3]);
    vi.restoreAllMocks();
    replaceNetwork(() => new Response(null, { status: 204 }));
    const none = await ran(caller, flowId, {});
    expect(none.error).toBeNull();
    expect(itemsAt(none, "remote")).toMatchObject([{ state: "done" }]);
    expect(dataAt(none, "end")).toEqual([]);
  });

  it("gets what it remembered, of this flow and step alone", async () => {
    const { id } = await mappedComponent();
    const seen: unknown[] = [];
    replaceNetwork(({ body }) => {
      const { snapshot, data } = JSON.parse(body) as { snapshot: { at?: number }; data: { fail?: boolean } };
      seen.push(snapshot);
      if (data.fail) return Response.json({ error: { message: "No." }, snapshot: { at: 99 } });
      return Response.json({ data: 1, snapshot: { at: (snapshot.at ?? 0) + 1 } });
    });
    const caller = await someone();
    const [flowId, other] = [await flowWith(caller, id), await flowWith(caller, id)];
    await ran(caller, flowId, {});
    await ran(caller, flowId, {});
    const failed = await ran(caller, flowId, { fail: true });
    expect(failed).toMatchObject({
      status: "failed",
      error: { code: "COMPONENT_ERROR", message: "No.", step: "remote" },
    });
    await ran(caller, flowId, {});
    await ran(caller, other, {});
    expect(seen).toEqual([{}, { at: 1 }, { at: 2 }, { at: 2 }, {}]);
  });

  it("does not have remembered what came out of a step that failed", async () => {
    const { id } = await mappedComponent();
    replaceNetwork(() => Response.json({ data: { a: 1 }, snapshot: { at: 1 } }));
    const caller = await someone();
    const flowId = await flowWith(caller, id, {
      nodeSettings: { applyTransform: "after", transformFunction: "$error('no')", retry: { attempts: 1 } },
    });
    expect((await ran(caller, flowId, {})).status).toBe("failed");
    const kept = env.DB.prepare("SELECT count(*) AS n FROM snapshots WHERE flow_id = ?").bind(flowId);
    expect(await kept.first("n")).toBe(0);
  });

  it("is asked again after a fault that may pass, under the same key", async () => {
    const { id } = await mappedComponent();
    let tries = 0;
    const asked = replaceNetwork(() => {
      tries += 1;
      return tries < 3 ? new Response(null, { status: 503 }) : Response.json({ data: tries });
    });
    const caller = await someone();
    const flowId = await flowWith(caller, id, { nodeSettings: { retry: { attempts: 3, delay: 0 } } });
    const run = await ran(caller, flowId, {});
    expect(run.status).toBe("completed");
    expect(dataAt(run, "end")).toEqual([3]);
    expect(asked.map(({ body }) => (JSON.parse(body) as { attempt: number }).attempt)).toEqual([1, 2, 3]);
    expect(new Set(asked.map(({ headers }) => headers.get("idempotency-key"))).size).toBe(1);
  });

  it("gets a secret only if it was mapped so", async () => {
    const caller = await someone();
    const secret = { name: "key", type: "API_KEY", value: { key: "geheim-geheim", headerName: "x-api-key" } };
    const { body } = await caller.call("addSecret", { body: secret });
    const asked = replaceNetwork(() => Response.json({ data: 1 }));
    for (const wants of [true, false]) {
      const { id } = await mappedComponent({ secret: wants });
      const run = await ran(caller, await flowWith(caller, id, { credentials_id: body.data.id }), {});
      expect(run.status).toBe("completed");
      expect(JSON.stringify(run)).not.toContain("geheim");
    }
    const [first, second] = asked.map((one) => (JSON.parse(one.body) as { config: unknown }).config);
    expect(first).toEqual({ limit: 5, nodeSettings: {}, ...secret.value });
    expect(second).toEqual({ limit: 5, nodeSettings: {} });
  });

  it("that nobody mapped fails the run, and nothing is called", async () => {
    const asked = replaceNetwork(() => Response.json({}));
    const caller = await someone();
    const run = await ran(caller, await flowWith(caller, newId()), {});
    expect(run).toMatchObject({ status: "failed", error: { code: "COMPONENT_UNKNOWN", step: "remote" } });
    expect(asked).toEqual([]);
  });
});

const comesTo = (id: string, status: string) =>
  expect.poll(async () => (await rowOf(id))?.status, { timeout: 15_000, interval: 25 }).toBe(status);

describe("a flow with a remote component", () => {
  it("starts once the component is mapped, and not before", async () => {
    const [caller, operator, componentId] = [await someone(), await admin(), newId()];
    const id = await flowOf(caller, { graph: line({ id: "in", componentId: componentId.toUpperCase() }) });
    await caller.call("startFlow", { params: { id } });
    await comesTo(id, "inactive");
    const { lastError } = (await caller.call("getFlowById", { params: { id } })).body.data;
    expect(lastError.reason).toBe(`Unknown component: ${componentId.toUpperCase()} (step in).`);
    const body = { name: "CRM", endpoint: "https://crm.example.com/" };
    await operator.call("mapComponent", { params: { id: componentId }, body });
    await caller.call("startFlow", { params: { id } });
    await comesTo(id, "active");
    await operator.call("unmapComponent", { params: { id: componentId } });
  });
});
