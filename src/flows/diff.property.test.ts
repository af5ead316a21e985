import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { isRecord } from "../platform/shape.ts";
import { Change, changesBetween, JsonPatchOperation, patchBetween } from "./diff.ts";
import { MOST_EDGES, MOST_NODES, type FlowDocument } from "./model.ts";

/** As RFC 6902 has it, and no more forgiving. */
function applied(document: unknown, patch: readonly JsonPatchOperation[]): unknown {
  const root = { "": JSON.parse(JSON.stringify(document)) as unknown };
  for (const { op, path, value } of patch) {
    const tokens = path.split("/").map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = tokens.pop()!;
    const parent = tokens.reduce<unknown>(valueAt, root);
    if (op !== "add") valueAt(parent, last);
    if (Array.isArray(parent)) {
      if (!/^(0|[1-9]\d*)$/.test(last) || Number(last) > parent.length) throw new Error(`There is no place ${path}`);
      parent.splice(Number(last), op === "add" ? 0 : 1, ...(op === "remove" ? [] : [value]));
    } else if (!isRecord(parent)) throw new Error(`Nothing has places at ${path}`);
    else if (op === "remove") delete parent[last];
    else Object.defineProperty(parent, last, { value, writable: true, enumerable: true, configurable: true });
  }
  return root[""];
}

function valueAt(parent: unknown, token: string): unknown {
  if (isRecord(parent) || Array.isArray(parent)) {
    if (Object.hasOwn(parent, token)) return (parent as Record<string, unknown>)[token];
  }
  throw new Error(`There is no ${token}`);
}

const byKey = ([left]: [string, unknown], [right]: [string, unknown]) => (left < right ? -1 : 1);
const canonical = (value: unknown) =>
  JSON.stringify(value, (_, entry: unknown) =>
    isRecord(entry) ? Object.fromEntries(Object.entries(entry).toSorted(byKey)) : entry,
  );

const flow = (more: object = {}): FlowDocument => ({ graph: { nodes: [], edges: [] }, owners: [], ...more });
const numbers = (length: number, from = 0) => Array.from({ length }, (_, index) => from + index);
const record = <T>(length: number, value: T) =>
  Object.fromEntries(numbers(length).map((index) => [`k${index}`, value]));

const nodes = numbers(MOST_NODES - 1).map((index) => {
  return { id: `n${index}`, componentId: "5ca5c44c187c040010a9bb8b", function: "f", name: `Step ${index}` };
});
const edges = numbers(MOST_EDGES - 2).map((index) => {
  return {
    source: `n${index % nodes.length}`,
    target: `n${(index + Math.floor(index / nodes.length) + 1) % nodes.length}`,
  };
});
const largest = flow({ graph: { nodes, edges } });
const edge = { source: "n2", target: "n1" };

describe("the patch of the largest graph", () => {
  it.each([
    ["a node at the front", { nodes: [{ id: "a" }, ...nodes] }, 1],
    ["an edge at both ends", { edges: [edge, ...edges, edge] }, 2],
    ["the first node at the end", { nodes: [...nodes.slice(1), nodes[0]] }, 2],
    ["some edges less", { edges: edges.filter((_, index) => index % 50 > 0) }, Math.ceil(edges.length / 50)],
    ["another name of each node", { nodes: nodes.map((node) => ({ ...node, name: "x" })) }, nodes.length],
    ["another id of each node", { nodes: nodes.map((node) => ({ ...node, id: `x${node.id}` })) }, 2 * nodes.length],
  ])("is short: %s", (_, more, operations) => {
    const after = flow({ graph: { nodes, edges, ...more } });
    const patch = patchBetween(largest, after);
    expect(patch.length).toBe(operations);
    expect(canonical(applied(largest, patch)) === canonical(after)).toBe(true);
  });
});

