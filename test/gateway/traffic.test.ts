import { env } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";

import { configOf, type ConfigOf } from "../../src/apis/interceptors.ts";
import type { Call, Placed, World } from "../../src/gateway/call.ts";
import { type Verdict, windowAt } from "../../src/gateway/counting.ts";
import { rateLimit, spikeArrest } from "../../src/gateway/interceptors/traffic.ts";
import { CounterObject } from "../../src/index.ts";
import { type GivenApp, givenApp, planOf } from "../support/apps.ts";
import { apiOf, callGateway, entry, flowsOf, liveApi } from "../support/gateway.ts";
import { newId, someone } from "../support/given.ts";
import { replaceNetwork } from "../support/iam.ts";

const limit = (calls: number, more: object = {}) =>
  entry("limit", "rateLimit", { calls, interval: "month", quotaHeaders: true, ...more });
const filter = (id: string, list: string, ...addresses: string[]) => entry(id, "ipFilter", { list, addresses });
const lists: Readonly<Record<string, readonly ReturnType<typeof entry>[]>> = {
  total: [limit(2)],
  soft: [limit(3, { soft: true, softPercent: 34 })],
  silent: [limit(1, { quotaHeaders: false })],
  ip: [limit(1, { by: "ip" })],
  app: [limit(1, { by: "app" })],
  known: [entry("who", "clientId")],
  "app-known": [entry("who", "clientId"), limit(1, { by: "app" })],
  spike: [entry("spike", "spikeArrest", { limit: 2, interval: "hour" })],
  allow: [filter("allow", "allow", "203.0.113.0/24", "2001:db8::/32")],
  block: [filter("block", "block", "203.0.113.0/24", "2001:db8::/32")],
  both: [filter("allow", "allow", "203.0.113.0/24"), filter("block", "block", "203.0.113.7")],
};

/** One API with a resource for each list. */
const apiOfLists = (plan: string) =>
  apiOf({
    plans: [plan],
    resources: Object.keys(lists).map((id) => ({
      id,
      path: `/${id}`,
      operations: ["GET", "POST"].map((method) => ({ id: method.toLowerCase(), method })),
    })),
    flows: {
      ...flowsOf(),
      resources: Object.fromEntries(
        Object.entries(lists).map(([id, list]) => {
          const request = list.map((one) => ({ ...one, id: `${id}-${one.id}` }));
          return [id, { all: { request, response: [] }, operations: {} }];
        }),
      ),
    },
    settings: { trustedProxies: ["10.0.0.0/8"] },
  });

