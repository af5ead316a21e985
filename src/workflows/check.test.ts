import { describe, expect, it } from "vitest";

import { checkWorkflow } from "./check.ts";
import { onboarding } from "./example.ts";

const script = (commands: unknown, more: object = {}) => ({ name: "test", commands, ...more });
const ask = { command: "route", name: "basic", uri: "/basic", validate: { age: { rule: "number" } } };
const done = { command: "success" };
const log = { command: "log", message: "Here." };

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

it("the story of an onboarding has no findings", () => {
  expect(found(onboarding)).toEqual([]);
  const checked = checkWorkflow(onboarding);
  expect(checked).toMatchObject({ ok: true, warnings: [], workflow: { name: "onboarding", expires: 28_800 } });
});

describe("shape", () => {
  it.each<[string, unknown, ...string[]]>([
    ["no object", [], "WRONG_TYPE "],
    ["nothing", {}, "REQUIRED name", "REQUIRED commands"],
    ["unknown key", script([], { more: 1 }), "KEY_UNKNOWN more"],
    ["a name that is an id", script([], { name: "5ca5c44c187c040010a9bb8b" }), "WRONG_FORM name"],
    ["no list", script("x"), "WRONG_TYPE commands"],
    ["no command", script([5, {}]), "WRONG_TYPE commands/0", "COMMAND_REQUIRED commands/1/command"],
    ["unknown command", script([{ command: "rout" }]), "COMMAND_UNKNOWN commands/0/command"],
    ["a command of another type", script([{ command: 1 }]), "COMMAND_UNKNOWN commands/0/command"],
    [
      "unknown command deep within",
      script([
        { command: "if", condition: "true", do: [{ command: "loop", until: "true", do: [{ command: "nope" }] }] },
      ]),
      "COMMAND_UNKNOWN commands/0/do/0/do/0/command",
    ],
    ["unknown key of a command", script([{ ...ask, url: "/x" }]), "KEY_UNKNOWN commands/0/url"],
    ["no url", script([{ command: "exchange" }]), "EXCHANGE_URL_REQUIRED commands/0/url"],
    ["no condition", script([{ command: "if", do: [] }]), "REQUIRED commands/0/condition"],
    ["empty condition", script([{ command: "if", condition: "", do: [] }]), "EXPRESSION_INVALID commands/0/condition"],
    ["bad condition", script([{ command: "if", condition: "a +", do: [] }]), "EXPRESSION_INVALID commands/0/condition"],
    [
      "bad template",
      script([{ command: "set", values: { a: { b: ["{{"] } } }]),
      "EXPRESSION_INVALID commands/0/values/a/b/0",
    ],
    ["unknown rule", script([], { validate: { a: { rule: "date" } } }), "RULE_UNKNOWN validate/a/rule"],
    ["bad field name", script([], { validate: { "a.b": { rule: "string" } } }), "KEY_INVALID validate/a.b"],
    [
      "choices of another type",
      script([], { validate: { a: { rule: "values", values: [null] } } }),
      "WRONG_TYPE validate/a/values/0",
    ],
    ["empty pattern", script([], { validate: { a: { rule: "regex", pattern: "" } } }), "TOO_SMALL validate/a/pattern"],
    ["no cases", script([{ command: "switch", cases: [] }]), "TOO_SMALL commands/0/cases"],
    ["no seconds", script([{ command: "wait", seconds: 0 }]), "TOO_SMALL commands/0/seconds"],
    ["too long", script([], { expires: 3_000_000 }), "TOO_LARGE expires"],
    ["another level", script([{ command: "log", level: "loud", message: "x" }]), "VALUE_UNKNOWN commands/0/level"],
  ])("%s", (_name, input, ...faults) => {
    expect(found(input)).toEqual(faults);
  });

  it.each<[unknown, string]>([
    [
      script([{ command: "x" }]),
      'Unknown command "x". Use one of route, exchange, function, set, if, match, switch, loop, path, success, error, decision, log, wait, sharable.',
    ],
    [
      script([], { validate: { a: { rule: "x" } } }),
      'Unknown rule "x". Use one of string, number, truefalse, file, values, regex, nested.',
    ],
    [script([{ command: "path", name: "a", nix: 1 }]), 'Unknown key "nix". Here stand command, name.'],
    [
      script([{ command: "if", condition: "true", do: [{ command: "path", name: "a", nix: 1 }] }]),
      'Unknown key "nix". Here stand command, name.',
    ],
    [
      script([], { functions: { f: { commands: [], x: 1 } } }),
      'Unknown key "x". Here stand validate, internal, commands.',
    ],
    [
      script([{ ...ask, validate: { a: { rule: "truefalse", min: 1 } } }]),
      'Unknown key "min". Here stand rule, optional, label.',
    ],
    [
      script([{ command: "success", ["x".repeat(500)]: 1 }]),
      `Unknown key "${"x".repeat(64)}…". Here stand command, result.`,
    ],
    [script([{ command: "if", condition: 5, do: [] }]), "condition must be a text."],
    [script([{ command: "if", condition: "true" }]), "do is required; it must be a list."],
    [script([5]), "An entry of commands must be an object."],
    [script([{ command: "switch", cases: [] }]), "cases must have at least 1 entry."],
    [script([], { expires: 5 }), "expires must be at least 60."],
    [script([], { access: "all" }), "access must be one of owners, public."],
  ])("%j is told in words: %s", (input, message) => {
    expect(messages(input)).toEqual([message]);
  });
});

