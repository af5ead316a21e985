import { describe, expect, it } from "vitest";

import { checkWorkflow } from "./check.ts";

const script = (commands: unknown, more: object = {}) => ({ name: "test", commands, ...more });
const log = { command: "log", message: "Here." };
const done = { command: "success" };
const failed = { command: "error", code: "X", message: "x" };
const decided = { command: "decision", decision: "x" };
const ending = { command: "route", uri: "/end", terminal: true };
const route = { command: "route", uri: "/x", namespace: "x" };
const when = (more: object) => ({ command: "if", condition: "true", ...more });
const cases = (list: object[], more: object = {}) => ({
  command: "switch",
  cases: list.map((one) => ({ condition: "true", ...one })),
  ...more,
});
const loop = (...commands: object[]) => ({ command: "loop", until: "true", do: commands });
const exchange = (fallback: object[]) => ({ command: "exchange", url: "https://a.example.com", fallback });
const through = (name: string) => ({ command: "path", name });
const registered = {
  routes: { end: { uri: "/end", terminal: true } },
  paths: { ends: [log, done], goesOn: [when({ do: [done] })], leads: [through("ends")] },
  functions: { f: { commands: [done] } },
};

/** Codes and places of all that is found, warnings with a question mark. */
function found(input: unknown): string[] {
  const checked = checkWorkflow(input);
  const faults = checked.ok ? checked.warnings : checked.faults;
  return faults.map(({ code, path, warning }) => `${code}${warning === true ? "?" : ""} ${path.join("/")}`);
}

describe("what ends", () => {
  it.each<[string, object, boolean]>([
    ["success", done, true],
    ["error", failed, true],
    ["decision", decided, true],
    ["a route", route, false],
    ["a terminal route", ending, true],
    ["a route registered as terminal", { command: "route", name: "end" }, true],
    ["one that is not here", { command: "route", name: "end", terminal: false }, false],
    ["log", log, false],
    ["a function that ends", { command: "function", name: "f" }, false],
    ["if without else", when({ do: [done] }), false],
    ["if with an empty else", when({ do: [done], else: [] }), false],
    ["if with one that goes on", when({ do: [log], else: [done] }), false],
    ["if with both", when({ do: [done], else: [log, failed] }), true],
    ["match with both", { ...when({ do: [done], else: [done] }), command: "match" }, true],
    ["if within if", when({ do: [when({ do: [done], else: [done] })], else: [done] }), true],
    ["switch without default", cases([{ do: [done] }]), false],
    ["switch with one that goes on", cases([{ do: [done] }], { default: [] }), false],
    ["switch with all", cases([{ do: [done] }, { do: [done] }], { default: [done] }), true],
    ["a case that breaks", cases([{ do: [log], break: true }, { do: [done] }], { default: [done] }), false],
    ["a case that ends before it breaks", cases([{ do: [done], break: true }], { default: [done] }), true],
    ["a case that falls into one that ends", cases([{ do: [log] }, { do: [done] }], { default: [done] }), true],
    ["a case that falls into the default", cases([{ do: [done] }, { do: [log] }], { default: [done] }), true],
    [
      "a case that falls into one that breaks",
      cases([{ do: [] }, { do: [], break: true }], { default: [done] }),
      false,
    ],
    ["loop", loop(log), false],
    ["loop that ends", loop(log, done), true],
    ["loop that may end", loop(when({ do: [done] })), false],
    ["a fallback", exchange([done]), false],
    ["a path that goes on", through("goesOn"), false],
    ["a path that ends", through("ends"), true],
    ["a path that leads to one", through("leads"), true],
  ])("%s", (_name, command, ends) => {
    expect(found(script([log, command, log, log], registered))).toEqual(ends ? ["COMMAND_UNREACHABLE commands/2"] : []);
    expect(found(script([log, command], registered))).toEqual([]);
  });
});

describe("where it is told", () => {
  it.each<[string, object, string]>([
    ["do", when({ do: [done, log] }), "commands/0/do/1"],
    ["else", when({ do: [], else: [done, log] }), "commands/0/else/1"],
    ["a case", cases([{ do: [] }, { do: [done, log] }]), "commands/0/cases/1/do/1"],
    ["default", cases([{ do: [] }], { default: [done, log] }), "commands/0/default/1"],
    ["loop", loop(done, log), "commands/0/do/1"],
    ["fallback", exchange([done, log]), "commands/0/fallback/1"],
  ])("%s", (_name, command, place) => {
    expect(found(script([command], registered))).toEqual([`COMMAND_UNREACHABLE ${place}`]);
  });

  it("paths and functions, and once for each list", () => {
    const more = { paths: { p: [done, log, done, log] }, functions: { f: { commands: [failed, log] } } };
    expect(found(script([decided, route], more)).toSorted()).toEqual([
      "COMMAND_UNREACHABLE commands/1",
      "COMMAND_UNREACHABLE functions/f/commands/1",
      "COMMAND_UNREACHABLE paths/p/1",
    ]);
  });
});
