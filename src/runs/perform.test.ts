import { describe, expect, it } from "vitest";

import type { Item } from "./journal.ts";
import { limits, type Message, type RunFacts } from "./model.ts";
import { perform, withoutSecrets } from "./perform.ts";
import { planOf } from "./plan.ts";
import type { World } from "./steps.ts";

const facts = {
  id: "run_1",
  flowId: "f1",
  flowName: "Orders",
  revision: 3,
  trigger: "manual",
  requestId: "r1",
  startedBy: "me",
} as RunFacts;
// Steps that are tried here use no more of it.
const world = { now: () => 5 } as World;
const item = { id: 4, step: "a", attempts: 0, rebounds: 0, memo: null } as Item;

interface Given {
  readonly node?: object;
  readonly edges?: readonly (object & {
    readonly target?: string;
    readonly condition?: string;
    readonly mapper?: unknown;
  })[];
  readonly message?: Message;
  readonly gathered?: { readonly data: readonly unknown[]; readonly failed: number };
}

/** One try of the step `a`; its edges lead to the steps that they name. */
function tried({ node = {}, edges = [], message = { data: {} }, gathered }: Given) {
  const targets = edges.map(({ target = "b" }) => target);
  const plan = planOf({
    nodes: [{ id: "a", ...node }, ...[...new Set(targets)].map((id) => ({ id }))],
    edges: edges.map(({ target = "b", ...config }) => ({ source: "a", target, config })),
  } as never);
  return perform({ plan, facts, values: { site: "east" }, world }, item, message, gathered);
}

const transform = (expression: string, settings: object = {}) => ({
  componentId: "transform",
  fields: { expression },
  nodeSettings: settings,
});
const outputsOf = ({ work }: Awaited<ReturnType<typeof tried>>) =>
  work.outputs.map((text) => (text === null ? { data: "as it came" } : (JSON.parse(text) as Message)));
const routesOf = ({ work }: Awaited<ReturnType<typeof tried>>) =>
  work.deliveries.map(({ step, output }) => [step, output]);

const amount = (data: unknown) => ({ message: { data: { amount: data } } });

describe("where a message goes", () => {
  const edges = [
    { target: "big", condition: "data.amount > 100" },
    { target: "any" },
    { target: "odd", condition: "data.amount % 2 = 1" },
  ];
  const choice = { node: { componentId: "switch" }, edges: [edges[1]!, edges[0]!, edges[2]!] };
  it.each([
    ["along every edge whose condition is met", { edges, ...amount(101) }, ["big", "any", "odd"], false],
    ["along the edges that have none", { edges, ...amount(2) }, ["any"], false],
    ["nowhere if none is met", { edges: [edges[0]!], ...amount(1) }, [], true],
    ["nowhere from a last step, which is no dead end", { edges: [], ...amount(1) }, [], false],
    ["twice along two edges to one step", { edges: [{}, {}], ...amount(1) }, ["b", "b"], false],
    ["from a switch along the first that is met", { ...choice, ...amount(101) }, ["big"], false],
    ["from a switch along a later one", { ...choice, ...amount(7) }, ["odd"], false],
    [
      "from a switch along the edge without one, where it stands first too",
      { ...choice, ...amount(2) },
      ["any"],
      false,
    ],
    ["from a switch nowhere", { node: { componentId: "switch" }, edges: [edges[0]!], ...amount(1) }, [], true],
    ["a condition that is not there is not met", { edges: [{ condition: "data.missing" }] }, [], true],
    [
      "a condition sees the flow and its values",
      { edges: [{ condition: "$flow.revision = 3 and $vars.site = 'east'" }] },
      ["b"],
      false,
    ],
  ])("is %s", async (_, given, targets, isStranded) => {
    const performed = await tried(given);
    expect(performed.tried).toEqual({ kind: "sent" });
    expect(performed.work.deliveries.map(({ step }) => step)).toEqual(targets);
    expect(performed.work.isStranded).toBe(isStranded);
  });

  it("is the same for each message of several", async () => {
    const node = { componentId: "split", fields: { items: "data" } };
    const performed = await tried({
      node,
      edges: [{ target: "b" }, { target: "c", condition: "data > 1" }],
      message: { data: [1, 2] },
    });
    expect(routesOf(performed)).toEqual([
      ["b", 0],
      ["b", 1],
      ["c", 1],
    ]);
    expect(performed.work.opensScope).toBe(true);
    expect(outputsOf(performed).map(({ metadata }) => metadata)).toEqual([
      { split: { index: 0, count: 2 } },
      { split: { index: 1, count: 2 } },
    ]);
  });

  it.each([
    ["expressions", { total: "data.amount", by: "$run.startedBy", gone: "data.none" }, { total: 7, by: "me" }],
    ["one expression", "data.amount + 1", 8],
    ["nothing found", "data.none", null],
  ])("is changed by an edge's mapper alone: %s", async (_, mapper, data) => {
    const performed = await tried({
      edges: [{ mapper }, { target: "c" }],
      message: { data: { amount: 7 }, metadata: { m: 1 } },
    });
    const [changed, plain] = performed.work.deliveries;
    expect(JSON.parse(changed!.body!)).toEqual({ data, metadata: { m: 1 } });
    expect(plain).toEqual({ step: "c", output: 0 });
    // What went through unchanged is not kept again.
    expect(performed.work.outputs).toEqual([null]);
  });
});

