import { describe, expect, it } from "vitest";

import { changesBetween, patchBetween, type Change, type JsonPatchOperation } from "./diff.ts";
import type { FlowDocument } from "./model.ts";

const flow = (more: object = {}): FlowDocument => ({ graph: { nodes: [], edges: [] }, owners: [], ...more });
const withNodes = (...nodes: object[]) => flow({ graph: { nodes, edges: [] } });
const withEdges = (...edges: object[]) => flow({ graph: { nodes: [], edges } });
const [a, b, c, d] = [{ id: "a" }, { id: "b" }, { id: "c" }, { id: "d" }];
const ab = { source: "a", target: "b" };
const bc = { source: "b", target: "c" };

describe("what is changed", () => {
  it.each<[string, FlowDocument, FlowDocument, Change[]]>([
    ["nothing", flow({ name: "x", ...ab }), flow({ ...ab, name: "x" }), []],
    ["an undefined key is none", flow({ name: undefined, flowSettings: undefined }), flow(), []],
    ["name", flow({ name: "x" }), flow({ name: "y" }), [{ what: "name", kind: "changed", before: "x", after: "y" }]],
    ["a text comes", flow(), flow({ cron: "" }), [{ what: "cron", kind: "added", after: "" }]],
    [
      "null becomes text",
      flow({ type: null }),
      flow({ type: "t" }),
      [{ what: "type", kind: "added", before: null, after: "t" }],
    ],
    ["a text goes", flow({ tenant: "t" }), flow(), [{ what: "tenant", kind: "removed", before: "t" }]],
    [
      "a text becomes null",
      flow({ fromTemplate: "t" }),
      flow({ fromTemplate: null }),
      [{ what: "fromTemplate", kind: "removed", before: "t", after: null }],
    ],
    [
      "missing becomes null",
      flow(),
      flow({ description: null }),
      [{ what: "description", kind: "changed", after: null }],
    ],
    [
      "settings",
      flow({ flowSettings: { x: [1] } }),
      flow({ flowSettings: { x: [2] } }),
      [{ what: "flowSettings", kind: "changed" }],
    ],
    ["settings come", flow(), flow({ flowSettings: {} }), [{ what: "flowSettings", kind: "added" }]],
    [
      "settings go",
      flow({ flowSettings: 0 }),
      flow({ flowSettings: null }),
      [{ what: "flowSettings", kind: "removed" }],
    ],
    [
      "a hidden key",
      flow({ flowSettings: {} }),
      flow({ flowSettings: JSON.parse('{"__proto__":{}}') }),
      [{ what: "flowSettings", kind: "changed" }],
    ],
    [
      "a list is no record",
      flow({ flowSettings: [] }),
      flow({ flowSettings: {} }),
      [{ what: "flowSettings", kind: "changed" }],
    ],
    [
      "owners",
      flow({
        owners: [
          { id: "a", type: "user" },
          { id: "b", type: "user" },
        ],
      }),
      flow({
        owners: [
          { id: "b", type: "tenant" },
          { id: "c", type: "user" },
        ],
      }),
      [
        { what: "owner", kind: "removed", id: "a" },
        { what: "owner", kind: "changed", id: "b", fields: ["type"] },
        { what: "owner", kind: "added", id: "c" },
      ],
    ],
    [
      "nodes",
      withNodes(a, b, { ...c, name: "x", fields: { i: 1 } }),
      withNodes(d, a, { ...c, fields: { i: 2 }, name: null, description: "" }),
      [
        { what: "node", kind: "removed", id: "b" },
        { what: "node", kind: "added", id: "d" },
        { what: "node", kind: "changed", id: "c", fields: ["description", "fields", "name"] },
      ],
    ],
    [
      "the order of nodes",
      withNodes(a, b, c),
      withNodes(c, a, b),
      [{ what: "node", kind: "changed", fields: ["order"] }],
    ],
    [
      "a node between others does not change their order",
      withNodes(a, b),
      withNodes(a, c, b),
      [{ what: "node", kind: "added", id: "c" }],
    ],
    [
      "the order of edges",
      withEdges(ab, bc),
      withEdges(bc, ab),
      [{ what: "edge", kind: "changed", fields: ["order"] }],
    ],
    [
      "an edge by its ends",
      withEdges(ab),
      withEdges(bc, { ...ab, config: {} }),
      [
        { what: "edge", kind: "added", id: "b → c" },
        { what: "edge", kind: "changed", id: "a → b", fields: ["config"] },
      ],
    ],
    [
      "an edge by its id",
      withEdges({ ...ab, id: "e" }),
      withEdges({ ...bc, id: "e" }),
      [{ what: "edge", kind: "changed", id: "e", fields: ["source", "target"] }],
    ],
    [
      "an edge gets an id",
      withEdges(ab),
      withEdges({ ...ab, id: "e" }),
      [{ what: "edge", kind: "changed", id: "e", fields: ["id"] }],
    ],
    [
      "an edge loses its id",
      withEdges({ ...ab, id: "e" }),
      withEdges({ ...ab, id: null }),
      [{ what: "edge", kind: "changed", id: "a → b", fields: ["id"] }],
    ],
    [
      "another id is another edge",
      withEdges({ ...ab, id: "e" }),
      withEdges({ ...ab, id: "f" }),
      [
        { what: "edge", kind: "removed", id: "e" },
        { what: "edge", kind: "added", id: "f" },
      ],
    ],
    [
      "of equal edges the last goes",
      withEdges(ab, ab, ab),
      withEdges(ab, ab),
      [{ what: "edge", kind: "removed", id: "a → b" }],
    ],
    [
      "edges between the same nodes are told apart by their places",
      withEdges(ab, { ...ab, config: {} }),
      withEdges({ ...ab, config: {} }, ab),
      [
        { what: "edge", kind: "changed", id: "a → b", fields: ["config"] },
        { what: "edge", kind: "changed", id: "a → b", fields: ["config"] },
      ],
    ],
  ])("%s", (_, before, after, changes) => {
    expect(changesBetween(before, after)).toEqual(changes);
  });
});

