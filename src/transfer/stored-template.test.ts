import { describe, expect, it } from "vitest";

import { plainLine, type Read } from "./head.ts";
import { readTemplate, type StoredTemplate } from "./stored-template.ts";

const ID = "5ca5c44c187c040010a9bb8d";
const COMPONENT = "5ca5c44c187c040010a9bb8b";
const owners = [{ id: "5c0000000000000000000002", type: "user" }];
const graph = {
  nodes: [
    {
      id: "a",
      componentId: { $oid: COMPONENT },
      function: "f",
      tenant: "of the node",
      authorization: { authType: "API_KEY", authClientId: { $oid: COMPONENT } },
    },
  ],
  edges: [],
};
const original = (changed: Record<string, unknown> = {}) => ({
  _id: { $oid: ID },
  name: "A template",
  graph,
  owners,
  tenant: "acme",
  status: "published",
  sourceTemplate: { $oid: COMPONENT },
  createdAt: { $date: "2026-11-22T00:00:00.000Z" },
  __v: 0,
  ...changed,
});
const plainGraph = { nodes: [{ id: "a", componentId: COMPONENT, function: "f" }], edges: [] };
const earlier = {
  revision: 1,
  at: "2026-11-21T00:00:00.000Z",
  note: "Created.",
  document: { graph: plainGraph, name: "Before" },
};
const exported = (changed: Record<string, unknown> = {}) => ({
  id: ID,
  status: "draft",
  createdAt: "2026-11-21T00:00:00.000Z",
  updatedAt: "2026-11-22T00:00:00.000Z",
  revision: 2,
  revisionNote: "Name changed.",
  revisions: [earlier],
  name: "A template",
  graph: plainGraph,
  owners,
  ...changed,
});

const read = (line: Record<string, unknown>) => readTemplate(plainLine(line));
function stored(result: Read<StoredTemplate>): StoredTemplate {
  if (!result.ok) throw new Error(JSON.stringify(result.findings));
  return result.stored;
}
const faultsOf = (result: Read<StoredTemplate>) =>
  result.ok ? [] : result.findings.map(({ error, pointer }) => [error, pointer]);

describe("a template of the original", () => {
  it("is stored with all that is its own", () => {
    const { template, earlier: none } = stored(read(original()));
    const created = Date.UTC(2026, 10, 22);
    expect(template).toMatchObject({
      id: ID,
      status: "published",
      tenant: "acme",
      revision: 1,
      revisionNote: "Imported.",
      createdAt: created,
      updatedAt: created,
    });
    expect(none).toEqual([]);
    const node = { tenant: "of the node", authorization: { authType: "API_KEY", authClientId: COMPONENT } };
    expect(JSON.parse(template!.document)).toMatchObject({
      sourceTemplate: COMPONENT,
      owners,
      graph: { nodes: [node] },
    });
  });

  it.each([
    ["published", "published"],
    ["draft", "draft"],
    ["inactive", "draft"],
    [undefined, "draft"],
    [5, "draft"],
  ])("of the status %j is %s", (status, kept) => {
    expect(stored(read(original({ status }))).template).toMatchObject({ status: kept });
  });

  it.each<[string, Record<string, unknown>, string[][]]>([
    ["no id", { _id: "x" }, [["ID_INVALID", "/_id"]]],
    ["no graph", { graph: undefined }, [["GRAPH_REQUIRED", "/graph"]]],
    [
      "an authorization that there is not",
      { graph: { nodes: [{ id: "a", authorization: { authType: "MAGIC" } }] } },
      [["WRONG_TYPE", "/graph/nodes/0/authorization/authType"]],
    ],
    ["more than 1 MiB", { flowSettings: "x".repeat(1024 * 1024) }, [["BODY_TOO_LARGE", ""]]],
  ])("with %s is refused", (_, changed, faults) => {
    expect(faultsOf(read(original(changed)))).toEqual(faults);
  });
});

describe("a line of an export of templates", () => {
  it("has what the template was before, in the order of its keys", () => {
    const { template, earlier: before } = stored(read(exported()));
    expect(template).toMatchObject({ revision: 2, revisionNote: "Name changed.", tenant: null });
    expect(before).toEqual([
      { revision: 1, revisedAt: Date.UTC(2026, 10, 21), note: "Created.", document: JSON.stringify(earlier.document) },
    ]);
  });

  it("knows no earlier revision that is not earlier", () => {
    expect(stored(read(exported({ revisions: [earlier, { ...earlier, revision: 2 }] }))).earlier).toHaveLength(1);
  });

  it("may tell of earlier revisions alone", () => {
    const more = stored(read({ revisionsOf: ID.toUpperCase(), revisions: [earlier] }));
    expect(more).toMatchObject({ id: ID, template: undefined, earlier: [{ revision: 1 }] });
  });

  it.each<[string, Record<string, unknown>, string[][]]>([
    ["revisions that are no list", exported({ revisions: {} }), [["WRONG_TYPE", "/revisions"]]],
    [
      "a revision without a number",
      exported({ revisions: [{ ...earlier, revision: 0 }] }),
      [["WRONG_TYPE", "/revisions/0"]],
    ],
    ["a revision without a time", exported({ revisions: [{ ...earlier, at: "x" }] }), [["WRONG_TYPE", "/revisions/0"]]],
    ["a revision that is nothing", exported({ revisions: [earlier, null] }), [["WRONG_TYPE", "/revisions/1"]]],
    [
      "a revision with a bad graph",
      exported({ revisions: [{ ...earlier, document: { graph: { nodes: [] } } }] }),
      [["NODES_REQUIRED", "/revisions/0/document/graph/nodes"]],
    ],
    ["revisions of nothing", { revisionsOf: 5, revisions: [] }, [["ID_INVALID", "/revisionsOf"]]],
    ["further revisions that are bad", { revisionsOf: ID, revisions: [1] }, [["WRONG_TYPE", "/revisions/0"]]],
  ])("with %s is refused", (_, line, faults) => {
    expect(faultsOf(read(line))).toEqual(faults);
  });
});
