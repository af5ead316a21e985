import { afterEach, describe, expect, it, vi } from "vitest";

import { someone } from "../support/given.ts";
import { replaceNetwork } from "../support/iam.ts";
import { activeFlow, ended, line, post, ran } from "../support/runs.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const fiveSteps = line(
  { id: "receive", componentId: "webhook" },
  { id: "filter", componentId: "filter", fields: { condition: "data.amount > 100" } },
  {
    id: "shape",
    componentId: "transform",
    fields: { expression: '{ "total": data.amount, "from": metadata.source.name }' },
  },
  { id: "push", componentId: "http", fields: { method: "POST", url: "https://target.example/orders/{{data.total}}" } },
  { id: "note", componentId: "log", fields: { message: "The target answered {{metadata.response.status}}." } },
);

describe("the five steps of seed 002", () => {
  it("go from the hook to the target", async () => {
    const asked = replaceNetwork(() => Response.json({ id: 7 }, { status: 201 }));
    const caller = await someone();
    const flowId = await activeFlow(caller, fiveSteps);
    const answer = await post(flowId, { amount: 150 });
    expect(answer.status).toBe(200);
    const { data } = await answer.json<{ data: { runId: string; message: string } }>();
    expect(data.message).toBe("thank you");
    const run = await ended(caller, data.runId);
    expect(run).toMatchObject({ status: "completed", trigger: "webhook", error: null });
    expect(run.items.map(({ step, state }: { step: string; state: string }) => [step, state])).toEqual([
      ["receive", "done"],
      ["filter", "done"],
      ["shape", "done"],
      ["push", "done"],
      ["note", "done"],
    ]);
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({
      url: "https://target.example/orders/150",
      method: "POST",
      body: '{"total":150,"from":"webhooks"}',
    });
    expect(run.items[4].input).toMatchObject({ data: { id: 7 }, metadata: { response: { status: 201 } } });
    const list = await caller.call("listRuns", { params: { id: flowId } });
    expect(list.body.data).toMatchObject([{ id: data.runId, status: "completed" }]);
  });

  it("end at the filter for a payload that does not meet it", async () => {
    const asked = replaceNetwork(() => Response.json({}));
    const caller = await someone();
    const flowId = await activeFlow(caller, fiveSteps);
    const run = await ran(caller, flowId, { amount: 5 });
    expect(run.status).toBe("filtered");
    expect(asked).toEqual([]);
  });
});
