import { describe, expect, it } from "vitest";

import { compileRoutes } from "./match.ts";

const found = (paths: readonly string[], path: string) => {
  const match = compileRoutes(paths.map((one) => ({ path: one, operations: [{ method: "GET" }] })))("GET", path);
  return match === undefined ? undefined : [match.resource.path, ...match.values];
};

describe("spellings that servers may read as another resource match nothing", () => {
  const open = ["/admin", "/{name}", "/*", "/stra%C3%9Fe"];
  it.each([
    ["/admin;x=1", open],
    ["/admin/", open],
    ["//admin", open],
    ["/stra\u00dfe", open],
    ["/%61dmin", open],
  ])("%s", (path, paths) => {
    expect(found(paths, path)).toBeUndefined();
  });

  it.each([
    ["/admin", ["/admin"]],
    ["/others;x=1", ["/{name}", "others;x=1"]],
    ["/b//c/", ["/*", "b//c/"]],
  ])("%s is what it is", (path, expected) => {
    expect(found(open, path)).toEqual(expected);
  });
});
