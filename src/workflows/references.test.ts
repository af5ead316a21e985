import { describe, expect, it } from "vitest";

import { checkWorkflow } from "./check.ts";

const script = (commands: unknown, more: object = {}) => ({ name: "test", commands, ...more });
const through = (name: string) => ({ command: "path", name });
const call = (name: string) => ({ command: "function", name, namespace: "result" });
const route = { command: "route", name: "x", uri: "/x" };
const when = (...commands: object[]) => ({ command: "if", condition: "true", do: commands });
const commands = (...list: object[]) => ({ commands: list });

/** Codes and places of all that is found, warnings with a question mark. */
function found(input: unknown): string[] {
  const checked = checkWorkflow(input);
  const faults = checked.ok ? checked.warnings : checked.faults;
  return faults.map(({ code, path, warning }) => `${code}${warning === true ? "?" : ""} ${path.join("/")}`);
}

const messages = (input: unknown) => {
  const checked = checkWorkflow(input);
  return (checked.ok ? checked.warnings : checked.faults).map(({ message }) => message);
};

describe("what leads back to itself", () => {
  it.each<[string, object, ...string[]]>([
    ["nothing", { paths: { a: [through("b"), through("b")], b: [] } }],
    ["a path", { paths: { a: [through("a")] } }, "PATH_RECURSIVE paths/a/0/name"],
    ["a path within a command", { paths: { a: [when(through("a"))] } }, "PATH_RECURSIVE paths/a/0/do/0/name"],
    ["two paths", { paths: { a: [through("b")], b: [through("a")] } }, "PATH_RECURSIVE paths/b/0/name"],
    [
      "two rings",
      { paths: { a: [through("a"), through("b")], b: [through("c")], c: [through("b")] } },
      "PATH_RECURSIVE paths/a/0/name",
      "PATH_RECURSIVE paths/c/0/name",
    ],
    ["a function", { functions: { f: commands(call("f")) } }, "FUNCTION_RECURSIVE functions/f/commands/0/name"],
    [
      "two functions",
      { functions: { f: commands(call("g")), g: commands(call("f")) } },
      "FUNCTION_RECURSIVE functions/g/commands/0/name",
    ],
    [
      "a function through a path",
      { paths: { p: [call("f")] }, functions: { f: commands(through("p")) } },
      "FUNCTION_RECURSIVE functions/f/commands/0/name",
    ],
    ["a path and a function of one name", { paths: { a: [call("a")] }, functions: { a: { commands: [] } } }],
  ])("%s", (_name, more, ...faults) => {
    expect(found(script([], more))).toEqual(faults);
  });

  it("is told with the way round", () => {
    const paths = { a: [through("b")], b: [through("c")], c: [through("b")] };
    expect(messages(script([through("a")], { paths }))).toEqual([
      'The path "b" leads back to itself: b → c → b. Use a loop.',
    ]);
  });
});

describe("routes in functions", () => {
  it.each<[string, object, ...string[]]>([
    ["none", { paths: { p: [route] }, functions: { f: { commands: [] } } }],
    ["one", { functions: { f: commands(route) } }, "ROUTE_IN_FUNCTION functions/f/commands/0"],
    [
      "one that is terminal",
      { functions: { f: commands({ ...route, terminal: true }) } },
      "ROUTE_IN_FUNCTION functions/f/commands/0",
    ],
    [
      "within commands",
      { functions: { f: commands(when(when(route))) } },
      "ROUTE_IN_FUNCTION functions/f/commands/0/do/0/do/0",
    ],
    [
      "through a path",
      { paths: { p: [when(route)] }, functions: { f: commands(when(through("p"))) } },
      "ROUTE_IN_FUNCTION functions/f/commands/0/do/0",
    ],
    [
      "through two paths",
      { paths: { q: [through("p")], p: [route] }, functions: { f: commands(through("q")) } },
      "ROUTE_IN_FUNCTION functions/f/commands/0",
    ],
    [
      "in a function that another one calls",
      { functions: { f: commands(call("g")), g: commands(route) } },
      "ROUTE_IN_FUNCTION functions/g/commands/0",
    ],
    [
      "in one that leads back to itself too",
      { functions: { f: commands(route, call("f")) } },
      "FUNCTION_RECURSIVE functions/f/commands/1/name",
      "ROUTE_IN_FUNCTION functions/f/commands/0",
    ],
  ])("%s", (_name, more, ...faults) => {
    expect(found(script([], more))).toEqual(faults);
  });
});
