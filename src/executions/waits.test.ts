import { describe, expect, it } from "vitest";

import { call, func, Play, route, set, success, wait } from "../../test/support/play.ts";
import type { Commands } from "../workflows/model.ts";

const ends = (code: string, by = "script") => expect.objectContaining({ kind: "fault", by, code });

describe("a wait", () => {
  const paid = wait({ event: "paid", seconds: 5, namespace: "p" });
  const all: Commands = [set({ p: "old" }), paid, success("{{[p]}}")];

  it("ends with its time", async () => {
    const play = await Play.of([wait({ seconds: "{{1 + 0.5}}" }), success(1)]);
    expect(play.pending).toMatchObject([{ kind: "timer", at: 2500 }]);
    expect((await play.due()).state.end?.result).toBe(1);
  });

  it.each<[string, (play: Play) => Promise<Play>, unknown]>([
    ["its event", (play) => play.signal("paid", { n: 1 }), [{ n: 1 }]],
    ["its event without a payload", (play) => play.signal("paid"), [null]],
    ["nothing, too late", (play) => play.due(), []],
  ])("for an event ends with %s", async (_, act, result) => {
    const play = await Play.of(all);
    expect(play.pending).toMatchObject([{ kind: "event", name: "paid", until: 6000 }]);
    expect((await act(play)).state.end?.result).toEqual(result);
  });

  it("takes what came before, once, and the last of a name", async () => {
    const play = await Play.of([route("a"), paid, paid]);
    await play.signal("other");
    await play.signal("paid", 1);
    await play.signal("paid", 2);
    expect(play.state.signals).toEqual({ paid: 2 });
    await play.submit({});
    expect(play.state.signals).toEqual({});
    expect(play.attributes).toMatchObject({ p: 2 });
    expect(play.pending).toMatchObject([{ kind: "event", place: "/commands/2" }]);
  });

  it("takes an event again behind a route that was gone back to", async () => {
    const play = await Play.of([route("a"), paid, route("b"), success("{{p}}")]);
    await play.submit({});
    await play.signal("paid", 3);
    await play.back();
    await play.submit({});
    await play.submit({});
    expect(play.state.end?.result).toBe(3);
  });

  it("of a function that goes on takes an event once, also when the user goes back", async () => {
    const functions = { takes: { commands: [paid, success("{{p}}")] } };
    const play = await Play.of([route("a"), route("b"), paid], { functions });
    await play.signal("paid", 4);
    await play.submit({});
    await play.call("takes");
    expect(play.state.threads["c1"]?.ended).toEqual({ result: 4 });
    await play.back();
    expect(play.state.signals).toEqual({});
  });

  it("of two ends where the first of them ends the execution", async () => {
    const functions = { waits: { commands: [wait({ event: "paid" }), success(1)] } };
    const play = await Play.of([func("waits", { async: true }), wait({ event: "paid" }), success(2)], { functions });
    const client = await Play.of([wait({ event: "paid", namespace: "a.9999.9999" }), success()], { functions });
    await client.call("waits");
    expect(play.pending.filter(({ kind }) => kind === "event")).toHaveLength(2);
    await play.signal("paid", "x");
    expect(play.state.end?.kind).toBe("success");
    await client.signal("paid", "x".repeat(1_000_000));
    expect(client.view).toEqual(ends("ATTRIBUTES_TOO_LARGE"));
  });

  it("hears an async command whose namespace has several steps", async () => {
    const asked = call({ async: true, namespace: "basic.score" });
    const play = await Play.of([asked, wait({ event: "basic.score", namespace: "w" }), success("{{w}}")]);
    expect((await play.answer(7)).state.end?.result).toBe(7);
  });

  it("without a limit has no time", async () => {
    const play = await Play.of([wait({ event: "paid" })]);
    expect((await play.due()).outcome.refused).toEqual({ kind: "gone" });
  });
});

describe("a sharable", () => {
  const commands: Commands = [
    set({ c: 12 }),
    { command: "sharable", of: "payload", payload: { a: "{{c}}" }, token: "{{c}}", namespace: "got" },
    success("{{got}}"),
  ];
  it("is made outside", async () => {
    const play = await Play.of(commands);
    expect(play.pending).toMatchObject([
      { kind: "sharable", of: "payload", payload: { a: 12 }, token: "12", seconds: 86_400 },
    ]);
    await play.answer({ token: "12", expiredOn: "x" });
    expect(play.state.end?.result).toEqual({ token: "12", expiredOn: "x" });
  });
  it.each([
    ["SHARABLE_TAKEN", "script", "terminated"],
    ["SHARABLE_INVALID", "script", "terminated"],
    ["EXCHANGE_BROKEN", "platform", "failed"],
  ])("that fails with %s is a fault of the %s", async (code, by, status) => {
    const play = await (await Play.of(commands)).fault(code);
    expect(play.view).toEqual(ends(code, by));
    expect(play.state.end?.status).toBe(status);
  });
  it("blames whom the fault itself blames", async () => {
    const play = await Play.of(commands);
    const fault = { by: "script", code: "EXCHANGE_X", message: "x" } as const;
    await play.send({ type: "answered", id: play.pending[0]!.id, fault });
    expect(play.view).toEqual(ends("EXCHANGE_X", "script"));
  });
});

describe("the lines", () => {
  it("tell what was done, in order, and are not too many", async () => {
    const play = await Play.of([{ command: "log", level: "warn", message: "<{{1}}>" }, route("a")]);
    expect(play.outcome.lines.map(({ type }) => type)).toEqual(["started", "command", "log", "command", "route"]);
    expect(play.outcome.lines[2]).toEqual({
      type: "log",
      thread: "main",
      place: "/commands/0",
      data: { level: "warn", message: "<1>" },
    });
    await play.submit({ x: 1 });
    expect(play.outcome.lines.map(({ type }) => type)).toEqual(["submit", "attributes", "ended"]);
    const large = await Play.of([
      set({ a: "x".repeat(1_000_000) }),
      { command: "loop", most: 20, do: [{ command: "log", message: "{{a}}" }], until: "false" },
    ]);
    expect(large.state.end?.fault?.code).toBe("LOOP_LIMIT");
    expect(large.outcome.lines.filter(({ type }) => type === "log")).toHaveLength(20);
    expect(large.outcome.lines.at(-4)?.data).toEqual({ truncated: true });
    expect(large.outcome.lines.at(-1)?.data).toMatchObject({ status: "terminated" });
    expect(JSON.stringify(large.outcome.lines).length).toBeLessThan(5_000_000);
    const many = await Play.of([{ command: "loop", most: 4000, do: [set({ n: 1 })], until: "false" }]);
    expect(many.outcome.lines.length).toBeLessThan(2010);
    expect(many.outcome.lines.slice(-3).map(({ type }) => type)).toEqual(["error", "ended", "log"]);
  });
});