/** Ifs within one another, so many levels that the innermost commands stand on this one. */
const nested = (levels: number): object[] => {
  let commands: object[] = [log];
  for (let level = 1; level < levels; level += 1) commands = [{ command: "if", condition: "true", do: commands }];
  return commands;
};
const nestedFields = (levels: number): object => {
  let fields: object = {};
  for (let level = 1; level < levels; level += 1) fields = { a: { rule: "nested", fields } };
  return fields;
};
const logs = (count: number) => Array.from({ length: count }, () => log);

const both = (i: number) => [`p${i}`, `p${i}`].map((name) => ({ command: "path", name }));

const patterns = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, { rule: "regex", pattern: `${i}` }]));
const expressions = (count: number) =>
  Array.from({ length: Math.ceil(count / 500) }, (_, i) => {
    return { command: "log", message: "{{it}}".repeat(Math.min(500, count - i * 500)) };
  });

describe("size", () => {
  it.each<[string, unknown, ...string[]]>([
    ["20 levels", script(nested(20))],
    ["21 levels", script(nested(21)), `NESTED_TOO_DEEP commands${"/0/do".repeat(20)}`],
    ["a hostile depth", script(nested(50_000)), `NESTED_TOO_DEEP commands${"/0/do".repeat(20)}`],
    [
      "deep cases",
      script([{ command: "switch", cases: [{ condition: "true", do: nested(20) }] }]),
      `NESTED_TOO_DEEP commands/0/cases/0/do${"/0/do".repeat(19)}`,
    ],
    ["20 levels of fields", script([], { validate: nestedFields(20) })],
    [
      "21 levels of fields",
      script([], { validate: nestedFields(21) }),
      `NESTED_TOO_DEEP validate${"/a/fields".repeat(20)}`,
    ],
    [
      "deep fields of a route",
      script([{ ...ask, validate: nestedFields(9999) }]),
      `NESTED_TOO_DEEP commands/0/validate${"/a/fields".repeat(20)}`,
    ],
    [
      "deep fields of what is registered",
      script([], { routes: { r: { validate: nestedFields(21) } } }),
      `NESTED_TOO_DEEP routes/r/validate${"/a/fields".repeat(20)}`,
    ],
    ["2,000 commands", script(logs(1000), { paths: { p: logs(1000) } })],
    [
      "2,001 commands",
      script(logs(1000), { paths: { p: logs(1000) }, functions: { f: { commands: [log] } } }),
      "COMMANDS_TOO_MANY ",
    ],
    ["one long list", script(logs(1001)), "TOO_LARGE commands"],
    [
      "many cases",
      script([{ command: "switch", cases: Array.from({ length: 2000 }, () => ({})) }]),
      "COMMANDS_TOO_MANY ",
    ],
    ["200 patterns", script([], { validate: patterns(200) })],
    ["201 patterns", script([], { validate: patterns(201) }), "PATTERNS_TOO_MANY "],
    [
      "the same patterns again",
      script([{ ...ask, validate: patterns(200) }], {
        validate: patterns(100),
        routes: { r: { validate: { a: { rule: "nested", fields: patterns(150) } } } },
      }),
    ],
    [
      "patterns of cases among them",
      script([{ command: "switch", value: "it", cases: [{ matches: "x", do: [] }] }], { validate: patterns(200) }),
      "PATTERNS_TOO_MANY ",
    ],
    ["5,000 expressions", script([...expressions(2500), ...expressions(2500)])],
    ["5,001 expressions", script([...expressions(2500), ...expressions(2501)]), "EXPRESSIONS_TOO_MANY "],
    [
      "many attributes",
      script([{ command: "set", values: Object.fromEntries(Array.from({ length: 2001 }, (_, i) => [`a${i}`, 1])) }]),
      "ATTRIBUTES_TOO_MANY ",
    ],
  ])("%s", (_name, input, ...faults) => {
    expect(found(input)).toEqual(faults);
  });

  it("paths one behind the other, as many as there can be", () => {
    const paths = Object.fromEntries(
      Array.from({ length: 1999 }, (_, i) => [`p${i}`, i === 1998 ? [] : [{ command: "path", name: `p${i + 1}` }]]),
    );
    expect(found(script([{ command: "path", name: "p0" }], { paths }))).toEqual([]);
  });

  it("paths that lead to the same ones again and again", () => {
    const paths = Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`p${i}`, i === 899 ? [ask] : both(i + 1)]));
    expect(found(script([...both(0), { command: "log", message: "{{basic.age}}" }], { paths }))).toEqual([]);
  });
});

it("everything is told at once, each kind in the order of the document", () => {
  const input = script([{ command: "route" }, done, { command: "path", name: "x" }], {
    validate: { a: { rule: "string", min: 2, max: 1 } },
  });
  expect(found(input)).toEqual([
    "RANGE_INVALID validate/a/min",
    "ROUTE_URI_REQUIRED commands/0/uri",
    "PATH_UNKNOWN commands/2/name",
    "COMMAND_UNREACHABLE commands/2",
  ]);
});
