import { describe, expect, it } from "vitest";

import { keptLine } from "./kept-line.ts";
import type { Line } from "./state.ts";

const line = (data?: unknown, more: Partial<Line> = {}): Line => ({ type: "submit", thread: "main", data, ...more });
const kept = (data: unknown, mask?: string[]): unknown =>
  (JSON.parse(keptLine(line(data), mask).body) as { data: unknown }).data;

describe("a line that is kept", () => {
  it("has its thread and place, and its type beside it", () => {
    const { type, body } = keptLine(line({ a: 1 }, { place: "/commands/0" }));
    expect([type, JSON.parse(body)]).toEqual(["submit", { thread: "main", place: "/commands/0", data: { a: 1 } }]);
    expect(JSON.parse(keptLine({ type: "log", thread: "f1" }).body)).toEqual({ thread: "f1" });
  });

  it.each<[string, unknown, string[] | undefined, unknown]>([
    ["nothing", { payload: { iban: "DE" } }, undefined, { payload: { iban: "DE" } }],
    ["a path", { payload: { iban: "DE", b: 1 } }, ["basic.iban"], { payload: { iban: "[masked]", b: 1 } }],
    ["a bare name", { payload: { iban: "DE" } }, ["iban"], { payload: { iban: "[masked]" } }],
    [
      "it in lists",
      { list: [{ iban: 1 }, { iban: { deep: 2 } }] },
      ["x.iban"],
      { list: [{ iban: "[masked]" }, { iban: "[masked]" }] },
    ],
    ["an attribute", { path: "basic.iban", value: "DE" }, ["basic.iban"], { path: "basic.iban", value: "[masked]" }],
    ["another attribute", { path: "basic.name", value: "Joe" }, ["basic.iban"], { path: "basic.name", value: "Joe" }],
    [
      "within an attribute",
      { path: "basic", value: { iban: "DE" } },
      ["basic.iban"],
      { path: "basic", value: { iban: "[masked]" } },
    ],
    [
      "what is named like a secret",
      { payload: { password: "p", apiKey: "k" } },
      undefined,
      { payload: { password: "[masked]", apiKey: "[masked]" } },
    ],
    ["what is no object", "iban", ["iban"], "iban"],
    ["null", null, ["iban"], null],
  ])("marked %s", (_, data, mask, expected) => {
    expect(kept(data, mask)).toEqual(expected);
  });

  it.each([
    [60_000, false],
    [70_000, true],
  ])("of %i characters is cut: %j", (length, cut) => {
    const { body } = keptLine(line({ text: "x".repeat(length) }, { place: "/commands/1" }));
    expect((JSON.parse(body) as { truncated?: true }).truncated === true).toBe(cut);
  });

  it("that is cut has still its thread and its place", () => {
    const { body } = keptLine(line({ text: "x".repeat(70_000) }, { place: "/commands/1" }));
    expect(JSON.parse(body)).toEqual({ thread: "main", place: "/commands/1", truncated: true });
  });

  it("of something to be masked that is large stays masked", () => {
    expect(keptLine(line({ iban: "DE02".repeat(20_000) }), ["iban"]).body).not.toContain("DE02");
  });
});
