import { describe, expect, it } from "vitest";

import { importOpenApi } from "../openapi-import.ts";

const options = { mostBytes: 1024 * 1024 };
const get = { get: {} };
const document = (more: object = {}) => ({
  openapi: "3.1.0",
  info: { title: "Shop API", version: "1" },
  paths: { "/a": get },
  ...more,
});
const many = (count: number) =>
  document({ paths: Object.fromEntries(Array.from({ length: count }, (_, index) => [`/${index}`, get])) });
const nested = (depth: number) => `${'{"x":'.repeat(depth)}1${"}".repeat(depth)}`;

const read = (value: unknown) => importOpenApi(typeof value === "string" ? value : JSON.stringify(value), options);
const faultsOf = (value: unknown): [code: string, pointer: string][] => {
  const answer = read(value);
  return answer.ok ? [] : answer.faults.map(({ code, pointer }) => [code, pointer]);
};
const resourcesOf = (value: unknown) => {
  const answer = read(value);
  return answer.ok ? answer.resources : undefined;
};

describe("what is refused", () => {
  it.each<[what: string, text: unknown, faults: [code: string, pointer: string][]]>([
    ["nothing", "", [["NOT_AN_OBJECT", ""]]],
    ["a list", "[]", [["NOT_AN_OBJECT", ""]]],
    ["a text", "openapi", [["NOT_AN_OBJECT", ""]]],
    ["null", "null", [["NOT_AN_OBJECT", ""]]],
    ["an object without a version", "{}", [["VERSION_REQUIRED", ""]]],
    ["a version that is a number", "openapi: 3.1", [["VERSION_REQUIRED", "/openapi"]]],
    ["Swagger", { swagger: "2.0", paths: {} }, [["SWAGGER_UNSUPPORTED", "/swagger"]]],
    ["OpenAPI 3.2", document({ openapi: "3.2.0" }), [["VERSION_UNSUPPORTED", "/openapi"]]],
    ["OpenAPI 2", document({ openapi: "2.0.0" }), [["VERSION_UNSUPPORTED", "/openapi"]]],
    ["no title", document({ info: {} }), [["TITLE_REQUIRED", "/info/title"]]],
    ["an empty title", document({ info: { title: " " } }), [["TITLE_REQUIRED", "/info/title"]]],
    ["no paths", document({ paths: undefined }), [["PATHS_REQUIRED", ""]]],
    ["empty paths", document({ paths: { "x-a": {} } }), [["PATHS_REQUIRED", "/paths"]]],
    ["a list of paths", document({ paths: [] }), [["WRONG_TYPE", "/paths"]]],
    ["a path item that is none", document({ paths: { "/a": null } }), [["WRONG_TYPE", "/paths/~1a"]]],
    ["an operation that is none", document({ paths: { "/a": { get: [] } } }), [["WRONG_TYPE", "/paths/~1a/get"]]],
    ["paths none of which fits", document({ paths: { "/{a}.b": get } }), [["PATH_UNFIT", "/paths/~1{a}.b"]]],
    ["2,001 paths", many(2001), [["TOO_MANY_PATHS", "/paths"]]],
    ["broken JSON", '{"openapi":"3.1.0",\n}', [["JSON_INVALID", ""]]],
    ["depth in JSON", nested(101), [["TOO_DEEP", ""]]],
    ["depth in JSON behind a text", `{"[\\"]]":${nested(100)}}`, [["TOO_DEEP", ""]]],
    ["depth in blocks", "- ".repeat(200), [["TOO_DEEP", ""]]],
    ["depth in flows", `a: ${"[".repeat(500_000)}`, [["TOO_DEEP", ""]]],
    ["an alias", "a: &a 1\nb: *a", [["YAML_ALIAS", ""]]],
    ["a key twice", "paths:\n  /a: {}\n  /a: {}", [["YAML_INVALID", ""]]],
    ["a key that is a list", "? [a]\n: b", [["YAML_INVALID", ""]]],
    ["two documents", "a: 1\n---\nb: 1", [["YAML_INVALID", ""]]],
    ["broken YAML", "a: [1", [["YAML_INVALID", ""]]],
    ["HTML", "<!DOCTYPE html>\n<p>a: b: c</p>", [["YAML_INVALID", ""]]],
  ])("%s", (_what, text, faults) => {
    expect(faultsOf(text)).toEqual(faults);
  });

  it("takes what is just within its limits", () => {
    expect(resourcesOf(many(2000))).toHaveLength(2000);
    expect(faultsOf(nested(100))).toEqual([["VERSION_REQUIRED", ""]]);
    expect(faultsOf(`${"- ".repeat(100)}a`)).toEqual([["NOT_AN_OBJECT", ""]]);
    expect(faultsOf(`${"- ".repeat(101)}a`)).toEqual([["TOO_DEEP", ""]]);
    expect(resourcesOf(`\uFEFF${JSON.stringify(many(1))}`)).toHaveLength(1);
    expect(resourcesOf(document({ "x-text": '[\\"'.repeat(500) }))).toHaveLength(1);
  });

  it("counts bytes, not characters", () => {
    const text = JSON.stringify(document({ "x-a": "é".repeat(50) }));
    const bytes = new TextEncoder().encode(text).byteLength;
    expect(importOpenApi(text, { mostBytes: bytes }).ok).toBe(true);
    expect(importOpenApi(text, { mostBytes: bytes - 1 })).toMatchObject({ faults: [{ code: "TOO_LARGE" }] });
  });

  it("says where", () => {
    const message = expect.stringMatching(/^Aliases .* See line 3\.$/) as string;
    expect(read("openapi: 3.1.0\npaths:\n  /a: *a")).toMatchObject({ faults: [{ message }] });
  });

  it.each<[what: string, text: string]>([
    ["faults", `a: [${",".repeat(1_000_000)}`],
    ["tokens", "a:\n".repeat(300_000)],
    ["comments", "#\n".repeat(500_000)],
    ["documents", "---\n".repeat(250_000)],
    ["keys that are alike", "a: 1\n".repeat(200_000)],
    ["anchors", "&a ".repeat(300_000)],
    ["tags", "- !a b\n".repeat(140_000)],
  ])("answers a megabyte of %s", (_what, text) => {
    expect(read(text).ok).toBe(false);
  });
});

