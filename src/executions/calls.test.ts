import { describe, expect, it } from "vitest";

import { call, func, Play, resultOf, route, set, success, wait } from "../../test/support/play.ts";
import type { Commands, Workflow } from "../workflows/model.ts";
import { isKeepable } from "./size.ts";

const ends = (code: string, by = "script") => expect.objectContaining({ kind: "fault", by, code });
const got = success("{{got}}");

describe("an exchange", () => {
  it("is rendered whole", async () => {
    const play = await Play.of([
      set({ x: "1", list: [1, "b"] }),
      call({
        name: "n",
        method: "POST",
        headers: { a: "{{x}}", gone: "{{none}}", empty: null, n: 5 },
        query: { q: "{{list}}", o: { a: 1 } },
        body: { x: "{{x}}" },
        contentType: "form",
        credentials_id: "5ca5c44c187c040010a9bb8c",
        timeout: 7,
        retry: { attempts: 2 },
      }),
    ]);
    expect(play.view).toEqual({ kind: "running" });
    expect(play.pending).toEqual([
      {
        kind: "exchange",
        id: "p1",
        thread: "main",
        place: "/commands/1",
        async: false,
        name: "n",
        url: "https://a.example/1",
        method: "POST",
        headers: { a: "1", n: "5" },
        query: { q: ["1", "b"], o: '{"a":1}' },
        body: { x: "1" },
        contentType: "form",
        credentials_id: "5ca5c44c187c040010a9bb8c",
        timeout: 7,
        retry: { attempts: 2 },
      },
    ]);
  });

  it.each<[string, object, unknown, unknown]>([
    ["its namespace", {}, { a: 1 }, { a: 1 }],
    ["its name", { name: "got", namespace: undefined }, 5, 5],
    ["nothing without either", { namespace: undefined }, 5, undefined],
    ["what was, with merge", { merge: true }, { b: 2 }, { b: 2, old: 1 }],
    ["an empty answer", {}, undefined, undefined],
    ["what is valid, converted", { validate: { a: { rule: "number" } } }, { a: "1", b: "x" }, { a: 1, b: "x" }],
  ])("becomes %s", async (name, more, answer, result) => {
    const before = name.includes("merge") ? [set({ got: { old: 1 } })] : [];
    const play = await Play.of([...before, call(more), got]);
    await play.answer(answer);
    expect(play.state.end?.result).toEqual(result);
  });

  it.each<[string, object, (play: Play) => Promise<Play>, object]>([
    ["fails", {}, (play) => play.fault("TIMEOUT"), { by: "platform", code: "TIMEOUT", message: "It failed." }],
    [
      "answers what is not valid",
      { validate: { a: { rule: "number" }, b: { rule: "string" } } },
      (play) => play.answer({ a: "x" }),
      {
        by: "platform",
        code: "EXCHANGE_INVALID",
        message: 'The answer of the exchange "got" is not valid. a: Must be a number; b: Required',
      },
    ],
    [
      "answers what is too deep",
      {},
      (play) => play.answer(JSON.parse(`${"[".repeat(5000)}${"]".repeat(5000)}`)),
      expect.objectContaining({ by: "platform", code: "EXCHANGE_INVALID" }),
    ],
  ])("that %s fails the execution, or has its fallback done", async (_, more, act, fault) => {
    const play = await act(await Play.of([call(more), got]));
    expect(play.state.end).toEqual({ status: "failed", kind: "error", fault });
    const kept = await act(await Play.of([call({ ...more, fallback: [set({ got: "fell" })] }), got]));
    expect(kept.state.end?.result).toBe("fell");
  });
});

