import { describe, expect, it } from "vitest";

import type { FlowDocument } from "../flows/model.ts";
import { nextDue, nextTimes, ScheduleFault, schedulesOf, type Schedule } from "./schedule.ts";

const timesOf = (cron: string, timezone: string, after: string, most = 3): string[] =>
  nextTimes({ step: "s", cron, timezone, overlap: "skip" }, Date.parse(after), most).map((at) =>
    new Date(at).toISOString().slice(0, 16),
  );

describe("the times of a schedule", () => {
  it.each<[string, string, string, string, string[]]>([
    [
      "at 2:30, which Berlin leaves out on one day of March: then at 3",
      "30 2 * * *",
      "Europe/Berlin",
      "2026-03-28T00:00Z",
      ["2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"],
    ],
    [
      "at 2:30, which Berlin has twice on one day of October: once",
      "30 2 * * *",
      "Europe/Berlin",
      "2026-10-24T00:00Z",
      ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"],
    ],
    [
      "at 2:30, which New York leaves out on one day of March: then at 3",
      "30 2 * * *",
      "America/New_York",
      "2026-03-07T00:00Z",
      ["2026-03-07T07:30", "2026-03-08T07:00", "2026-03-09T06:30"],
    ],
    [
      "at 1:30, which New York has twice on one day of November: once",
      "30 1 * * *",
      "America/New_York",
      "2026-10-31T00:00Z",
      ["2026-10-31T05:30", "2026-11-01T05:30", "2026-11-02T06:30"],
    ],
    [
      "every hour, through the hour that is there twice",
      "0 * * * *",
      "Europe/Berlin",
      "2026-10-24T23:30Z",
      ["2026-10-25T00:00", "2026-10-25T01:00", "2026-10-25T02:00"],
    ],
    [
      "every hour, over the hour that is not there",
      "0 * * * *",
      "Europe/Berlin",
      "2026-03-28T23:30Z",
      ["2026-03-29T00:00", "2026-03-29T01:00", "2026-03-29T02:00"],
    ],
    [
      "at midnight where the day begins elsewhere",
      "0 0 * * *",
      "Asia/Kolkata",
      "2026-06-01T00:00Z",
      ["2026-06-01T18:30", "2026-06-02T18:30", "2026-06-03T18:30"],
    ],
    [
      "on the last day of a month",
      "0 0 L * *",
      "UTC",
      "2026-01-31T12:00Z",
      ["2026-02-28T00:00", "2026-03-31T00:00", "2026-04-30T00:00"],
    ],
    ["on the 29th of February", "0 0 29 2 *", "UTC", "2026-01-01T00:00Z", ["2028-02-29T00:00"]],
  ])("%s", (_, cron, timezone, after, times) => {
    expect(timesOf(cron, timezone, after, times.length)).toEqual(times);
  });

  it("come after the moment, never at it", () => {
    const at = Date.parse("2026-06-01T00:00Z");
    expect(nextDue({ cron: "0 0 * * *", timezone: "UTC" }, at)).toBe(at + 24 * 3600_000);
    expect(nextDue({ cron: "0 0 * * *", timezone: "UTC" }, at - 1)).toBe(at);
  });

  it("may be seconds apart", () => {
    const at = Date.parse("2026-06-01T00:00:05Z");
    expect(nextDue({ cron: "*/10 * * * * *", timezone: "UTC" }, at)).toBe(at + 5000);
  });

  it("may never come", () => {
    expect(nextDue({ cron: "0 0 30 2 *", timezone: "UTC" }, 0)).toBeUndefined();
  });
});

interface Given {
  readonly cron?: string;
  readonly schedule?: unknown;
  readonly nodes?: readonly { id: string; componentId?: string; fields?: unknown }[];
}

const flow = ({ cron, schedule, nodes = [{ id: "first" }, { id: "second" }] }: Given) =>
  ({
    graph: { nodes, edges: nodes.slice(1).map(({ id }, index) => ({ source: nodes[index]!.id, target: id })) },
    ...(cron === undefined ? {} : { cron }),
    ...(schedule === undefined ? {} : { flowSettings: { schedule } }),
  }) as unknown as Pick<FlowDocument, "graph" | "cron" | "flowSettings">;

