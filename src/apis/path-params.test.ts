import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { compileDestination, faultOfDestination, faultOfPath, mapPath, type Given } from "./path-params.ts";
import { compileRoutes, receivedBy } from "./match.ts";

const resource = "/path/{param1}/path/{param2}/path/{param3}";
const valuesOf = (path: string, sent: string) =>
  compileRoutes([{ path, operations: [{ method: "GET" }] }])("GET", sent)?.values ?? [];

describe("the seed's examples", () => {
  it.each([
    ["/path/{param1}/path/{param2}/path/{param3}", "/path/1/path/2/path/3"],
    ["/path/{param3}/path/{param2}/path/{param1}", "/path/1/path/2/path/3"],
    ["/path/{param1}/path/{param2}/path/{param1}", "/path/1/path/2/path/1"],
    ["/path/{param3}/path/{param2}/path/{param3}", "/path/1/path/2/path/1"],
  ])("%s: %s", (destination, forwarded) => {
    expect(faultOfPath(destination, receivedBy(resource))).toBeUndefined();
    expect(mapPath(destination, valuesOf(resource, "/path/1/path/2/path/3"))).toBe(forwarded);
  });
});

describe("a path with the values of a call", () => {
  it.each<[template: string, values: string[], path: string]>([
    ["", ["1"], ""],
    ["/", ["1"], "/"],
    ["/fixed", ["1", "2"], "/fixed"],
    ["/{a}", ["1", "2", "3"], "/1"],
    ["/{a}/{a}/{b}/{a}", ["1", "2"], "/1/1/2/1"],
    ["/{a}", ["a%2Fb%20%C3%9F"], "/a%2Fb%20%C3%9F"],
    ["/{a}/{b}", ["{b}", "$&"], "/{b}/$&"],
    ["//x//{a}/", ["1"], "//x//1/"],
    ["/x/*", ["1", "a//b/"], "/x/a//b/"],
    ["/x/{a}/*", ["1", "2", "r"], "/x/1/r"],
    ["/x/{a}/{b}", ["1", "r/s"], "/x/1/r/s"],
    ["/x/*", [""], "/x/"],
    ["/{__proto__}/{constructor}", ["1", "2"], "/1/2"],
  ])("%s with %j: %s", (template, values, path) => {
    expect(mapPath(template, values)).toBe(path);
  });

  it("is never one with a value that is missing", () => {
    expect(() => mapPath("/{a}/{b}", ["1"])).toThrow(TypeError);
    expect(() => mapPath("/*", [])).toThrow(TypeError);
  });

  it("takes the k-th value for the k-th different name, whatever the names", () => {
    const names = fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 8 });
    const values = fc.array(fc.stringMatching(/^[\w%{}$]{1,5}$/), { minLength: 4, maxLength: 6 });
    const maps = fc.property(names, values, (placed, received) => {
      const seen: string[] = [];
      const expected = placed.map((name) => {
        if (!seen.includes(name)) seen.push(name);
        return received[seen.indexOf(name)];
      });
      const template = placed.map((name) => `/{${name}}`).join("");
      expect(mapPath(template, received)).toBe(expected.map((value) => `/${value}`).join(""));
    });
    fc.assert(maps);
  });
});

describe("faults of a destination's path", () => {
  it.each<[template: string, resource: string, message: RegExp]>([
    ["/{x}/{y}", "/{a}", /has 2 different parameters, but the resource receives 1/],
    ["/{x}", "/a", /has 1 different parameters, but the resource receives 0/],
    ["/{x}/{x}", "/{a}", /^none$/],
    ["/{x}/{y}", "/{a}/{a}", /^none$/],
    ["/{x}/{y}", "/{a}/*", /^none$/],
    ["/*", "/{a}", /ends in \*/],
    ["/*", "/a/*", /^none$/],
    ["/b", "/{a}", /^none$/],
    ["//b//", "/a", /^none$/],
    ["/b/../c", "/a", /no segment \. or/],
    ["/b/{x}.json", "/{a}", /whole segment/],
    ["/ü", "/a", /percent-encoded/],
  ])("%s for %s", (template, path, message) => {
    expect(faultOfPath(template, receivedBy(path)) ?? "none").toMatch(message);
  });
});

const single: Given = { kind: "values", values: 2, wildcard: false };
const many: Given = { kind: "path" };

