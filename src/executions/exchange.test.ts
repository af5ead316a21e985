import { describe, expect, it } from "vitest";

import { configOf } from "../platform/config.ts";
import { SecretFault } from "../secrets/fault.ts";
import { env } from "cloudflare:workers";
import { nextTryIn, tryExchange, type ExchangeWorld } from "./exchange.ts";
import type { PendingExchange } from "./state.ts";

const exchange = (more: Partial<PendingExchange> = {}): PendingExchange => ({
  id: "p1",
  thread: "main",
  place: "/commands/0",
  async: false,
  kind: "exchange",
  url: "https://a.example/of",
  method: "POST",
  headers: {},
  query: {},
  contentType: "json",
  timeout: 30,
  ...more,
});

/** A world in which the network answers one thing, and what it was asked. */
function world(answer: () => Response, more: Partial<ExchangeWorld> = {}) {
  const asked: Request[] = [];
  const made: ExchangeWorld = {
    config: configOf(env),
    now: () => 1_795_000_000_000,
    key: "e1/p1",
    fetch: (input, init) => {
      asked.push(new Request(input, init));
      return Promise.resolve(answer());
    },
    secret: () => Promise.reject(new SecretFault("There is none.", false)),
    ...more,
  };
  return { asked, made };
}
const ok = () => Response.json({ a: 1 });

describe("what is sent", () => {
  it.each<[string, Partial<PendingExchange>, Record<string, string | null>, string]>([
    ["JSON", { body: { a: [1, null] } }, { "content-type": "application/json" }, '{"a":[1,null]}'],
    [
      "a form",
      { body: { a: 1, b: "x y" }, contentType: "form" },
      { "content-type": "application/x-www-form-urlencoded" },
      "a=1&b=x+y",
    ],
    ["no body", {}, { "content-type": null, "idempotency-key": "e1/p1" }, ""],
    [
      "a GET, without body and key",
      { method: "GET", body: { a: 1 } },
      { "content-type": null, "idempotency-key": null },
      "",
    ],
    ["headers of the script", { headers: { Accept: "text/csv", "X-A": "1" } }, { accept: "text/csv", "x-a": "1" }, ""],
  ])("%s", async (_, more, headers, body) => {
    const { asked, made } = world(ok);
    expect(await tryExchange(exchange(more), made)).toEqual({ ok: true, result: { a: 1 } });
    const [sent] = asked;
    for (const [name, value] of Object.entries(headers)) {
      expect(sent!.headers.get(name)?.split(";")[0] ?? null).toBe(value);
    }
    expect(await sent!.text()).toBe(body);
  });

  it("shows a secret, and nothing of it where that cannot be had", async () => {
    const secret = { type: "API_KEY", value: { key: "hidden-key", headerName: "X-Key" } } as never;
    const { asked, made } = world(ok, { secret: () => Promise.resolve(secret) });
    await tryExchange(exchange({ credentials_id: "s1" }), made);
    expect(asked[0]!.headers.get("x-key")).toBe("hidden-key");
    const other = world(ok);
    expect(await tryExchange(exchange({ credentials_id: "s1" }), other.made)).toEqual({
      ok: false,
      fault: { code: "SECRET_UNAVAILABLE", message: "There is none." },
      mayPass: false,
    });
    expect(other.asked).toHaveLength(0);
  });

  it.each<[string, Partial<PendingExchange>, string]>([
    ["no address", { url: "a.example" }, "EXCHANGE_INVALID"],
    ["another protocol", { url: "ftp://a.example/" }, "EXCHANGE_ADDRESS_REFUSED"],
    ["a private address", { url: "http://127.0.0.1/" }, "EXCHANGE_ADDRESS_REFUSED"],
    ["a form of a list", { body: [1], contentType: "form" }, "EXCHANGE_INVALID"],
  ])("is nothing for %s", async (_, more, code) => {
    const { asked, made } = world(ok);
    expect(await tryExchange(exchange(more), made)).toMatchObject({ ok: false, fault: { code }, mayPass: false });
    expect(asked).toHaveLength(0);
  });
});

describe("what comes of an answer", () => {
  it.each<[number, boolean]>([
    [301, false],
    [400, false],
    [404, false],
    [408, true],
    [429, true],
    [500, true],
    [501, false],
    [503, true],
    [505, false],
  ])("of %i: a fault that may pass: %j", async (status, mayPass) => {
    const { made } = world(() => new Response("told to nobody", { status }));
    const tried = await tryExchange(exchange(), made);
    expect(tried).toMatchObject({ ok: false, fault: { code: "EXCHANGE_STATUS" }, mayPass });
    expect(JSON.stringify(tried)).not.toContain("told to nobody");
  });

  it.each<[string, () => Response, unknown]>([
    ["JSON", ok, { a: 1 }],
    ["a text", () => new Response("plain", { headers: { "content-type": "text/plain" } }), "plain"],
    ["JSON of another type", () => new Response("[1]", { headers: { "content-type": "application/vnd.x+json" } }), [1]],
  ])("that is %s is the result", async (_, answer, result) => {
    expect(await tryExchange(exchange(), world(answer).made)).toEqual({ ok: true, result });
  });

  it.each([
    ["120", 120_000],
    ["soon", undefined],
    [new Date(1_795_000_060_000).toUTCString(), 60_000],
  ])("with Retry-After %j is waited for as asked", async (asked, waitMs) => {
    const { made } = world(() => new Response("", { status: 503, headers: { "retry-after": asked } }));
    expect(await tryExchange(exchange(), made)).toMatchObject({ ok: false, waitMs });
  });

  it("that breaks the service is a fault that may pass, without its words", async () => {
    const { made } = world(ok, { secret: () => Promise.reject(new Error("the host db-17")) });
    const tried = await tryExchange(exchange({ credentials_id: "s" }), made);
    expect(tried).toMatchObject({ ok: false, fault: { code: "EXCHANGE_BROKEN" }, mayPass: true });
    expect(JSON.stringify(tried)).not.toContain("db-17");
  });
});

const failed = (mayPass: boolean, waitMs?: number) =>
  ({ ok: false, fault: { code: "X", message: "" }, mayPass, waitMs }) as const;

it.each<[string, Partial<PendingExchange>, ReturnType<typeof failed>, number, number, number | undefined]>([
  ["the first of three", {}, failed(true), 1, 1, 5000],
  ["the first, by chance", {}, failed(true), 1, 0, 2500],
  ["the second of three", {}, failed(true), 2, 1, 10_000],
  ["the third of three", {}, failed(true), 3, 1, undefined],
  ["one that does not pass", {}, failed(false), 1, 1, undefined],
  ["one of one", { retry: { attempts: 1 } }, failed(true), 1, 1, undefined],
  ["one of five", { retry: { attempts: 5, backoff: 1 } }, failed(true), 4, 1, 8000],
  ["one at once", { retry: { backoff: 0 } }, failed(true), 1, 1, 0],
  ["one that is asked to wait", {}, failed(true, 60_000), 1, 1, 60_000],
  ["one that is asked to wait for ever", {}, failed(true, 1e12), 1, 1, 300_000],
  ["late ones", { retry: { attempts: 10, backoff: 300 } }, failed(true), 9, 1, 300_000],
])("after %s the next try is in its time", (_, more, tried, attempts, chance, expected) => {
  expect(nextTryIn(exchange(more), tried, attempts, chance)).toBe(expected);
});
