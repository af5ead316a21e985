import { env } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";

import type { Call, Placed, World } from "../../src/gateway/call.ts";
import { cache, cacheClear } from "../../src/gateway/interceptors/mediation.ts";
import { entry, liveApi } from "../support/gateway.ts";
import { someone } from "../support/given.ts";
import { replaceNetwork } from "../support/iam.ts";
import { apiOfLists, callSettled, type Lists } from "../support/interceptors.ts";

const onPost = { when: "method = 'POST'" };

const given: Readonly<Record<string, Lists>> = {
  own: {
    request: [entry("cache", "cache", { statuses: [200, 206, 404] })],
    response: [entry("set", "header", { set: { "x-status": "{{status}}" } })],
  },
  some: { request: [entry("cache", "cache", { shared: true, headers: ["Accept-Language"], query: ["page", "a b"] })] },
  brief: { request: [entry("cache", "cache", { ttl: 1, name: "brief" })] },
  cleared: {
    request: [entry("cache", "cache", { name: "cleared" })],
    response: [entry("clear", "cacheClear", { name: "cleared" }, onPost)],
  },
  soft: { request: [entry("clear", "cacheClear", { name: "broken" }, { abortOnFail: false })] },
  hard: { request: [entry("clear", "cacheClear", { name: "broken" })] },
  mocked: {
    request: [entry("cache", "cache"), entry("mock", "mock", { body: "made" }, { when: "query.mock" })],
  },
  sent: {
    request: [
      entry("to", "destination", { url: "https://{{env.HOST}}/{{headers.`x-to`}}" }, { when: "headers.`x-to`" }),
      entry("cache", "cache", { shared: true }),
    ],
  },
};

let id: string;
let base: string;
let back: (count: number) => Response | Promise<Response>;
let asked: ReturnType<typeof replaceNetwork>;
beforeAll(async () => {
  const environments = { test: { variables: { HOST: "to.example" } } };
  const api = apiOfLists(given, { environments, environment: "test" });
  ({ id, base } = await liveApi(await someone(), api));
});
beforeEach(() => {
  back = (count) => new Response(`answer ${count}`);
  asked = replaceNetwork(() => back(asked.length));
});
afterEach(() => {
  vi.restoreAllMocks();
});

const call = (path: string, headers: Record<string, string> = {}, method = "GET", changed?: object) =>
  callSettled(base, path, { method, headers }, changed);
const found = async (...request: Parameters<typeof call>) => {
  const { headers, text } = await call(...request);
  return `${headers.get("x-cache")} ${text}`;
};

