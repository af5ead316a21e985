import { describe, expect, it } from "vitest";

import { call, func, Play, route, set, success, wait } from "../../test/support/play.ts";
import type { Commands, Workflow } from "../workflows/model.ts";
import { MOST } from "./limits.ts";
import { isKeepable, sizeOf } from "./size.ts";

const big = "x".repeat(500_000);
const routes = (count: number): Commands => Array.from({ length: count }, (_, index) => route(`r${index}`));

/** Goes behind so many routes. */
async function behind(play: Play, count: number): Promise<Play> {
  for (let index = 0; index < count; index += 1) await play.submit({});
  return play;
}

describe("the size of a value", () => {
  it.each<[string, unknown, number]>([
    ["nothing", undefined, 0],
    ["null", null, 8],
    ["a number", 1.5, 8],
    ["a long number", 1.234567890123, 14],
    ["a text, in bytes of its JSON", 'ü"', 14 + 6],
    ["a simple text", "a-b", 14 + 5],
    ["a list", [1, []], 32 + 8 + 32],
    ["an object", { ab: null, none: undefined }, 32 + 6 + 8],
  ])("%s", (_, value, size) => {
    expect(sizeOf(value)).toBe(size);
  });

  it("counts what is referred to often as often, and measures it once", () => {
    const one = [big];
    const many = Array.from({ length: 1000 }, () => ({ one, again: [one, one] }));
    expect(sizeOf(many)).toBe(32 + 1000 * (32 + 7 + 9 + 32 + 3 * sizeOf(one)));
    let doubled: unknown = one;
    for (let level = 0; level < 60; level += 1) doubled = [doubled, doubled];
    expect(sizeOf(doubled)).toBeGreaterThan(2 ** 60 * big.length);
  });

  it("is never less than its JSON", () => {
    for (const value of [{ a: [1, true, null, "\u0000", -1e-100, {}] }, [[[]]], "\ud800"]) {
      expect(sizeOf(value)).toBeGreaterThanOrEqual(JSON.stringify(value).length);
    }
  });
});

describe("what is written into every route that was shown", () => {
  const waits: Commands = [...routes(60), wait({ event: "paid" })];

  it("a signal that does not fit is refused, and nobody loses the way back", async () => {
    const play = await behind(await Play.of(waits), 50);
    expect((await play.signal("paid", big)).outcome.refused).toEqual({ kind: "tooLarge" });
    expect(play.state.history).toHaveLength(51);
    expect((await play.signal("paid", "small")).outcome.refused).toBeUndefined();
    expect(play.state.history).toHaveLength(51);
  });

  it("a call that does not fit is refused", async () => {
    const functions: Workflow["functions"] = { shares: { commands: [set({ "share.a": "{{it}}" }), success()] } };
    const play = await behind(await Play.of(routes(60), { functions }), 50);
    expect((await play.call("shares", big)).outcome.refused).toEqual({ kind: "tooLarge" });
    expect((await play.call("shares", "small")).outcome.refused).toBeUndefined();
    expect(play.state.history).toHaveLength(51);
    expect(play.state.history[0]?.share).toEqual({ a: "small" });
  });

  it("an answer that does not fit is a fault of the call", async () => {
    const play = await behind(await Play.of([call({ async: true }), ...routes(60)]), 50);
    await play.answer(big);
    expect(play.state.history).toHaveLength(51);
    expect(play.attributes["got"]).toMatchObject({ error: { code: "ATTRIBUTES_TOO_LARGE" } });
  });

  it("an answer for a client's function that does not fit is a fault of the function", async () => {
    const functions: Workflow["functions"] = { asks: { commands: [call(), set({ "share.a": "{{got}}" }), success()] } };
    const play = await behind(await Play.of(routes(60), { functions }), 50);
    await play.call("asks");
    await play.answer(big);
    expect(play.route.uri).toBe("/r50");
    expect(play.state.history).toHaveLength(51);
    expect(play.state.threads["c1"]?.ended).toMatchObject({ fault: { code: "ATTRIBUTES_TOO_LARGE" } });
    expect(play.state.share).toEqual({});
  });

  it("what an answer leads to ends the execution if it does not fit", async () => {
    const grows: Commands = [{ command: "loop", do: [route("a"), set({ a: "{{a.big}}" })], until: "false" }];
    const play = await Play.of([set({ n: 0 }), route("b"), ...grows]);
    await play.submit({});
    while (play.outcome.refused === undefined) await play.submit({ big });
    expect(play.outcome.refused).toEqual({ kind: "tooLarge" });
    const late = await Play.of([
      { command: "loop", do: [route("a"), call({ namespace: "got" }), set({ a: "{{a.big}}" })], until: "false" },
    ]);
    while (late.state.end === null) {
      await late.submit({ big });
      await late.answer(1);
    }
    expect(late.view).toMatchObject({ kind: "fault", by: "script", code: "ATTRIBUTES_TOO_LARGE" });
  });
});

describe("a history that is full", () => {
  const loop: Commands = [{ command: "loop", do: [route("a"), set({ kept: "{{a.big}}" })], until: "false" }];

  it("is not shortened: a submit that does not fit is refused, and going back makes room", async () => {
    const play = await Play.of(loop);
    let taken = 0;
    while ((await play.submit({ big })).outcome.refused === undefined) taken += 1;
    expect(play.outcome.refused).toEqual({ kind: "tooLarge" });
    expect(taken).toBeGreaterThan(8);
    expect(play.state.history).toHaveLength(taken + 1);
    expect(isKeepable(play.state)).toBe(true);
    expect(JSON.stringify(play.state).length).toBeLessThan(MOST.state + MOST.shown);
    expect((await play.back()).outcome.refused).toBeUndefined();
    expect((await play.submit({})).outcome.refused).toBeUndefined();
  });

  it("is emptied by a checkpoint", async () => {
    const play = await Play.of([{ command: "loop", do: [route("a", { checkpoint: true })], until: "false" }]);
    for (let round = 0; round < 40; round += 1) await play.submit({ big });
    expect(play.outcome.refused).toBeUndefined();
  });

  it("takes no more memory while it is measured than the values that it holds", async () => {
    const functions: Workflow["functions"] = { shares: { commands: [set({ "share.a": "{{it}}" }), success()] } };
    const play = await behind(await Play.of(routes(100), { functions }), 99);
    await play.call("shares", "x".repeat(150_000));
    expect(play.outcome.refused).toBeUndefined();
    expect((await play.call("shares", "x".repeat(1_000_000), "c2")).outcome.refused).toEqual({ kind: "tooLarge" });
    expect(play.state.history).toHaveLength(100);
  });
});

describe("drafts", () => {
  it("go before anything else is refused", async () => {
    const play = await Play.of([...routes(8), func("none")], { functions: { none: { commands: [] } } });
    for (let round = 0; round < 6; round += 1) {
      await behind(play, round + 1);
      for (let step = 0; step <= round; step += 1) await play.back({ big: "x".repeat(900_000) });
      expect(play.outcome.refused).toBeUndefined();
    }
    expect(isKeepable(play.state)).toBe(true);
  });
});
