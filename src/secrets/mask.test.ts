import { describe, expect, it } from "vitest";

import { hideIn, maskJson } from "./mask.ts";

const masked = (value: unknown, known?: readonly string[]): unknown =>
  JSON.parse(maskJson(JSON.stringify(value), known));

describe("fields that are named like secrets", () => {
  it.each([
    "password",
    "Password",
    "userPassword",
    "db_password",
    "passphrase",
    "secret",
    "clientSecret",
    "token",
    "accessToken",
    "refresh_token",
    "apiKey",
    "api-key",
    "x-api-key",
    "X-Api-Key",
    "authorization",
    "Authorization",
    "cookie",
    "set-cookie",
    "privateKey",
    "x-hmac",
    "signature",
    "credentials",
  ])("%s is masked, however deep it stands", (name) => {
    expect(masked({ a: [{ [name]: "s3cr3t" }] })).toEqual({ a: [{ [name]: "[masked]" }] });
  });

  it.each([
    "tokenizer",
    "secretary",
    "author",
    "keyboard",
    "monkey",
    "key",
    "passport",
    "cookies_enabled_hint",
    "compass",
    "passwordless",
  ])("%s is not", (name) => {
    expect(masked({ [name]: "value" })).toEqual({ [name]: "value" });
  });

  it.each([
    ["a number", 12345, "[masked]"],
    ["an object", { a: 1 }, "[masked]"],
    ["a list", ["a", "b"], "[masked]"],
    ["nothing", null, null],
    ["a yes or no", true, true],
    ["an empty text", "", "[masked]"],
  ])("are masked or told by their value: %s", (_, value, shown) => {
    expect(masked({ password: value })).toEqual({ password: shown });
  });
});

describe("values of known secrets", () => {
  it.each([
    ["whole", { a: "hunter22" }, { a: "[masked]" }],
    ["within a text", { a: "Bearer hunter22 and more" }, { a: "Bearer [masked] and more" }],
    ["more than once", { a: "hunter22hunter22" }, { a: "[masked][masked]" }],
    ["as a key", { hunter22: 1 }, { "[masked]": 1 }],
    ["in a list", ["x", ["hunter22"]], ["x", ["[masked]"]]],
    ["at the top", "hunter22", "[masked]"],
  ])("are hidden %s", (_, value, shown) => {
    expect(masked(value, ["hunter22"])).toEqual(shown);
  });

  it("are hidden where quotes and line ends have other forms in JSON", () => {
    expect(masked({ a: 'x qu"o\nte y' }, ['qu"o\nte'])).toEqual({ a: "x [masked] y" });
  });

  it("are hidden whole where one stands in another", () => {
    expect(hideIn("abcdef-ghijkl", ["abcdef", "abcdef-ghijkl"])).toBe("[masked]");
  });

  it.each([
    ["as a number", { a: 1234567 }, { a: "[masked]" }],
    ["as a number in a list", [[1234567]], [["[masked]"]]],
    ["as a fraction", { a: 1234.5 }, { a: "[masked]" }],
    ["as text", { a: "pin 1234567." }, { a: "pin [masked]." }],
    ["not in a longer number", { a: 12345678 }, { a: 12345678 }],
    ["not where they are short", { a: 12345 }, { a: 12345 }],
  ])("that are numbers are hidden %s", (_, value, shown) => {
    expect(masked(value, ["1234567", "1234.5", "12345"])).toEqual(shown);
  });

  it("of fewer than six characters are not looked for: they would stain everything", () => {
    expect(masked({ a: "12345" }, ["12345", ""])).toEqual({ a: "12345" });
  });
});