let base: string;
let apps: readonly GivenApp[];
beforeAll(async () => {
  const caller = await someone();
  const plan = await planOf(caller, { request: [limit(3)] });
  apps = [await givenApp(caller, [plan]), await givenApp(caller, [plan])];
  ({ base } = await liveApi(caller, apiOfLists(plan)));
});
beforeEach(() => {
  replaceNetwork(() => new Response("here", { headers: { "x-ratelimit-limit": "of the destination" } }));
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Calls a resource, as somebody at an address. */
const call = (resource: string, address?: string, headers: Record<string, string> = {}, method = "GET") =>
  callGateway(base, `/${resource}`, {
    method,
    headers: { ...headers, ...(address === undefined ? {} : { "cf-connecting-ip": address }) },
  });

const statuses = async (calls: readonly (() => Promise<Response>)[]): Promise<number[]> => {
  const all: number[] = [];
  for (const one of calls) all.push((await one()).status);
  return all;
};

const quotaOf = ({ status, headers }: Response) => [
  status,
  headers.get("x-ratelimit-limit"),
  headers.get("x-ratelimit-remaining"),
];

/** Seconds until the month is over, give or take the one in which the test runs. */
const expectReset = (seconds: string | null): void =>
  expect(Math.abs(Number(seconds) - (windowAt("month", Date.now()).ends - Date.now()) / 1000)).toBeLessThan(3);

it("a rate limit refuses what is above it, tells the quota on every answer, and asks no further once it is full", async () => {
  const asked = vi.spyOn(CounterObject.prototype, "take");
  const first = await call("total");
  expect(quotaOf(first)).toEqual([200, "2", "1"]);
  expectReset(first.headers.get("x-ratelimit-reset"));
  expect(quotaOf(await call("total", undefined, {}, "POST"))).toEqual([200, "2", "0"]);
  expect(asked).toHaveBeenCalledTimes(2);
  for (const address of [undefined, "203.0.113.7"]) {
    const refused = await call("total", address, { "x-request-id": "mine" });
    expect(quotaOf(refused)).toEqual([429, "2", "0"]);
    expectReset(refused.headers.get("x-ratelimit-reset"));
    expectReset(refused.headers.get("retry-after"));
    expect(await refused.json()).toMatchObject({ code: "RATE_LIMITED", status: 429, requestId: "mine" });
  }
  expect(asked).toHaveBeenCalledTimes(2);
  vi.spyOn(Date, "now").mockReturnValue(windowAt("month", Date.now()).ends);
  expect(quotaOf(await call("total"))).toEqual([200, "2", "1"]);
});

it("of calls at once as many pass as may", async () => {
  const all = await Promise.all(Array.from({ length: 12 }, () => call("soft")));
  expect(all.filter(({ status }) => status === 200)).toHaveLength(4);
  const quotas = all.map((one) => quotaOf(one).join(" ")).toSorted((one, other) => (one < other ? -1 : 1));
  expect(quotas.slice(0, 5)).toEqual(["200 3 0", "200 3 0", "200 3 1", "200 3 2", "429 3 0"]);
});

it("without quotaHeaders answers are as the destination gave them", async () => {
  expect(quotaOf(await call("silent"))).toEqual([200, "of the destination", null]);
  expect(quotaOf(await call("silent"))).toEqual([429, null, null]);
});

const forwarded = (address: string) => ({ "x-forwarded-for": address });
const from = (address?: string, headers = {}) => call.bind(undefined, "ip", address, headers);

it("by ip each address has its count, and those that are not known have one together", async () => {
  expect(await statuses([from("203.0.113.1"), from("203.0.113.2"), from("203.0.113.1")])).toEqual([200, 200, 429]);
  expect(await statuses([from(), from("none"), from("10.0.0.1", forwarded("?"))])).toEqual([200, 429, 429]);
  const named = forwarded("203.0.113.3");
  expect(await statuses([from("10.0.0.1", named), from("203.0.113.3")])).toEqual([200, 429]);
  expect(await statuses([from("203.0.113.4", named), from("203.0.113.4")])).toEqual([200, 429]);
});

it("by app each app has its count, in a plan always, and those that are not known have one together", async () => {
  expect(await statuses([() => call("app", "203.0.113.1"), () => call("app", "203.0.113.2")])).toEqual([200, 429]);
  const quotas = [];
  for (const { clientId } of apps) {
    for (const resource of ["known", "known", "app-known", "app-known", "known"]) {
      quotas.push(quotaOf(await call(resource, undefined, { client_id: clientId })).join(" "));
    }
  }
  // The plan's count has the last word, but not on what the API refuses before it.
  const ofEach = ["200 3 2", "200 3 1", "200 3 0", "429 1 0", "429 3 0"];
  expect(quotas).toEqual([...ofEach, ...ofEach]);
});

it("a spike arrest keeps calls apart", async () => {
  const asked = vi.spyOn(CounterObject.prototype, "take");
  const now = Date.now();
  const clock = vi.spyOn(Date, "now").mockReturnValue(now);
  expect(await statuses([() => call("spike"), () => call("spike", "203.0.113.7")])).toEqual([200, 429]);
  clock.mockReturnValue(now + 1_800_000 - 1);
  const refused = await call("spike");
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
  expect(await refused.json()).toMatchObject({ code: "SPIKE_ARRESTED" });
  expect(asked).toHaveBeenCalledTimes(1);
  clock.mockReturnValue(now + 1_800_000);
  expect(await statuses([() => call("spike"), () => call("spike")])).toEqual([200, 429]);
});

it.each([
  ["allow", 200, 200, 403, 403],
  ["block", 403, 403, 200, 403],
])("an ip filter (%s) judges by the address, and refuses whose is not known", async (resource, ...expected) => {
  const addresses = ["203.0.113.7", "2001:DB8::1", "198.51.100.1", undefined];
  expect(await statuses(addresses.map((address) => () => call(resource, address)))).toEqual(expected);
});

it("ip filters in a row each judge, by whom a trusted proxy names and nobody else", async () => {
  const direct = ["203.0.113.8", "203.0.113.7", "198.51.100.1"].map((address) => () => call("both", address));
  expect(await statuses(direct)).toEqual([200, 403, 403]);
  expect((await call("both", "10.0.0.1", forwarded("198.51.100.1, 203.0.113.8"))).status).toBe(200);
  expect((await call("both", "10.0.0.1", forwarded("203.0.113.7"))).status).toBe(403);
  const forged = await call("both", "198.51.100.1", forwarded("203.0.113.8"));
  expect(await forged.json()).toMatchObject({ status: 403, code: "ADDRESS_NOT_ALLOWED" });
});

/** A call and its world as interceptors have them, with a shield that counts like the binding. */
function lonely(config: object, level: Placed["level"] = "api") {
  const asked = { shield: [] as string[], take: 0, peek: 0 };
  const parsed: ConfigOf<"rateLimit"> = configOf("rateLimit", { calls: 1, interval: "month", ...config });
  const placed = { key: `${newId()}/limit/hash`, level } as Placed;
  const world = {
    now: Date.now,
    env: {
      GATEWAY_COUNTER: {
        getByName: (name: string) => ({
          take: (rule: never) => ((asked.take += 1), env.GATEWAY_COUNTER.getByName(name).take(rule)),
          peek: (rule: never) => ((asked.peek += 1), env.GATEWAY_COUNTER.getByName(name).peek(rule)),
        }),
      },
      GATEWAY_SHIELD: {
        limit: ({ key }: { key: string }) => {
          asked.shield.push(key);
          return Promise.resolve({ success: asked.shield.filter((one) => one === key).length <= 3 });
        },
      },
    },
  };
  const run = rateLimit(parsed, placed);
  const callWith = (facts: object = {}, changed: object = {}) =>
    run(
      { id: "call", caller: {}, onEveryAnswer: [], ...facts } as unknown as Call,
      { ...world, isDry: false, ...changed } as unknown as World,
    );
  const codes = async (...calls: readonly (readonly object[])[]) => {
    const all: (string | undefined)[] = [];
    for (const one of calls) {
      const outcome = await callWith(...one);
      all.push(outcome && "code" in outcome ? outcome.code : undefined);
    }
    return all;
  };
  return { asked, codes, callWith, world, key: placed.key };
}

const over = "RATE_LIMITED";
const asApp = (id: string) => [{ app: { id } }];

it.each([
  ["api", "app", [undefined, undefined, over]],
  ["api", "total", [undefined, over, over]],
  ["plan", "total", [undefined, undefined, over]],
  ["plan", "ip", [undefined, over, over]],
] as const)("on the level %s by %s, apps have a count of their own or not", async (level, by, expected) => {
  const { codes } = lonely({ by }, level);
  expect(await codes(asApp("one"), asApp("other"), asApp("one"))).toEqual(expected);
});

/** In the middle of a month that is still to come, so that no alarm rings. */
const middle = windowAt("month", Date.now()).ends + 15 * 86_400_000;

it("the shield is asked per window, before the object, and what is over it is refused without asking that", async () => {
  const clock = vi.spyOn(Date, "now").mockReturnValue(middle);
  const { asked, codes, world, key } = lonely({ calls: 1000 });
  expect(await codes([], [], [], [], [])).toEqual([undefined, undefined, undefined, over, over]);
  expect(asked).toMatchObject({ take: 3, shield: Array(4).fill(`${key}/total/${windowAt("month", middle).starts}`) });
  // The clock of the object may be ahead: near the end it has the say again.
  const { ends } = windowAt("month", middle);
  clock.mockReturnValue(ends - 5000);
  expect(await codes([])).toEqual([undefined]);
  clock.mockReturnValue(ends + 4999);
  expect(await codes([])).toEqual([undefined]);
  expect(asked).toMatchObject({ take: 5, shield: { length: 4 } });
  clock.mockReturnValue(ends + 5000);
  expect(await codes([])).toEqual([undefined]);
  expect(asked.shield.at(-1)).toBe(`${key}/total/${ends}`);
  const broken = { limit: () => Promise.reject(new Error("gone")) };
  expect(await codes([{}, { env: { ...world.env, GATEWAY_SHIELD: broken } }])).toEqual([undefined]);
});

it.each([
  ["it lets more through than the shield", { calls: 1001 }],
  ["it does with its soft amount", { calls: 910, soft: true, softPercent: 11 }],
  ["its window is over before the object hears of it", { calls: 10, interval: "second" }],
])("the shield is not asked for a limit of which it tells nothing: %s", async (_, config) => {
  vi.spyOn(Date, "now").mockReturnValue(middle);
  const { asked, codes } = lonely(config);
  expect(await codes([], [], [], [])).toEqual([undefined, undefined, undefined, undefined]);
  expect(asked).toMatchObject({ take: 4, shield: [] });
});

it("a dry run counts nothing, says what would be, and passes if the counter cannot be reached", async () => {
  const { asked, codes, callWith, world } = lonely({ calls: 1 });
  const notes: string[] = [];
  const dry = [{ trace: { note: (text: string) => notes.push(text) } }, { isDry: true }] as const;
  expect(await codes(dry, dry, [], dry)).toEqual([undefined, undefined, undefined, over]);
  expect(asked).toMatchObject({ take: 1, peek: 3, shield: { length: 1 } });
  expect(notes).toEqual(Array(3).fill("A dry run: nothing is counted."));
  const peek = vi.fn<() => Promise<never>>(() => Promise.reject(new Error("gone")));
  const unreached = { ...world.env, GATEWAY_COUNTER: { getByName: () => ({ peek }) } };
  expect(await callWith(dry[0], { isDry: true, env: unreached })).toBeUndefined();
  expect(peek).toHaveBeenCalledTimes(2);
});

it("an object that fails is asked once, and the interceptor fails", async () => {
  const { callWith, world } = lonely({ calls: 1 });
  const take = vi.fn<() => Promise<never>>(() => Promise.reject(new Error("gone")));
  const failing = { ...world.env, GATEWAY_COUNTER: { getByName: () => ({ take }) } };
  await expect(callWith({}, { env: failing })).rejects.toMatchObject({
    name: "InterceptorFault",
    message: "The counter could not be reached.",
  });
  expect(take).toHaveBeenCalledTimes(1);
});

it("what is remembered never outlasts the object's answer, however long that took", async () => {
  const clock = vi.spyOn(Date, "now").mockReturnValue(middle);
  const run = spikeArrest(configOf("spikeArrest", { limit: 60, interval: "minute" }), { key: newId() } as Placed);
  const take = vi.fn<() => Promise<Verdict>>(() => {
    clock.mockReturnValue(middle + 300);
    return Promise.resolve({ passes: true, taken: 1, isFull: true, waitMs: 1000 });
  });
  const world = { now: Date.now, env: { GATEWAY_COUNTER: { getByName: () => ({ take }) } } } as unknown as World;
  const one = { id: "call", caller: {} } as unknown as Call;
  await run(one, world);
  clock.mockReturnValue(middle + 999);
  expect(await run(one, world)).toMatchObject({ code: "SPIKE_ARRESTED" });
  clock.mockReturnValue(middle + 1000);
  expect(await run(one, world)).toBeUndefined();
  expect(take).toHaveBeenCalledTimes(2);
});
