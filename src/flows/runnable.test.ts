import { describe, expect, it } from "vitest";

import type { MappedComponent } from "../components/model.ts";
import { findingsOfRunning, mappedIdsIn } from "./runnable.ts";

const MAPPED = "5ca5c44c187c040010a9bb8b";
const STRANGE = "5ca5c44c187c040010a9bb8c";
const component: MappedComponent = {
  id: MAPPED,
  name: "CRM",
  description: null,
  endpoint: "https://crm.example.com/?key=hidden",
  binding: null,
  secret: false,
  updatedAt: 0,
  functions: [
    {
      name: "poll",
      fields: {
        type: "object",
        properties: { interval: { type: "integer", minimum: 1, description: "Minutes.", examples: [5] } },
        required: ["interval"],
      },
    },
    { name: "push" },
  ],
};
const silent: MappedComponent = { ...component, functions: [] };

type Node = Record<string, unknown>;
const node = (more: Node = {}) => ({ graph: { nodes: [{ id: "n0" }, { id: "n1", ...more }], edges: [] } });
const edge = (config: unknown) => ({ graph: { nodes: [], edges: [{}, { source: "a", target: "b", config }] } });
const found = (flow: unknown, mapped: MappedComponent[] = [component]) =>
  findingsOfRunning(flow, new Map(mapped.map((one) => [one.id, one])));
const places = (flow: unknown, mapped?: MappedComponent[]) =>
  found(flow, mapped).map(({ error, pointer, warning }) => `${warning ? "warning " : ""}${error} ${pointer}`);

const filter = (fields: unknown, more: Node = {}) => node({ componentId: "filter", fields, ...more });
const settings = (nodeSettings: unknown) => node({ nodeSettings });
const at = (end: string) => `/graph/nodes/1/${end}`;

