import { describe, expect, it } from "vitest";

import { Answers, inTime } from "./answers.ts";

/** Somebody who asks, at a time that is set, questions that are answered when the test says so. */
function given() {
  const answers = new Answers<string>();
  const deferred: Promise<unknown>[] = [];
  const open: ((answer: string) => void)[] = [];
  let time = 0;
  const by = { now: () => time, defer: (promise: Promise<unknown>) => void deferred.push(promise) };
  const ask = () => new Promise<string>((resolve) => open.push(resolve));
  return {
    deferred,
    open,
    passTime: (ms: number) => (time += ms),
    known: () => answers.get("key", time),
    ask: (lasts = 100, key = "key") => answers.ask(key, by, { ask, lastsMs: () => lasts, patienceMs: 50 }),
  };
}

describe("an answer", () => {
  it("is shared by all who ask meanwhile, and kept alive for them", async () => {
    const { ask, open, deferred } = given();
    const all = [ask(), ask(), ask()];
    expect([open.length, deferred.length]).toEqual([1, 1]);
    open[0]!("a");
    expect(await Promise.all([...all, ...deferred])).toEqual(["a", "a", "a", "a"]);
  });

  it.each([
    [100, 99, "a"],
    [100, 100, undefined],
    [0, 0, undefined],
  ])("that lasts %d is known %d later as %s", async (lasts, later, known) => {
    const { ask, open, passTime, known: get } = given();
    const asked = ask(lasts);
    open[0]!("a");
    await asked;
    passTime(later);
    expect(get()).toBe(known);
    const again = ask(lasts);
    expect(open).toHaveLength(known === undefined ? 2 : 1);
    open[1]?.("b");
    expect(await again).toBe(known ?? "b");
  });

  it("that never comes is not waited for by those who ask later", async () => {
    const { ask, open, passTime } = given();
    const [first] = [ask(0), passTime(49), ask(0)];
    expect(open).toHaveLength(1);
    passTime(1);
    const second = ask(0);
    expect(open).toHaveLength(2);
    // One that comes after all does not take the newer question away from those who wait for it.
    open[0]!("late");
    expect(await first).toBe("late");
    const third = ask(0);
    expect(open).toHaveLength(2);
    open[1]!("in time");
    expect(await Promise.all([second, third])).toEqual(["in time", "in time"]);
  });

  it("belongs to its key", async () => {
    const { ask, open } = given();
    const two = [ask(100, "a"), ask(100, "b")];
    open[0]!("A");
    open[1]!("B");
    expect(await Promise.all(two)).toEqual(["A", "B"]);
  });
});

describe("inTime", () => {
  it.each<[string, Promise<string>, string]>([
    ["an answer", Promise.resolve("a"), "a"],
    ["no answer", new Promise<string>(() => {}), "late"],
  ])("answers with %s in time", async (_, answer, told) => {
    expect(await inTime(5, answer, () => "late")).toBe(told);
  });
});