describe("the settings of a step", () => {
  it.each([
    ["before", { applyTransform: "before", transformFunction: "{'n': data.n + 1}" }, { n: 4 }],
    ["after", { applyTransform: "after", transformFunction: "{'n': data.n + 1}" }, { n: 3 }],
    ["both", { applyTransform: "both", transformFunction: "{'n': data.n + 1}", secondTransformFunction: "data.n" }, 4],
    ["both without a second", { applyTransform: "both", transformFunction: "{'n': data.n + 1}" }, { n: 4 }],
    ["to nothing", { applyTransform: "after", transformFunction: "data.none" }, null],
    ["not asked for", { transformFunction: "data.none" }, { n: 2 }],
    ["not at all", { applyTransform: false, transformFunction: "data.none" }, { n: 2 }],
  ])("transform the payload: %s", async (_, settings, data) => {
    const performed = await tried({ node: transform("{'n': data.n * 2}", settings), message: { data: { n: 1 } } });
    expect(outputsOf(performed)).toEqual([{ data }]);
  });

  it("have a step that passes through leave what it sent to those after it", async () => {
    const message = { data: 1, passthrough: { before: { data: 0 } } };
    const performed = await tried({ node: transform("data + 1", { passthrough: true }), message });
    expect(outputsOf(performed)).toEqual([{ data: 2, passthrough: { before: { data: 0 }, a: { data: 2 } } }]);
  });

  const broken = { componentId: "error", fields: { message: "No.", code: "NO" } };
  it("end the way of a message that fails", async () => {
    const performed = await tried({ node: broken, edges: [{}] });
    expect(performed.tried).toEqual({
      kind: "failed",
      fault: { code: "NO", message: "No.", mayPass: false, waitMs: undefined },
    });
    expect(performed.work.deliveries).toEqual([]);
  });

  it("have what came in go on where the step may fail", async () => {
    const node = { ...broken, nodeSettings: { onError: "continue" } };
    const edges = [{}, { target: "c", condition: "data.ok" }, { target: "d", mapper: "data.n" }];
    const performed = await tried({ node, edges, message: { data: { n: 5 } } });
    expect(performed.tried.kind).toBe("failed");
    expect(performed.work).toMatchObject({ outputs: [], isStranded: false });
    expect(performed.work.deliveries).toEqual([
      { step: "b", output: -1 },
      { step: "d", output: 0, body: '{"data":5}' },
    ]);
  });

  it("have the list go on that an aggregate could not put together", async () => {
    const node = { componentId: "aggregate", nodeSettings: { onError: "continue" } };
    const performed = await tried({ node, edges: [{}], gathered: { data: [1, 2], failed: 1 }, message: { data: [] } });
    expect(performed.tried).toMatchObject({ fault: { code: "AGGREGATE_INCOMPLETE" } });
    expect(outputsOf(performed)).toEqual([{ data: [1, 2] }]);
    expect(routesOf(performed)).toEqual([["b", 0]]);
  });
});

describe("a fault", () => {
  const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)]);
  const large = "x".repeat(limits.messageBytes - 20);
  it.each([
    ["a step that is no more", { node: { id: "z" } }, "STEP_GONE"],
    ["fields that are wrong", { node: { componentId: "filter", fields: {} } }, "FIELDS_INVALID"],
    ["an expression that fails", { node: transform("$error('x')") }, "EXPRESSION_FAILED"],
    ["a condition that is none", { edges: [{ condition: "((" }] }, "EXPRESSION_INVALID"],
    ["a mapper that fails", { edges: [{ mapper: "$number('x')" }] }, "EXPRESSION_FAILED"],
    ["a message with too many bytes", { message: { data: `${large}ü` } }, undefined],
    [
      "a message with too many bytes in few characters",
      { message: { data: "ü".repeat(limits.messageBytes / 2) } },
      "MESSAGE_TOO_LARGE",
    ],
    ["a message that fits by a byte", { message: { data: `${large}123456789` } }, undefined],
    ["a message that is a byte too large", { message: { data: `${large}1234567890` } }, "MESSAGE_TOO_LARGE"],
    [
      "a mapper that makes too much",
      { edges: [{ mapper: "data.a & data.a" }], message: { data: { a: "x".repeat(limits.messageBytes / 2) } } },
      "MESSAGE_TOO_LARGE",
    ],
    ["levels to the most", { message: { data: deep(limits.levels - 1) } }, undefined],
    ["levels beyond the most", { message: { data: deep(limits.levels) } }, "MESSAGE_TOO_DEEP"],
    [
      "more than a run may have",
      { node: { componentId: "split" }, message: { data: Array.from({ length: limits.items + 1 }, () => 1) } },
      "STEP_LIMIT",
    ],
    [
      "many that are too large together",
      {
        node: { componentId: "split" },
        message: { data: Array.from({ length: 40 }, () => 1), more: "x".repeat(500_000) },
      },
      "MESSAGE_TOO_LARGE",
    ],
  ])("names itself: %s", async (_, given, code) => {
    // What came in is within the bounds already; here it is made anew.
    const { tried: came } = await tried({ gathered: { data: [], failed: 0 }, ...given });
    const fault = came.kind === "failed" ? came.fault : undefined;
    expect([fault?.code, fault?.mayPass]).toEqual([code, code === undefined ? undefined : false]);
  });

  it("is a line of the step, without the secrets that it knows", async () => {
    const node = { componentId: "error", fields: { message: "Key s3cret was refused." } };
    const told = withoutSecrets(await tried({ node }), (text) => text.replaceAll("s3cret", "[masked]"));
    expect(told.tried).toMatchObject({ fault: { code: "FLOW_ERROR", message: "Key [masked] was refused." } });
    expect(told.work.lines).toEqual([{ level: "error", message: "FLOW_ERROR: Key [masked] was refused." }]);
  });
});
