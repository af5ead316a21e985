import { describe, expect, it } from "vitest";

import { call, func, Play, route, set, success, wait } from "../../test/support/play.ts";
import type { Command, Commands, Workflow } from "../workflows/model.ts";

const long = (...commands: Command[]): Command => ({ command: "loop", most: 9000, do: commands, until: "false" });
const keys = (count: number, value: unknown) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, value]));
const list = Array.from({ length: 20_000 }, (_, index) => index);
const text = "x".repeat(900_000);

describe("the steps of one event", () => {
  it.each<[string, Commands]>([
    ["expressions", [long(set({ a: "{{$sum([1..2000].($ * 2))}}" }))]],
    ["many expressions", [long(set({ a: Array.from({ length: 900 }, () => "{{1}}") }))]],
    ["conditions", [{ command: "loop", most: 9000, do: [], until: "$sum([1..2000].($ * 2)) = 0" }]],
    ["large results", [set({ l: list }), long(set({ a: "{{l}}" }))]],
    ["large results that nobody keeps", [set({ l: list }), { command: "loop", most: 9000, do: [], until: "$not(l)" }]],
    ["large texts", [set({ t: text }), long(set({ t: "{{t}}" }))]],
    ["large templates", [long(set({ a: list }))]],
    ["many attributes", [set({ a: keys(20_000, 1) }), long(set({ "a.b": 1 }))]],
    ["merges", [set({ a: keys(20_000, 1) }), long(set({ a: { b: 1 } }, true))]],
    ["comparisons", [long({ command: "switch", value: "-1", cases: [{ in: list, do: [] }] })]],
    ["inputs", [set({ l: list }), long(func("none", { input: "{{l}}" }))]],
  ])("%s end with a fault of the script", async (_, commands) => {
    const play = await Play.of(commands, { functions: { none: { commands: [] } } });
    expect(play.view).toMatchObject({ kind: "fault", by: "script", code: "EXPRESSION_STEPS" });
  });

  it("holds for the patterns of all switches", async () => {
    const play = await Play.of([
      set({ t: "x".repeat(10_000) }),
      long({ command: "switch", value: "t", cases: [{ matches: "(?:x{1,50}y){0,10}", do: [] }] }),
    ]);
    expect(play.view).toMatchObject({ kind: "fault", code: "SWITCH_TOO_LARGE" });
  });

  it("holds for the patterns of all inputs", async () => {
    const functions: Workflow["functions"] = {
      f: { validate: { t: { rule: "regex", pattern: "(?:x{1,50}y?){0,10}" } }, commands: [] },
    };
    const play = await Play.of([long(func("f", { input: { t: "x".repeat(2000) } }))], { functions });
    expect(play.view).toMatchObject({ kind: "fault", code: "FUNCTION_INPUT_INVALID" });
  });

  it("holds for what functions write behind every route", async () => {
    const functions: Workflow["functions"] = { f: { commands: [long(set({ "share.a.b": 1 }))] } };
    const many = Array.from({ length: 60 }, (_, index) => route(`r${index}`));
    const shared = await Play.of([set({ "share.a": keys(4000, 1) }), ...many], { functions });
    for (let index = 0; index < 59; index += 1) await shared.submit({});
    await shared.call("f");
    expect(shared.state.threads["c1"]?.ended).toMatchObject({ fault: { code: "EXPRESSION_STEPS" } });
    expect(shared.route.uri).toBe("/r59");
  });

  it("begins anew with each event", async () => {
    const half = set({ a: "{{$sum([1..20000].($ * 2))}}" });
    const play = await Play.of([{ command: "loop", do: [route("a"), half], until: "false" }]);
    for (let round = 0; round < 20; round += 1) await play.submit({});
    expect(play.route.uri).toBe("/a");
  });

  it("is not taken from the script by functions of clients", async () => {
    const functions: Workflow["functions"] = {
      greedy: { commands: [wait({ event: "go" }), long(set({ a: "{{$sum([1..2000].($ * 2))}}" }))] },
      modest: { commands: [wait({ event: "go" }), success("{{1 + 1}}")] },
    };
    const play = await Play.of([route("a"), func("modest", { async: true }), wait({ event: "go" }), route("b")], {
      functions,
    });
    await play.call("greedy");
    await play.submit({});
    await play.signal("go");
    expect(play.route.uri).toBe("/b");
    expect(play.attributes["f"]).toBe(2);
    expect(play.state.threads["c1"]?.ended).toMatchObject({ fault: { code: "EXPRESSION_STEPS" } });
  });

  it("ends one function, and what called it hears of it", async () => {
    const functions: Workflow["functions"] = { f: { commands: [long(set({ a: "{{$sum([1..2000].($ * 2))}}" }))] } };
    const play = await Play.of([route("a")], { functions });
    await play.call("f");
    expect(play.state.threads["c1"]?.ended).toMatchObject({ fault: { by: "script", code: "EXPRESSION_STEPS" } });
    expect(play.route.uri).toBe("/a");
  });
});

describe("what is told of an expression that fails", () => {
  const iban = "DE89 3704 0044 0532 0130 00";
  const fails = set({ n: "{{$number(iban)}}" });
  const functions: Workflow["functions"] = { f: { commands: [set({ iban }), fails] } };
  it.each<[string, Commands, string, string]>([
    ["set", [set({ iban }), fails], "EXPRESSION_FAILED", "/commands/1"],
    ["until", [set({ iban }), { command: "loop", do: [], until: "$number(iban)" }], "EXPRESSION_FAILED", "/commands/1"],
    [
      "a condition within others",
      [{ command: "if", condition: "true", do: [set({ iban }), { command: "log", message: "{{$error(iban)}}" }] }],
      "EXPRESSION_FAILED",
      "/commands/0/do/1",
    ],
    [
      "a url",
      [set({ iban }), call({ url: "https://a.example/{{$number(iban)}}" })],
      "EXPRESSION_FAILED",
      "/commands/1",
    ],
    ["a function", [func("f")], "FUNCTION_FAILED", "/functions/f/commands/1"],
    ["depth", [set({ n: "{{($f := function($n) {1 + $f($n)}; $f(1))}}" })], "EXPRESSION_DEPTH", "/commands/0"],
    ["size", [set({ n: "{{[1..60000]}}" })], "EXPRESSION_TOO_LARGE", "/commands/0"],
    ["steps", [set({ n: "{{$sum([1..40000].($ * 2 + 1))}}" })], "EXPRESSION_STEPS", "/commands/0"],
    ["no expression", [set({ n: "{{1 +}}" })], "EXPRESSION_INVALID", "/commands/0"],
  ])("of %s names the place and quotes nothing", async (_, commands, code, place) => {
    const { state, outcome, view } = await Play.of(commands, { functions });
    expect(view).toMatchObject({ kind: "fault", by: "script", code });
    expect(state.end?.fault?.message).toContain(`The command at ${place} `);
    expect(JSON.stringify(state)).not.toContain("DE89");
    const error = outcome.lines.find(({ type }) => type === "error");
    expect(error?.data).toMatchObject({ detail: expect.any(String) });
    const told = outcome.lines.filter(({ type }) => type === "ended" || type === "function");
    expect(JSON.stringify(told)).not.toContain("DE89");
  });

  it("is told in its own words in the log alone", async () => {
    const { outcome } = await Play.of([set({ iban }), fails]);
    expect(JSON.stringify(outcome.lines.find(({ type }) => type === "error"))).toContain("DE89");
  });
});