describe("an async command", () => {
  const functions: Workflow["functions"] = { one: { commands: [call(), success("{{got}}")] } };
  const begun = (commands: Commands) => Play.of(commands, { functions });

  it.each<[string, Commands[number]]>([
    ["exchange", call({ async: true })],
    ["function", func("one", { namespace: "got", async: true })],
  ])("goes on meanwhile and is heard: %s", async (_, command) => {
    const early = await begun([command, route("a"), wait({ event: "got", namespace: "w" }), success("{{[got, w]}}")]);
    expect(early.route.uri).toBe("/a");
    await early.answer(5, early.pending.find(({ kind }) => kind === "exchange")!.id);
    expect(early.attributes).toEqual({ got: 5 });
    await early.submit({});
    expect(early.state.end?.result).toEqual([5, 5]);

    const late = await begun([command, wait({ event: "got", namespace: "w" }), success("{{[got, w]}}")]);
    await late.fault("DOWN", late.pending.find(({ kind }) => kind === "exchange")!.id);
    const code = command.command === "function" ? "FUNCTION_FAILED" : "DOWN";
    expect(late.state.end?.result).toMatchObject([{ error: { code } }, { error: { code } }]);
  });

  it("is given up by going back before it, and goes on behind it", async () => {
    const commands = [call({ async: true, namespace: "first" }), route("a"), call({ async: true }), route("b")];
    const play = await begun([...commands, wait({ event: "first" }), success("{{first}}")]);
    await play.submit({});
    expect(play.pending.map(({ id }) => id)).toEqual(["p1", "p2"]);
    await play.back();
    expect(play.pending.map(({ id }) => id)).toEqual(["p1"]);
    await play.submit({});
    await play.answer(7, "p1");
    await play.back();
    expect(play.attributes).toEqual({ first: 7 });
    await play.submit({});
    await play.submit({});
    expect(play.state.end?.result).toBe(7);
  });

  it("of a function goes on when it was begun before, and is given up when it was not", async () => {
    const one = func("one", { async: true });
    const play = await begun([one, route("a"), one, route("b")]);
    await play.submit({});
    expect(Object.keys(play.state.threads)).toEqual(["main", "f1", "f4"]);
    await play.back();
    expect(Object.keys(play.state.threads)).toEqual(["main", "f1"]);
    expect(play.pending.map(({ thread }) => thread)).toEqual(["main", "f1"]);
  });
});

const commandsOf = (name: string, input: unknown): Commands => [
  set({ secret: 1, "share.s": 2 }),
  func(name, { input }),
  success("{{[f, x]}}"),
];

const large: Workflow["functions"] = {
  big: { commands: [success("{{it}}")] },
  asks: { commands: [call({ validate: {} }), success("{{got}}")] },
};