const timer = (fields: object = {}, id = "timer") => ({ id, componentId: "schedule", fields });
const is = (step: string, cron: string, timezone = "UTC", overlap: Schedule["overlap"] = "skip"): Schedule => ({
  step,
  cron,
  timezone,
  overlap,
});
const berlin = { timezone: "Europe/Berlin", overlap: "queue" } as const;

describe("the schedules of a flow", () => {
  it.each<[string, Given, Schedule[]]>([
    ["none without cron and step", {}, []],
    ["none, whatever the settings of none say", { schedule: { timezone: "Mars/Olympus" } }, []],
    ["none by an empty cron", { cron: "" }, []],
    ["its cron at the entry", { cron: "0 6 * * *" }, [is("first", "0 6 * * *")]],
    [
      "its cron with manners",
      { cron: "0 6 * * *", schedule: berlin },
      [is("first", "0 6 * * *", "Europe/Berlin", "queue")],
    ],
    ["a step", { nodes: [timer({ cron: "0 7 * * *" })] }, [is("timer", "0 7 * * *")]],
    [
      "a step with manners of its own",
      { nodes: [timer({ cron: "0 7 * * *", overlap: "allow", timezone: "Asia/Tokyo" })], schedule: berlin },
      [is("timer", "0 7 * * *", "Asia/Tokyo", "allow")],
    ],
    [
      "a step with the flow's manners",
      { nodes: [timer({ cron: "0 7 * * *", overlap: "allow" })], schedule: berlin },
      [is("timer", "0 7 * * *", "Europe/Berlin", "allow")],
    ],
    [
      "a step by the flow's cron, in its own zone",
      { cron: "0 6 * * *", nodes: [{ id: "first" }, timer({ timezone: "Asia/Tokyo" })] },
      [is("timer", "0 6 * * *", "Asia/Tokyo")],
    ],
    [
      "both, at the step",
      { cron: "0 6 * * *", nodes: [timer({ cron: "0 7 * * *" })] },
      [is("timer", "0 6 * * *"), is("timer", "0 7 * * *")],
    ],
    [
      "several steps",
      { nodes: [timer({ cron: "0 7 * * *" }), timer({ cron: "0 8 * * *" }, "other")] },
      [is("timer", "0 7 * * *"), is("other", "0 8 * * *")],
    ],
  ])("are %s", (_, given, schedules) => {
    expect(schedulesOf(flow(given))).toEqual(schedules);
  });

  it.each<[string, Given]>([
    ["flowSettings.schedule.timezone: Use an IANA time zone", { cron: "0 6 * * *", schedule: { timezone: "Mars/X" } }],
    ["flowSettings.schedule.timezone: ", { cron: "0 6 * * *", schedule: { timezone: 7 } }],
    ["flowSettings.schedule.overlap: ", { cron: "0 6 * * *", schedule: { overlap: "never" } }],
    ["flowSettings.schedule: ", { cron: "0 6 * * *", schedule: "daily" }],
    [
      "Step timer: fields.timezone: Use an IANA time zone",
      { nodes: [timer({ cron: "0 7 * * *", timezone: "Mars/X" })] },
    ],
    ["Step timer: fields.cron: ", { nodes: [timer()] }],
    ["Step timer: the schedule 0 7 * * cannot be read.", { nodes: [timer({ cron: "0 7 * *" })] }],
    ["Step timer: the schedule 0 0 30 2 * never comes.", { nodes: [timer({ cron: "0 0 30 2 *" })] }],
    ["Step first: the schedule 61 * * * * cannot be read.", { cron: "61 * * * *" }],
  ])("are refused: %s", (message, given) => {
    const refused = (() => {
      try {
        return schedulesOf(flow(given));
      } catch (error) {
        return error;
      }
    })();
    expect(refused).toBeInstanceOf(ScheduleFault);
    expect((refused as Error).message).toContain(message);
  });
});
