import { describe, expect, it } from "vitest";

import { faultOfSchema, faultsAgainst } from "./value-schema.ts";

const deep = (levels: number): unknown => (levels === 0 ? true : { not: deep(levels - 1) });

describe("a schema", () => {
  it.each([
    [true],
    [{}],
    [{ type: "string", pattern: "^a+$", format: "email" }],
    [{ type: ["integer", "null"], enum: [1, null] }],
    [{ properties: { $ref: { type: "string" }, pattern: {}, id: {} } }],
    [{ const: { $ref: "#" }, enum: [{ patternProperties: 1 }], default: { $id: 1 } }],
    [{ items: [{}, true], prefixItems: [{}], dependencies: { a: ["b"], c: {} } }],
    [deep(19)],
  ])("%j can be used", (schema) => {
    expect(faultOfSchema(schema)).toBeUndefined();
  });

  it.each([
    [1, /is an object/],
    [[], /is an object/],
    [null, /is an object/],
    [{ $ref: "#" }, /\$ref is not available/],
    [{ allOf: [{ $dynamicRef: "#a" }] }, /\$dynamicRef/],
    [{ properties: { a: { $ref: "https://evil.example" } } }, /\$ref/],
    [{ additionalProperties: { $recursiveRef: "#" } }, /\$recursiveRef/],
    [{ patternProperties: { "(a+)+$": {} } }, /patternProperties/],
    [{ type: "text" }, /As type/],
    [{ format: "url" }, /As format/],
    [{ pattern: 1 }, /is a text/],
    [{ pattern: "(" }, /no regular expression/],
    [{ pattern: "(?=a)b" }, /no regular expression/],
    [{ pattern: "(a)\\1" }, /no regular expression/],
    [{ items: 3 }, /is an object/],
    [{ allOf: 3 }, /no JSON Schema/],
    [{ enum: "a" }, /no JSON Schema/],
    [{ not: deep(20) }, /20 levels/],
    [{ description: "x".repeat(17_000) }, /at most 16384/],
  ])("%j cannot: %s", (schema, fault) => {
    expect(faultOfSchema(schema)).toMatch(fault);
  });
});

describe("a value", () => {
  it.each([
    [{ type: "string" }, 1, [["", 'Expected is "string".']]],
    [{ type: "string", pattern: "^https://" }, "ftp://x", [["", "It does not match the pattern of the schema."]]],
    [
      { type: "string", pattern: "^https://", allOf: [{ minLength: 99 }] },
      "https://x",
      [["", expect.stringContaining("short")]],
    ],
    [{ pattern: "^a" }, 5, []],
    [{ anyOf: [{ pattern: "^a" }, { pattern: "^b" }] }, "bc", []],
    [{ not: { pattern: "^a" } }, "abc", [["", expect.any(String)]]],
    [{ enum: ["a"] }, "hunter2", [["", "It is none of the values of the schema."]]],
    [{ const: "a" }, "hunter2", [["", "It is not the value of the schema."]]],
    [{ format: "email" }, "hunter2", [["", expect.any(String)]]],
    [
      { properties: { a: { items: { type: "integer" } } } },
      { a: [1, "hunter2"] },
      [["/a/1", 'Expected is "integer".']],
    ],
    [{ required: ["a"] }, {}, [["", expect.stringContaining('"a"')]]],
    [{ additionalProperties: false }, { hunter2: 1 }, [["/hunter2", expect.any(String)]]],
    [{ properties: { pattern: { type: "string" } } }, { pattern: "x" }, []],
    [{ propertyNames: { pattern: "^[a-z]$" } }, { a: 1, hunter2: 1 }, [["/hunter2", expect.any(String)]]],
    [{ minimum: 3 }, 2, [["", expect.stringContaining("3")]]],
  ])("by %j: %j", (schema, value, expected) => {
    const faults = faultsAgainst(schema, value).map(({ pointer, detail }) => [pointer, detail]);
    expect(faults).toEqual(expected);
    expect(faults.map(([, detail]) => detail).join("")).not.toContain("hunter2");
  });

  it.each([
    [{ allOf: Array.from({ length: 500 }, () => ({ items: { type: "string" } })) }, 20_000],
    [{ uniqueItems: true }, 10_000],
  ])("is not checked beyond all measure", (schema, length) => {
    const value = Array.from({ length }, (_, at) => at);
    expect(faultsAgainst(schema, value)).toEqual([{ pointer: "", detail: expect.stringContaining("too large") }]);
    expect(faultsAgainst({ items: { type: "string" } }, value)).toHaveLength(1);
  });

  it("names the place of a fault as it is", () => {
    expect(faultsAgainst({ additionalProperties: { type: "string" } }, { "ü/ b": 1 })).toMatchObject([
      { pointer: "/ü~1 b" },
    ]);
  });

  it("is matched in time that grows with its length alone", () => {
    const faults = faultsAgainst({ pattern: "^(a+)+$" }, `${"a".repeat(50_000)}!`);
    expect(faults).toHaveLength(1);
  });

  it("leaves nothing behind", () => {
    const schema = Object.freeze({ type: "string", pattern: "^x" });
    faultsAgainst(schema, "y");
    expect(Object.getOwnPropertyNames(schema)).toEqual(["type", "pattern"]);
    expect(faultsAgainst({ format: "pattern ^x" }, "y")).toEqual([]);
  });
});
