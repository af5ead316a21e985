import { describe, expect, it } from "vitest";

import { isReplied, responseOf } from "./hook-reply.ts";

describe("a header of a flow's reply", () => {
  it.each([
    "content-type",
    "content-language",
    "content-disposition",
    "cache-control",
    "etag",
    "last-modified",
    "retry-after",
    "vary",
    "link",
    "expires",
    "x-order",
    "x-forward",
    "x-robots-tag",
  ])("%s goes out", (name) => {
    expect(isReplied(name, "value", 200)).toBe(true);
  });

  it.each([
    "set-cookie",
    "clear-site-data",
    "content-security-policy",
    "content-security-policy-report-only",
    "strict-transport-security",
    "service-worker-allowed",
    "access-control-allow-origin",
    "content-length",
    "content-encoding",
    "transfer-encoding",
    "www-authenticate",
    "refresh",
    "alt-svc",
    "nel",
    "report-to",
    "cf-ray",
    "x-request-id",
    "x-run-id",
    "x-frame-options",
    "x-content-type-options",
    "x-xss-protection",
    "x-forwarded",
    "x-forwarded-host",
    "x-accel-redirect",
    "x-dns-prefetch-control",
    "x-permitted-cross-domain-policies",
    "x-",
    "x-two words",
    `x-${"y".repeat(63)}`,
    "",
  ])("%j is left out", (name) => {
    expect(isReplied(name, "value", 200)).toBe(false);
  });

  it.each<[number, boolean]>([
    [200, false],
    [201, true],
    [202, false],
    [300, true],
    [302, true],
    [399, true],
    [400, false],
  ])("location goes with %i: %j", (status, goes) => {
    expect(isReplied("location", "/orders/7", status)).toBe(goes);
  });

  it.each<[string, boolean]>([
    ["", true],
    ["a\tb ~", true],
    ["caf\u00e9", false],
    ["a\r\nset-cookie: b", false],
    ["a\nb", false],
    ["a\0b", false],
    ["a\u007fb", false],
    ["z\u0142oty", false],
  ])("may have the value %j: %j", (value, goes) => {
    expect(isReplied("x-name", value, 200)).toBe(goes);
  });
});

it("is judged again when the answer is made, in whatever letters it was kept", () => {
  const headers = {
    "Set-Cookie": "a=1",
    Location: "/x",
    "X-Run-Id": "forged",
    "X-Order": "7",
    "x-name": "caf\u00e9",
    "x-bad": "a\nb",
  };
  const answer = responseOf({ status: 200, headers, body: "" }, "run_1");
  const policy = "default-src 'none'; sandbox; frame-ancestors 'none'";
  expect(Object.fromEntries(answer.headers)).toMatchObject({ "x-order": "7", "x-run-id": "run_1" });
  expect(answer.headers.get("content-security-policy")).toBe(policy);
  for (const gone of ["set-cookie", "location", "x-name", "x-bad"]) expect(answer.headers.has(gone)).toBe(false);
});