describe("the patch", () => {
  it.each<[string, unknown, unknown, JsonPatchOperation[]]>([
    ["is empty for another order of keys", { x: 1, y: [{ p: 1, q: 2 }] }, { y: [{ q: 2, p: 1 }], x: 1 }, []],
    [
      "is empty for equal entries whose keys cross",
      [
        { p: 1, q: 1 },
        { q: 1, p: 1 },
      ],
      [
        { q: 1, p: 1 },
        { p: 1, q: 1 },
      ],
      [],
    ],
    [
      "escapes keys",
      { "a/b": 1, "~": 1 },
      { "a/b": 2, "~": 2 },
      [
        { op: "replace", path: "/flowSettings/a~1b", value: 2 },
        { op: "replace", path: "/flowSettings/~0", value: 2 },
      ],
    ],
    ["names an empty key", { "": 1 }, { "": 2 }, [{ op: "replace", path: "/flowSettings/", value: 2 }]],
    [
      "removes before it adds",
      { x: 1 },
      { y: 1 },
      [
        { op: "remove", path: "/flowSettings/x" },
        { op: "add", path: "/flowSettings/y", value: 1 },
      ],
    ],
    ["inserts at the front", [1, 2, 3], [0, 1, 2, 3], [{ op: "add", path: "/flowSettings/0", value: 0 }]],
    [
      "removes from the end on",
      [1, 2, 3],
      [2],
      [
        { op: "remove", path: "/flowSettings/2" },
        { op: "remove", path: "/flowSettings/0" },
      ],
    ],
    [
      "moves as little as possible",
      [1, 2, 3, 4],
      [4, 1, 2, 3],
      [
        { op: "remove", path: "/flowSettings/3" },
        { op: "add", path: "/flowSettings/0", value: 4 },
      ],
    ],
    [
      "follows an entry by its id",
      [a, { ...b, n: 1 }],
      [{ ...b, n: 2 }],
      [
        { op: "remove", path: "/flowSettings/0" },
        { op: "replace", path: "/flowSettings/0/n", value: 2 },
      ],
    ],
    [
      "goes into entries without id",
      [ab, bc],
      [ab, { ...bc, target: "d" }],
      [{ op: "replace", path: "/flowSettings/1/target", value: "d" }],
    ],
    ["replaces another kind of value", { x: [] }, { x: {} }, [{ op: "replace", path: "/flowSettings/x", value: {} }]],
    ["sets null", { x: 1 }, { x: null }, [{ op: "replace", path: "/flowSettings/x", value: null }]],
    ["has no undefined", { x: 1, y: undefined }, { x: undefined }, [{ op: "remove", path: "/flowSettings/x" }]],
  ])("%s", (_, before, after, patch) => {
    expect(patchBetween(flow({ flowSettings: before }), flow({ flowSettings: after }))).toEqual(patch);
  });
});
