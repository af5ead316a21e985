import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import { hexOf } from "../../src/platform/ids.ts";
import type { Caller } from "../support/api.ts";
import { bringTo, everyPermission, newId, someone } from "../support/given.ts";
import { asJson, firstMessage, hookFlowOf, postJson, receiptOf, runsOf } from "../support/hooks.ts";
import { activeFlow, ended, line } from "../support/runs.ts";
import { wire } from "../support/wire.ts";

const post = (flowId: string, key: string, body: unknown = { n: 1 }, path = ""): Promise<Response> =>
  wire("POST", `/hook/${flowId}${path}`, {
    body: JSON.stringify(body),
    headers: { ...asJson, "idempotency-key": key },
  });
const runBy = async (...request: Parameters<typeof post>) => (await receiptOf(await post(...request))).runId;

/** An environment in which no run can be begun. */
const withoutRuns = () => ({
  RUN: {
    getByName: () => ({
      start: () => {
        throw new Error("The object cannot be reached.");
      },
    }),
  },
});

describe("a hook under an Idempotency-Key", () => {
  it("begins one run, and names it again and again, also when it has ended", async () => {
    const caller = await someone();
    const id = await hookFlowOf(caller);
    const first = await runBy(id, "order-7");
    expect(await runBy(id, "order-7")).toBe(first);
    await ended(caller, first);
    expect(await runBy(id, "order-7")).toBe(first);
    expect(await runsOf(id)).toMatchObject([{ id: first, status: "completed" }]);
  });

  it("begins one run for twins at the same time", async () => {
    const id = await hookFlowOf(await someone());
    const runs = await Promise.all(Array.from({ length: 8 }, () => runBy(id, "twin")));
    expect(new Set(runs).size).toBe(1);
    expect(await runsOf(id)).toHaveLength(1);
  });

  it.each<[string, (id: string) => Promise<Response>]>([
    ["body", (id) => post(id, "k", { n: 2 })],
    ["query", (id) => post(id, "k", { n: 1 }, "?a=1")],
    ["suffix", (id) => post(id, "k", { n: 1 }, "/orders")],
    ["method", (id) => wire("GET", `/hook/${id}`, { headers: { "idempotency-key": "k" } })],
  ])("is refused with another %s", async (_, other) => {
    const id = await hookFlowOf(await someone());
    const first = await runBy(id, "k");
    const answer = await other(id);
    expect([answer.status, await answer.json()]).toMatchObject([
      422,
      { errors: [{ error: "IDEMPOTENCY_KEY_REUSED" }] },
    ]);
    expect(await runsOf(id)).toMatchObject([{ id: first }]);
  });

  it("is its own for every flow and every key", async () => {
    const caller = await someone();
    const [one, other] = [await hookFlowOf(caller), await hookFlowOf(caller)];
    const runs = [await runBy(one, "k"), await runBy(other, "k"), await runBy(one, "K")];
    expect(new Set(runs).size).toBe(3);
  });

  it("begins the run that a crash kept from beginning", async () => {
    const caller = await someone();
    const id = await hookFlowOf(caller);
    const headers = { ...asJson, "idempotency-key": "crashed" };
    const broken = await wire("POST", `/hook/${id}`, { body: '{"n":1}', headers, env: withoutRuns() });
    expect(broken.status).toBe(500);
    expect(await broken.text()).not.toContain("cannot be reached");
    expect(await runsOf(id)).toEqual([]);
    const runs = [await runBy(id, "crashed"), await runBy(id, "crashed")];
    expect(runs[0]).toBe(runs[1]);
    expect(await ended(caller, runs[0]!)).toMatchObject({ status: "completed" });
    expect(await runsOf(id)).toHaveLength(1);
  });

  it("begins anew after a day", async () => {
    const id = await hookFlowOf(await someone());
    const first = await runBy(id, "daily");
    await env.DB.prepare("UPDATE idempotency SET expires_at = ? WHERE answer = ?")
      .bind(Date.now() - 1, JSON.stringify({ run: first }))
      .run();
    const second = await runBy(id, "daily", { n: 2 });
    expect(second).not.toBe(first);
    expect(await firstMessage(second)).toMatchObject({ data: { n: 2 } });
    expect(await runBy(id, "daily", { n: 2 })).toBe(second);
  });

  it("answers again with the reply that it got", async () => {
    const id = await activeFlow(
      await someone(),
      line(
        { id: "receive", componentId: "webhook", fields: { sync: true } },
        { id: "answer", componentId: "reply", fields: { status: 201, body: "{{$run.id}}" } },
      ),
    );
    const answers = [await post(id, "sync"), await post(id, "sync")];
    const [one, other] = await Promise.all(answers.map((answer) => answer.text()));
    expect([one, answers[0]!.status, answers[1]!.status]).toEqual([other, 201, 201]);
    expect(await runsOf(id)).toHaveLength(1);
  });

  it("is each caller's own where callers are known", async () => {
    const owner = await someone({ permissions: [...everyPermission, "webhooks.execute"] });
    const id = await hookFlowOf(owner, { requireWebhookAuth: true });
    const colleague = await someone({ tenant: owner.tenant!, permissions: ["webhooks.execute"] });
    const runAs = async ({ authorization }: Caller, body: unknown) => {
      const headers = { authorization, "idempotency-key": "k" };
      return (await receiptOf(await postJson(id, body, { headers }))).runId;
    };
    const [own, others] = [await runAs(owner, { n: 1 }), await runAs(colleague, { n: 2 })];
    expect(others).not.toBe(own);
    expect([await runAs(owner, { n: 1 }), await runAs(colleague, { n: 2 })]).toEqual([own, others]);
  });

  it.each(["", "x".repeat(256)])("that is %j is refused", async (key) => {
    const id = await hookFlowOf(await someone());
    const answer = await post(id, key);
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { errors: [{ error: "INVALID_PARAMETER", parameter: "idempotency-key" }] },
    ]);
    expect(await runsOf(id)).toEqual([]);
  });

  it("helps nobody to a flow that is not active any more", async () => {
    const id = await hookFlowOf(await someone());
    await runBy(id, "k");
    await bringTo(id, { status: "inactive" });
    expect((await post(id, "k")).status).toBe(404);
  });
});

