import { describe, expect, it } from "vitest";

import {
  compileBases,
  compileRoutes,
  faultOfBase,
  faultsOfBases,
  faultsOfRoutes,
  isPlain,
  partsOfUrl,
  receivedBy,
} from "./match.ts";

const on = (path: string, ...methods: string[]) => ({ path, operations: methods.map((method) => ({ method })) });
const found = (paths: readonly string[], path: string) => {
  const match = compileRoutes(paths.map((one) => on(one, "GET")))("GET", path);
  return match === undefined ? undefined : [match.resource.path, ...match.values];
};

const shop = ["/", "/orders", "/orders/", "/orders/{id}", "/orders/mine", "/orders/{id}/items/{item}", "/files/*"];

describe("which resource a path is of", () => {
  it.each<[path: string, found: string[] | undefined]>([
    ["/", ["/"]],
    ["", ["/"]],
    ["/orders", ["/orders"]],
    ["/orders/", ["/orders/"]],
    ["/orders/1", ["/orders/{id}", "1"]],
    ["/orders/1/", undefined],
    ["/orders//", undefined],
    ["//orders", undefined],
    ["/orders/mine", ["/orders/mine"]],
    ["/orders/Mine", ["/orders/{id}", "Mine"]],
    ["/orders/mine/items/2", ["/orders/{id}/items/{item}", "mine", "2"]],
    ["/orders/a%2Fb%20c/items/%7e", ["/orders/{id}/items/{item}", "a%2Fb%20c", "%7e"]],
    ["/orders/1/items", undefined],
    ["/orders/1/items//", undefined],
    ["/Orders", undefined],
    ["/files", undefined],
    ["/files/", ["/files/*", ""]],
    ["/files/a", ["/files/*", "a"]],
    ["/files//a//b/", ["/files/*", "/a//b/"]],
    ["/orders/{id}", ["/orders/{id}", "{id}"]],
    ["orders", undefined],
  ])("%j: %j", (path, expected) => {
    expect(found(shop, path)).toEqual(expected);
  });

  it.each<[paths: string[], path: string, found: string[] | undefined]>([
    [["/{a}/x", "/b/{c}"], "/b/x", ["/b/{c}", "x"]],
    [["/{a}/x", "/b/y"], "/b/x", ["/{a}/x", "b"]],
    [["/{a}/{b}/x", "/b/{c}/y"], "/b/1/x", ["/{a}/{b}/x", "b", "1"]],
    [["/*", "/{a}/x"], "/b/y", ["/*", "b/y"]],
    [["/*", "/{a}"], "/b", ["/{a}", "b"]],
    [["/a/*", "/{a}/{b}"], "/a/b", ["/a/*", "b"]],
    [["/a/{b}/*", "/a/*"], "/a/b", ["/a/*", "b"]],
    [["/a/{b}/*", "/a/*"], "/a/b/c/d", ["/a/{b}/*", "b", "c/d"]],
    [["/{a}/{a}"], "/1/2", ["/{a}/{a}", "1", "2"]],
    [["/a%2fb"], "/a%2Fb", ["/a%2fb"]],
    [["/a%2fb"], "/a/b", undefined],
    [["/a+b"], "/a+b", ["/a+b"]],
    [["/__proto__", "/constructor"], "/toString", undefined],
    [["/__proto__", "/constructor"], "/__proto__", ["/__proto__"]],
  ])("of %j, %j is %j", (paths, path, expected) => {
    expect(found(paths, path)).toEqual(expected);
    expect(found(paths.toReversed(), path)).toEqual(expected);
  });
});

