import { describe, expect, it } from "vitest";

import { backoffOf, defaultRetry, mayPass, policyOf, retryAfterOf, RetrySettings, type RetryPolicy } from "./retry.ts";

const policy: RetryPolicy = { attempts: 5, delayMs: 1000, factor: 3, jitter: 0, mostDelayMs: 20_000 };

describe("settings of retry", () => {
  it.each<[string, unknown, Partial<RetryPolicy>]>([
    ["nothing", undefined, {}],
    ["null", null, {}],
    ["a text", "often", {}],
    ["a list", [5], {}],
    ["an empty object", {}, {}],
    ["the number of tries", { attempts: 7 }, { attempts: 7 }],
    ["a single try", { attempts: 1 }, { attempts: 1 }],
    ["no try", { attempts: 0 }, {}],
    ["too many tries", { attempts: 11 }, {}],
    ["half a try", { attempts: 2.5 }, {}],
    ["tries as text", { attempts: "7" }, {}],
    ["a delay in seconds", { delay: 1.5 }, { delayMs: 1500 }],
    ["no delay", { delay: 0 }, { delayMs: 0 }],
    ["a negative delay", { delay: -1 }, {}],
    ["a delay of two hours", { delay: 7200 }, {}],
    ["a delay that is longer than the default most", { delay: 600 }, { delayMs: 600_000, mostDelayMs: 600_000 }],
    ["a delay that is longer than the most", { delay: 600, most: 60 }, { delayMs: 600_000, mostDelayMs: 60_000 }],
    ["a factor", { factor: 1 }, { factor: 1 }],
    ["a factor that shrinks", { factor: 0.5 }, {}],
    ["no jitter", { jitter: 0 }, { jitter: 0 }],
    ["all left to chance", { jitter: 1 }, { jitter: 1 }],
    ["more than all left to chance", { jitter: 2 }, {}],
    ["no number", { jitter: Number.NaN, factor: Infinity }, {}],
    ["the most in seconds", { most: 3600 }, { mostDelayMs: 3_600_000 }],
    ["a most of nothing", { most: 0 }, {}],
    ["one field that is understood among others", { attempts: 2, delay: "soon", extra: 1 }, { attempts: 2 }],
  ])("%s: what is not understood is the default", (_, settings, changed) => {
    expect(policyOf(settings)).toEqual({ ...defaultRetry, ...changed });
  });

  it.each<[boolean, unknown]>([
    [true, {}],
    [true, { attempts: 1, delay: 0, factor: 1, jitter: 0, most: 1 }],
    [true, { attempts: 10, delay: 3600, factor: 10, jitter: 1, most: 3600 }],
    [false, { attempts: 11 }],
    [false, { attempts: 1.5 }],
    [false, { delay: 3601 }],
    [false, { factor: 0.9 }],
    [false, { jitter: 1.1 }],
    [false, { most: 0.5 }],
    [false, { tries: 3 }],
  ])("as an author writes them are valid: %s %j", (verdict, settings) => {
    expect(RetrySettings.safeParse(settings).success).toBe(verdict);
  });
});

describe("the wait until the next try", () => {
  it.each<[string, Partial<RetryPolicy>, number, number, number | undefined, number]>([
    ["after the first", {}, 1, 0, undefined, 1000],
    ["after the second", {}, 2, 0, undefined, 3000],
    ["after the third", {}, 3, 0, undefined, 9000],
    ["is bounded", {}, 4, 0, undefined, 20_000],
    ["is bounded after very many", { factor: 10 }, 100_000, 1, undefined, 20_000],
    ["is none after very many if the delay is none", { factor: 10, delayMs: 0 }, 100_000, 1, undefined, 0],
    ["is steady with factor 1", { factor: 1 }, 9, 0, undefined, 1000],
    ["leaves nothing to chance without jitter", {}, 1, 0.7, undefined, 1000],
    ["is shortest with no luck", { jitter: 0.2 }, 1, 0, undefined, 800],
    ["is in the middle", { jitter: 0.2 }, 1, 0.5, undefined, 900],
    ["is longest with all the luck", { jitter: 0.2 }, 1, 1, undefined, 1000],
    ["may vanish if all is left to chance", { jitter: 1 }, 1, 0, undefined, 0],
    ["is jittered at the bound too", { jitter: 0.5 }, 9, 0, undefined, 10_000],
    ["is what was asked if that is longer", {}, 1, 0, 4000, 4000],
    ["is what was asked beyond the bound", {}, 1, 0, 60_000, 60_000],
    ["is at most five minutes of what was asked", {}, 1, 0, 3_600_000, 300_000],
    ["is its own if what was asked is shorter", {}, 2, 0, 500, 3000],
    ["is its own beyond five minutes", { delayMs: 900_000, mostDelayMs: 900_000 }, 1, 0, 600_000, 900_000],
    ["is a whole number", { delayMs: 333, jitter: 0.1 }, 1, 0.123, undefined, 304],
  ])("%s", (_, changed, attempt, chance, asked, wait) => {
    expect(backoffOf({ ...policy, ...changed }, attempt, chance, asked)).toBe(wait);
  });
});

describe("Retry-After", () => {
  const now = Date.parse("1994-11-06T08:49:30Z");
  it.each<[string | null | undefined, number | undefined]>([
    [undefined, undefined],
    [null, undefined],
    ["", undefined],
    ["0", 0],
    ["120", 120_000],
    [" 7 ", 7000],
    ["9".repeat(400), Number.MAX_SAFE_INTEGER],
    ["-1", undefined],
    ["1.5", undefined],
    ["0x10", undefined],
    ["soon", undefined],
    ["Sun, 06 Nov 1994 08:49:37 GMT", 7000],
    ["Sunday, 06-Nov-94 08:49:37 GMT", 7000],
    ["Sun Nov  6 08:49:37 1994", 7000],
    ["Sun, 06 Nov 1994 08:49:00 GMT", 0],
    ["Sun, 06 Nov 1994", undefined],
    ["Sun, 99 Foo 1994 08:49:37 GMT", undefined],
    ["2026-11-22", undefined],
  ])("%j asks for %s ms", (header, wait) => {
    expect(retryAfterOf(header, now)).toBe(wait);
  });
});

it.each([
  [200, false],
  [304, false],
  [400, false],
  [401, false],
  [403, false],
  [404, false],
  [408, true],
  [409, false],
  [425, false],
  [429, true],
  [499, false],
  [500, true],
  [501, false],
  [502, true],
  [503, true],
  [504, true],
  [505, false],
  [507, true],
  [520, true],
  [599, true],
  [600, false],
])("a call that is answered %i may go better next time: %s", (status, verdict) => {
  expect(mayPass(status)).toBe(verdict);
});
