import * as fc from "fast-check";
import { describe, expect, it, vi } from "vitest";

import { compileBases, compileRoutes, faultsOfRoutes } from "./match.ts";

const on = (path: string) => ({ path, operations: [{ method: "GET" }] });
const based = (basePath: string) => ({ basePath });

const segment = fc.constantFrom("a", "b", "{x}", "{y}", "%2f", "%2F", "a.b", "%61");
const template = fc
  .tuple(fc.array(segment, { maxLength: 4 }), fc.constantFrom("", "", "/", "/*"))
  .map(([segments, end]) => (segments.length === 0 ? end || "/" : `/${segments.join("/")}${end}`));
const sent = fc
  .array(fc.constantFrom("a", "b", "", "c", "%2f", "%2F", "%61", "%62", "a.b", "%2E"), { maxLength: 5 })
  .map((segments) => `/${segments.join("/")}`);

const upper = (text: string) => text.replaceAll(/%../g, (code) => code.toUpperCase());
const plain = (path: string) => path.replaceAll("%61", "a").replaceAll("%62", "b");
const kindOf = (one: string) => (one.startsWith("{") ? "1" : one === "*" ? "2" : "0");
const rank = (one: string) => one.split("/").map(kindOf).join("");

/** One regular expression for each resource; of those that match, the one whose segments are more literal first. */
function naive(templates: readonly string[], path: string): [string, ...string[]] | undefined {
  const matching = templates.flatMap((one): [string, ...string[]][] => {
    const source = upper(one).replaceAll(".", "\\.").replace(/\*$/, "(.*)").replaceAll(/\{.\}/gi, "([^/]+)");
    const isMatched = new RegExp(`^${source}$`).test(upper(path));
    const values = new RegExp(`^${source.replaceAll(/%../g, "%..")}$`).exec(path);
    return isMatched && values !== null ? [[one, ...values.slice(1)]] : [];
  });
  return matching.toSorted(([one], [other]) => (rank(one) < rank(other) ? -1 : 1))[0];
}

/** The same for paths that mean one thing only. */
function agreed(templates: readonly string[], path: string) {
  if (path.split("/").includes("%2E")) return undefined;
  const match = naive(templates, path);
  if (match === undefined || naive(templates, plain(path))?.[0] !== match[0]) return undefined;
  const bare = plain(path).replaceAll(/\/{2,}/g, "/");
  const isLiteral = !/[{*]/.test(match[0]);
  const others = [bare, bare.replace(/(.)\/$/, "$1")].map((one) => naive(templates, one)?.[0]);
  return isLiteral || others.every((one) => one === undefined || one === match[0]) ? match : undefined;
}

function found(templates: readonly string[], path: string) {
  const match = compileRoutes(templates.map(on))("GET", path);
  return match === undefined ? undefined : [match.resource.path, ...match.values];
}

describe("whatever the resources and the path are", () => {
  it("the tree finds what a walk over all of them finds", () => {
    let hits = 0;
    const same = fc.property(fc.uniqueArray(template, { maxLength: 12 }), sent, (drawn, path) => {
      const repeated = new Set(faultsOfRoutes(drawn.map(on)).map(({ index }) => index));
      const templates = drawn.filter((_, index) => !repeated.has(index));
      const expected = agreed(templates, path);
      if (expected !== undefined) hits += 1;
      expect(found(templates, path)).toEqual(expected);
    });
    fc.assert(same, { numRuns: 3000 });
    expect(hits).toBeGreaterThan(300);
  });

  it("the order of the resources does not count", () => {
    const same = fc.property(fc.uniqueArray(template, { maxLength: 8 }), sent, (drawn, path) => {
      fc.pre(faultsOfRoutes(drawn.map(on)).length === 0);
      expect(found(drawn, path)).toEqual(found(drawn.toReversed(), path));
    });
    fc.assert(same);
  });
});

const base = fc
  .array(fc.constantFrom("a", "b", "ab", "%2f"), { maxLength: 3 })
  .map((segments) => `/${segments.join("/")}`);
const below = fc
  .array(fc.constantFrom("a", "b", "ab", "", "%2F", "%61"), { maxLength: 5 })
  .map((segments) => `/${segments.join("/")}`);

const begins = (one: string, path: string) => one === "/" || upper(`${path}/`).startsWith(`${upper(one)}/`);
const longest = (bases: readonly string[], path: string) =>
  bases.filter((one) => begins(one, path)).toSorted((one, other) => other.length - one.length)[0];

it("a base is the longest that begins the path in whole segments", () => {
  const same = fc.property(fc.uniqueArray(base, { maxLength: 8 }), below, (bases, path) => {
    const one = longest(bases, path);
    const match = compileBases(bases.map(based))(path);
    const expected = one === longest(bases, plain(path)) ? one : undefined;
    expect(match?.api.basePath).toBe(expected);
    expect(match?.rest).toBe(expected === "/" ? path : expected && path.slice(expected.length));
  });
  fc.assert(same, { numRuns: 2000 });
});

/** Looks into maps, which is what a match is made of. */
function looks(call: () => unknown): number {
  const spy = vi.spyOn(Map.prototype, "get");
  call();
  const count = spy.mock.calls.length;
  spy.mockRestore();
  return count;
}

function costOfRoutes(size: number): number[] {
  const match = compileRoutes(Array.from({ length: size }, (_, index) => on(`/r${index}/{id}/items`)));
  const last = `/r${size - 1}/7/items`;
  expect(match("GET", last)?.values).toEqual(["7"]);
  return [looks(() => match("GET", last)), looks(() => match("GET", "/nowhere/7/items"))];
}

function costOfBases(size: number): number[] {
  const find = compileBases(Array.from({ length: size }, (_, index) => based(`/api/b${index}`)));
  expect(find(`/api/b${size - 1}/x`)?.rest).toBe("/x");
  return [looks(() => find(`/api/b${size - 1}/x`)), looks(() => find("/nowhere/x/y/z"))];
}

describe("what a match costs", () => {
  it("does not grow with the resources", () => {
    expect(costOfRoutes(1000)).toEqual(costOfRoutes(10));
    expect(costOfRoutes(1000)).toEqual([4, 1]);
  });

  it("does not grow with the APIs, and an unknown path is one look", () => {
    expect(costOfBases(1000)).toEqual(costOfBases(10));
    expect(costOfBases(1000)).toEqual([3, 1]);
  });
});
