import { describe, expect, it } from "vitest";
import { z } from "zod";

import { catalogue, type ComponentName } from "./catalogue.ts";
import { faultsOfFields, isBuiltIn } from "./check.ts";
import { describedBy, fieldSchemaOf } from "./field-schema.ts";

const url = "https://crm.example.com/persons/{{data.id}}";

const fits: [ComponentName, Record<string, unknown>][] = [
  ["webhook", {}],
  ["webhook", { sync: true }],
  ["schedule", { cron: "0 6 * * 1-5" }],
  ["schedule", { cron: "0 6 * * 1-5", timezone: "Europe/Berlin", overlap: "queue" }],
  ["manual", {}],
  ["manual", { sample: { id: 1 } }],
  ["http", { url }],
  ["http", { url, method: "POST", query: { since: "{{metadata.since}}" }, headers: "{{data.headers}}", timeout: 300 }],
  ["http", { url, body: { a: ["{{data}}"] }, bodyType: "form", accept: [200, 404], into: "data.customer" }],
  ["transform", { expression: "data.a + 1" }],
  ["transform", { expression: "data", into: "metadata.a.b" }],
  ["filter", { condition: "data.amount > 100" }],
  ["switch", {}],
  ["split", {}],
  ["split", { items: "data.lines" }],
  ["aggregate", {}],
  ["aggregate", { partial: true, expression: "$sum(data.amount)" }],
  ["delay", { seconds: 60 }],
  ["delay", { seconds: "{{data.wait}}", until: "{{data.dueAt}}" }],
  ["log", { message: "The target answered {{metadata.response.status}}." }],
  ["log", { message: { order: "{{data.id}}" }, level: "warn" }],
  ["log", { message: null }],
  ["flow", { flow: "6b0259e4ef2fe4ca09ca001d" }],
  ["flow", { flow: "{{data.flow}}", payload: { a: "{{data}}" }, wait: false, into: "data.result" }],
  ["reply", {}],
  ["reply", { status: "{{data.status}}", headers: { "x-order": "{{data.id}}" }, body: { accepted: true } }],
  ["error", { message: "Order {{data.id}} has no customer.", code: "NO_CUSTOMER" }],
];

const wrong: [ComponentName, Record<string, unknown>, ...string[]][] = [
  ["webhook", { sync: "yes" }, "sync"],
  ["schedule", {}, "cron"],
  ["schedule", { cron: "* * * * *", timezone: "Mars/Base" }, "timezone"],
  ["schedule", { cron: "* * * * *", overlap: "never" }, "overlap"],
  ["http", {}, "url"],
  ["http", { url: "https://x.example/{{ data. }}" }, "url"],
  ["http", { url, method: "TRACE", timeout: 301, bodyType: "xml" }, "method", "bodyType", "timeout"],
  ["http", { url, query: ["a"], headers: "x: y" }, "query", "headers"],
  ["http", { url, query: { since: "{{ ( }}" } }, "query.since"],
  ["http", { url, body: { a: ["{{ ( }}"] } }, "body.a.0"],
  ["http", { url, accept: [200, 99] }, "accept.1"],
  ["http", { url, into: "result" }, "into"],
  ["transform", {}, "expression"],
  ["transform", { expression: "data.(" }, "expression"],
  ["transform", { expression: "", into: "data..a" }, "expression", "into"],
  ["filter", {}, "condition"],
  ["filter", { condition: "data.amount >" }, "condition"],
  ["split", { items: "(" }, "items"],
  ["aggregate", { partial: 1, expression: "(" }, "partial", "expression"],
  ["delay", { seconds: -1 }, "seconds"],
  ["delay", { seconds: 30 * 24 * 3600 + 1 }, "seconds"],
  ["delay", { seconds: "soon" }, "seconds"],
  ["delay", { until: "{{ ( }}" }, "until"],
  ["log", {}, "message"],
  ["log", { message: "{{ ( }}", level: "fatal" }, "message", "level"],
  ["flow", {}, "flow"],
  ["flow", { flow: "{{ ( }}", wait: "yes" }, "flow", "wait"],
  ["reply", { status: 99 }, "status"],
  ["reply", { headers: [1] }, "headers"],
  ["error", {}, "message"],
  ["error", { message: "x", code: "no customer" }, "code"],
];