describe("a path that others read otherwise", () => {
  it.each([
    "/a/../b",
    "/a/..",
    "/a/./b",
    "/a/%2e%2e/b",
    "/a/.%2E/b",
    "/a/%2e",
    "/a/..;/b",
    "/a/..;x=1",
    "/a/..%2fb",
    "/a%2F..%2fb",
    "/a/..%5cb",
    "/a/x%5c..",
    "/a\\..\\b",
    "/a b",
    "/a\tb",
    "/a\u0000",
    "/a\u007f",
    "/a?b",
    "/a#b",
    "a/b",
    "@evil.example/b",
  ])("%j matches nothing", (path) => {
    expect(isPlain(path)).toBe(false);
    expect(found(["/*"], path)).toBeUndefined();
  });

  it.each([
    "/a/..b",
    "/a/...",
    "/.well-known/x",
    "/a.b/c.",
    "/a/%2e%2e%2e",
    "/a/x%2e%2e",
    "/a/é",
    "/a;b/c",
    "/a/%252e%252e",
  ])("%j may", (path) => {
    expect(isPlain(path)).toBe(true);
    expect(found(["/*"], path)).toEqual(["/*", path.slice(1)]);
  });

  it.each<[path: string, found: string[] | undefined]>([
    ["/users/admin", ["/users/admin"]],
    ["/users/%61dmin", undefined],
    ["/users/adm%69N", ["/users/{id}", "adm%69N"]],
    ["/users/b%6Fb", ["/users/{id}", "b%6Fb"]],
    ["/%75sers/bob", undefined],
    ["/%75sers", ["/*", "%75sers"]],
    ["/users/a%2Fdmin", ["/users/{id}", "a%2Fdmin"]],
  ])("a literal in another spelling goes past nothing: %j: %j", (path, expected) => {
    expect(found(["/users/admin", "/users/{id}", "/*"], path)).toEqual(expected);
  });

  it("plain spelling undoes the unreserved characters and no other ones", () => {
    for (let code = 0x21; code < 0x7f; code += 1) {
      const char = String.fromCharCode(code);
      const hex = code.toString(16).padStart(2, "0");
      const isUnreserved = /[\w.~-]/.test(char);
      for (const sent of [`/x%${hex}`, `/x%${hex.toUpperCase()}`]) {
        const paths = /[\w.~!$&'()+,;=:@-]/.test(char) ? [`/x${char}`, "/{any}"] : ["/{any}"];
        expect(found(paths, sent)).toEqual(isUnreserved ? undefined : ["/{any}", sent.slice(1)]);
      }
    }
  });
});

describe("which operation a method is of", () => {
  const resources = [on("/a/{x}", "GET", "POST"), on("/a/b", "post"), on("/h", "HEAD", "GET", "OPTIONS")];
  it.each<[method: string, path: string, operation: string | undefined, allowed: string[]]>([
    ["GET", "/a/1", "GET", ["GET", "HEAD", "POST"]],
    ["HEAD", "/a/1", "GET", ["GET", "HEAD", "POST"]],
    ["OPTIONS", "/a/1", undefined, ["GET", "HEAD", "POST"]],
    ["DELETE", "/a/1", undefined, ["GET", "HEAD", "POST"]],
    ["get", "/a/1", undefined, ["GET", "HEAD", "POST"]],
    ["POST", "/a/b", "post", ["POST"]],
    ["GET", "/a/b", undefined, ["POST"]],
    ["HEAD", "/a/b", undefined, ["POST"]],
    ["HEAD", "/h", "HEAD", ["GET", "HEAD", "OPTIONS"]],
    ["OPTIONS", "/h", "OPTIONS", ["GET", "HEAD", "OPTIONS"]],
  ])("%s %s is %s", (method, path, operation, allowed) => {
    const match = compileRoutes(resources)(method, path);
    expect(match?.operation?.method).toBe(operation);
    expect(match?.allowed).toEqual(allowed);
  });

  it("gives the very objects that it was made of", () => {
    const match = compileRoutes(resources)("POST", "/a/b");
    expect(match?.resource).toBe(resources[1]);
    expect(match?.operation).toBe(resources[1]?.operations[0]);
  });
});

describe("faults of resources", () => {
  it.each<[path: string, message: RegExp]>([
    ["orders", /begins with a slash/],
    ["", /begins with a slash/],
    ["/a//b", /no empty segment/],
    ["/a/../b", /no segment \. or/],
    ["/a/%2E./b", /no segment \. or/],
    ["/a/..;x", /no segment \. or/],
    ["/a/*/b", /wildcard is the whole last/],
    ["/a/b*", /wildcard is the whole last/],
    ["/a/**", /wildcard is the whole last/],
    ["/a/{}", /parameter is a whole segment/],
    ["/a/{b", /parameter is a whole segment/],
    ["/a/b}", /parameter is a whole segment/],
    ["/a/{b}.json", /parameter is a whole segment/],
    ["/a/{b}{c}", /parameter is a whole segment/],
    ["/a/{{b}}", /parameter is a whole segment/],
    ["/a/{1}", /parameter is a whole segment/],
    ["/a/{b c}", /parameter is a whole segment/],
    [`/a/{${"x".repeat(101)}}`, /parameter is a whole segment/],
    ["/straße", /percent-encoded/],
    ["/a b", /percent-encoded/],
    ["/a?b=c", /percent-encoded/],
    ["/a#b", /percent-encoded/],
    ["/a\\b", /percent-encoded/],
    ["/%61dmin", /Write it plainly/],
    ["/a%zz", /percent-encoded/],
    ["/a%2", /percent-encoded/],
    [`/${"a".repeat(2000)}`, /at most 2000/],
  ])("%j", (path, message) => {
    expect(faultsOfRoutes([on("/fine", "GET"), on(path, "GET")])).toEqual([
      { index: 1, message: expect.stringMatching(message) as string },
    ]);
    expect(() => compileRoutes([on(path)])).toThrow(/^Resource 0: /);
  });

  it.each<[one: string, other: string]>([
    ["/a/{x}", "/a/{y}"],
    ["/a", "/a"],
    ["/{a}/*", "/{b}/*"],
    ["/a%2f", "/a%2F"],
    ["/a/", "/a/"],
  ])("%j beside %j", (one, other) => {
    expect(faultsOfRoutes([on(one), on("/else"), on(other)])).toEqual([
      { index: 2, message: "The path matches what that of resource 0 does. Put their operations together." },
    ]);
  });

  it.each<[one: string, other: string]>([
    ["/a", "/a/"],
    ["/a/{x}", "/a/*"],
    ["/a/{x}", "/a/b"],
    ["/a/{x}/{x}", "/a/{x}"],
    ["/a", "/A"],
    ["/", "/*"],
  ])("%j may stand beside %j", (one, other) => {
    expect(faultsOfRoutes([on(one), on(other)])).toEqual([]);
  });

  it("of operations are told with their place", () => {
    expect(faultsOfRoutes([on("/a", "GET", "G T", "get"), on("/b{", "")])).toEqual([
      { index: 0, operation: 1, message: "The method is none. Use one such as GET or POST." },
      { index: 0, operation: 2, message: "The resource has GET twice. Leave one of them out." },
      { index: 1, message: expect.stringContaining("whole segment") as string },
      { index: 1, operation: 0, message: "The method is none. Use one such as GET or POST." },
    ]);
  });
});

it.each([
  ["/a", { values: 0, wildcard: false }],
  ["/{a}/{a}/b", { values: 2, wildcard: false }],
  ["/{a}/*", { values: 2, wildcard: true }],
])("%s receives %j", (path, received) => {
  expect(receivedBy(path)).toEqual(received);
});

describe("base paths", () => {
  const bases = ["/shop", "/shop/v2", "/shop/v2/admin", "/pay"];
  const find = compileBases(bases.map((basePath) => ({ basePath })));
  it.each<[path: string, base: string | undefined, rest?: string]>([
    ["/shop", "/shop", ""],
    ["/shop/", "/shop", "/"],
    ["/shop/orders//1", "/shop", "/orders//1"],
    ["/shopping", undefined],
    ["/shop/v2", "/shop/v2", ""],
    ["/shop/v2x/y", "/shop", "/v2x/y"],
    ["/shop/v2/x%2Fy", "/shop/v2", "/x%2Fy"],
    ["/shop/v2/admin/", "/shop/v2/admin", "/"],
    ["/shop/v2/%61dmin/x", undefined],
    ["/Shop", undefined],
    ["/", undefined],
    ["", undefined],
    ["//shop", undefined],
  ])("%j is of %s", (path, base, rest) => {
    expect(find(path)).toEqual(base === undefined ? undefined : { api: { basePath: base }, rest });
  });

  it("an API at / takes what no other one does", () => {
    const match = compileBases([{ basePath: "/" }, { basePath: "/a" }]);
    expect(match("/b/c")).toEqual({ api: { basePath: "/" }, rest: "/b/c" });
    expect(match("")).toEqual({ api: { basePath: "/" }, rest: "" });
    expect(match("/a/c")).toEqual({ api: { basePath: "/a" }, rest: "/c" });
  });

  it.each(["", "a", "/a/", "/a//b", "/{a}", "/a/*", "/a/..", "/ä"])("%j is none", (basePath) => {
    expect(faultOfBase(basePath)).toBeDefined();
    expect(() => compileBases([{ basePath: "/fine" }, { basePath }])).toThrow(/^API 1: /);
  });

  it("stand once", () => {
    expect(faultsOfBases([{ basePath: "/a%2f" }, { basePath: "/b" }, { basePath: "/a%2F" }])).toEqual([
      { index: 2, message: "The base path is that of API 0." },
    ]);
  });
});

it.each([
  ["https://gw.example/a/../b%2F//c?x=1&x=2", "/a/../b%2F//c", "?x=1&x=2"],
  ["https://gw.example/a\\..\\b", "/a\\..\\b", ""],
  ["https://gw.example", "", ""],
  ["https://gw.example?a=/b", "", "?a=/b"],
  ["https://gw.example/?", "/", "?"],
  ["https://gw.example//host/x", "//host/x", ""],
  ["https://gw.example/a#/b?c", "/a", ""],
])("%s has the path %j and the query %j", (url, path, query) => {
  expect(partsOfUrl(url)).toEqual({ path, query });
});