describe("a cache", () => {
  it("answers GET and HEAD in the destination's place, and the interceptors of the response run", async () => {
    back = (count) =>
      new Response(`answer ${count}`, {
        status: 404,
        headers: {
          "x-own": "own",
          "cache-control": "max-age=5",
          "x-request-id": "theirs",
          age: "9",
          etag: '"1"',
        },
      });
    const names = ["x-cache", "x-status", "x-own", "cache-control", "etag"];
    const seen = async (method: string) => {
      const { status, headers, text } = await call("/own/1?a=1", { "x-request-id": `of-${method}` }, method);
      return [status, text, ...names.map((name) => headers.get(name))];
    };
    const same = ["404", "own", "max-age=5", '"1"'];
    // What was made for HEAD is not kept, for it has no body.
    expect(await seen("HEAD")).toEqual([404, "", "miss", ...same]);
    expect(await seen("GET")).toEqual([404, "answer 2", "miss", ...same]);
    expect(await seen("GET")).toEqual([404, "answer 2", "hit", ...same]);
    expect(await seen("HEAD")).toEqual([404, "", "hit", ...same]);
    const { headers } = await call("/own/1?a=1", { "x-request-id": "mine" });
    expect(["x-request-id", "age", "x-gateway-answer"].map((name) => headers.get(name))).toEqual([null, "0", null]);
    expect(asked.length).toBe(2);
    expect(await found("/own/1?a=1", {}, "POST")).toBe("null answer 3");
    expect(await found("/own/1?a=1", { upgrade: "websocket" })).toBe("null answer 4");
  });

  it("has answers of its own for each path, query, app, Authorization and cookie", async () => {
    const others: Parameters<typeof call>[] = [
      ["/own/2"],
      ["/own/2%20"],
      ["/own/2?a=1"],
      ["/own/2", { authorization: "Bearer a" }],
      ["/own/2", { authorization: "Bearer b" }],
      ["/own/2", { cookie: "session=a" }],
      ["/own/2", { cookie: "session=b" }],
    ];
    for (const one of others) expect(await found(...one)).toMatch(/^miss/);
    for (const [at, one] of others.entries()) expect(await found(...one)).toBe(`hit answer ${at + 1}`);
  });

  it("that is shared has them by the headers and parameters that it names, and by where calls are sent", async () => {
    const page = "/some/1?x=1&page=2&%61+b=3";
    expect(await found(page, { authorization: "a", "accept-language": "de" })).toBe("miss answer 1");
    expect(await found("/some/1?page=2&%61+b=3&y", { cookie: "c", "accept-language": "de" })).toBe("hit answer 1");
    expect(await found(page, { "accept-language": "en" })).toBe("miss answer 2");
    expect(await found("/some/1?page=3", { "accept-language": "de" })).toBe("miss answer 3");
    expect(await found("/sent/1", { "x-to": "a" })).toBe("miss answer 4");
    expect(await found("/sent/1", { "x-to": "b" })).toBe("miss answer 5");
    expect(await found("/sent/1")).toBe("miss answer 6");
    expect(await found("/sent/1", { "x-to": "a" })).toBe("hit answer 4");
  });

  it("heeds what the answer says that it depends on", async () => {
    back = (count) => new Response(`answer ${count}`, { headers: { vary: "Accept-Encoding, X-Tenant" } });
    expect(await found("/some/2", { "x-tenant": "a" })).toBe("miss answer 1");
    expect(await found("/some/2", { "x-tenant": "a", "accept-encoding": "br" })).toBe("hit answer 1");
    expect(await found("/some/2", { "x-tenant": "b" })).toBe("miss answer 2");
    expect(await found("/some/2")).toBe("miss answer 3");
    expect(await found("/some/2")).toBe("hit answer 3");
  });

  it.each<[string, ResponseInit]>([
    ["another status", { status: 500 }],
    ["a part", { status: 206 }],
    ["a cookie", { headers: { "set-cookie": "a=b" } }],
    ["private", { headers: { "cache-control": "max-age=60, Private" } }],
    ["private fields", { headers: { "cache-control": 'private="x-own"' } }],
    ["no-store", { headers: { "cache-control": "no-store" } }],
    ["an answer that depends on everything", { headers: { vary: "*" } }],
    ["events", { headers: { "content-type": "text/event-stream" } }],
    ["what says that it is too large", { headers: { "content-length": "4194305" } }],
    ["too many headers", { headers: { "x-large": "a".repeat(16_384) } }],
  ])("does not keep %s", async (what, init) => {
    back = (count) => new Response(`answer ${count}`, init);
    const path = `/own/${encodeURIComponent(what)}`;
    expect([await found(path), await found(path)]).toEqual(["miss answer 1", "miss answer 2"]);
  });

  it("keeps what does not say how large it is, unless it is too large, and no mock", async () => {
    back = () => new Response(new Blob(["a".repeat(4 * 1024 * 1024)]).stream());
    expect([(await found("/own/3")).length, (await found("/own/3")).slice(0, 5)]).toEqual([4_194_309, "hit a"]);
    back = () => new Response(new Blob(["a".repeat(4 * 1024 * 1024 + 1)]).stream());
    expect([(await found("/own/4")).length, (await found("/own/4")).slice(0, 6)]).toEqual([4_194_310, "miss a"]);
    expect([await found("/mocked/1?mock=1"), await found("/mocked/1?mock=1")]).toEqual(["null made", "null made"]);
  });

  it("forgets after its time, counted from when the destination was asked", async () => {
    const start = Date.now();
    const clock = vi.spyOn(Date, "now").mockReturnValue(start);
    back = (count) => {
      clock.mockReturnValue(Date.now() + 300);
      return new Response(`answer ${count}`);
    };
    expect(await found("/brief/1")).toBe("miss answer 1");
    clock.mockReturnValue(start + 999);
    expect(await found("/brief/1")).toBe("hit answer 1");
    clock.mockReturnValue(start + 1000);
    expect(await found("/brief/1")).toBe("miss answer 2");
  });

  it("that does not answer is as good as an empty one", async () => {
    vi.spyOn(caches, "open").mockRejectedValue(new Error("gone"));
    expect([await found("/own/5"), await found("/own/5")]).toEqual(["miss answer 1", "miss answer 2"]);
  });
});

