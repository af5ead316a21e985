import { describe, expect, it } from "vitest";

import { type ImportedApi, importOpenApi } from "./openapi-import.ts";

const options = { mostBytes: 1024 * 1024 };
const get = { get: {} };
const document = (more: object = {}) => ({
  openapi: "3.1.0",
  info: { title: "Shop API", version: "1" },
  paths: { "/a": get },
  ...more,
});
const read = (value: unknown) => importOpenApi(typeof value === "string" ? value : JSON.stringify(value), options);

function imported(value: unknown): ImportedApi {
  const answer = read(value);
  if (!answer.ok) throw new Error(JSON.stringify(answer.faults));
  return answer;
}
const warned = (value: unknown) => imported(value).warnings.map(({ pointer }) => pointer);

const yaml = `
openapi: 3.0.3
info:
  title: Orders & more
  description: What a shop sells.
  version: 1
servers:
  - url: https://{host}:{port}/{base}/
    variables:
      host: { default: backend.example.com }
      port: { default: 8443, enum: [8443] }
      base: { default: shop/v1 }
x-internal: { secret: true }
paths:
  x-note: not a path
  /orders:
    summary: Orders
    description: from *all* shops & more
    parameters: [{ $ref: '#/components/parameters/tenant' }]
    get:
      operationId: listOrders
      summary: Lists orders
      responses: { 200: { description: ok } }
    post: { responses: { 201: { description: 'a *star and an &and' } } }
  /orders/{order-id}:
    delete: {}
    x-owner: somebody
`;

