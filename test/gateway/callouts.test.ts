import { env } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";

import type { Call, Placed, World } from "../../src/gateway/call.ts";
import { configOf } from "../../src/apis/interceptors.ts";
import { serviceCallout } from "../../src/gateway/interceptors/callouts.ts";
import { simple, secretOf } from "../secrets/given.ts";
import type { Caller } from "../support/api.ts";
import { callGateway, entry, liveApi } from "../support/gateway.ts";
import { someone } from "../support/given.ts";
import { replaceNetwork, type Asked } from "../support/iam.ts";
import { apiOfLists, callSettled, type Lists } from "../support/interceptors.ts";

const soft = { abortOnFail: false };
const url = "https://crm.example/c/{{query.c}}?x={{query.x}}";
const all = { preserveQuery: true, preserveHeaders: true, preserveBody: true };
const shows = (value: string) => entry("show", "header", { set: { "x-heard": value } });
const callout = (config: object, more: object = {}) =>
  entry("call", "serviceCallout", { variable: "c", ...config }, more);

const given = (secret: string, lost: string): Readonly<Record<string, Lists>> => ({
  wait: {
    request: [
      callout({ url, headers: { "X-Own": "{{query.x}}", "x-none": "{{app.name}}" } }),
      shows("{{context.c.status}} {{context.c.body.name}} {{context.c.headers.`x-crm`}}"),
    ],
  },
  text: { request: [callout({ url }), shows("{{context.c.body}}")] },
  kept: { request: [callout({ url, method: "POST", ...all, headers: { "x-two": "own", "x-three": "own" } })] },
  own: {
    request: [
      callout({ url, method: "PUT", preserveHeaders: true, body: { id: "{{query.c}}", none: "{{app.name}}" }, secret }),
      shows("{{context.c.body}} {{context.c.headers.`x-echo`}}"),
    ],
  },
  back: {
    response: [
      shows("{{context.c.body.name}}"),
      callout({ url: "https://crm.example/{{status}}", method: "POST", preserveBody: true, preserveHeaders: true }),
    ],
  },
  async: {
    request: [callout({ url, mode: "async" }), shows("{{$exists(context.c)}}")],
    response: [shows("{{context.c.body.name}}")],
  },
  asyncsoft: { request: [callout({ url, mode: "async", timeout: 0.03 }, soft)] },
  forget: {
    request: [callout({ url, method: "POST", mode: "forget", variable: undefined, body: "b", timeout: 0.05 })],
  },
  late: { request: [callout({ url, timeout: 0.03 })] },
  latesoft: { request: [callout({ url, timeout: 0.03 }, soft)] },
  expected: { request: [callout({ url, expected: [404, 500] }), shows("{{context.c.status}}")] },
  private: { request: [callout({ url: "http://127.0.0.1:8080/x" })] },
  unknown: { request: [callout({ url, secret: lost })] },
});

let caller: Caller;
let base: string;
let secret: string;
const sealed = simple();
let crm: (asked: Asked) => Response | Promise<Response>;
let asked: ReturnType<typeof replaceNetwork>;
beforeAll(async () => {
  caller = await someone();
  secret = await secretOf(caller, sealed);
  const lost = await secretOf(caller);
  ({ base } = await liveApi(caller, apiOfLists(given(secret, lost))));
  await env.DB.prepare("DELETE FROM secrets WHERE id = ?").bind(lost).run();
});
beforeEach(() => {
  crm = () => Response.json({ name: "Ann" }, { headers: { "x-crm": "1" } });
  asked = replaceNetwork((one) => (one.url.startsWith("https://crm.example/") ? crm(one) : new Response("back")));
});
afterEach(() => {
  vi.restoreAllMocks();
});

const authorization = () => `Basic ${btoa(`${sealed.value.username}:${sealed.value.passphrase}`)}`;
const never = () => new Promise<Response>(() => undefined);
const get = (path: string, headers: Record<string, string> = {}) => callGateway(base, path, { headers });
const urls = () => asked.map((one) => one.url);

