import { describe, expect, it } from "vitest";

import { checkWorkflow } from "./check.ts";

const script = (commands: unknown, more: object = {}) => ({ name: "test", commands, ...more });
const log = (name: string) => ({ command: "log", message: `{{${name}}}` });
const set = (...names: string[]) => ({ command: "set", values: Object.fromEntries(names.map((name) => [name, 1])) });
const when = (condition: string, more: object) => ({ command: "if", condition, ...more });
const cases = (list: object[], more: object = {}) => ({
  command: "switch",
  cases: list.map((one) => ({ condition: "true", ...one })),
  ...more,
});
const route = (more: object) => ({ command: "route", uri: "/x", ...more });
const exchange = (more: object) => ({ command: "exchange", url: "https://a.example.com", ...more });
const loop = (until: string, ...commands: object[]) => ({ command: "loop", until, do: commands });
const through = (name: string) => ({ command: "path", name });
const f = { functions: { f: { commands: [] } } };
const wrong = "ATTRIBUTE_UNSET";
const late = "ATTRIBUTE_UNSET?";

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

describe("what sets an attribute", () => {
  it.each<[string, object, object?]>([
    ["set", set("a")],
    ["set deep", set("a.b.0")],
    ["the namespace of a route", route({ namespace: "a.b", name: "x" })],
    ["the name of a route", route({ name: "a" })],
    [
      "the namespace of a registered route",
      { command: "route", name: "r" },
      { routes: { r: { uri: "/", namespace: "a" } } },
    ],
    ["the fields of a route", route({ validate: { a: { rule: "string" } } })],
    [
      "the namespace of a function",
      { command: "function", name: "f", namespace: "a" },
      { functions: { f: { commands: [] } } },
    ],
    ["the namespace of an exchange", exchange({ namespace: "a" })],
    ["the name of an exchange", exchange({ name: "a" })],
    ["an async one", exchange({ namespace: "a", async: true })],
    ["a fallback", exchange({ fallback: [set("a")] })],
    ["the namespace of a function", { command: "function", name: "f", namespace: "a" }, f],
    ["a wait", { command: "wait", event: "e", namespace: "a" }],
    ["a sharable", { command: "sharable", of: "execution", namespace: "a" }],
    ["one branch", when("true", { do: [set("a")] })],
    ["the other branch", when("true", { do: [], else: [set("a")] })],
    ["a case", cases([{ do: [] }, { do: [set("a")] }])],
    ["a default", cases([{ do: [] }], { default: [set("a")] })],
    ["a loop", loop("a", set("a"))],
    ["a path", through("p"), { paths: { p: [when("true", { do: [through("q")] })], q: [set("a")] } }],
  ])("%s", (_name, command, more = {}) => {
    expect(found(script([command, log("a")], more))).toEqual([]);
  });

  it.each<[string, object, object?]>([
    ["set of another", set("b.a", "share.a")],
    ["a terminal route that is never come to", when("true", { do: [route({ name: "a", terminal: true })] })],
    ["an exchange without a name", exchange({})],
    ["a wait without a namespace", { command: "wait", event: "a" }],
    ["a sharable without one", { command: "sharable", of: "execution" }],
    ["the fields of a route with a namespace", route({ namespace: "b", validate: { a: { rule: "string" } } })],
    ["a function", { command: "function", name: "g", namespace: "b" }, { functions: { g: { commands: [set("a")] } } }],
    ["a function by its name", { command: "function", name: "a" }, { functions: { a: { commands: [] } } }],
    ["a path that nobody goes through", log("it"), { paths: { p: [set("a")] } }],
  ])("not %s", (_name, command, more = {}) => {
    expect(found(script([command, log("a")], more))).toEqual([`${wrong} commands/1/message`]);
  });

  it("it, init, share and execution are always there", () => {
    expect(found(script([log("it & init & share.x & execution.uuid")]))).toEqual([]);
  });
});

describe("where it is read", () => {
  it.each<[string, object, ...string[]]>([
    ["condition", when("a", { do: [] }), "condition"],
    ["until", loop("a"), "until"],
    [
      "value and conditions",
      cases([{ condition: "b", do: [] }, { do: [] }], { value: "a" }),
      "value",
      "cases/0/condition",
    ],
    [
      "route",
      route({ name: "x", uri: "{{a}}", export: [{ y: "{{a}}" }], result: "{{a}}" }),
      "uri",
      "export/0/y",
      "result",
    ],
    [
      "exchange",
      exchange({
        url: "https://x.example/{{a}}",
        headers: { h: "{{a}}" },
        query: { q: "{{a}}" },
        body: { b: "{{a}}" },
      }),
      "url",
      "headers/h",
      "query/q",
      "body/b",
    ],
    ["function", { command: "function", name: "f", input: { x: "{{a}}" } }, "input/x"],
    ["set", { command: "set", values: { x: { y: "{{a}}" } } }, "values/x/y"],
    ["success", { command: "success", result: "{{a}}" }, "result"],
    ["error", { command: "error", code: "X", message: "{{a}}" }, "message"],
    ["decision", { command: "decision", decision: "{{a}}", result: "{{a}}" }, "decision", "result"],
    ["log", log("a"), "message"],
    ["wait", { command: "wait", seconds: "{{a}}" }, "seconds"],
    ["sharable", { command: "sharable", of: "payload", payload: "{{a}}", token: "{{a}}" }, "payload", "token"],
    ["fallback", exchange({ fallback: [log("a")] }), "fallback/0/message"],
  ])("%s", (_name, command, ...places) => {
    expect(found(script([command], f))).toEqual(places.map((place) => `${wrong} commands/0/${place}`));
  });

  it("each name once for each place", () => {
    expect(found(script([{ command: "log", message: "{{a}} {{a & b}} {{b}}" }]))).toHaveLength(2);
  });
});