describe("faults of a destination", () => {
  it.each<[url: string, given: Given, message: RegExp]>([
    ["ftp://b.example/", single, /is an address such as/],
    ["b.example/x", single, /is an address such as/],
    ["/x", single, /is an address such as/],
    ["https://", single, /is an address such as/],
    ["https://b.example/x#y", single, /no fragment/],
    ["https://ada:pw@b.example/", single, /user or a password/],
    ["https://{a}.example/", single, /host of the destination/],
    ["https://b example/", single, /host of the destination/],
    ["https://b.example:99999/", single, /host of the destination/],
    ["https://b.example\\x/", single, /host of the destination/],
    ["https://b.example/?id={a}", single, /not in its query/],
    ["https://b.example/?a b", single, /that no query has/],
    ["https://b.example/{a}/{b}/{c}", single, /has 3 different/],
    ["https://b.example/x/*", single, /ends in \*/],
    ["https://b.example/{a}", many, /takes the path as it was called/],
    ["https://b.example/*", many, /takes the path as it was called/],
    ["https://b.example/../x", many, /no segment/],
  ])("%s", (url, given, message) => {
    expect(faultOfDestination(url, given)).toMatch(message);
    expect(faultOfDestination(url, given)).not.toContain("pw");
    expect(() => compileDestination(url, given)).toThrow(TypeError);
  });
});

describe("where a call goes", () => {
  const call = { rest: "/path/a%2Fb//c", values: ["a%2fb", "2"], query: "?q=%20&q=2" };
  it.each<[url: string, given: Given, called: Partial<typeof call>, address: string]>([
    ["https://b.example/x/{p}/{q}", single, {}, "https://b.example/x/a%2fb/2?q=%20&q=2"],
    ["https://b.example/x/{q}?fixed=1", single, {}, "https://b.example/x/a%2fb?fixed=1"],
    ["https://b.example/x/{q}?", single, {}, "https://b.example/x/a%2fb?"],
    ["https://b.example", single, {}, "https://b.example?q=%20&q=2"],
    ["http://b.example:8080/{x}/", single, { query: "" }, "http://b.example:8080/a%2fb/"],
    ["https://b.example", many, {}, "https://b.example/path/a%2Fb//c?q=%20&q=2"],
    ["https://b.example/", many, {}, "https://b.example/path/a%2Fb//c?q=%20&q=2"],
    ["https://b.example/v1", many, { query: "" }, "https://b.example/v1/path/a%2Fb//c"],
    ["https://b.example/v1/", many, { rest: "", query: "" }, "https://b.example/v1"],
    ["https://b.example/v1", many, { rest: "/", query: "" }, "https://b.example/v1/"],
    ["https://b.example/v1?key=1", many, {}, "https://b.example/v1/path/a%2Fb//c?key=1"],
    ["https://b.example", many, { rest: "//evil.example/x", query: "" }, "https://b.example//evil.example/x"],
  ])("%s", (url, given, called, address) => {
    const to = compileDestination(url, given)({ ...call, ...called });
    expect(to).toBe(address);
    expect(new URL(to).origin).toBe(new URL(url).origin);
  });

  it("stays below the destination whatever is called", () => {
    const path = fc
      .array(fc.constantFrom("..", ".", "%2e", "/", "\\", "%2f", "@", "x", ";", "\t", ":", "%5C"), { maxLength: 12 })
      .map((parts) => `/${parts.join("")}`);
    const match = compileRoutes(["/*", "/{a}/{b}"].map((one) => ({ path: one, operations: [] })));
    let hits = 0;
    const stays = fc.property(path, (sent) => {
      const matched = match("GET", sent);
      if (matched === undefined) return;
      hits += 1;
      const given: Given = { kind: "values", ...receivedBy(matched.resource.path) };
      const called = { rest: sent, values: matched.values, query: "" };
      const whole = compileDestination(`https://b.example/base${matched.resource.path}`, given)(called);
      for (const to of [whole, compileDestination("https://b.example/base", many)(called)]) {
        expect(new URL(to).href).toBe(`https://b.example/base${sent}`);
        const decoded = decodeURIComponent(new URL(to).pathname).replaceAll("\\", "/");
        expect(new URL(decoded, "https://b.example").pathname).toMatch(/^\/base\//);
      }
    });
    fc.assert(stays, { numRuns: 3000 });
    expect(hits).toBeGreaterThan(100);
  });
});
