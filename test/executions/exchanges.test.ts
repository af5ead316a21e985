import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Caller } from "../support/api.ts";
import { hastenExecution, noted, openFlow, route, rowOfExecution, started, walk } from "../support/executions.ts";
import { someone } from "../support/given.ts";
import { replaceNetwork } from "../support/iam.ts";
import { heldAnswers } from "../support/runs.ts";
import { markerText, secretOf, simple } from "../secrets/given.ts";

let caller: Caller;
beforeEach(async () => {
  caller = await someone();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const exchange = (more: object = {}) => ({
  command: "exchange",
  name: "score",
  url: "https://score.example/of",
  method: "POST",
  body: { a: 1 },
  ...more,
});
const shown = route("shown", { export: { score: "{{score}}" } });
const planned = (uuid: string) =>
  noted<{ attempts: number; due_at: number }>(uuid, "SELECT attempts, due_at FROM pending");
const tried = async (uuid: string, attempts: number): Promise<number> => {
  await expect.poll(async () => (await planned(uuid))[0]?.attempts).toBe(attempts);
  await expect.poll(async () => (await planned(uuid))[0]!.due_at - Date.now()).toBeLessThan(44_000);
  return (await planned(uuid))[0]!.due_at - Date.now();
};
const begun = async (...commands: object[]) => started((await openFlow(caller, { commands, log: true })).name);
const ofFault = (code: string, status = 500) => ({ status, body: { status, code } });

describe("an exchange", () => {
  it("sends what the script says, once", async () => {
    const asked = replaceNetwork(() => Response.json({ points: 7 }));
    const client = await begun(
      exchange({ headers: { "x-a": "{{1 + 1}}", "x-none": null }, query: { q: ["a", "b"] }, contentType: "form" }),
      shown,
    );
    expect((await client.look()).body).toMatchObject({ uri: "/shown", export: { score: { points: 7 } } });
    expect(asked).toHaveLength(1);
    const [{ url, method, headers, body }] = asked as [(typeof asked)[0]];
    expect([url, method, body, headers.get("x-a"), headers.get("x-none")]).toEqual([
      "https://score.example/of?q=a&q=b",
      "POST",
      "a=1",
      "2",
      null,
    ]);
    expect(headers.get("idempotency-key")).toMatch(new RegExp(`^${client.uuid}/`));
  });

  it.each([400, 401, 404, 422, 301, 501])("that is answered with %i is not tried again", async (status) => {
    const asked = replaceNetwork(() => new Response("no", { status }));
    const client = await begun(exchange(), shown);
    expect(await client.look()).toMatchObject(ofFault("EXCHANGE_STATUS"));
    expect(asked).toHaveLength(1);
    await expect.poll(() => rowOfExecution(client.uuid)).toMatchObject({ status: "failed" });
  });

  it.each([500, 503, 429, 408])("that is answered with %i is tried three times, under one key", async (status) => {
    const asked = replaceNetwork(() => new Response("told to nobody", { status }));
    const client = await begun(exchange(), shown);
    const second = await tried(client.uuid, 1);
    expect(second).toBeGreaterThan(1000);
    expect(second).toBeLessThanOrEqual(5000);
    expect((await client.look("0")).status).toBe(202);
    await hastenExecution(client.uuid);
    const third = await tried(client.uuid, 2);
    expect(third).toBeGreaterThan(3000);
    expect(third).toBeLessThanOrEqual(10_000);
    await hastenExecution(client.uuid);
    const end = await client.look();
    expect(end).toMatchObject(ofFault("EXCHANGE_STATUS"));
    expect(JSON.stringify(end.body)).not.toContain("told to nobody");
    expect(asked).toHaveLength(3);
    expect(new Set(asked.map(({ headers }) => headers.get("idempotency-key"))).size).toBe(1);
    await expect
      .poll(() => rowOfExecution(client.uuid))
      .toMatchObject({
        status: "failed",
        outcome: expect.stringContaining("EXCHANGE_STATUS"),
      });
  });

  it("goes on when a later try is answered, as the alarm by itself has it", async () => {
    let tries = 0;
    const asked = replaceNetwork(() =>
      (tries += 1) === 1 ? new Response("", { status: 500 }) : Response.json({ points: 1 }),
    );
    const client = await begun(exchange({ retry: { attempts: 2, backoff: 0 } }), shown);
    expect((await client.look()).body).toMatchObject({ uri: "/shown", export: { score: { points: 1 } } });
    expect(asked).toHaveLength(2);
  });

  it("waits as long as Retry-After asks", async () => {
    replaceNetwork(() => new Response("", { status: 503, headers: { "retry-after": "40" } }));
    const client = await begun(exchange(), shown);
    expect(await tried(client.uuid, 1)).toBeGreaterThan(35_000);
  });

  it("whose network fails is tried again, and fails in the end", async () => {
    const asked = replaceNetwork(() => Promise.reject(new Error("connect to 10.1.2.3 refused")));
    const client = await begun(exchange({ retry: { attempts: 2 } }), shown);
    await tried(client.uuid, 1);
    await hastenExecution(client.uuid);
    const end = await client.look();
    expect(end).toMatchObject(ofFault("EXCHANGE_NETWORK"));
    expect(JSON.stringify(end.body)).not.toContain("10.1.2.3");
    expect(asked).toHaveLength(2);
  });

  it("that is not answered in its time fails", async () => {
    const held = heldAnswers();
    replaceNetwork(() => held.answer());
    const client = await begun(exchange({ timeout: 1, retry: { attempts: 1 } }), shown);
    expect(await client.look()).toMatchObject(ofFault("EXCHANGE_TIMEOUT"));
    held.letGo(1);
  });

  it.each([
    [
      "is not JSON though it says so",
      () => new Response("{", { headers: { "content-type": "application/json" } }),
      {},
      "EXCHANGE_ANSWER_INVALID",
    ],
    [
      "is not what is asked for",
      () => Response.json({ points: "many" }),
      { validate: { points: { rule: "number" } } },
      "EXCHANGE_INVALID",
    ],
    [
      "lacks what is asked for",
      () => Response.json([]),
      { validate: { points: { rule: "number" } } },
      "EXCHANGE_INVALID",
    ],
    ["is too large", () => new Response("x".repeat(1024 * 1024 + 1)), {}, "EXCHANGE_ANSWER_TOO_LARGE"],
  ])("whose answer %s fails, and is not tried again", async (_, answer, more, code) => {
    const asked = replaceNetwork(answer);
    const client = await begun(exchange(more), shown);
    expect(await client.look()).toMatchObject(ofFault(code));
    expect(asked).toHaveLength(1);
  });

  it("whose answer is what is asked for has it converted; a text is a text", async () => {
    replaceNetwork(({ url }) => (url.endsWith("text") ? new Response("plain") : Response.json({ points: "7" })));
    const client = await begun(
      exchange({ validate: { points: { rule: "number" } } }),
      exchange({ name: "text", url: "https://score.example/text" }),
      route("shown", { export: { points: "{{score.points}}", text: "{{text}}" } }),
    );
    expect((await client.look()).body.export).toEqual({ points: 7, text: "plain" });
  });

  it("that fails in the end has its fallback done", async () => {
    replaceNetwork(() => new Response("", { status: 400 }));
    const fallback = [{ command: "set", values: { score: { points: 0 } } }];
    const client = await begun(exchange({ fallback }), shown);
    expect((await client.look()).body).toMatchObject({ uri: "/shown", export: { score: { points: 0 } } });
  });

  it.each([
    "http://127.0.0.1/",
    "http://10.0.0.1/",
    "http://169.254.169.254/latest/meta-data",
    "http://[::1]/",
    "http://localhost/",
    "{{it.url}}",
  ])("to the private address %s is refused and not sent", async (url) => {
    const asked = replaceNetwork(() => Response.json({}));
    const { name } = await openFlow(caller, { commands: [exchange({ url }), shown] });
    const client = await started(name, { url: "http://192.168.0.1/" });
    const end = await client.look();
    expect(end.status).toBe(500);
    expect(end.body.code).toBe("EXCHANGE_ADDRESS_REFUSED");
    expect(asked).toHaveLength(0);
  });

  it("that goes on meanwhile is waited for by its name, before or after it is done", async () => {
    const held = heldAnswers();
    replaceNetwork(() => held.answer(Response.json({ points: 9 })));
    const wait = { command: "wait", event: "score", namespace: "came" };
    const { client, first } = await walk(caller, [
      exchange({ async: true }),
      route("meanwhile"),
      wait,
      route("shown", { export: "{{came.points}}" }),
    ]);
    expect(first.body.uri).toBe("/meanwhile");
    expect((await client.submit({}, first.body.uuid, "0")).status).toBe(202);
    const waiting = client.look();
    held.letGo(1);
    expect((await waiting).body).toMatchObject({ uri: "/shown", export: 9 });
    replaceNetwork(() => Response.json({ points: 8 }));
    const { client: late, first: now } = await walk(caller, [
      exchange({ async: true }),
      route("meanwhile"),
      wait,
      shown,
    ]);
    await expect.poll(() => planned(late.uuid)).toEqual([]);
    expect((await late.submit({}, now.body.uuid)).body).toMatchObject({
      uri: "/shown",
      export: { score: { points: 8 } },
    });
  });
});

describe("credentials", () => {
  it("are sent, and told in no answer, event, list or journal", async () => {
    const passphrase = markerText();
    const secret = await secretOf(caller, simple(passphrase));
    const asked = replaceNetwork(() => new Response("", { status: 403 }));
    const fallback = [route("shown")];
    const { client, first, id } = await walk(caller, [exchange({ credentials_id: secret, fallback })], { log: true });
    const sent = asked[0]!.headers.get("authorization")!;
    expect(atob(sent.split(" ")[1]!)).toContain(passphrase);
    const params = { uuid: client.uuid };
    const told = [
      first.body,
      (await caller.call("getExecutionDetail", { params })).body,
      (await caller.call("getExecutionEvents", { params })).body,
      (await caller.call("listExecutions", { query: { "filter[workflow]": id } })).body,
      await noted(client.uuid, "SELECT body FROM pieces UNION ALL SELECT body FROM events"),
    ];
    const text = JSON.stringify(told);
    expect(text).toContain("EXCHANGE_STATUS");
    for (const form of [passphrase, sent.split(" ")[1]!]) expect(text).not.toContain(form);
  });

  it.each([
    ["SIMPLE", { username: "alice", passphrase: "the passphrase of alice" }, "the passphrase of alice"],
    ["API_KEY", { key: "a key: with blanks", headerName: "X-Key" }, "a key: with blanks"],
    ["API_KEY", { key: "1234567890", headerName: "X-Key" }, "1234567890"],
    ["OA2_AUTHORIZATION_CODE", { accessToken: "an-access-token" }, "an-access-token"],
  ])("of type %s that a service repeats are shown to nobody", async (type, value, hidden) => {
    const secret = await secretOf(caller, { name: "CRM", type, value });
    replaceNetwork(({ headers }) => {
      const sent = headers.get("x-key") ?? headers.get("authorization")!;
      return Response.json({ sent, list: [`it was ${hidden}`], [hidden]: 1, user: "alice", points: 7 });
    });
    const { client, first } = await walk(caller, [exchange({ credentials_id: secret }), shown], { log: true });
    expect(first.body.export.score).toMatchObject({ list: ["it was [masked]"], user: "alice", points: 7 });
    const told = [first.body, await noted(client.uuid, "SELECT body FROM pieces UNION ALL SELECT body FROM events")];
    expect(JSON.stringify(told)).not.toContain(hidden);
    expect(JSON.stringify(told)).not.toContain(btoa(`alice:${hidden}`));
  });

  it.each<[string, () => Promise<string>]>([
    ["of somebody else", async () => secretOf(await someone())],
    [
      "that are gone",
      async () => {
        const id = await secretOf(caller);
        await env.DB.prepare("DELETE FROM secrets WHERE id = ?").bind(id).run();
        return id;
      },
    ],
  ])("%s fail the exchange, and nothing is sent", async (_, make) => {
    const asked = replaceNetwork(() => Response.json({}));
    const client = await begun(exchange({ credentials_id: await make() }), shown);
    expect(await client.look()).toMatchObject(ofFault("SECRET_UNAVAILABLE"));
    expect(asked).toHaveLength(0);
  });
});