const clears = async () =>
  (await env.DB.prepare("SELECT at FROM gateway_clears WHERE flow_id = ?").bind(id).all<{ at: number }>()).results;

describe("clearing a cache", () => {
  it("makes its answers too old here at once, and elsewhere, also those that are under way", async () => {
    const start = Date.now();
    const clock = vi.spyOn(Date, "now").mockReturnValue(start);
    const elsewhere = {};
    expect(await found("/cleared/1")).toBe("miss answer 1");
    expect(await found("/cleared/1")).toBe("hit answer 1");
    await call("/cleared/1", {}, "POST");
    expect(await clears()).toEqual([{ at: start }]);
    expect(await found("/cleared/1", {}, "GET", elsewhere)).toBe("miss answer 3");
    // What was asked in the very millisecond of the clearing may be older than it.
    expect(await found("/cleared/1")).toBe("miss answer 4");
    clock.mockReturnValue(start + 2000);
    expect(await found("/cleared/1")).toBe("miss answer 5");
    expect(await found("/cleared/1")).toBe("hit answer 5");
    const late = Promise.withResolvers<Response>();
    const sent = Promise.withResolvers<void>();
    back = () => {
      sent.resolve();
      return late.promise;
    };
    const slow = found("/cleared/2");
    await sent.promise;
    back = (count) => new Response(`answer ${count}`);
    clock.mockReturnValue(start + 2001);
    await call("/cleared/1", {}, "POST");
    late.resolve(new Response("old"));
    expect(await slow).toBe("miss old");
    clock.mockReturnValue(start + 5000);
    expect(await found("/cleared/2")).toBe("miss answer 8");
  });

  it("often in a second writes little and loses nothing", async () => {
    const start = Date.now() + 60_000;
    const clock = vi.spyOn(Date, "now");
    const at = async (ms: number, method: string) => {
      clock.mockReturnValue(start + ms);
      return found("/cleared/3", {}, method);
    };
    await at(0, "POST");
    await at(10, "GET");
    expect(await at(20, "GET")).toBe("hit answer 2");
    await at(30, "POST");
    expect(await clears()).toEqual([{ at: start + 1030 }]);
    await at(40, "GET");
    await at(1000, "POST");
    expect(await clears()).toEqual([{ at: start + 1030 }]);
    expect(await at(1030, "GET")).toBe("miss answer 6");
    expect(await at(1031, "GET")).toBe("miss answer 7");
    expect(await at(1040, "GET")).toBe("hit answer 7");
    await at(1050, "POST");
    expect(await clears()).toEqual([{ at: start + 1050 }]);
    expect(await at(1060, "GET")).toBe("miss answer 9");
  });

  it("that cannot be written down is a fault, and a dry run neither reads, keeps nor clears", async () => {
    const broken = "BEFORE INSERT ON gateway_clears WHEN NEW.cache = 'broken' BEGIN SELECT RAISE(ABORT, 'no'); END";
    await env.DB.prepare(`CREATE TRIGGER breaks_clears ${broken}`).run();
    expect([(await call("/hard/1")).status, (await call("/soft/1")).status]).toEqual([500, 200]);
    await env.DB.prepare("DROP TRIGGER breaks_clears").run();
    const notes: string[] = [];
    const dry = { method: "GET", headers: new Headers(), trace: { note: (text: string) => notes.push(text) } };
    const world = { isDry: true } as World;
    for (const run of [cache({ ...defaults }, {} as Placed), cacheClear({ name: "default" }, {} as Placed)]) {
      expect(await run(dry as unknown as Call, world)).toBeUndefined();
    }
    expect(notes).toEqual([expect.stringContaining("neither reads"), expect.stringContaining("clears no cache")]);
  });
});

const defaults = { name: "default", ttl: 60, shared: false, headers: [], statuses: [200] };