describe("what is set only later", () => {
  it.each<[string, object[], ...string[]]>([
    ["behind", [log("a"), set("a")], `${late} commands/0/message`],
    ["behind, but it is asked for", [log("$exists(a)"), log("a ?? 1"), set("a")]],
    ["by itself", [exchange({ url: "{{a}}", namespace: "a" })], `${late} commands/0/url`],
    ["by set itself", [{ command: "set", values: { a: "{{a + 1}}" } }], `${late} commands/0/values/a`],
    ["by set before", [{ command: "set", values: { a: 1, b: "{{a + 1}}" } }]],
    ["in a loop", [loop("a", log("a"), { command: "set", values: { a: "{{a + 1}}" } })]],
    ["behind a loop", [loop("true", log("a")), set("a")], `${late} commands/0/do/0/message`],
    ["in the branch itself", [when("a", { do: [set("a")] })], `${late} commands/0/condition`],
    ["in the other branch", [when("true", { do: [set("a")], else: [log("a")] })], `${late} commands/0/else/0/message`],
    [
      "by what has a fallback",
      [exchange({ namespace: "a", fallback: [log("a")] })],
      `${late} commands/0/fallback/0/message`,
    ],
    ["in a case before", [cases([{ do: [set("a")] }, { do: [log("a")] }], { default: [log("a")] })]],
    [
      "in a case that breaks",
      [cases([{ do: [set("a")], break: true }, { do: [log("a")] }], { default: [log("a")] })],
      `${late} commands/0/cases/1/do/0/message`,
      `${late} commands/0/default/0/message`,
    ],
    [
      "in a case, for its condition",
      [cases([{ do: [set("a")] }, { condition: "a", do: [] }])],
      `${late} commands/0/cases/1/condition`,
    ],
    [
      "behind a route that keeps nothing",
      [route({}), log("a"), set("a")],
      "ROUTE_PAYLOAD_LOST? commands/0",
      `${late} commands/1/message`,
    ],
  ])("%s", (_name, commands, ...warnings) => {
    expect(found(script(commands))).toEqual(warnings);
    expect(checkWorkflow(script(commands)).ok).toBe(true);
  });
});

describe("paths, functions and registered routes", () => {
  it.each<[string, object[], object, ...string[]]>([
    ["a path sees what was set before", [set("a"), through("p")], { paths: { p: [log("a")] } }],
    ["not what is set behind", [through("p"), set("a")], { paths: { p: [log("a")] } }, `${late} paths/p/0/message`],
    ["but what is set before it once", [through("p"), set("a"), through("p")], { paths: { p: [log("a")] } }],
    ["through another path", [set("a"), through("q")], { paths: { p: [log("a")], q: [through("p")] } }],
    ["and what nobody sets", [through("p")], { paths: { p: [log("a")] } }, `${wrong} paths/p/0/message`],
    ["a path that nobody uses", [set("a")], { paths: { p: [log("a & b"), set("b")] } }],
    ["but nobody sets it", [set("a")], { paths: { p: [log("c")] } }, `${wrong} paths/p/0/message`],
    ["a function sees its own", [], { functions: { f: { commands: [set("a"), log("a & it.b")] } } }],
    [
      "not what the script has",
      [set("a")],
      { functions: { f: { commands: [log("a")] } } },
      `${wrong} functions/f/commands/0/message`,
    ],
    [
      "and what its paths set",
      [],
      { paths: { p: [set("a")] }, functions: { f: { commands: [log("a"), through("p"), log("a")] } } },
      `${late} functions/f/commands/0/message`,
    ],
    [
      "a path of a function sees what that set",
      [],
      { paths: { p: [log("a")] }, functions: { f: { commands: [set("a"), through("p")] } } },
    ],
    [
      "a route that is registered",
      [{ command: "route", name: "r" }],
      { routes: { r: { uri: "{{a}}", export: { x: ["{{b}}"] }, result: "{{r}}" }, unused: { uri: "{{c}}" } } },
      `${wrong} routes/r/uri`,
      `${wrong} routes/r/export/x/0`,
      `${late} routes/r/result`,
    ],
    [
      "what is said at the place of use goes before",
      [set("b"), { command: "route", name: "r", uri: "/{{b}}" }],
      { routes: { r: { uri: "{{a}}", export: "{{b}}" } } },
    ],
    [
      "and one use is enough",
      [{ command: "route", name: "r" }, set("a"), { command: "route", name: "r" }],
      { routes: { r: { uri: "{{a}}" } } },
    ],
  ])("%s", (_name, commands, more, ...faults) => {
    expect(found(script(commands, more))).toEqual(faults);
  });

  it("is told in words", () => {
    expect(messages(script([set("basic"), log("basc.age")]))).toEqual([
      'No command sets "basc". There are basic, it, init, share, execution.',
    ]);
    expect(messages(script([log("a"), set("a")]))).toEqual(['"a" is set only later: here it is empty.']);
    expect(messages(script([], { functions: { f: { commands: [log("a")] } } }))).toEqual([
      'Nothing in the function "f" sets "a". There are it, init, share, execution. A function reads its input as it.a.',
    ]);
  });

  it("a flood of them is told in part", () => {
    const names = Array.from({ length: 1000 }, (_, index) => `n${index}`);
    expect(found(script(names.map(log)))).toHaveLength(400);
    const later = found(script([...names.slice(0, 990).map(log), set(...names), log("nope")]));
    expect(later).toHaveLength(201);
    expect(later.at(-1)).toBe(`${wrong} commands/991/message`);
  });
});
