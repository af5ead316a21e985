import { describe, expect, it } from "vitest";

import { hidingOf, type Hiding } from "./hiding.ts";
import { MOST_BODY, Veil } from "./veil.ts";

const rule = (config: object): Hiding => hidingOf("logObfuscation", { replacement: "***", fields: [], ...config })!;
const veilOf = (...configs: object[]) => new Veil(configs.map(rule));

const seen = (type: string, content: string | Uint8Array, isWhole = true) => ({
  type,
  now: () => ({ bytes: typeof content === "string" ? new TextEncoder().encode(content) : content, isWhole }),
  done: Promise.resolve(),
});
const JSON_TYPE = "application/json; charset=utf-8";

it.each([
  "authorization",
  "Proxy-Authorization",
  "cookie",
  "set-cookie",
  "x-api-key",
  "x-auth-user",
  "x-shop-token",
  "client-secret",
  "x-hub-signature",
  "x-password",
])("the header %s is never written", (name) => {
  expect(veilOf().header(name, "value")).toBe("[masked]");
});

it.each([
  ["?a=1&token=t&b", "?a=1&token=[masked]&b"],
  [
    "?access_token=t&key=k&secret=s&password=p",
    "?access_token=[masked]&key=[masked]&secret=[masked]&password=[masked]",
  ],
  ["?Acc%6funt=77&account=", "?Acc%6funt=***&account=***"],
  ["?monkey=1&x=%zz", "?monkey=1&x=%zz"],
  ["", ""],
])("of the query %s is written %s", (query, shown) => {
  expect(veilOf({ location: "query", names: ["Account"] }).query(query)).toBe(shown);
});

it("an address has no user and no values", () => {
  expect(veilOf().address("https://me:pw@host.example:8443/a/b?x=1&y&z=3#f")).toBe(
    "https://host.example:8443/a/b?x&y&z",
  );
});

describe("what must not be seen is hidden in every text", () => {
  it.each([
    ["the whole value", [["authorization", "Bearer abc"]], "it was Bearer abc!", "it was [masked]!"],
    ["a long piece of it", [["authorization", "Bearer abcdefghijkl"]], "abcdefghijkl", "[masked]"],
    ["a password in Basic", [["authorization", `Basic ${btoa("me:s3:cret")}`]], "s3:cret", "[masked]"],
    ["one of the cookies", [["cookie", "a=1; sid=0123456789ab"]], "sid 0123456789ab", "sid [masked]"],
    ["a header by rule", [["x-account", "savings-7"]], "x savings-7 y", "x [masked] y"],
    ["no header else", [["x-other", "savings-7"]], "x savings-7 y", "x savings-7 y"],
  ] as const)("%s", (_, headers, text, shown) => {
    const veil = veilOf({ location: "header", names: ["X-Account"] });
    veil.learnHeaders(headers);
    expect(veil.text(text)).toBe(shown);
  });

  it("a parameter, as it was sent and as it is read", () => {
    const veil = veilOf();
    veil.learnQuery("?token=a%20secret%20b");
    expect([veil.text("a secret b"), veil.text("x=a%20secret%20b")]).toEqual(["[masked]", "x=[masked]"]);
  });

  it("by patterns, with a replacement that is taken as it is", () => {
    expect(veilOf({ location: "body", pattern: "[0-9]{13,19}", replacement: "$1" }).text("no 4111111111111111.")).toBe(
      "no $1.",
    );
  });
});

describe("bodies", () => {
  const fields = { location: "body", fields: ["customer.iban", "items.*.card"] };
  const digits = { location: "body", pattern: "[0-9]{13,19}" };
  it.each<[string, object[], string, string, object]>([
    [
      "fields of JSON",
      [fields],
      JSON_TYPE,
      '{"customer":{"iban":"DE1","x":1},"items":[{"card":4},{}]}',
      { body: '{"customer":{"iban":"***","x":1},"items":[{"card":"***"},{}]}' },
    ],
    [
      "fields of JSON by another name",
      [fields],
      "text/plain",
      '{"customer":{"iban":1}}',
      { body: '{"customer":{"iban":"***"}}' },
    ],
    ["names of secrets", [], JSON_TYPE, '{"client_secret":"x","a":1}', { body: '{"client_secret":"[masked]","a":1}' }],
    ["patterns", [digits], "text/plain", "card 4111111111111111", { body: "card ***" }],
    [
      "patterns over blanks of JSON",
      [{ location: "body", pattern: '"pin": "[0-9]+"', replacement: '"pin":0' }],
      JSON_TYPE,
      '{"pin": "1234"}',
      { body: '{"pin":0}' },
    ],
    ["patterns that break JSON", [digits], JSON_TYPE, '{"card":4111111111111111}', { body: '{"card":***}' }],
    [
      "patterns that break JSON with more to hide",
      [digits],
      JSON_TYPE,
      '{"card":4111111111111111,"token":"x"}',
      { missing: expect.stringContaining("cannot be found") },
    ],
    ["forms", [], "application/x-www-form-urlencoded", "a=1&client_secret=s", { body: "a=1&client_secret=[masked]" }],
    ["JSON that is none", [], JSON_TYPE, '{"a":', { missing: expect.stringContaining("no whole JSON") }],
    ["an empty one", [], JSON_TYPE, "", { body: "" }],
  ])("%s", (_, rules, type, content, told) => {
    expect(veilOf(...rules).body(seen(type, content))).toEqual(told);
  });

  it("are cut, and what a pattern might have found at the cut is left out", () => {
    const long = "x".repeat(MOST_BODY + 10);
    expect(veilOf().body(seen("text/plain", long))).toEqual({ body: long.slice(0, MOST_BODY), truncated: true });
    expect(veilOf(digits).body(seen("text/plain", `ok ${"7".repeat(12)}`, false))).toEqual({
      body: "",
      truncated: true,
    });
  });

  it("that are no text, or of which only a part of the JSON came, are not written", () => {
    expect(veilOf().body(seen("image/png", new Uint8Array([255, 216])))).toEqual({
      missing: "It is no text; it has 2 bytes.",
    });
    expect(veilOf().body(seen(JSON_TYPE, '{"a":1}', false))).toHaveProperty("missing");
  });

  it("that cost too much to be searched are not written", () => {
    const pattern = "(?:[a-z]{1,20}[0-9]{1,20}){1,12}";
    const text = "a".repeat(100_000);
    expect(veilOf({ location: "body", pattern }).body(seen("text/plain", text))).toEqual({ body: "[not written]" });
  });
});

it("a rule that cannot be read hides everything", () => {
  const veil = new Veil([hidingOf("logObfuscation", undefined)!]);
  expect([veil.text("a"), veil.header("x", "y"), veil.query("?a=1"), veil.body(seen("text/plain", "z"))]).toEqual([
    "[not written]",
    "[not written]",
    "?[not written]",
    { body: "[not written]" },
  ]);
});
