import { describe, expect, it } from "vitest";

import { Play, route, set } from "../../test/support/play.ts";
import type { Workflow } from "../workflows/model.ts";

describe("routes", () => {
  const routes: Workflow["routes"] = {
    basic: { uri: "/registered/{{n}}", export: { n: "{{n}}" }, validate: { age: { rule: "number", min: 18 } } },
  };

  it("shows what is registered, and what is said at its use before it", async () => {
    const play = await Play.of([set({ n: 1 }), { command: "route", name: "basic", export: { m: "{{n + 1}}" } }], {
      routes,
    });
    expect(play.view).toEqual({
      kind: "route",
      route: {
        uuid: "r1",
        uri: "/registered/1",
        terminal: false,
        backEnabled: false,
        export: { m: 2 },
        validate: { age: { rule: "number", min: 18 } },
        name: "basic",
      },
    });
  });

  it("takes the validated value and shows the submitted one", async () => {
    const play = await Play.of([set({ n: 1 }), { command: "route", name: "basic" }, route("b")], { routes });
    await play.submit({ age: "20", more: 1 });
    expect(play.attributes["basic"]).toEqual({ age: 20, more: 1 });
    await play.back();
    expect(play.route.payload).toEqual({ age: "20", more: 1 });
  });

  it("tells all that is invalid and keeps no mark", async () => {
    const play = await Play.of([set({ n: 1 }), { command: "route", name: "basic" }], { routes });
    await play.submit({ age: 3 });
    expect(play.outcome.refused).toEqual({
      kind: "invalid",
      errors: [{ field: "age", message: "Must be at least 18" }],
    });
    expect(play.outcome.lines.map(({ type }) => type)).toEqual(["validation"]);
    await play.submit({ age: 18 });
    expect(play.state.end?.kind).toBe("success");
  });

  it("goes back and forward", async () => {
    const play = await Play.of([route("a"), set({ x: "{{a.v}}" }), route("b"), route("c")]);
    await play.submit({ v: 1 });
    await play.submit({ v: 2 });
    expect(play.route).toMatchObject({ uri: "/c", backEnabled: true });
    await play.back({ draft: 3 });
    expect(play.route).toMatchObject({ uuid: "r4", uri: "/b", backEnabled: true, payload: { v: 2 } });
    expect(play.attributes).toEqual({ a: { v: 1 }, x: 1 });
    await play.back();
    expect(play.route).toMatchObject({ uuid: "r5", uri: "/a", backEnabled: false, payload: { v: 1 } });
    expect(play.attributes).toEqual({});
    await play.submit({ v: 9 });
    expect(play.route).toMatchObject({ uri: "/b", payload: { v: 2 } });
    expect(play.attributes).toEqual({ a: { v: 9 }, x: 9 });
    await play.submit({ v: 2 });
    expect(play.route).toMatchObject({ uri: "/c", payload: { draft: 3 } });
    await play.submit({});
    expect(play.state.end?.kind).toBe("success");
  });

  it("forgets a draft when something is submitted in its place", async () => {
    const play = await Play.of([route("a"), route("b"), route("c")]);
    await play.submit({});
    await play.back({ v: "draft" });
    await play.submit({});
    expect(play.route.payload).toEqual({ v: "draft" });
    await play.submit({ v: "submitted" });
    await play.back();
    await play.back();
    await play.submit({});
    expect(play.route).toMatchObject({ uri: "/b", payload: { v: "submitted" } });
  });

  it("restores what is shared", async () => {
    const play = await Play.of([set({ "share.n": 1 }), route("a"), set({ "share.n": 2 }), route("b")]);
    await play.submit();
    expect(play.state.share).toEqual({ n: 2 });
    await play.back();
    expect(play.state.share).toEqual({ n: 1 });
  });

  it("does not lead behind a checkpoint", async () => {
    const play = await Play.of([route("a"), route("b", { checkpoint: true }), route("c")]);
    await play.submit();
    expect(play.route).toMatchObject({ uri: "/b", backEnabled: false });
    expect((await play.back()).outcome.refused).toEqual({ kind: "backDisabled" });
    await play.submit();
    expect(play.route.backEnabled).toBe(true);
    await play.back();
    expect(play.route).toMatchObject({ uri: "/b", backEnabled: false });
  });

  it("keeps 100 routes, and fills a route of a loop with what was submitted there", async () => {
    const play = await Play.of([{ command: "loop", do: [route("a")], until: "false" }]);
    for (let round = 0; round < 101; round += 1) await play.submit({ round });
    expect(play.state.history).toHaveLength(100);
    expect(play.route.payload).toEqual({ round: 100 });
    for (let step = 0; step < 99; step += 1) await play.back();
    expect(play.route).toMatchObject({ backEnabled: false, payload: { round: 2 } });
  });
});
