import { describe, expect, it } from "vitest";

import { Play, resultOf, route, set, success } from "../../test/support/play.ts";
import type { Commands } from "../workflows/model.ts";

const ends = (code: string, by = "script") => expect.objectContaining({ kind: "fault", by, code });

describe("attributes", () => {
  it.each<[string, Commands, unknown]>([
    ["a value", [set({ a: 1 }), success("{{a}}")], 1],
    ["dotted paths", [set({ "a.b.c": 1 }), set({ "a.b.d": 2 }), success("{{a}}")], { b: { c: 1, d: 2 } }],
    ["list indexes", [set({ a: [{ b: 1 }] }), set({ "a.0.b": 2, "a.1": 3 }), success("{{a}}")], [{ b: 2 }, 3]],
    ["an index behind the end", [set({ "a.2": 1 }), success("{{a}}")], [null, null, 1]],
    ["as a whole", [set({ a: { b: 1 } }), set({ a: { c: 2 } }), success("{{a}}")], { c: 2 }],
    [
      "merged deep, lists replaced",
      [set({ a: { b: { c: [1, 2] }, d: 1 } }), set({ a: { b: { c: [3] } } }, true), success("{{a}}")],
      { b: { c: [3] }, d: 1 },
    ],
    ["nothing takes away", [set({ a: 1, b: 2 }), set({ a: "{{none}}" }), success("{{$exists(a)}}")], false],
    ["all at once", [set({ a: 1 }), set({ a: 2, b: "{{a}}" }), success("{{b}}")], 1],
    ["missing is empty", [success("<{{a.b.c}}>")], "<>"],
    ["share", [set({ "share.a": 1 }), success("{{share}}")], { a: 1 }],
    [
      "reserved is never written",
      [set({ it: 1, init: 1, execution: 1, share: 1, "it.a": 2 }), success("{{it}}{{init}}{{share}}")],
      "77{}",
    ],
    ["input", [success(["{{it}}", "{{init}}"])], [7, 7]],
    ["execution", [success("{{execution}}")], { uuid: "e", startedAt: "1970-01-01T00:00:01.000Z" }],
  ])("%s", async (_, commands, result) => {
    expect(await resultOf(commands, {}, 7)).toEqual(result);
  });

  it("keeps nothing under reserved names", async () => {
    const play = await Play.of([set({ it: 1, init: 1, execution: 1, share: 1, "execution.uuid": 2 }), route("a")]);
    expect([play.attributes, play.state.share]).toEqual([{}, {}]);
  });

  it("never touches prototypes", async () => {
    const names = [
      "__proto__.polluted",
      "constructor.prototype.polluted",
      "a.__proto__.polluted",
      "share.__proto__.polluted",
    ];
    const play = await Play.of([
      ...names.map((name) => set({ [name]: 1 }, true)),
      { command: "route", uri: "/r" },
      { command: "route", uri: "/s", namespace: "constructor" },
    ]);
    await play.submit(
      JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"share":{"x":1}}'),
    );
    await play.submit({ prototype: { polluted: 1 } });
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(play.state.end?.kind).toBe("success");
  });

  it("says how a payload becomes attributes", async () => {
    const plain = await (
      await Play.of([
        set({ limit: 5 }),
        { command: "route", uri: "/a", validate: { x: { rule: "number" }, it: { rule: "number" } } },
        route("b"),
      ])
    ).submit({ x: 1, it: 2, share: 3, limit: 9 });
    expect(plain.attributes).toEqual({ limit: 5, x: 1 });
    const bare = await (
      await Play.of([set({ limit: 5 }), { command: "route", uri: "/a" }, route("b")])
    ).submit({ limit: 9, x: 1 });
    expect(bare.attributes).toEqual({ limit: 5 });
    expect((await bare.back()).route.payload).toEqual({ limit: 9, x: 1 });
    const named = await (await Play.of([route("a"), route("b")])).submit({ x: 1 });
    expect(named.attributes).toEqual({ a: { x: 1 } });
    const spaced = await (
      await Play.of([set({ n: { y: 1 } }), route("a", { namespace: "n", merge: true }), route("b")])
    ).submit({ x: 1 });
    expect(spaced.attributes).toEqual({ n: { x: 1, y: 1 } });
  });

  const keys = ["a", "b", "c", "d", "e", "f", "g", "h"];
  it.each<[string, Commands]>([
    ["by texts", [set({ a: "x".repeat(600_000) }), set({ b: "x".repeat(600_000) }), route("a")]],
    ["in bytes, not characters", [set({ a: "ü".repeat(600_000) }), route("a")]],
    ["by indexes", [set(Object.fromEntries(keys.map((key) => [`${key}.9999.9999.9999.9999`, 1]))), route("a")]],
    ["by sharing", [set({ "share.a": "x".repeat(600_000), b: "x".repeat(600_000) }), route("a")]],
  ])("has an end %s", async (_, commands) => {
    expect((await Play.of(commands)).view).toEqual(ends("ATTRIBUTES_TOO_LARGE"));
  });
});
