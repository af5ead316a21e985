import { describe, expect, it } from "vitest";

import { Fields, type Field } from "./fields.ts";
import { applyFields, type FileDescriptor } from "./rules.ts";

const picture: FileDescriptor = {
  uuid: "a3c6c1ec-ae02-47a6-8cac-8760521f2ed8",
  fileName: "card.png",
  mimeType: "Image/PNG; charset=binary",
  size: 123,
  expiredOn: "2020-01-01T12:00:00Z",
};
const files = new Map([[picture.uuid, picture]]);

/** What becomes of one value, or what is said of it. */
function outcome(field: object, value: unknown, known: Parameters<typeof applyFields>[2] = files) {
  const applied = applyFields({ f: field as Field }, { f: value }, known);
  return applied.ok ? applied.value["f"] : applied.errors.map(({ message }) => message);
}

const longList = Array.from({ length: 100 }, (_, index) => `value${index}`);

describe("what fits", () => {
  it.each<[object, unknown, unknown?]>([
    [{ rule: "string" }, " x "],
    [{ rule: "string", min: 2, max: 2 }, "😀😀"],
    [{ rule: "string", optional: true, min: 5 }, ""],
    [{ rule: "string", optional: true, min: 5 }, "  "],
    [{ rule: "number", optional: true }, null],
    [{ rule: "number" }, 0],
    [{ rule: "number", min: 18, max: 18 }, 18],
    [{ rule: "number" }, " -1.5e3 ", -1500],
    [{ rule: "number" }, "+.5", 0.5],
    [{ rule: "number" }, "5.", 5],
    [{ rule: "number", integer: true }, "5.0", 5],
    [{ rule: "truefalse" }, true],
    [{ rule: "truefalse" }, false],
    [{ rule: "truefalse" }, "true", true],
    [{ rule: "truefalse" }, "false", false],
    [{ rule: "values", values: ["a", 1, false] }, "a"],
    [{ rule: "values", values: ["a", 1, false] }, 1],
    [{ rule: "values", values: ["a", 1, false] }, false],
    [{ rule: "regex", pattern: "a|ab" }, "ab"],
    [{ rule: "regex", pattern: "^.$" }, "😀"],
    [{ rule: "file" }, picture],
    [{ rule: "file" }, picture.uuid, picture],
    [{ rule: "file", mime: ["IMAGE/*"] }, { ...picture, mimeType: "text/html", fileName: "evil" }, picture],
    [{ rule: "file", mime: ["text/plain", "image/png"] }, { uuid: picture.uuid }, picture],
    [
      { rule: "nested", fields: { age: { rule: "number" } } },
      { age: "1", more: 2 },
      { age: 1, more: 2 },
    ],
    [{ rule: "nested", optional: true, fields: { age: { rule: "number" } } }, null],
  ])("%j takes %j", (field, value, result = value) => {
    expect(outcome(field, value)).toEqual(result);
    expect(Fields.safeParse({ f: field }).success).toBe(true);
  });
});

describe("what does not fit", () => {
  it.each<[object, unknown, ...string[]]>([
    [{ rule: "string" }, undefined, "Required"],
    [{ rule: "string" }, null, "Required"],
    [{ rule: "string" }, "", "Required"],
    [{ rule: "string" }, " \t\n", "Required"],
    [{ rule: "string" }, 5, "Must be a text"],
    [{ rule: "string", min: 2 }, "😀", "Must have at least 2 characters"],
    [{ rule: "string", max: 1 }, "ab", "Must have at most 1 character"],
    [{ rule: "number" }, "1e999", "Must be a number"],
    [{ rule: "number" }, "0x10", "Must be a number"],
    [{ rule: "number" }, "1 2", "Must be a number"],
    [{ rule: "number" }, "Infinity", "Must be a number"],
    [{ rule: "number" }, true, "Must be a number"],
    [{ rule: "number" }, [1], "Must be a number"],
    [{ rule: "number", integer: true }, 1.5, "Must be a whole number"],
    [{ rule: "number", min: 18 }, 17.9, "Must be at least 18"],
    [{ rule: "number", max: 120 }, "121", "Must be at most 120"],
    [{ rule: "number", integer: true, min: 18 }, 1.5, "Must be a whole number", "Must be at least 18"],
    [{ rule: "truefalse" }, 1, "Must be true or false"],
    [{ rule: "truefalse" }, "yes", "Must be true or false"],
    [{ rule: "values", values: ["a", 1] }, "b", "Must be one of: a, 1"],
    [{ rule: "values", values: ["a", 1] }, "1", "Must be one of: a, 1"],
    [{ rule: "regex", pattern: "\\d{5}" }, "123456", "Has the wrong form"],
    [{ rule: "regex", pattern: "a" }, "a\n", "Has the wrong form"],
    [{ rule: "regex", pattern: "a", message: "Use an a." }, "b", "Use an a."],
    [{ rule: "regex", pattern: "1" }, 1, "Must be a text"],
    [{ rule: "regex", pattern: "(?:a{0,30}){0,30}" }, "a".repeat(1_000_000), "Is too long"],
    [{ rule: "file" }, "89828e1e-c834-42a2-86f1-893209f63ab5", "Must be an uploaded file"],
    [{ rule: "file" }, { ...picture, uuid: "89828e1e" }, "Must be an uploaded file"],
    [{ rule: "file" }, { fileName: "x" }, "Must be an uploaded file"],
    [{ rule: "file" }, [picture.uuid], "Must be an uploaded file"],
    [{ rule: "file", mime: ["text/*", "application/pdf"] }, picture, "Must be a file of type text/*, application/pdf"],
    [{ rule: "file", mime: ["imag/*"] }, picture, "Must be a file of type imag/*"],
    [{ rule: "file", mime: ["image/pn"] }, picture, "Must be a file of type image/pn"],
    [{ rule: "nested", fields: { a: { rule: "string" } } }, undefined, "Required"],
    [{ rule: "nested", fields: { a: { rule: "string" } } }, "", "Required"],
    [{ rule: "nested", fields: { a: { rule: "string" } } }, "x", "Must be an object"],
    [{ rule: "nested", fields: { a: { rule: "string" } } }, [], "Must be an object"],
  ])("%j refuses %j", (field, value, ...messages) => {
    expect(outcome(field, value)).toEqual(messages);
  });

  it("long lists are told in part", () => {
    const [message] = outcome({ rule: "values", values: longList }, "x") as string[];
    expect(message).toMatch(/^Must be one of: value0, .*, …$/);
    expect(message!.length).toBeLessThan(230);
    const [huge] = outcome({ rule: "values", values: ["y".repeat(1000)] }, "x") as string[];
    expect(huge!.length).toBeLessThan(230);
  });
});

