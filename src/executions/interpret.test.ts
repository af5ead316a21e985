import { describe, expect, it } from "vitest";

import { call, Play, resultOf, route, set, success } from "../../test/support/play.ts";
import type { Commands, Workflow } from "../workflows/model.ts";

const ended = async (play: Play) => (await play.send({ type: "terminate" })).state;
const ends = (code: string, by = "script") => expect.objectContaining({ kind: "fault", by, code });

describe("commands that end", () => {
  it.each<[string, Commands, object]>([
    ["success", [success({ a: "{{1 + 1}}" })], { kind: "success", result: { a: 2 }, status: "terminated" }],
    ["success without a result", [success()], { kind: "success", status: "terminated" }],
    ["nothing more", [], { kind: "success", status: "terminated" }],
    [
      "a decision",
      [{ command: "decision", decision: "{{'yes'}}", result: { n: 1 } }],
      { kind: "decision", result: { decision: "yes", result: { n: 1 } } },
    ],
    [
      "an error",
      [{ command: "error", code: "TOO_YOUNG", message: "Only {{17}}." }],
      { kind: "error", status: "terminated", fault: { by: "script", code: "TOO_YOUNG", message: "Only 17." } },
    ],
    [
      "a terminal route",
      [set({ a: 1 }), route("end", { terminal: true, result: { r: "{{a}}" }, export: { e: "{{a}}" } })],
      {
        kind: "done",
        result: { r: 1 },
        view: { uuid: "r1", uri: "/end", terminal: true, backEnabled: false, name: "end", export: { e: 1 } },
      },
    ],
  ])("%s", async (_, commands, end) => {
    const { state } = await Play.of([...commands, set({ never: 1 })].slice(0, commands.length || 0));
    expect(state.end).toMatchObject(end);
    expect(state).toMatchObject({ threads: {}, share: {}, pending: {}, history: [], drafts: {}, route: null });
  });

  it("shows an end without a route as a terminal route", async () => {
    const play = await Play.of([success({ ok: true })]);
    expect(play.view).toEqual({
      kind: "route",
      route: { uuid: "r1", uri: "", terminal: true, backEnabled: false, export: { ok: true } },
    });
  });

  it("ends inside a path", async () => {
    expect(await resultOf([{ command: "path", name: "p" }, success(2)], { paths: { p: [success(1)] } })).toBe(1);
  });
});

const forward = async (play: Play) => [await play.submit({}), await play.answer(1)];
const again = (play: Play, routeUuid: string, hash?: string) =>
  play.send({ type: "back", routeUuid, ...(hash === undefined ? {} : { hash }) });

