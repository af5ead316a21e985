import { describe, expect, it } from "vitest";

import { headersOf, withoutBody, withoutCredentials } from "./headers.ts";

const refusal = (headers: Record<string, unknown>) => () => headersOf(headers as Record<string, string>);

describe("headers that a caller may not set", () => {
  it.each([
    "Host",
    "content-length",
    "Connection",
    "keep-alive",
    "Proxy-Connection",
    "Transfer-Encoding",
    "TE",
    "trailer",
    "trailers",
    "Upgrade",
    "expect",
    "via",
    "forwarded",
    "X-Forwarded-For",
    "x-forwarded-host",
    "x-real-ip",
    "CF-Connecting-IP",
    "cf-access-jwt-assertion",
    "cdn-loop",
    "true-client-ip",
    "sec-websocket-key",
  ])("%s", (name) => {
    expect(refusal({ [name]: "t0p" })).toThrow(`The header ${name} is set by the connection. Leave it out.`);
  });

  it.each(["", "a b", "a:b", "a\r\nb", "ümlaut", "x".repeat(201)])("%j is no name", (name) => {
    expect(refusal({ [name]: "t0p" })).toThrow("A header has a name that is none.");
  });

  it.each(["t0p\r\nhost: x", "t0p\n", "t0p\0", "t0p €", "t0p ä", "t0p \u007f", 5, null])(
    "%j is no value, and is not told",
    (value) => {
      expect(refusal({ "x-key": value })).toThrow(/^The header x-key holds a line break or [^5€ä]*$/);
      expect(refusal({ "x-key": value })).not.toThrow(/t0p/);
    },
  );
});

it.each([
  "authorization",
  "Cookie",
  "proxy-authorization",
  "accept",
  "content-type",
  "x-api-key",
  "hosted",
  "tenant",
  "cfx",
  "x-forwarded",
])("%s may be set", (name) => {
  expect([...headersOf({ [name]: "a\tvalue ~" })]).toEqual([[name.toLowerCase(), "a\tvalue ~"]]);
});

const left = (headers: Headers): string[] => [...headers.keys()];
const sent = (...names: string[]): Headers => new Headers(names.map((name) => [name, "x"]));

describe("another origin", () => {
  it.each([
    ["Authorization", false],
    ["cookie", false],
    ["proxy-authorization", false],
    ["x-api-key", false],
    ["apikey", false],
    ["x-auth-token", false],
    ["private-token", false],
    ["x-hub-signature", false],
    ["x-shop", false],
    ["accept", true],
    ["content-type", true],
    ["idempotency-key", true],
    ["x-other", true],
  ])("is told %s: %s", (name, told) => {
    expect(left(withoutCredentials(sent(name, "x-request-id"), ["X-Shop"]))).toEqual(
      told ? [name, "x-request-id"].toSorted() : ["x-request-id"],
    );
  });
});

it("says nothing of a body that is not sent", () => {
  const headers = sent("content-type", "content-encoding", "content-language", "content-location", "accept");
  expect(left(withoutBody(headers))).toEqual(["accept"]);
});
