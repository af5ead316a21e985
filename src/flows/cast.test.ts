import { describe, expect, it } from "vitest";
import { z } from "zod";

import { isRecord } from "../platform/shape.ts";
import { castTo } from "./cast.ts";
import { documents, ObjectId } from "./model.ts";

const text = z.string();
const HEX = "5ca5c44c187c040010a9bb8b";

describe("where text is wanted", () => {
  it.each([
    ["text", "text"],
    ["", ""],
    [5, "5"],
    [-0.5, "-0.5"],
    [1e21, "1e+21"],
    [true, "true"],
    [false, "false"],
    [null, null],
    [undefined, undefined],
    [{ a: 1 }, { a: 1 }],
    [["a"], ["a"]],
    [[], []],
  ])("%j becomes %j", (value, cast) => {
    expect(castTo(text, value)).toEqual(cast);
    expect(castTo(text.min(1).max(3).meta({ description: "described" }), value)).toEqual(cast);
    expect(castTo(text.nullish().meta({ description: "described" }), value)).toEqual(cast);
  });
});

describe("where an id is wanted", () => {
  it.each([
    [HEX, HEX],
    [HEX.toUpperCase(), HEX],
    ["abcdefghijkl", "6162636465666768696a6b6c"],
    ["ABCDEFABCDEF", "414243444546414243444546"],
    ["            ", "202020202020202020202020"],
    [123456789012, "313233343536373839303132"],
    ["äöüäöüäöüäöü", "äöüäöüäöüäöü"],
    ["abcdefghijk", "abcdefghijk"],
    [`${HEX}0`, `${HEX}0`],
    [`${HEX}\n`, `${HEX}\n`],
    ["", ""],
    [null, null],
    [undefined, undefined],
    [{ $oid: HEX }, { $oid: HEX }],
    [[HEX], [HEX]],
  ])("%j becomes %j", (value, cast) => {
    expect(castTo(ObjectId, value)).toEqual(cast);
    expect(castTo(ObjectId.nullish().meta({ description: "described" }), value)).toEqual(cast);
  });

  it.each([5, true])("%j stays what it is, so that its type can be told", (value) => {
    expect(castTo(ObjectId, value)).toBe(value);
  });
});

describe("where a list is wanted", () => {
  it("its entries are cast one by one", () => {
    expect(castTo(z.array(text), [1, "a", null, {}])).toEqual(["1", "a", null, {}]);
  });

  it.each(["x", 5, null, undefined, { 0: "a", length: 1 }])("%j stays as it is", (value) => {
    expect(castTo(z.array(text), value)).toEqual(value);
  });

  it.each([undefined, null])("%j becomes the default, a new one each time", (value) => {
    const withDefault = z.array(text).default([]);
    const first = castTo(withDefault, value);
    expect(first).toEqual([]);
    expect(castTo(withDefault, value)).not.toBe(first);
  });

  it("what was sent wins over the default", () => {
    expect(castTo(z.array(text).default(["a"]), [])).toEqual([]);
    expect(castTo(z.array(text).default(["a"]), 0)).toBe(0);
  });
});

describe("where an object is wanted", () => {
  const shape = z.object({ a: text, b: text.nullish(), any: z.unknown().optional() });

  it("known keys are cast in the order of the schema and others are dropped", () => {
    const cast = castTo(shape, { any: { x: {} }, z: 1, b: null, a: 1, constructor: 1 });
    expect(JSON.stringify(cast)).toBe('{"a":"1","b":null,"any":{"x":{}}}');
  });

  it("a key that was not sent does not appear", () => {
    expect(Object.keys(castTo(shape, {}) as object)).toEqual([]);
  });

  it("a key named __proto__ gives no other keys", () => {
    expect(Object.keys(castTo(shape, JSON.parse('{"__proto__":{"a":"x"}}')) as object)).toEqual([]);
  });

  it.each(["x", 5, true, null, undefined, [[]]])("%j stays as it is", (value) => {
    expect(castTo(shape, value)).toEqual(value);
  });

  it("what was sent is not changed", () => {
    const sent = { name: 5, graph: { nodes: [{ id: 1, componentId: HEX.toUpperCase() }], edges: null } };
    const before = structuredClone(sent);
    expect(castTo(documents.strict, sent)).toEqual({
      name: "5",
      graph: { nodes: [{ id: "1", componentId: HEX }], edges: [] },
    });
    expect(sent).toEqual(before);
  });
});

it.each([
  [{}, true],
  [Object.create(null) as object, true],
  [[], false],
  [null, false],
  [undefined, false],
  ["x", false],
  [1, false],
])("whether %o is a JSON object: %s", (value, answer) => {
  expect(isRecord(value)).toBe(answer);
});