describe("what is imported", () => {
  it("takes resources, operations, base path and destination from YAML", () => {
    expect(read(yaml)).toEqual({
      ok: true,
      name: "Orders & more",
      description: "What a shop sells.",
      basePath: "/shop/v1",
      destination: { url: "https://backend.example.com:8443/shop/v1" },
      resources: [
        {
          id: "orders",
          path: "/orders",
          name: "Orders",
          operations: [
            { id: "listOrders", method: "GET", name: "Lists orders" },
            { id: "post-orders", method: "POST" },
          ],
        },
        {
          id: "orders-order-id",
          path: "/orders/{order-id}",
          operations: [{ id: "delete-orders-order-id", method: "DELETE" }],
        },
      ],
      warnings: [],
    });
  });

  it("takes every method", () => {
    const methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
    const item = Object.fromEntries(methods.map((method) => [method, {}]));
    const [resource] = imported(document({ paths: { "/a": item } })).resources;
    expect(resource?.operations.map(({ method }) => method)).toEqual(methods.map((method) => method.toUpperCase()));
  });

  it.each(["3.0.0", "3.0.4", "3.1.0", "3.1.2", "3.1.0-rc1"])("takes version %s", (openapi) => {
    expect(read(document({ openapi })).ok).toBe(true);
  });

  it.each<[template: string, path: string | undefined]>([
    ["/a/{id}", "/a/{id}"],
    ["/", "/"],
    ["/a/", "/a/"],
    ["/{user id}/{$top}/{1}", "/{user_id}/{_top}/{_1}"],
    ["/straße", "/stra%C3%9Fe"],
    ["/a b", "/a%20b"],
    ["/%7Eme/%2f", "/~me/%2f"],
    ["/100%", "/100%25"],
    ["/a:undo", "/a:undo"],
    ["/Items(Id={id})", undefined],
    ["/a/{id}.json", undefined],
    ["/a/{b}-{c}", undefined],
    ["/a/{proxy+}", undefined],
    ["/a/*", undefined],
    ["/a?b={c}", undefined],
    ["/a#b", undefined],
    ["//a", undefined],
    ["/a/../b", undefined],
    ["/a/%2E%2e/b", undefined],
    ["a", undefined],
    ["/\uD800", undefined],
    [`/${"a".repeat(2000)}`, undefined],
  ])("the path %j becomes %j", (template, path) => {
    const { resources, warnings } = imported(document({ paths: { "/kept": get, [template]: get } }));
    expect(resources.map((one) => one.path)).toEqual(path === undefined ? ["/kept"] : ["/kept", path]);
    const pointer = `/paths/${template.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    const expected = path === template ? [] : [pointer];
    expect(warnings.map((one) => one.pointer).filter((one) => one !== "")).toEqual(expected);
  });

  it("puts the operations of two paths of one shape together", () => {
    const { resources, warnings } = imported(
      document({ paths: { "/a/{b}": { get: { operationId: "one" } }, "/a/{c}": { get: {}, put: {} } } }),
    );
    const operations = [
      { id: "one", method: "GET" },
      { id: "put-a-b", method: "PUT" },
    ];
    expect(resources).toEqual([{ id: "a-b", path: "/a/{b}", operations }]);
    expect(warnings.map(({ pointer }) => pointer)).toEqual(["", "/paths/~1a~1{c}", "/paths/~1a~1{c}/get"]);
  });
});

const idsOf = (paths: Record<string, Record<string, object>>) =>
  Object.fromEntries(
    imported(document({ paths })).resources.map(({ path, id, operations }) => [path, [id, operations[0]?.id]]),
  );
const all = (paths: Record<string, Record<string, object>>) => Object.values(idsOf(paths)).flat();

describe("ids", () => {
  it("do not depend on the order, nor go to another path", () => {
    const one = { "/a/b": get, "/a-b": get, "/c": { put: { operationId: "get-a-b" } } };
    const other = { "/c": { put: { operationId: "get-a-b" } }, "/a-b": get, "/a/b": get };
    expect(idsOf(one)).toEqual(idsOf(other));
    expect(new Set(all(one)).size).toBe(6);
    expect(idsOf(one)["/c"]).toEqual(["c", "get-a-b"]);
    expect(idsOf(one)["/a/b"]?.[0]).toMatch(/^a-b-[\da-f]{8}$/);
  });

  it.each(["All", "all", "__proto__", "constructor", "toString", "1", "a b", "", "a/b", "é", "x".repeat(101)])(
    "the operationId %j is not used",
    (operationId) => {
      const answer = imported(document({ paths: { "/a": { get: { operationId } } } }));
      expect(answer.resources[0]?.operations[0]?.id).toBe("get-a");
      const pointers = operationId === "" ? [] : ["/paths/~1a/get/operationId"];
      expect(answer.warnings.map(({ pointer }) => pointer).filter((one) => one !== "")).toEqual(pointers);
    },
  );

  it("a repeated operationId is nobody's", () => {
    const item = { get: { operationId: "one" } };
    expect(all({ "/a": item, "/b": item })).toEqual(["a", "get-a", "b", "get-b"]);
  });

  it.each<[path: string, id: RegExp]>([
    ["/", /^api$/],
    ["/2023", /^n-2023$/],
    ["/all", /^all-[\da-f]{8}$/],
    ["/constructor", /^constructor-[\da-f]{8}$/],
    ["/日本", /^e6-97-a5-e6-9c-ac$/],
  ])("that of the path %s matches %s", (path, id) => {
    expect(imported(document({ paths: { [path]: get } })).resources[0]?.id).toMatch(id);
  });
});

describe("where calls go", () => {
  it.each<[url: unknown, basePath: string, destination: string | undefined]>([
    ["https://a.example.com", "/shop-api", "https://a.example.com"],
    ["https://a.example.com/", "/shop-api", "https://a.example.com"],
    ["https://a.example.com/v1/x//", "/v1/x", "https://a.example.com/v1/x"],
    ["http://a.example.com:81/v1", "/v1", "http://a.example.com:81/v1"],
    ["/v1", "/v1", undefined],
    ["/", "/shop-api", undefined],
    ["v1", "/shop-api", undefined],
    ["//a.example.com/v1", "/shop-api", undefined],
    ["ftp://a.example.com/v1", "/v1", undefined],
    ["https://me:secret@a.example.com/v1", "/v1", undefined],
    ["https://a.example.com/v1?key=secret", "/v1", undefined],
    ["https://a.example.com/v1#x", "/v1", undefined],
    ["https://a.example.com/a/../b", "/shop-api", undefined],
    ["https://a.example.com/{missing}", "/shop-api", undefined],
    ["https://{{env.TOKEN}}.example.com/", "/shop-api", undefined],
    ["https://{__proto__}.example.com", "/shop-api", undefined],
    [`https://a.example.com/${"a".repeat(1979)}`, "/shop-api", undefined],
    [`https://a.example.com/${"a".repeat(199)}`, `/${"a".repeat(199)}`, `https://a.example.com/${"a".repeat(199)}`],
    [undefined, "/shop-api", undefined],
    [7, "/shop-api", undefined],
  ])("of the server %j", (url, basePath, destination) => {
    const answer = imported(document({ servers: [{ url }] }));
    expect([answer.basePath, answer.destination?.url]).toEqual([basePath, destination]);
    expect(answer.warnings.length > 0).toBe(destination === undefined);
    expect(JSON.stringify(answer.warnings)).not.toMatch(/secret/);
  });

  it("names the API by its title where the path is too long for a base path", () => {
    const url = `https://a.example.com/${"a".repeat(200)}`;
    expect(imported(document({ servers: [{ url }] }))).toMatchObject({ basePath: "/shop-api", destination: { url } });
  });

  it.each<[title: string, basePath: string]>([
    ["Straße 7!", "/stra-e-7"],
    ["日本", "/api"],
    ["7 dwarfs", "/n-7-dwarfs"],
  ])("without a server the title %s gives %s", (title, basePath) => {
    expect(imported(document({ info: { title } })).basePath).toBe(basePath);
  });
});

