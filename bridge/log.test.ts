import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { logAs, wordsOf } from "./log.ts";

const withCode = (code: unknown): Error => Object.assign(new Error(""), { code });
const address = "amqp://guest:s3cret@broker:5672";

it.each<[string, unknown, string]>([
  ["an error", new Error("Broken"), "Broken"],
  ["an error and its cause", new Error("fetch failed", { cause: new Error("refused") }), "fetch failed: refused"],
  ["an error without words", withCode("ECONNREFUSED"), "ECONNREFUSED"],
  ["an error without anything", withCode(7), ""],
  ["a cause that is no error", new Error("Broken", { cause: "by hand" }), "Broken"],
  ["words", "low on memory", "low on memory"],
  ["nothing", undefined, "undefined"],
  ["an error with an address", new Error(`Cannot reach ${address}/vhost.`), "Cannot reach amqp://…@broker:5672/vhost."],
  ["an address in a cause", new Error("No", { cause: new Error(address) }), "No: amqp://…@broker:5672"],
  ["words with an address", `low on memory at ${address}`, "low on memory at amqp://…@broker:5672"],
  ["two addresses", new Error(`${address} ${address}`), "amqp://…@broker:5672 amqp://…@broker:5672"],
  ["a password with an @", new Error("amqp://guest:s3@cr@et@broker"), "amqp://…@broker"],
  ["a name alone", new Error("amqps://s3cret@broker"), "amqps://…@broker"],
  ["an address without any", new Error("http://host:1/a@b"), "http://host:1/a@b"],
])("tells %s", (_, error, expected) => {
  expect(wordsOf(error)).toBe(expected);
});

it.each<[string, unknown]>([
  ["an error", new Error("x".repeat(1000))],
  ["words", "x".repeat(1000)],
])("cuts %s that goes on", (_, error) => {
  expect(wordsOf(error).length).toBeLessThanOrEqual(300);
});

it("cuts an address before it cuts the words", () => {
  expect(wordsOf(new Error(`${"x".repeat(280)} amqp://guest:s3cret-of-many-letters@broker`))).not.toContain("s3");
});

beforeEach(() => {
  vi.useFakeTimers({ now: 0, toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const time = "1970-01-01T00:00:00.000Z";
const info = JSON.stringify({ time, level: "info", event: "began", port: 1 });
const failed = JSON.stringify({ time, level: "error", event: "failed", port: 1, error: "amqp://…@broker:5672" });

it.each([
  ["info", [[info]], [[failed]]],
  ["error", [], [[failed]]],
  ["silent", [], []],
] as const)("says at level %s what belongs there, a line for each", (level, infos, errors) => {
  const printed = vi.spyOn(console, "log").mockReturnValue();
  const complained = vi.spyOn(console, "error").mockReturnValue();
  const log = logAs(level);
  log.info("began", { port: 1 });
  log.error("failed", new Error(address), { port: 1 });
  expect(printed.mock.calls).toEqual(infos);
  expect(complained.mock.calls).toEqual(errors);
});