describe("what keeps a flow from running", () => {
  it.each<[string, unknown, ...string[]]>([
    ["a step without a component", node()],
    ["a component that is null", node({ componentId: null })],
    ["a component that is empty", node({ componentId: "" })],
    ["a component that is built in", node({ componentId: "webhook" })],
    ["fields that are null", node({ componentId: "webhook", fields: null })],
    ["an unknown name", node({ componentId: "teleport" }), `COMPONENT_UNKNOWN ${at("componentId")}`],
    ["a name of an object's own", node({ componentId: "constructor" }), `COMPONENT_UNKNOWN ${at("componentId")}`],
    ["a component that is not mapped", node({ componentId: STRANGE }), `COMPONENT_UNKNOWN ${at("componentId")}`],
    ["a mapped one without a function", node({ componentId: MAPPED }), `warning FUNCTION_UNKNOWN ${at("function")}`],
    [
      "a function that it does not tell of",
      node({ componentId: MAPPED, function: "x" }),
      `warning FUNCTION_UNKNOWN ${at("function")}`,
    ],
    ["a function without a schema", node({ componentId: MAPPED.toUpperCase(), function: "push", fields: { a: 1 } })],
    ["fields that fit a schema", node({ componentId: MAPPED, function: "poll", fields: { interval: 5 } })],
    [
      "fields that do not fit a schema",
      node({ componentId: MAPPED, function: "poll", fields: { interval: 0 } }),
      `FIELDS_INVALID ${at("fields/interval")}`,
    ],
    [
      "no fields where some are needed",
      node({ componentId: MAPPED, function: "poll" }),
      `FIELDS_INVALID ${at("fields/interval")}`,
    ],
    ["fields that fit", filter({ condition: "true" })],
    ["a field that is missing", filter({}), `FIELDS_INVALID ${at("fields/condition")}`],
    ["no fields at all", filter(undefined), `FIELDS_INVALID ${at("fields/condition")}`],
    [
      "a field that is unknown",
      filter({ condition: "true", "a/b~c": 1 }),
      `warning FIELDS_INVALID ${at("fields/a~1b~0c")}`,
    ],
    [
      "fields that are a text",
      filter("x"),
      `warning FIELDS_INVALID ${at("fields")}`,
      `FIELDS_INVALID ${at("fields/condition")}`,
    ],
    [
      "fields that are unread where none are needed",
      node({ componentId: "webhook", fields: [] }),
      `warning FIELDS_INVALID ${at("fields")}`,
    ],
    ["a schedule that comes", node({ componentId: "schedule", fields: { cron: "0 6 * * *" } })],
    [
      "a schedule that never comes",
      node({ componentId: "schedule", fields: { cron: "0 0 31 2 *" } }),
      `FIELDS_INVALID ${at("fields/cron")}`,
    ],
    ["a schedule without an expression", node({ componentId: "schedule" }), `FIELDS_INVALID ${at("fields/cron")}`],
    ["a schedule by the flow's expression", { cron: "0 6 * * *", ...node({ componentId: "schedule" }) }],
    ["a right retry", settings({ retry: { attempts: 5 } })],
    ["a retry that is none", settings({ retry: 5 }), `warning SETTINGS_INVALID ${at("nodeSettings/retry")}`],
    [
      "a wrong retry",
      settings({ retry: { attempts: 11, delay: "5" } }),
      `warning SETTINGS_INVALID ${at("nodeSettings/retry/attempts")}`,
      `warning SETTINGS_INVALID ${at("nodeSettings/retry/delay")}`,
    ],
    ["settings that are a text", settings("x")],
    [
      "a transformation that is used",
      settings({ applyTransform: "before", transformFunction: "(" }),
      `SETTINGS_INVALID ${at("nodeSettings/transformFunction")}`,
    ],
    ["a transformation that is not used", settings({ transformFunction: "(", applyTransform: "never" })],
    [
      "two transformations",
      settings({ applyTransform: "both", transformFunction: "data", secondTransformFunction: "(" }),
      `SETTINGS_INVALID ${at("nodeSettings/secondTransformFunction")}`,
    ],
    ["an edge without configuration", edge(undefined)],
    ["an edge with an empty one", edge({ condition: "", mapper: null })],
    ["a right condition and mapper", edge({ condition: "data.a > 1", mapper: { name: "data.fullName" } })],
    ["a wrong condition", edge({ condition: "data.a >" }), "CONDITION_INVALID /graph/edges/1/config/condition"],
    ["a wrong mapper", edge({ mapper: "data.(" }), "MAPPER_INVALID /graph/edges/1/config/mapper"],
    ["a wrong mapper below", edge({ mapper: { a: ["data", "("] } }), "MAPPER_INVALID /graph/edges/1/config/mapper/a/1"],
  ])("%s", (_, flow, ...expected) => {
    expect(places(flow)).toEqual(expected);
  });

  it("nothing of the functions of a component that tells none", () => {
    expect(places(node({ componentId: MAPPED, function: "x", fields: { a: 1 } }), [silent])).toEqual([]);
  });

  it("is told with what would be right", () => {
    expect(found(node({ componentId: "teleport" }))).toEqual([
      {
        message: "Unknown component: teleport.",
        code: 400,
        error: "COMPONENT_UNKNOWN",
        pointer: at("componentId"),
        detail: "GET /components lists those that there are.",
      },
    ]);
    const [unmapped] = found(node({ componentId: STRANGE }));
    expect(unmapped?.detail).toContain("PUT /components/{id}");
    const [interval] = found(node({ componentId: MAPPED, function: "poll", fields: {} }));
    expect(interval?.detail).toBe("Minutes. Example: 5");
    expect(JSON.stringify(found(node({ componentId: MAPPED })))).not.toContain("hidden");
  });

  it.each([
    undefined,
    null,
    "x",
    [],
    {},
    { graph: 5 },
    { graph: { nodes: "x", edges: [null, 5] } },
    { graph: { nodes: [null, 5, []] } },
  ])("cannot be seen in %j, which is no fault here", (flow) => {
    expect(found(flow)).toEqual([]);
  });
});

it("the ids that steps name are asked for in lower case", () => {
  const nodes = [{ componentId: MAPPED.toUpperCase() }, { componentId: "http" }, { componentId: 5 }, null, {}];
  expect(mappedIdsIn({ graph: { nodes } })).toEqual([MAPPED]);
});