describe("references of path items", () => {
  const pathItems = { one: { get: { operationId: "one" } }, two: { $ref: "#/components/pathItems/one" } };

  it.each(["#/components/pathItems/one", "#/components/pathItems/two", "#/components/pathItems/%6Fne", "#/paths/~1b"])(
    "resolves %s",
    ($ref) => {
      const paths = { "/a": { $ref, put: {} }, "/b": pathItems.one };
      const [resource] = imported(document({ paths, components: { pathItems } })).resources;
      expect(resource?.operations.map(({ method }) => method)).toEqual(["GET", "PUT"]);
    },
  );

  it.each<[$ref: unknown, code: string]>([
    ["other.yaml#/a", "REF_EXTERNAL"],
    ["https://evil.example.com/a", "REF_EXTERNAL"],
    ["", "REF_EXTERNAL"],
    ["#/paths/~1a", "REF_CIRCLE"],
    ["#/nothing", "REF_UNKNOWN"],
    ["#/__proto__", "REF_UNKNOWN"],
    ["#/constructor/prototype", "REF_UNKNOWN"],
    ["#/%", "REF_UNKNOWN"],
    ["#anchor", "REF_UNKNOWN"],
    ["#/openapi", "REF_UNKNOWN"],
    [7, "REF_INVALID"],
  ])("refuses %j", ($ref, code) => {
    const faults = [{ code, pointer: "/paths/~1a/$ref" }];
    expect(read(document({ paths: { "/a": { $ref } } }))).toMatchObject({ ok: false, faults });
  });
});

describe("what is left out is told", () => {
  const servers = [{ url: "https://a.example.com" }];

  it.each<[what: string, more: object, pointers: string[]]>([
    ["nothing", {}, []],
    ["webhooks", { webhooks: { created: get } }, ["/webhooks"]],
    ["security", { security: [{ key: [] }] }, ["/security"]],
    ["further servers", { servers: [...servers, ...servers] }, ["/servers/1"]],
    ["servers of a path", { paths: { "/a": { ...get, servers } } }, ["/paths/~1a/servers"]],
    ["servers of an operation", { paths: { "/a": { get: { servers } } } }, ["/paths/~1a/get/servers"]],
    ["an unknown method", { paths: { "/a": { ...get, GET: {} } } }, ["/paths/~1a/GET"]],
    ["a path without operations", { paths: { "/a": {} } }, ["/paths/~1a"]],
    ["extensions", { paths: { "/a": { ...get, "x-a": 1 }, "x-b": [] }, "x-c": null }, []],
  ])("%s", (_what, more, pointers) => {
    expect(warned(document({ servers, ...more }))).toEqual(pointers);
  });

  it("but not without end", () => {
    const paths = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`/${index}`, {}]));
    const { warnings } = imported(document({ servers, paths }));
    expect([warnings.length, warnings.at(-1)?.message]).toEqual([201, "And 800 more of such places."]);
  });
});
