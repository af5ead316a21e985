import { describe, expect, it } from "vitest";

import { flowOf, someone } from "../support/given.ts";
import { line } from "../support/runs.ts";

const receives = line({ id: "first" }, { id: "note", componentId: "log", fields: { message: "seen" } });

describe("the preview", () => {
  it("tells the next five times of each schedule, of a flow that need not be active", async () => {
    const caller = await someone();
    const id = await flowOf(caller, {
      graph: receives,
      cron: "0 6 * * *",
      flowSettings: { schedule: { timezone: "Asia/Kolkata" } },
    });
    const { body } = await caller.call("previewSchedule", { params: { id } });
    expect(body.data).toMatchObject({ fault: null, schedules: [{ step: "first", timezone: "Asia/Kolkata" }] });
    const { next } = body.data.schedules[0] as { next: string[] };
    expect(next.map((time) => time.slice(11))).toEqual(Array<string>(5).fill("00:30:00.000Z"));
    expect(next.toSorted()).toEqual(next);
    expect(Date.parse(next[0]!)).toBeGreaterThan(Date.now());
  });

  it("tells why a flow could not be started, and that one has no schedule", async () => {
    const caller = await someone();
    const graph = line({ id: "timer", componentId: "schedule", fields: { cron: "0 7 * * *", timezone: "Mars/X" } });
    const ids = [await flowOf(caller, { graph }), await flowOf(caller, { graph: receives })];
    const [bad, none] = await Promise.all(ids.map((id) => caller.call("previewSchedule", { params: { id } })));
    expect(bad!.body.data).toEqual({ schedules: [], fault: expect.stringContaining("Step timer: fields.timezone") });
    expect(none!.body.data).toEqual({ schedules: [], fault: null });
  });
});