const namesIn = (table: [ComponentName, ...unknown[]][]): Set<string> => new Set(table.map(([name]) => name));
const withoutFaults = new Set(["manual", "switch"]);

describe("the fields of a component", () => {
  it.each(fits)("%s fits with %j", (name, fields) => {
    expect(faultsOfFields(name, fields)).toEqual([]);
  });

  it.each(wrong)("%s does not fit with %j", (name, fields, ...places) => {
    const faults = faultsOfFields(name, fields);
    expect(faults.map(({ path }) => path.join("."))).toEqual(places);
    for (const { message, detail, isHarmless } of faults) {
      expect(message).toMatch(/\w/);
      expect(detail).toMatch(/Example: /);
      expect(isHarmless).toBeUndefined();
    }
  });

  it.each([...catalogue.keys()])("of %s are tried here, right and wrong", (name) => {
    expect(namesIn(fits)).toContain(name);
    expect(namesIn(wrong).has(name as ComponentName)).toBe(!withoutFaults.has(name));
  });

  it("that it does not know are told as left unread, and what it knows instead", () => {
    expect(faultsOfFields("filter", { condition: "true", conditon: "false" })).toEqual([
      {
        path: ["conditon"],
        message: "The component filter does not know this field and leaves it unread.",
        detail: "It has condition.",
        isHarmless: true,
      },
    ]);
    expect(faultsOfFields("switch", { a: 1 })).toMatchObject([{ detail: "It has no fields.", isHarmless: true }]);
  });
});

describe.each([...catalogue.keys()] as ComponentName[])("the JSON Schema of %s", (name) => {
  it("describes each field with an example, in the words of the standard", () => {
    const { type, properties } = fieldSchemaOf(name);
    expect(type).toBe("object");
    expect(Object.keys(properties as object)).toEqual(Object.keys(catalogue.get(name)!.fields.shape));
    for (const field of Object.values(properties as Record<string, Record<string, unknown>>)) {
      expect(field["description"]).toMatch(/\w/);
      expect(field["examples"]).toHaveLength(1);
      expect(field).not.toHaveProperty("example");
    }
  });

  it("takes each of its own examples", () => {
    for (const [field, schema] of Object.entries(fieldSchemaOf(name)["properties"] as Record<string, object>)) {
      const { examples } = schema as { examples: unknown[] };
      const shape = catalogue.get(name)!.fields.shape[field] as z.ZodType;
      expect(shape.safeParse(examples[0]).error?.issues).toBeUndefined();
    }
  });

  it("is made once, and can be read as a schema again", () => {
    expect(fieldSchemaOf(name)).toBe(fieldSchemaOf(name));
    expect(() => z.fromJSONSchema(fieldSchemaOf(name))).not.toThrow();
  });
});

it.each(["constructor", "__proto__", "toString", "Http", "", "5ca5c44c187c040010a9bb8b"])(
  "%j is no component that is built in",
  (name) => {
    expect(isBuiltIn(name)).toBe(false);
  },
);

describe("what a schema says of a field", () => {
  const schema = { properties: { a: { description: "First.", examples: [1] }, b: { description: "Second." }, c: 5 } };
  it.each([
    ["a", "First. Example: 1"],
    ["b", "Second."],
    ["c", undefined],
    ["d", undefined],
    ["constructor", undefined],
    [0, undefined],
    [undefined, undefined],
  ])("%s: %s", (field, told) => {
    expect(describedBy(schema, field)).toBe(told);
  });

  it.each([undefined, {}, { properties: null }, { properties: "x" }])("nothing, if it is %j", (broken) => {
    expect(describedBy(broken, "a")).toBeUndefined();
  });
});
