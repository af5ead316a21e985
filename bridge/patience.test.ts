import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { backoff, persist, wait } from "./patience.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: 0, fakeNodeBuiltins: true });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("the time before the next try", () => {
  it.each([
    [1, [50, 100]],
    [2, [100, 200]],
    [3, [200, 400]],
    [7, [3200, 6400]],
    [8, [5000, 10_000]],
    [1000, [5000, 10_000]],
    [Number.MAX_SAFE_INTEGER, [5000, 10_000]],
  ])("after %i failures is between %j", (failures, bounds) => {
    expect([0, 1].map((chance) => backoff(failures, 10_000, 100, chance))).toEqual(bounds);
  });

  it("grows, is bounded, and differs by chance", () => {
    const chance = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e6 }),
        fc.integer({ min: 100, max: 60_000 }),
        chance,
        (tries, most, by) => {
          const delay = backoff(tries, most, 100, by);
          expect(delay).toBeGreaterThanOrEqual(50);
          expect(delay).toBeLessThanOrEqual(most);
          expect(backoff(tries + 1, most, 100, by)).toBeGreaterThanOrEqual(delay);
        },
      ),
    );
    expect(backoff(9, 1000, 100, 0.25)).toBeLessThan(backoff(9, 1000, 100, 0.75));
  });
});

const watched = (milliseconds: number, signal: AbortSignal) => {
  const over = vi.fn<() => void>();
  void wait(milliseconds, signal).then(over);
  return over;
};

describe("waiting", () => {
  it("ends at its time, and not before", async () => {
    const over = watched(1000, new AbortController().signal);
    await vi.advanceTimersByTimeAsync(999);
    expect(over).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(over).toHaveBeenCalledOnce();
  });

  it("ends well when the signal says so, and leaves no timer", async () => {
    const stop = new AbortController();
    const over = watched(60_000, stop.signal);
    await vi.advanceTimersByTimeAsync(10);
    stop.abort();
    await vi.advanceTimersByTimeAsync(0);
    expect(over).toHaveBeenCalledOnce();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("does not begin when the signal has said so", async () => {
    const over = watched(60_000, AbortSignal.abort());
    await vi.advanceTimersByTimeAsync(0);
    expect(over).toHaveBeenCalledOnce();
  });
});

const failingTimes = (times: number) => {
  let tries = 0;
  return vi.fn<() => Promise<string>>(async () => {
    tries += 1;
    if (tries <= times) throw new Error(`no ${tries}`);
    return "done";
  });
};

describe("persisting", () => {
  it("tries until it succeeds, and tells each failure and when it tries again", async () => {
    vi.spyOn(Math, "random").mockReturnValue(1);
    const attempt = failingTimes(3);
    const told: unknown[] = [];
    const done = persist(attempt, new AbortController().signal, (error, failures, retryInMs) =>
      told.push([Date.now(), (error as Error).message, failures, retryInMs]),
    );
    await vi.advanceTimersByTimeAsync(100 + 200 + 399);
    expect(attempt).toHaveBeenCalledTimes(3);
    await vi.advanceTimersByTimeAsync(1);
    await expect(done).resolves.toBe("done");
    expect(told).toEqual([
      [0, "no 1", 1, 100],
      [100, "no 2", 2, 200],
      [300, "no 3", 3, 400],
    ]);
  });

  it("answers what it came to though the signal has come meanwhile", async () => {
    const stop = new AbortController();
    const attempt = async () => {
      stop.abort();
      return "done";
    };
    await expect(persist(attempt, stop.signal, vi.fn<() => void>())).resolves.toBe("done");
  });

  it("does not begin after the signal", async () => {
    const attempt = failingTimes(0);
    await expect(persist(attempt, AbortSignal.abort(), vi.fn<() => void>())).resolves.toBeUndefined();
    expect(attempt).not.toHaveBeenCalled();
  });

  it("ends by the signal between two tries", async () => {
    const stop = new AbortController();
    const attempt = failingTimes(Infinity);
    const done = persist(attempt, stop.signal, vi.fn<() => void>());
    await vi.advanceTimersByTimeAsync(0);
    stop.abort();
    await expect(done).resolves.toBeUndefined();
    expect(attempt).toHaveBeenCalledOnce();
  });

  it("does not take for a failure what the signal ended", async () => {
    const stop = new AbortController();
    const failed = vi.fn<() => void>();
    const attempt = async () => {
      stop.abort();
      throw new Error("aborted");
    };
    await expect(persist(attempt, stop.signal, failed)).resolves.toBeUndefined();
    expect(failed).not.toHaveBeenCalled();
  });
});
