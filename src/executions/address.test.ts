import { describe, expect, it } from "vitest";

import { call, Play, set } from "../../test/support/play.ts";

const urlOf = async (url: string, x: unknown) => {
  const play = await Play.of([set({ x }), call({ url, credentials_id: "5ca5c44c187c040010a9bb8c" })]);
  const [pending] = play.pending;
  return pending?.kind === "exchange" ? pending.url : play.state.end?.fault?.code;
};

describe("the url of an exchange", () => {
  it.each<[string, unknown, string]>([
    ["https://a.example/{{x}}", "1", "https://a.example/1"],
    ["https://a.example/{{x}}/all", 5, "https://a.example/5/all"],
    ["https://a.example/{{x}}", "../admin?a=b#c", "https://a.example/..%2Fadmin%3Fa%3Db%23c"],
    ["https://a.example/{{x}}", "..\\admin", "https://a.example/..%5Cadmin"],
    ["https://a.example/{{x}}", "%2e%2e", "https://a.example/%252e%252e"],
    ["https://a.example/{{x}}", "\ud800ü ", "https://a.example/%EF%BF%BD%C3%BC%20"],
    ["https://a.example/{{x}}", { a: 1 }, "https://a.example/%7B%22a%22%3A1%7D"],
    ["https://a.example/{{none}}", 1, "https://a.example/"],
    ["https://a.example/{{x}}.json", ".", "https://a.example/..json"],
    ["https://a.example/?q={{x}}&r=1", "a&b=c", "https://a.example/?q=a%26b%3Dc&r=1"],
    ["https://a.example/?q=/{{x}}/", "..", "https://a.example/?q=/../"],
    ["https://a.example/../{{x}}", "a", "https://a.example/../a"],
    ["{{x}}", "https://b.example/../c?d=e", "https://b.example/../c?d=e"],
    ["{{'https://a.example/' & x}}", "b/c", "https://a.example/b/c"],
    ["https://a.example/plain", 1, "https://a.example/plain"],
  ])("%s with %j is %s", async (url, x, address) => {
    expect(await urlOf(url, x)).toBe(address);
  });

  it.each<[string, unknown]>([
    ["https://a.example/{{x}}", ".."],
    ["https://a.example/{{x}}", "."],
    ["https://a.example/{{x}}/b", ".."],
    ["https://a.example/b\\{{x}}\\c", ".."],
    ["https://a.example/{{x}}?q=1", ".."],
    ["https://a.example/{{x}}#q", ".."],
    ["https://a.example/.{{x}}", "."],
    ["https://a.example/%2E{{x}}/", "."],
    ["https://a.example/{{x}}{{x}}", "."],
    ["https://a.example/{{x}}\n/b", ".."],
    ["https://a.example/{{x}} ", ".."],
  ])("%j is a fault with %j", async (url, x) => {
    expect(await urlOf(url, x)).toBe("URL_SEGMENT_INVALID");
  });

  it.each(["https://{{x}}/", "https://a.example{{x}}", "{{x}}/path", "https:{{x}}", "https:///{{x}}"])(
    "%s is a fault, whenever it was stored",
    async (url) => {
      expect(await urlOf(url, "b.example")).toBe("URL_HOST_TEMPLATED");
    },
  );
});
