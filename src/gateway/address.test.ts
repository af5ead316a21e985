import { expect, it } from "vitest";

import { addressMaker, encodedAddress } from "./address.ts";
import type { Call } from "./call.ts";

/** A call of which only what expressions see is there. */
const call = (more: object) =>
  ({
    method: "GET",
    path: "/",
    query: "",
    headers: new Headers(),
    context: {},
    api: { variables: {} },
    answer: undefined,
    ...more,
  }) as unknown as Call;

const app = (backend: unknown) => ({ id: "a", name: "n", clientId: "c", fields: { backend } });

const made = async (text: string, more: object = {}, takesCaller = true) =>
  addressMaker(text, { takesCaller })(call(more), "request");

const backend = "{{app.fields.backend}}";

it.each<[string, object, string]>([
  ["https://a.example/x?y=1", {}, "https://a.example/x?y=1"],
  ["https://a.example/{{query.a}}/b", { query: "?a=x%2Fy%3F%23" }, "https://a.example/x%2Fy%3F%23/b"],
  ["https://a.example/c-{{query.a}}", { query: "?a=.." }, "https://a.example/c-.."],
  ["https://a.example/?x={{query.a}}&y={{query.b}}", { query: "?a=%26" }, "https://a.example/?x=%26&y="],
  ["https://a.example?{{query.a}}", { query: "?a=.." }, "https://a.example?.."],
  [backend, { app: app("https://b.example/base?x=1") }, "https://b.example/base?x=1"],
  [`${backend}/o/{{query.a}}`, { app: app("http://b.example:81"), query: "?a=1" }, "http://b.example:81/o/1"],
  ["{{token.home}}", { token: { home: "https://t.example" } }, "https://t.example"],
])("%s is made an address", async (text, more, expected) => {
  expect(await made(text, more)).toBe(expected);
});

it.each<[string, object, string]>([
  ["https://a.example/{{query.a}}", {}, "missing"],
  ["https://a.example/{{query.a}}/b", { query: "?a=" }, "empty"],
  ["https://a.example/{{query.a}}", { query: "?a=.." }, "elsewhere"],
  ["https://a.example/x/.{{query.a}}", { query: "?a=." }, "elsewhere"],
  ["https://a.example/%2E{{query.a}}?b", { query: "?a=." }, "elsewhere"],
  ["https://a.example\\{{query.a}}\\b", { query: "?a=.." }, "elsewhere"],
  ["https://a.example/{{query.a}}{{query.b}}", { query: "?a=.&b=." }, "elsewhere"],
  ["https://a.example{{query.a}}/x", { query: "?a=.evil.example" }, "in the host"],
  ["https://a.example:{{query.a}}/x", { query: "?a=8080" }, "in the host"],
  [`${backend}{{query.a}}/x`, { app: app("https://b.example"), query: "?a=.evil.example" }, "in the host"],
  [backend, { app: app(undefined) }, "missing"],
  [backend, {}, "missing"],
  [backend, { app: app("") }, "missing"],
  [backend, { app: app("ftp://b.example") }, "none of http"],
  [backend, { app: app("b.example") }, "none of http"],
  [backend, { app: app("https://b.example/#") }, "none of http"],
  [backend, { app: app("https://b.example/ x") }, "none of http"],
  [backend, { app: app({ url: "https://b.example" }) }, "none of http"],
])("%s is refused", async (text, more, fault) => {
  await expect(made(text, more)).rejects.toThrow(fault);
});

it.each([
  ["{{query.a}}", true],
  ["{{headers.host}}/x", true],
  ["{{app.fields.a & query.b}}", true],
  ["{{env.MISSING}}/x", true],
  [backend, false],
])("%s does not say where a call goes", (text, takesCaller) => {
  expect(() => addressMaker(text, { takesCaller })).toThrow("may not say");
});

it("a tab in a segment hides no dots", () => {
  const parts = [
    { kind: "text", text: "https://a.example/.\t" },
    { kind: "result", value: "." },
  ] as const;
  expect(() => encodedAddress(parts)).toThrow("elsewhere");
});
