import { describe, expect, it } from "vitest";

import { call, func, Play, resultOf, route, set, success, wait } from "../../test/support/play.ts";
import type { Commands, Workflow } from "../workflows/model.ts";

const ends = (code: string, by = "script") => expect.objectContaining({ kind: "fault", by, code });

const mark = (letter: string) => set({ m: `{{m}}${letter}` });

describe("blocks", () => {
  const cases = (...breaks: boolean[]) =>
    ["a", "b", "c"].map((letter, index) => ({ equals: letter, do: [mark(letter)], break: breaks[index] ?? false }));
  const choice = (value: string, breaks: boolean[], more: object = {}) =>
    ({ command: "switch", value: `"${value}"`, cases: cases(...breaks), default: [mark("d")], ...more }) as const;
  it.each<[string, Commands, unknown]>([
    ["if", [{ command: "if", condition: "1 = 1", do: [mark("y")], else: [mark("n")] }], "y"],
    ["else", [{ command: "match", condition: "none", do: [mark("y")], else: [mark("n")] }], "n"],
    ["no else", [{ command: "if", condition: "[]", do: [mark("y")] }], undefined],
    ["falls through to default", [choice("b", [])], "bcd"],
    ["breaks", [choice("a", [false, true])], "ab"],
    ["a break before the fit is none", [choice("b", [true])], "bcd"],
    ["default if none fits", [choice("z", [true, true, true])], "d"],
    ["no default", [choice("z", [], { default: undefined })], undefined],
    ["a list", [{ command: "switch", value: "2", cases: [{ in: [1, 2], do: [mark("y")] }] }], "y"],
    [
      "a pattern meets the whole",
      [
        {
          command: "switch",
          value: "'gold'",
          cases: [
            { matches: "g", do: [mark("n")] },
            { matches: "g.*", do: [mark("y")] },
          ],
        },
      ],
      "y",
    ],
    [
      "a condition on the value",
      [{ command: "switch", value: "5", cases: [{ condition: "$value > 4", do: [mark("y")] }] }],
      "y",
    ],
    [
      "objects are equal",
      [{ command: "switch", value: "{'a':1,'b':[2]}", cases: [{ equals: { b: [2], a: 1 }, do: [mark("y")] }] }],
      "y",
    ],
    ["a path", [{ command: "path", name: "p" }, mark("2")], "12"],
    ["a loop goes at least once", [{ command: "loop", do: [mark("x")], until: "true" }], "x"],
    ["a loop goes until", [{ command: "loop", do: [mark("x")], until: "$length(m) = 3", most: 3 }], "xxx"],
    [
      "a loop in a loop",
      [
        {
          command: "loop",
          do: [{ command: "loop", do: [mark("x")], until: "$length(m) % 2 = 0" }, mark("-")],
          until: "$length(m) > 4",
        },
      ],
      "xx-x-",
    ],
  ])("%s", async (_, commands, result) => {
    expect(await resultOf([...commands, success("{{m}}")], { paths: { p: [mark("1")] } })).toBe(result);
  });

  it.each<[string, Commands, string]>([
    ["too many rounds", [{ command: "loop", do: [mark("x")], until: "$length(m) = 4", most: 3 }], "LOOP_LIMIT"],
    ["1000 rounds", [{ command: "loop", do: [], until: "false" }], "LOOP_LIMIT"],
    [
      "empty loops in loops",
      [
        {
          command: "loop",
          most: 10_000,
          until: "false",
          do: [{ command: "loop", most: 10_000, do: [], until: "false" }],
        },
      ],
      "LOOP_LIMIT",
    ],
    ["a path that goes through itself", [{ command: "path", name: "r" }], "LOOP_LIMIT"],
    ["no such path", [{ command: "path", name: "constructor" }], "PATH_UNKNOWN"],
    ["no such function", [func("toString")], "FUNCTION_UNKNOWN"],
    ["a function that calls itself", [func("r")], "FUNCTION_FAILED"],
    ["a route without a uri", [{ command: "route", name: "n" }], "ROUTE_URI_REQUIRED"],
    ["an expression that fails", [set({ a: "{{$number('x')}}" })], "EXPRESSION_FAILED"],
    [
      "a pattern that is none",
      [{ command: "switch", value: "'a'", cases: [{ matches: "(", do: [] }] }],
      "PATTERN_INVALID",
    ],
    ["an empty wait", [wait({})], "WAIT_EMPTY"],
    ["a wait of no length", [wait({ seconds: "{{none}}" })], "WAIT_INVALID"],
    ["too many at once", [{ command: "loop", do: [call({ async: true })], until: "false" }], "ASYNC_LIMIT"],
    ["a route in a function", [func("shows")], "FUNCTION_FAILED"],
  ])("%s is a fault", async (_, commands, code) => {
    const paths: Workflow["paths"] = { r: [{ command: "path", name: "r" }] };
    const functions = { r: { commands: [func("r")] }, shows: { commands: [route("a")] } };
    const play = await Play.of(commands, { paths, functions });
    expect(play.view).toEqual(ends(code));
    expect(play.state.end?.status).toBe("terminated");
  });

  it("allows no more commands than that in an execution", async () => {
    const round = { command: "loop", do: [set({ n: "{{n + 1}}" })], until: "n % 900 = 0" } as const;
    const play = await Play.of([
      { command: "loop", most: 10_000, do: [route("a"), set({ n: 0 }), round], until: "false" },
    ]);
    let rounds = 0;
    while (play.state.end === null && rounds < 100) {
      rounds += 1;
      await play.submit({});
    }
    expect(play.view).toEqual(ends("LOOP_LIMIT"));
    expect(rounds).toBe(Math.ceil(100_000 / 1805));
  });
});
