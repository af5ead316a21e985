import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, it, vi } from "vitest";

import type { Rule } from "../../src/gateway/counting.ts";
import { windowAt } from "../../src/gateway/counting.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const monthOf = (most: number): Rule => ({ kind: "window", interval: "month", most });
const newCounter = () => {
  const name = `counter-${crypto.randomUUID()}`;
  return () => env.GATEWAY_COUNTER.getByName(name);
};
type Counter = ReturnType<typeof newCounter>;

const keptBy = (counter: Counter) =>
  runInDurableObject(counter(), async (_, { storage }) => ({
    rows: [...storage.kv.list()].map(([, row]) => row as { ends: number; taken: number; wakesAt: number }),
    alarm: await storage.getAlarm(),
  }));

/** How often the object's alarm is set from now on. */
const alarmsSetBy = (counter: Counter) =>
  runInDurableObject(counter(), (_, { storage }) => vi.spyOn(storage, "setAlarm").mock.calls);

const passed = async (counter: Counter, rule: Rule, times: number): Promise<boolean[]> => {
  const asked = Array.from({ length: times }, () => counter().take(rule));
  return (await Promise.all(asked)).map(({ passes }) => passes);
};

it("of a hundred calls at once as many pass as may, the first ones, with one alarm", async () => {
  const counter = newCounter();
  const alarms = await alarmsSetBy(counter);
  const all = await passed(counter, monthOf(40), 100);
  expect(all).toEqual(Array.from({ length: 100 }, (_, at) => at < 40));
  const { ends } = windowAt("month", Date.now());
  expect(await keptBy(counter)).toMatchObject({ rows: [{ ends, taken: 40 }], alarm: ends });
  expect(alarms).toHaveLength(1);
});

it("an eviction in between forgets nothing", async () => {
  const counter = newCounter();
  expect(await passed(counter, monthOf(5), 3)).toEqual([true, true, true]);
  await evictDurableObject(counter());
  expect(await passed(counter, monthOf(5), 3)).toEqual([true, true, false]);
  await runInDurableObject(counter(), (_, state) => state.abort("The test lets it crash.")).catch(() => undefined);
  expect(await counter().take(monthOf(5))).toMatchObject({ passes: false, taken: 5, isFull: true });
});

it("what is only looked at is not counted, and leaves nothing behind", async () => {
  const counter = newCounter();
  expect(await counter().peek(monthOf(1))).toMatchObject({ passes: true, taken: 1 });
  expect(await keptBy(counter)).toEqual({ rows: [], alarm: null });
  await counter().take(monthOf(1));
  expect(await counter().peek(monthOf(1))).toMatchObject({ passes: false, taken: 1 });
});

it("a refused call writes nothing", async () => {
  const counter = newCounter();
  await counter().take(monthOf(1));
  const written = await runInDurableObject(counter(), (_, { storage }) => vi.spyOn(storage.kv, "put").mock.calls);
  expect(await passed(counter, monthOf(1), 2)).toEqual([false, false]);
  expect(written).toEqual([]);
});

it("the alarm erases what means nothing any more, and comes again for what does", async () => {
  const counter = newCounter();
  await counter().take(monthOf(1));
  const { ends } = windowAt("month", Date.now());
  expect(await runDurableObjectAlarm(counter())).toBe(true);
  expect(await keptBy(counter)).toMatchObject({ rows: [{ ends, taken: 1 }], alarm: ends });
  vi.spyOn(Date, "now").mockReturnValue(ends);
  expect(await runDurableObjectAlarm(counter())).toBe(true);
  expect(await keptBy(counter)).toEqual({ rows: [], alarm: null });
  expect(await counter().take(monthOf(1))).toMatchObject({ passes: true, taken: 1 });
});

it("short windows share an alarm", async () => {
  const counter = newCounter();
  const alarms = await alarmsSetBy(counter);
  const rule: Rule = { kind: "window", interval: "second", most: 1 };
  const start = Math.ceil(Date.now() / 1000) * 1000 + 5000;
  const clock = vi.spyOn(Date, "now");
  const takenAt = async (at: number) => {
    clock.mockReturnValue(at);
    return (await counter().take(rule)).passes;
  };
  expect([await takenAt(start), await takenAt(start + 999), await takenAt(start + 1000)]).toEqual([true, false, true]);
  expect(await takenAt(start + 59_999)).toBe(true);
  expect(alarms).toEqual([[start + 60_000]]);
  // Had it been lost, the next call would set it.
  expect(await takenAt(start + 60_000)).toBe(true);
  expect(alarms).toEqual([[start + 60_000], [start + 120_000]]);
});

it("a spike: one passes, and the next when the gap is over", async () => {
  const counter = newCounter();
  const rule: Rule = { kind: "gap", gapMs: 3_600_000 };
  const start = Date.now();
  const clock = vi.spyOn(Date, "now").mockReturnValue(start);
  expect(await passed(counter, rule, 5)).toEqual([true, false, false, false, false]);
  await evictDurableObject(counter());
  clock.mockReturnValue(start + 3_599_999);
  expect(await counter().take(rule)).toMatchObject({ passes: false, waitMs: 1 });
  clock.mockReturnValue(start + 3_600_000);
  expect(await counter().take(rule)).toMatchObject({ passes: true, waitMs: 3_600_000 });
});