describe("a function", () => {
  const functions: Workflow["functions"] = {
    sum: { validate: { a: { rule: "number" } }, commands: [set({ x: 1 }), success("{{it.a + 1}}")] },
    none: { commands: [] },
    asks: { commands: [call(), success({ got: "{{got}}", share: "{{share}}" })] },
    decides: { commands: [{ command: "decision", decision: "yes" }] },
    raises: { commands: [{ command: "error", code: "OWN", message: "Mine." }] },
    breaks: { commands: [set({ a: "{{$number('x')}}" })] },
    outer: { commands: [func("raises")] },
    deep: { commands: [func("breaks")] },
    shares: { commands: [set({ "share.n": "{{it.n}}" })] },
  };
  it.each<[string, unknown, unknown]>([
    ["sum", { a: "2" }, [3]],
    ["none", undefined, [null]],
    ["decides", undefined, [{ decision: "yes" }]],
  ])("has a result and attributes of its own: %s", async (name, input, result) => {
    expect(await resultOf(commandsOf(name, input), { functions })).toEqual(result);
  });

  it.each<[string, unknown, string, string]>([
    ["sum", { a: "x" }, "FUNCTION_INPUT_INVALID", 'The input of the function "sum" is not valid. a: Must be a number'],
    ["raises", {}, "OWN", "Mine."],
    ["outer", {}, "OWN", "Mine."],
    ["breaks", {}, "FUNCTION_FAILED", 'The function "breaks" failed: '],
    ["deep", {}, "FUNCTION_FAILED", 'The function "breaks" failed: '],
  ])("fails its caller: %s", async (name, input, code, message) => {
    const { view, state } = await Play.of(commandsOf(name, input), { functions });
    expect(view).toEqual({ kind: "fault", by: "script", code, message: expect.stringContaining(message) });
    expect(state.end?.status).toBe("terminated");
  });

  it("waits for its exchange, and fails its caller by the platform's fault", async () => {
    const play = await Play.of(commandsOf("asks", {}), { functions });
    expect(play.main.waiting).toEqual({ pending: "p2" });
    const failed = await play.fault("DOWN", "p3");
    expect(failed.view).toEqual(ends("FUNCTION_FAILED", "platform"));
    const well = await (await Play.of(commandsOf("asks", {}), { functions })).answer(4, "p3");
    expect(well.state.end?.result).toEqual([{ got: 4, share: { s: 2 } }]);
  });

  it("is called by a client beside the script, survives going back, and keeps its end", async () => {
    const play = await Play.of([route("a"), route("b")], { functions });
    await play.submit({});
    await play.call("asks");
    await play.call("raises", {}, "c2");
    await play.call("sum", { a: "1" }, "c3");
    await play.call("shares", { n: 9 }, "c4");
    await play.back();
    expect(play.route.uri).toBe("/a");
    await play.answer("later");
    expect(play.state.threads["c1"]).toMatchObject({ ended: { result: { got: "later", share: {} } }, attributes: {} });
    expect(play.state.threads["c2"]?.ended).toEqual({ fault: { by: "script", code: "OWN", message: "Mine." } });
    expect(play.state.threads["c3"]?.ended).toEqual({ result: 2 });
    expect(play.route.uri).toBe("/a");
    expect((await play.send({ type: "terminate" })).state.threads).toEqual({});
  });

  it("of clients takes no async commands from the script", async () => {
    const many: Workflow["functions"] = {
      many: { commands: [{ command: "loop", do: [call({ async: true })], until: "false" }] },
      some: { commands: [call({ async: true }), wait({ event: "got" })] },
    };
    const play = await Play.of([route("a"), call({ async: true }), route("b")], { functions: many });
    for (let index = 0; index < 49; index += 1) await play.call("some", {}, `c${index}`);
    await play.call("many", {}, "m");
    expect(play.state.threads["m"]?.ended).toMatchObject({ fault: { code: "ASYNC_LIMIT" } });
    await play.submit({});
    expect(play.route.uri).toBe("/b");
  });

  it("of clients fails when the state is too large, and the script does not", async () => {
    const play = await Play.of([route("a")], { functions: large });
    for (let index = 0; index < 12; index += 1) await play.call("big", "x".repeat(900_000), `c${index}`);
    expect(play.route.uri).toBe("/a");
    expect(play.outcome.refused).toBeUndefined();
    expect(Object.keys(play.state.threads)).toEqual(["main", "c8", "c9", "c10", "c11"]);
    expect(isKeepable(play.state)).toBe(true);
  });

  it("of clients is refused when those at work leave it no room", async () => {
    const play = await Play.of([route("a"), wait({ seconds: 1 }), route("b")], { functions: large });
    for (let index = 0; index < 4; index += 1) await play.call("asks", "x".repeat(1_000_000), `c${index}`);
    expect(play.outcome.refused).toBeUndefined();
    expect((await play.call("asks", "x".repeat(1_000_000), "c4")).outcome.refused).toEqual({ kind: "tooLarge" });
    expect((await play.submit({ x: "x".repeat(900_000) })).outcome.refused).toEqual({ kind: "tooLarge" });
    await play.answer("x".repeat(1_000_000), play.pending.find(({ thread }) => thread === "c0")!.id);
    expect(play.state.threads["c0"]).toMatchObject({ ended: { fault: { code: "ATTRIBUTES_TOO_LARGE" } } });
    expect(play.route.uri).toBe("/a");
  });

  it("of clients fails before what the script waited for", async () => {
    const grows: Workflow["functions"] = { ...large, grows: { commands: [success("x".repeat(500_000))] } };
    const play = await Play.of([wait({ seconds: 1 }), func("grows"), route("b")], { functions: grows });
    for (let index = 0; index < 4; index += 1) await play.call("asks", "x".repeat(1_000_000), `c${index}`);
    await play.due(play.pending.find(({ kind }) => kind === "timer")!.id);
    expect(play.route.uri).toBe("/b");
    const ended = Object.values(play.state.threads).filter((one) => one.ended !== undefined);
    expect(ended).toMatchObject([{ ended: { fault: { code: "ATTRIBUTES_TOO_LARGE" } } }]);
  });
});
