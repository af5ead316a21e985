import { describe, expect, it } from "vitest";

import { effectiveValues, missingIn, resolvedGraph, variableIn, type TemplateForm } from "./variables.ts";

const variables = {
  plain: {},
  preset: { default: 5 },
  needed: { required: true },
  both: { required: true, default: "x" },
  secret: { secret: true, required: true },
};

describe("values", () => {
  it.each([
    ["none", {}, { preset: 5, both: "x" }, ["needed", "secret"]],
    [
      "its own",
      { plain: 1, preset: 6, needed: 0, both: false, secret: "s" },
      { plain: 1, preset: 6, needed: 0, both: false },
      [],
    ],
    ["null, which is none", { preset: null, needed: null }, { preset: 5, both: "x" }, ["needed", "secret"]],
    ["one nobody knows", { other: 1, needed: "" }, { preset: 5, needed: "", both: "x" }, ["secret"]],
    ["an inherited one", Object.create({ needed: 1 }) as object, { preset: 5, both: "x" }, ["needed", "secret"]],
  ])("of an instance with %s", (_, values, effective, missing) => {
    const own = values as Record<string, unknown>;
    expect(effectiveValues(variables, own)).toEqual(effective);
    expect(missingIn(variables, own)).toEqual(missing);
  });
});

it.each([
  ["$vars.crm", "crm"],
  ["$vars.a_1", "a_1"],
  ["{{$vars.crm}}", undefined],
  ["$vars.crm.id", undefined],
  ["vars.crm", undefined],
  ["5ca5c44c187c040010a9bb8c", undefined],
  [null, undefined],
])("credentials %j name the variable %j", (credentials, name) => {
  expect(variableIn(credentials)).toBe(name);
});

const node = (credentials?: string) => ({
  id: "a",
  componentId: "c",
  function: "f",
  ...(credentials === undefined ? {} : { credentials_id: credentials }),
});

it("the graph has the instance's secrets and nothing of what only templates have", () => {
  const nodes = [
    node("$vars.secret"),
    node("$vars.plain"),
    node("fixed"),
    { ...node(), tenant: "t", authorization: {} },
  ];
  const form: TemplateForm = { graph: { nodes, edges: [] }, variables };
  expect(resolvedGraph(form, { secret: "s" })).toEqual({
    nodes: [node("s"), node(), node("fixed"), node()],
    edges: [],
  });
  expect(form.graph.nodes).toBe(nodes);
});
