import { describe, expect, it } from "vitest";

import { someone } from "../../support/given.ts";
import { activeFlow, begun, line, logged, runOf, statesOf } from "../../support/runs.ts";

const MANY = 10_000;

/** Looks at the run's own row, which costs the run nothing. */
async function over(id: string): Promise<void> {
  const status = async () => (await logged<{ status: string }>(id, "SELECT status FROM run"))[0]!.status;
  await expect.poll(status, { timeout: 60_000, interval: 100 }).not.toBe("running");
}

describe("ten thousand messages", () => {
  it("go through split, transform and aggregate", { timeout: 90_000 }, async () => {
    const caller = await someone();
    const flow = await activeFlow(
      caller,
      line(
        { id: "split", componentId: "split" },
        { id: "each", componentId: "transform", fields: { expression: "{'amount': data * 2}" } },
        {
          id: "join",
          componentId: "aggregate",
          fields: { expression: "{'sum': $sum(data.amount), 'count': $count(data)}" },
        },
        { id: "note", componentId: "log", fields: { message: "{{data.count}} items: {{data.sum}}" } },
      ),
    );
    const data = Array.from({ length: MANY }, (_, index) => index + 1);
    const id = await begun(caller, flow, data);
    await over(id);
    const run = await runOf(caller, id);
    expect(run).toMatchObject({ status: "completed", error: null });
    expect(statesOf(run)).toEqual({
      split: { done: 1 },
      each: { done: MANY },
      join: { gathered: MANY, done: 1 },
      note: { done: 1 },
    });
    expect(await logged(id, "SELECT lines ->> '$[0].message' AS message FROM items WHERE lines IS NOT NULL")).toEqual([
      { message: `${MANY} items: ${MANY * (MANY + 1)}` },
    ]);
  });
});