it("everything is told at once, in the order of the fields", () => {
  const fields: Fields = {
    mobile: { rule: "regex", pattern: "\\d+" },
    address: {
      rule: "nested",
      fields: { zip: { rule: "string" }, geo: { rule: "nested", fields: { lat: { rule: "number" } } } },
    },
    name: { rule: "string" },
    age: { rule: "number" },
  };
  const applied = applyFields(fields, { age: "x", address: { geo: { lat: "north" } } });
  expect(applied).toEqual({
    ok: false,
    errors: [
      { field: "mobile", message: "Required" },
      { field: "address.zip", message: "Required" },
      { field: "address.geo.lat", message: "Must be a number" },
      { field: "name", message: "Required" },
      { field: "age", message: "Must be a number" },
    ],
  });
});

it.each([null, undefined, "text", 5, [{ a: "x" }]])("a payload of %j counts as empty", (payload) => {
  expect(applyFields({ a: { rule: "string", optional: true } }, payload)).toEqual({ ok: true, value: {} });
  expect(applyFields({ a: { rule: "string" } }, payload)).toMatchObject({ ok: false, errors: [{ field: "a" }] });
});

it("fields that are not listed stay as they are, and the payload is not written to", () => {
  const payload = Object.freeze({ extra: { deep: [1] }, age: "5" });
  const applied = applyFields({ age: { rule: "number" } }, payload);
  expect(applied).toEqual({ ok: true, value: { extra: { deep: [1] }, age: 5 } });
});

it.each(["string", "number", "truefalse", "values", "regex", "file", "nested"])("%s quotes no value", (rule) => {
  const field = { rule, min: 100, values: ["a"], pattern: "a", fields: { s3: { rule: "string" } } } as unknown as Field;
  for (const value of ["s3cret", { s3cret: "s3cret" }, ["s3cret"]]) {
    const applied = applyFields({ f: field }, { f: value });
    expect(applied.ok).toBe(false);
    expect(JSON.stringify(applied)).not.toContain("s3cret");
  }
});

describe("names of prototypes", () => {
  const fields = JSON.parse('{"constructor":{"rule":"string"},"toString":{"rule":"string"}}') as Fields;

  it("what an object inherits is not its own", () => {
    expect(applyFields(fields, {})).toEqual({
      ok: false,
      errors: [
        { field: "constructor", message: "Required" },
        { field: "toString", message: "Required" },
      ],
    });
    expect(outcome({ rule: "file" }, "constructor", {})).toEqual(["Must be an uploaded file"]);
    expect(outcome({ rule: "file" }, picture.uuid, { [picture.uuid]: picture })).toEqual(picture);
  });

  it("__proto__ is a key like any other", () => {
    const payload: unknown = JSON.parse('{"__proto__":{"isAdmin":true},"n":{"__proto__":{"isAdmin":true}}}');
    const applied = applyFields({ n: { rule: "nested", fields: {} } }, payload);
    if (!applied.ok) throw new Error("It was refused.");
    expect(Object.getPrototypeOf(applied.value)).toBe(Object.prototype);
    expect(applied.value["isAdmin"]).toBeUndefined();
    expect((applied.value["n"] as { isAdmin?: unknown }).isAdmin).toBeUndefined();
    expect(({} as { isAdmin?: unknown }).isAdmin).toBeUndefined();
    expect(JSON.stringify(applied.value)).toBe(JSON.stringify(payload));
  });
});