describe("refusals", () => {
  const commands = [route("a"), call(), route("b"), success()] as const;
  const functions: Workflow["functions"] = {
    open: { validate: { n: { rule: "number" } }, commands: [success("{{it.n + 1}}")] },
    internal: { internal: true, commands: [] },
  };
  const deep = JSON.parse(`${'{"a":'.repeat(1000)}1${"}".repeat(1000)}`) as unknown;
  it.each<[string, (play: Play) => Promise<unknown>, object]>([
    ["a submit after the end", async (play) => [await ended(play), await play.submit({})], { kind: "terminated" }],
    [
      "the last submit again, after the end",
      async (play) => [await play.submit({}), await ended(play), await play.submit({}, { routeUuid: "r1" })],
      { kind: "repeated" },
    ],
    ["back after the end", async (play) => [await ended(play), await play.back()], { kind: "terminated" }],
    ["a call after the end", async (play) => [await ended(play), await play.call("open")], { kind: "terminated" }],
    ["a signal after the end", async (play) => [await ended(play), await play.signal("e")], { kind: "terminated" }],
    ["a second end", async (play) => [await ended(play), await ended(play)], { kind: "terminated" }],
    [
      "another submit while it works",
      async (play) => [await play.submit({}), await play.submit({ x: 1 })],
      { kind: "running" },
    ],
    ["back while it works", async (play) => [await play.submit({}), await play.back()], { kind: "running" }],
    [
      "the same submit while it works",
      async (play) => [await play.submit({}), await play.submit({}, { routeUuid: "r1" })],
      { kind: "repeated" },
    ],
    [
      "the same submit later",
      async (play) => [await play.submit({}), await play.answer(1), await play.submit({}, { routeUuid: "r1" })],
      { kind: "repeated" },
    ],
    [
      "another submit of the same route",
      async (play) => [await play.submit({}), await play.answer(1), await play.submit({ x: 1 }, { routeUuid: "r1" })],
      { kind: "stale", current: "r3" },
    ],
    [
      "the same submit after going back",
      async (play) => [
        await play.submit({}),
        await play.answer(1),
        await play.back(),
        await play.submit({}, { routeUuid: "r1" }),
      ],
      { kind: "stale", current: "r4" },
    ],
    ["a submit of an unknown route", (play) => play.submit({}, { routeUuid: "r0" }), { kind: "stale", current: "r1" }],
    [
      "back from an unknown route",
      (play) => play.send({ type: "back", routeUuid: "r0" }),
      { kind: "stale", current: "r1" },
    ],
    [
      "the same step back again",
      async (play) => [await forward(play), await play.back(), await again(play, "r3")],
      { kind: "repeated" },
    ],
    [
      "a step back again with something else",
      async (play) => [await forward(play), await play.back(), await again(play, "r3", "other")],
      { kind: "stale", current: "r4" },
    ],
    [
      "the same step back, when what it led to was submitted",
      async (play) => [await forward(play), await play.back(), await forward(play), await again(play, "r3")],
      { kind: "stale", current: "r6" },
    ],
    ["back from the first route", (play) => play.back(), { kind: "backDisabled" }],
    ["a payload that is too deep", (play) => play.submit(deep), { kind: "tooLarge" }],
    ["a payload that is too large", (play) => play.submit({ a: "x".repeat(1_048_576) }), { kind: "tooLarge" }],
    ["a signal that is too deep", (play) => play.signal("e", deep), { kind: "tooLarge" }],
    ["an unknown function", (play) => play.call("constructor"), { kind: "unknown", name: "constructor" }],
    ["an internal function", (play) => play.call("internal"), { kind: "unknown", name: "internal" }],
    [
      "input that is invalid",
      (play) => play.call("open", { n: "x" }),
      { kind: "invalid", errors: [{ field: "n", message: "Must be a number" }] },
    ],
    [
      "the same call",
      async (play) => [await play.call("open", { n: 1 }), await play.call("open", { n: 1 })],
      { kind: "repeated" },
    ],
    ["a call that names the main thread", (play) => play.call("open", { n: 1 }, "main"), { kind: "repeated" }],
    ["an answer to nothing", (play) => play.answer(1, "toString"), { kind: "gone" }],
    [
      "an answer that came before",
      async (play) => [await play.submit({}), await play.answer(1), await play.answer(2, "p1")],
      { kind: "gone" },
    ],
    ["a time for a call", async (play) => [await play.submit({}), await play.due("p1")], { kind: "gone" }],
    [
      "an answer after the end",
      async (play) => [await play.submit({}), await ended(play), await play.answer(2, "p1")],
      { kind: "gone" },
    ],
  ])("%s", async (_, act, refused) => {
    const play = await Play.of(commands, { functions });
    await act(play);
    expect(play.outcome.refused).toEqual(refused);
    expect(play.outcome.lines.filter(({ type }) => type !== "validation")).toEqual([]);
  });

  it("keeps 50 functions of clients", async () => {
    const play = await Play.of([route("a")], { functions });
    for (let index = 0; index < 50; index += 1) await play.call("open", { n: index }, `c${index}`);
    expect(play.outcome.refused).toBeUndefined();
    await play.call("open", { n: 1 }, "c50");
    expect(play.outcome.refused).toBeUndefined();
    const ids = Object.keys(play.state.threads).filter((id) => id !== "main");
    expect(ids).toEqual(Array.from({ length: 50 }, (_, index) => `c${index + 1}`));
  });

  it("has 50 functions of clients at work, and forgets none of these", async () => {
    const play = await Play.of([route("a")], { functions: { ...functions, asks: { commands: [call(), success(1)] } } });
    await play.call("asks", {}, "first");
    await play.call("open", { n: 1 }, "ended");
    for (let index = 0; index < 49; index += 1) await play.call("asks", {}, `c${index}`);
    expect(play.outcome.refused).toBeUndefined();
    expect(Object.keys(play.state.threads)).toContain("first");
    expect(Object.keys(play.state.threads)).not.toContain("ended");
    expect((await play.call("open", { n: 1 }, "c50")).outcome.refused).toEqual({ kind: "tooMany" });
    await play.answer(1, play.pending.find(({ thread }) => thread === "first")!.id);
    expect((await play.call("open", { n: 1 }, "c50")).outcome.refused).toBeUndefined();
    expect(Object.keys(play.state.threads)).not.toContain("first");
  });

  it("refuses an invalid input at the beginning", async () => {
    const play = await Play.of([success("{{it.n}}")], { validate: { n: { rule: "number" } } }, { n: "x" });
    expect(play.outcome.refused).toMatchObject({ kind: "invalid" });
    expect(await resultOf([success("{{it.n}}")], { validate: { n: { rule: "number" } } }, { n: "7" })).toBe(7);
  });

  it("lets the back office end it", async () => {
    const play = await (await Play.of([route("a")])).send({ type: "terminate" });
    expect(play.view).toEqual(ends("EXECUTION_TERMINATED"));
  });
});
