import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Caller } from "../../support/api.ts";
import { someone } from "../../support/given.ts";
import { replaceNetwork } from "../../support/iam.ts";
import {
  activeFlow,
  begun,
  cameTo,
  hasten,
  line,
  logged,
  post,
  ran,
  rested,
  runOf,
  statesOf,
} from "../../support/runs.ts";

let caller: Caller;
beforeEach(async () => {
  caller = await someone();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const end = { id: "end" };
const step = (componentId: string, fields: object = {}) => ({ id: "step", componentId, fields });
const through = async (node: object, data: unknown = {}) =>
  ran(caller, await activeFlow(caller, line(node as never, end)), data);

describe("a component", () => {
  it.each([
    ["webhook", {}, { n: 1 }],
    ["schedule", { cron: "0 0 1 1 *" }, { n: 1 }],
    ["manual", {}, { n: 1 }],
    ["transform", { expression: "data.n + 1" }, 2],
    ["transform", { expression: "data.n + 1", into: "data.more" }, { n: 1, more: 2 }],
    ["transform", { expression: "data.none" }, null],
    ["filter", { condition: "data.n = 1" }, { n: 1 }],
    ["switch", {}, { n: 1 }],
    ["aggregate", {}, [{ n: 1 }]],
    ["aggregate", { expression: "$sum(data.n)" }, 1],
    ["delay", { seconds: 0 }, { n: 1 }],
    ["delay", { until: "2020-01-01T00:00:00Z" }, { n: 1 }],
    ["log", { message: "{{data.n}}" }, { n: 1 }],
    ["reply", { body: "ok" }, { n: 1 }],
    [undefined, {}, { n: 1 }],
  ])("%s with %j sends what it makes", async (componentId, fields, came) => {
    const run = await through({ id: "step", componentId, fields }, { n: 1 });
    expect(run).toMatchObject({ status: "completed", error: null });
    expect(cameTo(run, "end")).toEqual([came]);
  });

  it.each([
    ["split", {}, [1, 2], [1, 2]],
    ["split", { items: "data.lines" }, { lines: ["a", null, "c"] }, ["a", null, "c"]],
    ["split", { items: "data.one" }, { one: 7 }, [7]],
    ["split", { items: "data.none" }, {}, []],
    ["split", {}, [], []],
  ])("%s with %j sends each entry of %j on", async (componentId, fields, data, came) => {
    const run = await through(step(componentId, fields), data);
    expect(run.status).toBe("completed");
    expect(cameTo(run, "end")).toEqual(came);
  });

  it("filter ends the run where nothing else goes on", async () => {
    const run = await through(step("filter", { condition: "data.n = 2" }), { n: 1 });
    expect([run.status, statesOf(run)]).toEqual(["filtered", { step: { filtered: 1 } }]);
  });

  it("error ends the way of its payload with the fault that it names", async () => {
    const run = await through(step("error", { message: "Order {{data.id}} has no customer.", code: "NO_CUSTOMER" }), {
      id: 4,
    });
    expect(run).toMatchObject({
      status: "failed",
      error: { code: "NO_CUSTOMER", message: "Order 4 has no customer.", step: "step" },
    });
    expect(statesOf(run)).toEqual({ step: { failed: 1 } });
  });

  it("log writes lines of any form, which stay with their step", async () => {
    const run = await through(step("log", { message: { order: "{{data.id}}" }, level: "warn" }), { id: 4 });
    const lines = await logged(
      run.id,
      "SELECT step, lines ->> '$[0].level' AS level, lines ->> '$[0].message' AS message FROM items WHERE lines IS NOT NULL",
    );
    expect(lines).toEqual([{ step: "step", level: "warn", message: '{"order":4}' }]);
  });

  it("delay waits by an alarm, for as long as it says, once", async () => {
    const flow = await activeFlow(caller, line(step("delay", { seconds: "{{data.wait}}" }), end));
    const run = await begun(caller, flow, { wait: 3600 });
    const next = (await rested(run))!;
    expect(Math.abs(next - Date.now() - 3_600_000)).toBeLessThan(10_000);
    expect(await runOf(caller, run)).toMatchObject({ status: "running", waiting: true });
    await hasten(run);
    expect(statesOf(await runOf(caller, run))).toEqual({ step: { done: 1 }, end: { done: 1 } });
  });

  it("reply answers the hook, the first of several alone, without headers that are not a flow's", async () => {
    const graph = line(
      { id: "hook", componentId: "webhook", fields: { sync: true } },
      {
        id: "one",
        componentId: "reply",
        fields: {
          status: 202,
          body: { got: "{{data.n}}" },
          headers: { "x-order": "{{data.n}}", "set-cookie": "a=b", "X-Bad": "a\nb" },
        },
      },
      { id: "two", componentId: "reply", fields: { body: "late" } },
    );
    const answer = await post(await activeFlow(caller, graph), { n: 5 });
    expect([answer.status, await answer.json()]).toEqual([202, { got: 5 }]);
    expect(answer.headers.get("x-order")).toBe("5");
    expect(answer.headers.get("set-cookie")).toBeNull();
    expect(answer.headers.get("x-bad")).toBeNull();
  });
});

describe("a mistake in the fields of", () => {
  it.each([
    ["http", {}, "FIELDS_INVALID"],
    ["http", { url: "not an address" }, "FIELDS_INVALID"],
    ["http", { url: "https://a.example", query: "{{data.list}}" }, "FIELDS_INVALID"],
    ["http", { url: "https://a.example", timeout: 0 }, "FIELDS_INVALID"],
    ["http", { url: "https://a.example", method: "TRACE" }, "FIELDS_INVALID"],
    ["http", { url: "https://a.example", into: "headers.x" }, "FIELDS_INVALID"],
    ["transform", {}, "FIELDS_INVALID"],
    ["transform", { expression: "data.(" }, "FIELDS_INVALID"],
    ["transform", { expression: "$number('x')" }, "EXPRESSION_FAILED"],
    ["filter", { condition: 7 }, "FIELDS_INVALID"],
    ["split", { items: "((" }, "FIELDS_INVALID"],
    ["aggregate", { partial: "yes" }, "FIELDS_INVALID"],
    ["aggregate", { expression: "$error('no')" }, "EXPRESSION_FAILED"],
    ["delay", { seconds: -1 }, "FIELDS_INVALID"],
    ["delay", { seconds: "{{data.list}}" }, "FIELDS_INVALID"],
    ["delay", { until: "soon" }, "FIELDS_INVALID"],
    ["delay", { seconds: "{{30 * 24 * 3600 + 1}}" }, "DELAY_TOO_LONG"],
    ["log", {}, "FIELDS_INVALID"],
    ["log", { message: "{{data.x" }, "FIELDS_INVALID"],
    ["flow", {}, "FIELDS_INVALID"],
    ["flow", { flow: "nothing" }, "CALLED_FLOW_UNKNOWN"],
    ["reply", { status: 99 }, "FIELDS_INVALID"],
    ["reply", { status: "{{'many'}}" }, "FIELDS_INVALID"],
    ["error", { message: "x", code: "lower" }, "FIELDS_INVALID"],
    ["error", {}, "FIELDS_INVALID"],
    ["nothing-of-the-kind", {}, "COMPONENT_UNKNOWN"],
    ["constructor", {}, "COMPONENT_UNKNOWN"],
    ["6b0259e4ef2fe4ca09ca001d", {}, "COMPONENT_UNKNOWN"],
  ])("%s %j ends the run at the step that has it, without a retry", async (componentId, fields, code) => {
    const asked = replaceNetwork(() => Response.json({}));
    const run = await through(step(componentId, fields), { list: [1] });
    expect(run).toMatchObject({ status: "failed", error: { code, step: "step" } });
    expect(run.items.at(-1)).toMatchObject({ state: "failed", attempts: 1 });
    expect(run.error.message).not.toBe("");
    expect(asked).toEqual([]);
  });

  it("a step names the field", async () => {
    const run = await through(step("http", { url: "https://a.example", timeout: 301, accept: ["ok"] }));
    expect(run.error.message).toContain("fields.timeout: ");
    expect(run.error.message).toContain("fields.accept.0: ");
  });
});
