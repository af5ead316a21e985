import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Caller } from "../../support/api.ts";
import { someone } from "../../support/given.ts";
import { replaceNetwork } from "../../support/iam.ts";
import { activeFlow, cameTo, graphOf, inOrder, logged, rushed, statesOf } from "../../support/runs.ts";

let caller: Caller;
beforeEach(async () => {
  caller = await someone();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const transform = (expression: string, more: object = {}) => ({
  componentId: "transform",
  fields: { expression },
  ...more,
});
const filter = (condition: string) => ({ componentId: "filter", fields: { condition } });
const fail = (condition: string) => transform(`${condition} ? $error('x') : data`);
const aggregate = (fields: object = {}) => ({ componentId: "aggregate", fields });
const split = { componentId: "split" };

const through = async (graph: unknown, data: unknown) => rushed(caller, await activeFlow(caller, graph), data);

describe("a step with several edges", () => {
  it("gives each its own copy of the message", async () => {
    const graph = graphOf("in>left in>right left>leftEnd right>rightEnd", {
      left: transform("data ~> | $ | {'n': 0, 'list': $append(list, 9)} |"),
      right: transform("data ~> | $ | {'m': 1} |"),
    });
    const run = await through(graph, { n: 1, list: [1] });
    expect(cameTo(run, "leftEnd")).toEqual([{ n: 0, list: [1, 9] }]);
    expect(cameTo(run, "rightEnd")).toEqual([{ n: 1, list: [1], m: 1 }]);
    expect(cameTo(run, "right")).toEqual([{ n: 1, list: [1] }]);
  });

  it("lets the others go on where one way fails, is filtered or leads nowhere", async () => {
    const graph = graphOf("in>bad in>none in>lost in>good lost>never bad>never", {
      bad: { componentId: "error", fields: { message: "No." } },
      none: filter("false"),
    });
    graph.edges.find(({ source }) => source === "lost")!.config = { condition: "false" };
    const run = await through(graph, {});
    expect(run).toMatchObject({ status: "failed", error: { step: "bad" } });
    expect(statesOf(run)).toEqual({
      in: { done: 1 },
      bad: { failed: 1 },
      none: { filtered: 1 },
      lost: { no_route: 1 },
      good: { done: 1 },
    });
  });

  it.each([
    [{ n: 1 }, "completed", { a: { done: 1 }, in: { done: 1 } }],
    [{ n: 2 }, "completed", { b: { done: 1 }, in: { done: 1 } }],
    [{ n: 3 }, "completed", { in: { no_route: 1 } }],
  ])("sends %j along the edges whose conditions are met", async (data, status, states) => {
    const graph = graphOf("in>a in>b");
    for (const [index, edge] of graph.edges.entries()) edge.config = { condition: `data.n = ${index + 1}` };
    const run = await through(graph, data);
    expect([run.status, statesOf(run)]).toEqual([status, states]);
  });
});

describe("a step with several edges to it", () => {
  it("runs once for each message", async () => {
    const run = await through(
      graphOf("in>a in>b a>join b>join join>end", { a: transform("'a'"), b: transform("'b'") }),
      {},
    );
    expect(inOrder(cameTo(run, "join"))).toEqual(["a", "b"]);
    expect(statesOf(run)["end"]).toEqual({ done: 2 });
  });

  it("runs once for all where it aggregates", async () => {
    const graph = graphOf("in>a in>b in>c a>join b>join c>join join>end", {
      a: transform("'a'"),
      b: transform("'b'"),
      c: filter("false"),
      join: aggregate(),
    });
    const run = await through(graph, {});
    expect(inOrder(cameTo(run, "end")[0] as string[])).toEqual(["a", "b"]);
    expect(statesOf(run)["join"]).toEqual({ gathered: 2, done: 1 });
  });
});

describe("a list that is split and put together", () => {
  const sum = aggregate({ expression: "{'sum': $sum(data), 'count': $count(data)}" });
  const square = "in>split split>each each>join join>end";

  it.each([
    ["in its order", transform("data * 2"), [3, 1, 2], [[6, 2, 4]], "completed"],
    ["without what was filtered", filter("data != 2"), [1, 2, 3], [[1, 3]], "completed"],
    ["of one entry", transform("data"), [7], [[7]], "completed"],
    ["with empty entries", transform("data"), [null, 0, ""], [[null, 0, ""]], "completed"],
    ["of nothing, which sends nothing", transform("data"), [], [], "completed"],
    ["of what is filtered altogether, which sends nothing", filter("false"), [1, 2], [], "filtered"],
  ])("is %s", async (_, each, data, came, status) => {
    const run = await through(graphOf(square, { split, each, join: aggregate() }), data);
    expect([run.status, cameTo(run, "end")]).toEqual([status, came]);
  });

  it("keeps its order whatever was done first", async () => {
    replaceNetwork(async ({ url }) => {
      const n = Number(url.at(-1));
      await scheduler.wait((5 - n) * 4);
      return Response.json(n);
    });
    const each = { componentId: "http", fields: { url: "https://target.example/{{data}}" } };
    const run = await through(graphOf(square, { split, each, join: aggregate() }), [1, 2, 3, 4]);
    expect(cameTo(run, "end")).toEqual([[1, 2, 3, 4]]);
  });

  it.each([
    ["fails where one of it failed", {}, [], { gathered: 2, failed: 1 }, "AGGREGATE_INCOMPLETE"],
    ["goes on without it if that is enough", { partial: true }, [[1, 3]], { gathered: 2, done: 1 }, undefined],
  ])("%s", async (_, fields, came, states, code) => {
    const run = await through(graphOf(square, { split, each: fail("data = 2"), join: aggregate(fields) }), [1, 2, 3]);
    expect([run.status, cameTo(run, "end"), statesOf(run)["join"]]).toEqual(["failed", came, states]);
    expect(run.error).toMatchObject({ code: "EXPRESSION_FAILED", step: "each" });
    const faults = run.items.map(({ error }: { error: { code: string } | null }) => error?.code);
    expect(faults.includes("AGGREGATE_INCOMPLETE")).toBe(code !== undefined);
  });

  it("tells how many it put together and how many failed", async () => {
    const graph = graphOf(square, { split, each: fail("data = 2"), join: aggregate({ partial: true }) });
    const run = await through(graph, [1, 2, 3]);
    expect(run.items.at(-1).input.metadata).toEqual({ aggregate: { count: 2, failed: 1 } });
  });

  it("goes on with what came in where the step may fail", async () => {
    const join = { ...aggregate(), nodeSettings: { onError: "continue" } };
    const run = await through(graphOf(square, { split, each: fail("data = 2"), join }), [1, 2, 3]);
    expect([cameTo(run, "end"), statesOf(run)["join"]]).toEqual([[[1, 3]], { gathered: 2, excused: 1 }]);
  });

  it("is counted for each list by itself, one within the other", async () => {
    const graph = graphOf("in>outer outer>inner inner>each each>join join>all all>end", {
      outer: split,
      inner: split,
      each: transform("data + 1"),
      join: sum,
      all: aggregate(),
    });
    const run = await through(graph, [[1, 2], [3], [4, 5, 6]]);
    expect(cameTo(run, "end")).toEqual([
      [
        { sum: 5, count: 2 },
        { sum: 4, count: 1 },
        { sum: 18, count: 3 },
      ],
    ]);
    expect(await logged(run.id, "SELECT sum(open) AS open FROM scopes")).toEqual([{ open: 0 }]);
  });

  it("is put together once for each list of an outer one", async () => {
    const graph = graphOf("in>outer outer>inner inner>each each>join join>end", {
      outer: split,
      inner: split,
      join: aggregate(),
    });
    const run = await through(graph, [[1, 2], [3]]);
    expect(inOrder(cameTo(run, "end"))).toEqual([[1, 2], [3]]);
  });

  it("misses in the outer list what failed in an inner one that nobody put together", async () => {
    const graph = graphOf("in>outer outer>inner outer>kept inner>each kept>all all>end", {
      outer: split,
      inner: split,
      each: fail("data = 2"),
      all: aggregate(),
    });
    const run = await through(graph, [[1], [2]]);
    expect(run.status).toBe("failed");
    expect(statesOf(run)["all"]).toEqual({ gathered: 2, failed: 1 });
  });

  it("is put together twice in a row, and by two ways at once", async () => {
    const graph = graphOf("in>split split>a split>b a>first b>second first>third second>third third>end", {
      split,
      a: transform("data * 10"),
      first: aggregate(),
      second: aggregate(),
      third: aggregate({ expression: "{'all': data}" }),
    });
    const run = await through(graph, [1, 2]);
    expect(inOrder((cameTo(run, "end") as { all: number[][] }[])[0]!.all)).toEqual([
      [1, 2],
      [10, 20],
    ]);
    const row = await through(
      graphOf("in>first first>second second>end", { first: aggregate(), second: aggregate() }),
      1,
    );
    expect(cameTo(row, "end")).toEqual([[[1]]]);
  });
});

const looping = (until: number) => {
  const graph = graphOf("in>count count>count count>end", { count: transform("data + 1") });
  graph.edges[1]!.config = { loop: true, condition: `data < ${until}` };
  graph.edges[2]!.config = { condition: `data >= ${until}` };
  return graph;
};

describe("a loop", () => {
  it("goes round as long as its condition is met", async () => {
    const run = await through(looping(10), 0);
    expect(run.status).toBe("completed");
    expect([statesOf(run)["count"], cameTo(run, "end")]).toEqual([{ done: 10 }, [10]]);
  });

  it("ends a message's way that comes back for the tenth time", async () => {
    const run = await through(looping(11), 0);
    expect(run).toMatchObject({ status: "failed", error: { code: "LOOP_LIMIT", step: "count" } });
    expect(statesOf(run)["count"]).toEqual({ done: 10, failed: 1 });
  });

  it("through an aggregate ends as well", async () => {
    const graph = graphOf("in>split split>join join>split", { split, join: { componentId: "aggregate" } });
    graph.edges[2]!.config = { loop: true };
    const run = await through(graph, [1]);
    expect(run).toMatchObject({ status: "failed", error: { code: "LOOP_LIMIT" } });
  });

  it("is refused when it is stored if no edge of it says so", async () => {
    const graph = graphOf("in>a a>b b>a");
    const answer = await caller.call("addFlow", { body: { name: "ring", graph } });
    expect(answer.status).toBe(400);
  });

  it("of several steps counts each message by itself", async () => {
    const graph = graphOf("in>split split>count count>back back>count count>end", {
      split,
      count: transform("data + 1"),
    });
    for (const edge of graph.edges) {
      if (edge.source === "back") edge.config = { loop: true };
      if (edge.source === "count") edge.config = { condition: edge.target === "back" ? "data < 9" : "data >= 9" };
    }
    const run = await through(graph, [0, 5, 8]);
    expect(run.status).toBe("completed");
    expect(cameTo(run, "end")).toEqual([9, 9, 9]);
  });
});
