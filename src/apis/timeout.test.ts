import { describe, expect, it } from "vitest";

import { faultOfTimeout, faultsOfTimeouts, timeoutOf } from "./timeout.ts";

const variables = {
  SLOW: 45,
  TEXT: " 2.5 ",
  WORD: "s3cret",
  ZERO: 0,
  BELOW: "-5",
  EMPTY: "",
  HEX: "0x10",
  BIG: "3601",
  NONE: null,
  YES: true,
};
const levels = (operation?: unknown, resource?: unknown, api?: unknown) => [
  { scope: "GET /orders", timeout: operation },
  { scope: "/orders", timeout: resource },
  { scope: "the API", timeout: api },
];

describe("the most specific level that says one", () => {
  it.each<[said: unknown[], ms: number, scope: string | undefined]>([
    [[1, 2, 3], 1000, "GET /orders"],
    [[undefined, 2, 3], 2000, "/orders"],
    [[undefined, undefined, 3], 3000, "the API"],
    [[1, undefined, 3], 1000, "GET /orders"],
    [[], 30_000, undefined],
    [[0.25], 250, "GET /orders"],
    [[0.001], 1, "GET /orders"],
    [[0.0015], 2, "GET /orders"],
    [[3600], 3_600_000, "GET /orders"],
    [["SLOW"], 45_000, "GET /orders"],
    [["{{env.SLOW}}"], 45_000, "GET /orders"],
    [["{{ env.TEXT }}"], 2500, "GET /orders"],
    [[undefined, "TEXT", "WORD"], 2500, "/orders"],
  ])("%j is %i ms of %s", (said, ms, scope) => {
    expect(timeoutOf(levels(...said), variables)).toEqual({ ms, ...(scope === undefined ? {} : { scope }) });
  });

  it("a broken level is not passed over", () => {
    expect(timeoutOf(levels(undefined, "NOBODY", 3), variables)).toEqual({
      fault: {
        scope: "/orders",
        message:
          "The timeout of /orders: the environment has no variable NOBODY. " +
          "Give seconds from 0.001 to 3600, or the name of a variable such as {{env.TIMEOUT}}.",
      },
    });
  });
});

describe("a timeout that is none", () => {
  it.each<[timeout: unknown, words: string]>([
    [0, "0 is no timeout"],
    [-1, "-1 is no timeout"],
    [-0, "0 is no timeout"],
    [0.0009, "0.0009 is no timeout"],
    [3600.1, "3600.1 is no timeout"],
    [Number.NaN, "NaN is no timeout"],
    [Infinity, "Infinity is no timeout"],
    ["30", "This string is no timeout"],
    ["30s", "This string is no timeout"],
    ["", "This string is no timeout"],
    ["{{env.}}", "This string is no timeout"],
    ["{{env.A}}{{env.B}}", "This string is no timeout"],
    ["{{vault.A}}", "This string is no timeout"],
    ["A B", "This string is no timeout"],
    [null, "null is no timeout"],
    [true, "This boolean is no timeout"],
    [{}, "This object is no timeout"],
  ])("%j is refused when it is saved: %s", (timeout, words) => {
    expect(faultOfTimeout(timeout)).toContain(`${words}. Give seconds`);
    expect(timeoutOf(levels(undefined, timeout), {})).toHaveProperty("fault.scope", "/orders");
  });

  it.each([1, 0.5, "SLOW", "{{env.SLOW}}", "unknown_1", undefined])("%j is saved", (timeout) => {
    expect(faultOfTimeout(timeout)).toBeUndefined();
  });

  it.each(["WORD", "ZERO", "BELOW", "EMPTY", "HEX", "BIG", "NONE", "YES"] as const)(
    "the variable %s is refused when it is published, and its value is not told",
    (name) => {
      const [fault] = faultsOfTimeouts(levels(undefined, undefined, `{{env.${name}}}`), variables);
      expect(fault?.scope).toBe("the API");
      expect(fault?.message).toContain(`The timeout of the API: the variable ${name} holds no number`);
      expect(fault?.message).not.toContain("s3cret");
    },
  );

  it.each(["NOBODY", "toString", "__proto__", "constructor"])("the variable %s is unknown", (name) => {
    expect(timeoutOf(levels(name), variables)).toHaveProperty(
      "fault.message",
      expect.stringContaining(`no variable ${name}`),
    );
  });

  it("all levels are told, not the one that would hold alone", () => {
    expect(faultsOfTimeouts(levels(0, "SLOW", "NOBODY"), variables).map(({ scope }) => scope)).toEqual([
      "GET /orders",
      "the API",
    ]);
    expect(faultsOfTimeouts(levels(1, undefined, 2), variables)).toEqual([]);
  });
});