describe("a service callout", () => {
  it("calls a service and leaves its answer in the context", async () => {
    expect((await get("/wait/1?c=a%2Fb&x=%26", { "x-mine": "1", cookie: "a" })).status).toBe(200);
    expect(urls()).toEqual(["https://crm.example/c/a%2Fb?x=%26", "https://backend.example/wait/1?c=a%2Fb&x=%26"]);
    const [service, destination] = asked;
    expect(["x-own", "x-none", "x-mine", "cookie"].map((name) => service!.headers.get(name))).toEqual([
      "&",
      null,
      null,
      null,
    ]);
    expect(destination!.headers.get("x-heard")).toBe("200 Ann 1");
  });

  it.each([
    ["text that is JSON in no type", () => new Response('{"a":1}'), '{"a":1}'],
    [
      "what says that it is JSON and is none",
      () => new Response("{", { headers: { "content-type": "application/json" } }),
      "{",
    ],
    ["nothing", () => new Response(null, { status: 204 }), null],
    ["bytes", () => new Response(new Uint8Array([255, 0]), { headers: { "content-type": "image/png" } }), "/wA="],
  ])("hears %s", async (_, answer, heard) => {
    crm = answer;
    expect((await get("/text/1?c=1")).status).toBe(200);
    expect(asked[1]!.headers.get("x-heard")).toBe(heard);
  });

  it("hands on what it is told to: query, headers and body, with its own on top, nothing of the connection", async () => {
    const headers = {
      "x-one": "1",
      "x-two": "2",
      authorization: "Bearer mine",
      "content-type": "text/csv",
      "accept-encoding": "zstd",
      via: "1.1 proxy",
      "x-umlaut": "\u00fc",
    };
    const answer = await callGateway(base, "/kept/1?c=1&d=%7e", { method: "POST", body: "a,b", headers });
    expect([answer.status, await answer.text()]).toEqual([200, "back"]);
    const [service, destination] = asked;
    expect(service).toMatchObject({ url: "https://crm.example/c/1?x=&c=1&d=%7e", method: "POST", body: "a,b" });
    const names = [
      "x-one",
      "x-two",
      "x-three",
      "authorization",
      "content-type",
      "accept-encoding",
      "via",
      "x-umlaut",
      "x-forwarded-host",
    ];
    expect(names.map((name) => service!.headers.get(name))).toEqual([
      "1",
      "own",
      "own",
      "Bearer mine",
      "text/csv",
      null,
      null,
      null,
      null,
    ]);
    expect(destination).toMatchObject({ body: "a,b" });
    await callGateway(base, "/kept/1?c=1", { method: "POST" });
    expect([asked[2]!.body, asked[2]!.headers.get("content-type")]).toEqual(["", null]);
  });

  it("on the response it sends the answer's body, before the interceptors to its left", async () => {
    const answer = await get("/back/1", { "x-one": "1" });
    expect([await answer.text(), answer.headers.get("x-heard")]).toEqual(["back", "Ann"]);
    expect(asked[1]).toMatchObject({ url: "https://crm.example/200", body: "back" });
    expect(["x-one", "content-type"].map((name) => asked[1]!.headers.get(name))).toEqual([
      "1",
      "text/plain;charset=UTF-8",
    ]);
  });

  it("async: what follows runs meanwhile, and the end of the list waits", async () => {
    const late = Promise.withResolvers<Response>();
    const sent = Promise.withResolvers<void>();
    crm = () => {
      sent.resolve();
      return late.promise;
    };
    const answering = get("/async/1?c=1");
    await sent.promise;
    expect(urls()).toEqual(["https://crm.example/c/1?x="]);
    late.resolve(Response.json({ name: "Ann" }));
    expect((await answering).headers.get("x-heard")).toBe("Ann");
    expect(asked[1]!.headers.get("x-heard")).toBe("false");
    crm = () => new Response("no", { status: 500 });
    expect((await get("/async/1?c=1")).status).toBe(500);
    crm = never;
    expect((await get("/asyncsoft/1?c=1")).status).toBe(200);
  });

  it("forget: nobody waits, and what goes wrong is logged by its code alone", async () => {
    const lines = vi.spyOn(console, "log").mockImplementation(() => undefined);
    crm = never;
    const settled = callSettled(base, "/forget/1?c=top-secret", {}, { LOG_LEVEL: "info" });
    expect(await settled).toMatchObject({ status: 200, text: "back" });
    crm = () => new Response("no", { status: 500 });
    await callSettled(base, "/forget/1?c=top-secret", {}, { LOG_LEVEL: "info" });
    const failed = lines.mock.calls.map(([line]) => JSON.parse(line as string) as object);
    const line = { event: "callout.failed", interceptor: "forget-call" };
    expect(failed.filter((one) => "interceptor" in one)).toMatchObject([
      { ...line, code: "TIMEOUT" },
      { ...line, code: "STATUS_UNEXPECTED" },
    ]);
    expect(JSON.stringify(failed.filter((one) => "interceptor" in one))).not.toContain("top-secret");
    expect(asked.find(({ method }) => method === "POST")).toMatchObject({ body: "b" });
  });

  it("without an answer in time, or with another one than expected, it fails as abortOnFail says", async () => {
    crm = never;
    const late = await get("/late/1?c=1");
    expect([late.status, await late.json()]).toMatchObject([500, { code: "INTERCEPTOR_FAILED" }]);
    expect((await get("/latesoft/1?c=1")).status).toBe(200);
    crm = () => new Response("no", { status: 404 });
    expect([(await get("/wait/1?c=1")).status, (await get("/expected/1?c=1")).status]).toEqual([500, 200]);
    expect(asked.at(-1)!.headers.get("x-heard")).toBe("404");
    crm = () => new Response("yes");
    expect((await get("/expected/1?c=1")).status).toBe(500);
    crm = () => new Response("large", { headers: { "content-length": "1048577" } });
    expect((await get("/text/1?c=1")).status).toBe(500);
    expect((await get("/wait/1")).status).toBe(500);
    asked.length = 0;
    expect((await get("/private/1")).status).toBe(500);
    expect(asked).toEqual([]);
  });
});