/** Counts like the binding, and takes down by what. */
const limiterOf = (limit: number) => {
  const keys: string[] = [];
  const counts = (key: string): number => keys.filter((one) => one === key).length;
  return {
    keys,
    limit: ({ key }: { key: string }) => (keys.push(key), Promise.resolve({ success: counts(key) <= limit })),
  };
};

const ask = (id: string, from: string | undefined, limiter: object | undefined, method = "GET") =>
  wire(method, `/hook/${id}`, {
    headers: from === undefined ? {} : { "cf-connecting-ip": from },
    env: { HOOK_MISSES: limiter },
  });

const statusesOf = async (ids: readonly string[], ...by: [string | undefined, object | undefined]) => {
  const statuses: number[] = [];
  for (const id of ids) statuses.push((await ask(id, ...by)).status);
  return statuses;
};

const guesses = (many: number): string[] => Array.from({ length: many }, newId);

describe("whoever guesses", () => {
  let addresses = 0;
  const address = (): string => `198.51.100.${(addresses += 1)}`;

  it("is held off after so many, told when to come again, and learns no more of what exists", async () => {
    const id = await hookFlowOf(await someone());
    const [from, limiter] = [address(), limiterOf(3)];
    expect(await statusesOf(guesses(3), from, limiter)).toEqual([404, 404, 404]);
    const answer = await ask(newId(), from, limiter);
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "60"]);
    expect(await answer.json()).toMatchObject({ errors: [{ code: 429, error: "HOOK_RATE_LIMITED" }] });
    for (const method of ["GET", "HEAD"]) expect((await ask(id, from, limiter, method)).status).toBe(429);
    expect(await runsOf(id)).toEqual([]);
    expect((await ask(id, address(), limiter)).status).toBe(200);
  });

  it("is not who asks for what exists, or again and again for a flow that was stopped", async () => {
    const caller = await someone();
    const [active, stopped] = [await hookFlowOf(caller), await hookFlowOf(caller)];
    await bringTo(stopped, { status: "inactive" });
    const [from, limiter] = [address(), limiterOf(1)];
    expect(await statusesOf([active, active, stopped, stopped, stopped, active], from, limiter)).toEqual([
      200, 200, 404, 404, 404, 200,
    ]);
    expect(limiter.keys).toEqual([from]);
  });

  it("is known by the network of an IPv6 address, and by nothing where no address is told", async () => {
    const limiter = limiterOf(100);
    await statusesOf(guesses(1), "2001:db8:1:2::9", limiter);
    await statusesOf(guesses(1), "2001:db8:1:2:ffff::1", limiter);
    await statusesOf(guesses(1), undefined, limiter);
    await statusesOf(guesses(1), "unknown", limiter);
    expect(limiter.keys).toEqual(["2001:db8:1:2", "2001:db8:1:2"].map(() => "8193:3512:1:2"));
  });

  it("is let be where nothing counts", async () => {
    expect(await statusesOf(guesses(5), address(), undefined)).toEqual([404, 404, 404, 404, 404]);
  });

  it("is held off by the binding of wrangler.toml after 100 in a minute", async () => {
    const from = address();
    const statuses = await statusesOf(guesses(102), from, env.HOOK_MISSES);
    expect(statuses.slice(0, 100)).toEqual(Array<number>(100).fill(404));
    expect(statuses.slice(100)).toEqual([429, 429]);
  });
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const call = (id: string, limiter: object | undefined, headers: Record<string, string> = {}, method = "POST") =>
  wire(method, `/hook/${id}`, {
    headers: { ...asJson, ...headers },
    ...(method === "POST" ? { body: "{}" } : {}),
    env: { HOOK_RUNS: limiter },
  });