describe("keys of every object's birth", () => {
  const text = JSON.stringify(document({ paths: { "/a": { get: { tags: [] } } } }));

  it.each([
    text.replace('"paths"', '"__proto__":{"paths":{"/evil":{"get":{}}}},"paths"'),
    text.replace('"/a":{', '"/a":{"__proto__":{"put":{}},'),
    text.replace('"paths":{', '"paths":{"x-a":{},'),
  ])("stay what they are in %s", (given) => {
    expect(resourcesOf(given)).toEqual([{ id: "a", path: "/a", operations: [{ id: "get-a", method: "GET" }] }]);
  });

  it("in YAML as well", () => {
    expect(faultsOf("__proto__: {openapi: 3.1.0}\nconstructor: 1")).toEqual([["VERSION_REQUIRED", ""]]);
    expect(Object.hasOwn(Object.prototype, "openapi")).toBe(false);
  });
});

describe("a megabyte that would make more of itself", () => {
  const paths = Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`/${index}`, { $ref: "#/x-item" }]));

  it("in references", () => {
    const item = Object.fromEntries(Array.from({ length: 60_000 }, (_, index) => [`k${index}`, 1]));
    expect(resourcesOf(document({ paths, "x-item": { ...item, ...get } }))).toHaveLength(2000);
  });

  it("in a name", () => {
    const resources = resourcesOf(document({ paths, "x-item": { summary: "a".repeat(900_000), ...get } }));
    expect(resources?.at(-1)?.name).toBe("a".repeat(200));
  });

  it("in the variables of a server", () => {
    const variables = { a: { default: "a".repeat(900_000) } };
    const answer = read(document({ servers: [{ url: `https://a.example.com/${"{a}".repeat(600)}`, variables }] }));
    expect(answer).toMatchObject({ ok: true, basePath: "/shop-api", warnings: [{ pointer: "/servers/0/url" }] });
  });
});