describe("a secret", () => {
  it("of whoever started the API authorises the callout, and what an answer repeats of it is hidden", async () => {
    crm = ({ headers }) =>
      new Response(`${headers.get("authorization")} ${sealed.value.passphrase}`, {
        headers: { "x-echo": headers.get("authorization") ?? "" },
      });
    const sent = { authorization: "Bearer mine", "content-type": "text/csv" };
    await callGateway(base, "/own/1?c=7", { method: "POST", body: "a,b", headers: sent });
    expect(asked[0]).toMatchObject({ method: "PUT", body: '{"id":"7"}' });
    expect(["authorization", "content-type"].map((name) => asked[0]!.headers.get(name))).toEqual([
      authorization(),
      "application/json",
    ]);
    expect(asked[1]!.headers.get("x-heard")).toBe("Basic [masked] [masked] Basic [masked]");
    expect(asked[1]!.headers.get("authorization")).toBe("Bearer mine");
  });

  it("that cannot be opened is a fault, and one that was opened is good for a minute", async () => {
    expect((await get("/unknown/1?c=1")).status).toBe(500);
    expect(asked).toEqual([]);
    const start = Date.now() + 120_000;
    const clock = vi.spyOn(Date, "now").mockReturnValue(start);
    expect((await get("/own/1?c=1")).status).toBe(200);
    await env.DB.prepare("DELETE FROM secrets WHERE id = ?").bind(secret).run();
    clock.mockReturnValue(start + 59_999);
    expect((await get("/own/1?c=1")).status).toBe(200);
    clock.mockReturnValue(start + 60_000);
    expect((await get("/own/1?c=1")).status).toBe(500);
  });
});

it("the words of a fault name the origin, and neither path nor query", async () => {
  const config = configOf("serviceCallout", { variable: "c", url: "https://crm.example/private?key=hidden" });
  const run = serviceCallout(config, { stage: "request", allowPrivate: false } as Placed);
  const messageOf = async (fetched: typeof fetch) => {
    const world = { fetchFor: () => fetched } as unknown as World;
    const error: unknown = await Promise.resolve(run({ context: {}, query: "" } as Call, world)).catch(
      (caught: unknown) => caught,
    );
    return (error as Error).message;
  };
  expect(await messageOf(async () => new Response("", { status: 403 }))).toBe(
    "https://crm.example answered 403, which is not expected.",
  );
  expect(await messageOf(() => Promise.reject(new Error("key=hidden")))).toBe(
    "https://crm.example could not be reached.",
  );
});