describe("the patch of settings", () => {
  const long = "k".repeat(400_000);

  it.each([
    ["very many keys", record(100_000, 0), record(100_000, 1)],
    ["very many keys in others", record(300, record(300, 0)), record(300, record(300, 1))],
    ["a very long key", { [long]: record(10_000, 0) }, { [long]: record(10_000, 1) }],
    ["very long lists", numbers(100_000), numbers(100_000, 1)],
    ["a list turned round", numbers(10_000), numbers(10_000).toReversed()],
  ])("is at most about twice as long as they are: %s", (_, before, after) => {
    const patch = patchBetween(flow({ flowSettings: before }), flow({ flowSettings: after }));
    expect(JSON.stringify(patch).length).toBeLessThan(2 * JSON.stringify(after).length + 10_000);
    const made = applied(flow({ flowSettings: before }), patch);
    expect(canonical(made) === canonical(flow({ flowSettings: after }))).toBe(true);
  });

  it("that are nested very deep replaces a level", () => {
    const [before, after] = [1, 2].map(
      (value) => JSON.parse(`${'{"x":'.repeat(150)}${value}${"}".repeat(150)}`) as object,
    );
    const patch = patchBetween(flow({ flowSettings: before }), flow({ flowSettings: after }));
    expect(patch.map(({ op, path }) => `${op} ${path}`)).toEqual([`replace /flowSettings${"/x".repeat(11)}`]);
  });
});

const key = fc.constantFrom("a", "b", "id", "a/b", "~", "~1", "", "0", "-", "__proto__", "constructor", "toString");
const recordOf = (value: fc.Arbitrary<unknown>) =>
  fc.array(fc.tuple(key, value), { maxLength: 4 }).map((entries): unknown => Object.fromEntries(entries));
const { anything } = fc.letrec((tie) => ({
  anything: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom<unknown>(undefined, null, 0, 1, true, "", "a", "0").map((value) => value ?? null),
    fc.array(tie("anything"), { maxLength: 5 }),
    recordOf(tie("anything")),
  ),
}));
const some = (...values: unknown[]) => fc.constantFrom<unknown>(undefined, null, ...values);
const ends = fc.constantFrom("a", "b");
const document = fc
  .record({
    name: some("", "x", "y"),
    cron: some("* * * * *"),
    graph: fc.record({
      nodes: fc.uniqueArray(
        fc.record({ id: fc.constantFrom("a", "b", "c", "d", "e"), name: some("x"), fields: anything }),
        { selector: ({ id }) => id },
      ),
      edges: fc.array(
        fc.record({ id: some("", "e", "f"), config: some({}, { condition: "x" }), source: ends, target: ends }),
        { maxLength: 6 },
      ),
    }),
    owners: fc.array(fc.record({ id: ends, type: fc.constantFrom("user", "tenant") }), { maxLength: 3 }),
    flowSettings: anything,
  })
  .map((more) => flow(more));

/** The same with its keys in another order. */
const turned = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(turned);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .toReversed()
      .map((name) => [name, turned(value[name])]),
  );
};

describe("between any two documents", () => {
  it("the patch makes the one of the other and is empty only for the same", () => {
    const made = fc.property(document, document, (before, after) => {
      const unchanged = canonical(before);
      const patch = JsonPatchOperation.array().parse(patchBetween(before, after));
      expect(canonical(applied(before, patch))).toBe(canonical(after));
      expect(patch.length === 0).toBe(unchanged === canonical(after));
      expect(canonical(before)).toBe(unchanged);
    });
    fc.assert(made, { numRuns: 3000 });
  });

  it("there is no change only if they are the same", () => {
    const told = fc.property(document, document, (before, after) => {
      const changes = Change.array().parse(changesBetween(before, after));
      expect(changes.length === 0).toBe(canonical(before) === canonical(after));
    });
    fc.assert(told, { numRuns: 3000 });
  });

  it("the order of keys is no difference", () => {
    const same = fc.property(document, (before) => {
      const after = turned(before) as FlowDocument;
      expect([changesBetween(before, before), changesBetween(before, after)]).toEqual([[], []]);
      expect([patchBetween(before, before), patchBetween(before, after)]).toEqual([[], []]);
    });
    fc.assert(same, { numRuns: 1000 });
  });
});