describe("a hook that anybody may call", () => {
  it("begins so many runs of one flow in a minute, and tells when it will begin more", async () => {
    const caller = await someone();
    const [id, other, limiter] = [await hookFlowOf(caller), await hookFlowOf(caller), limiterOf(2)];
    for (const method of ["POST", "GET"]) expect((await call(id, limiter, {}, method)).status).toBe(200);
    for (const method of ["POST", "GET"]) {
      const answer = await call(id, limiter, { "idempotency-key": method }, method);
      expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "60"]);
      const told = { code: 429, error: "HOOK_RATE_LIMITED", message: expect.stringContaining("too often") };
      expect(await answer.json()).toMatchObject({ errors: [told] });
    }
    expect((await call(id, limiter, {}, "HEAD")).status).toBe(200);
    expect(await runsOf(id)).toHaveLength(2);
    expect((await call(other, limiter)).status).toBe(200);
    expect(limiter.keys).toEqual([id, id, id, id, other]);
  });

  it("is not counted where nothing counts, nor held off by the figures of wrangler.toml at once", async () => {
    const id = await hookFlowOf(await someone());
    expect(env.HOOK_RUNS).toBeDefined();
    for (const limiter of [undefined, env.HOOK_RUNS]) expect((await call(id, limiter)).status).toBe(200);
  });

  it("is one without demands: who has met them is not counted, who has not is refused before", async () => {
    const caller = await someone({ permissions: [...everyPermission, "webhooks.execute"] });
    const limiter = limiterOf(0);
    const signed = await hookFlowOf(caller, { hmacAuthSecret: "key" });
    const known = await hookFlowOf(caller, { requireWebhookAuth: true });
    const x = await crypto.subtle.importKey("raw", bytes("key"), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    const signature = hexOf(new Uint8Array(await crypto.subtle.sign("HMAC", x, bytes("{}"))));
    expect((await call(signed, limiter, { "x-hmac": signature })).status).toBe(200);
    expect((await call(known, limiter, { authorization: caller.authorization })).status).toBe(200);
    for (const id of [signed, known]) expect((await call(id, limiter)).status).toBe(403);
    expect(limiter.keys).toEqual([]);
  });
});

it("names the receipt of a hook after the request, the run after itself", async () => {
  const id = await hookFlowOf(await someone());
  const receipt = await receiptOf(await postJson(id, {}));
  expect(receipt.runId).toMatch(new RegExp(`^run_${id}_[0-9a-f]{28}$`));
});
