import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";

import type { Answer, Caller } from "../support/api.ts";
import { call } from "../support/api.ts";
import {
  Client,
  crashExecution,
  expireExecution,
  hastenExecution,
  noted,
  openFlow,
  rebindExecution,
  ringExecution,
  route,
  rowOfExecution,
  started,
  walk,
} from "../support/executions.ts";
import { brokenDatabase } from "../support/faults.ts";
import { newId, someone } from "../support/given.ts";

let caller: Caller;
beforeEach(async () => {
  caller = await someone();
});

const share = (more: object = {}) => ({ command: "sharable", of: "execution", namespace: "link", ...more });
const shown = route("shown", { export: { token: "{{link.token}}", until: "{{link.expiredOn}}" } });
const withLink = async (more: object = {}, input?: unknown) => {
  const { client, first } = await walk(caller, [share(more), shown, route("next")], {}, input);
  return { client, first, token: first.body.export?.token as string, until: Date.parse(first.body.export?.until) };
};
const use = (token: string, headers: Record<string, string> = {}, changed = {}): Promise<Answer> =>
  call(undefined, "useSharable", { params: { token }, headers, env: changed });
const gone = { status: 404, body: { status: 404, code: "SHARABLE_NOT_FOUND" } };

describe("a token that an execution gives out", () => {
  it("has six letters and digits, and holds a day or as long as the execution", async () => {
    const long = await walk(caller, [share(), shown], { expires: 200_000 });
    expect(long.first.body.export.token).toMatch(/^[A-Z0-9]{6}$/);
    const left = Date.parse(long.first.body.export.until) - Date.now();
    expect(left).toBeGreaterThan(86_300_000);
    expect(left).toBeLessThanOrEqual(86_400_000);
    const short = await walk(caller, [share(), shown], { expires: 60 });
    expect(Date.parse(short.first.body.export.until) - Date.now()).toBeLessThanOrEqual(60_000);
    const timed = await withLink({ seconds: 10 });
    expect(timed.until - Date.now()).toBeLessThanOrEqual(10_000);
  });

  it("of the execution has it go on on another device, and on both", async () => {
    const { client, first, token } = await withLink();
    const answer = await use(token);
    expect(answer).toMatchObject({
      status: 200,
      body: { of: "execution", uuid: client.uuid, uri: `/api/execution/${client.uuid}` },
    });
    const phone = new Client(client.uuid, answer.body.token);
    expect((await phone.look()).body).toEqual(first.body);
    expect((await phone.submit({ a: 1 })).body.uri).toBe("/next");
    expect((await client.look()).body).toEqual(phone.route);
    expect((await use(token)).status).toBe(200);
  });

  it("of a payload has it, for whoever begins with it", async () => {
    const { token } = await withLink(
      { of: "payload", payload: { name: "{{it.name}}", list: [1, null] } },
      { name: "Joe" },
    );
    expect((await use(token)).body).toEqual({ of: "payload", payload: { name: "Joe", list: [1, null] } });
  });

  it("of a payload outlives its execution, for its own time", async () => {
    const { token, client } = await withLink({ of: "payload", payload: { a: 1 }, seconds: 60 });
    await client.submit({});
    await client.submit({});
    await expireExecution(client.uuid);
    await ringExecution(client.uuid);
    expect((await use(token)).body).toEqual({ of: "payload", payload: { a: 1 } });
    await env.DB.prepare("UPDATE sharables SET expires_at = ? WHERE token = ?")
      .bind(Date.now() - 1, token)
      .run();
    expect(await use(token)).toMatchObject(gone);
  });

  it("may be one of the script's own", async () => {
    const own = `K${newId()}`;
    const { token, client } = await withLink({ token: "{{it.token}}" }, { token: own });
    expect(token).toBe(own);
    expect((await use(own)).body.uuid).toBe(client.uuid);
  });

  it.each(["short", "with blank", "ä".repeat(8), "x".repeat(65), "a-b-c-d", ""])("is not %j", async (token) => {
    const { first } = await withLink({ token: "{{it.token}}" }, { token });
    expect(first).toMatchObject({ status: 400, body: { code: "SHARABLE_INVALID" } });
  });

  it("is refused if another execution has it, until that is over", async () => {
    const token = `K${newId()}`;
    const mine = await withLink({ token });
    const { first } = await withLink({ token });
    expect(first).toMatchObject({ status: 400, body: { code: "SHARABLE_TAKEN" } });
    expect((await use(token)).body.uuid).toBe(mine.client.uuid);
    await env.DB.prepare("UPDATE sharables SET expires_at = ? WHERE token = ?")
      .bind(Date.now() - 1, token)
      .run();
    const later = await withLink({ token });
    expect((await use(token)).body.uuid).toBe(later.client.uuid);
  });

  it("that is asked for twice, since a crash cut it off, is the same", async () => {
    const token = `K${newId()}`;
    const { name } = await openFlow(caller, { commands: [route("first"), share({ token }), shown] });
    const client = await started(name);
    await client.look();
    await rebindExecution(client.uuid, { DB: brokenDatabase() });
    expect((await client.submit({}, client.route.uuid, "0")).status).toBe(202);
    await expect.poll(() => noted(client.uuid, "SELECT attempts FROM pending")).toEqual([{ attempts: 1 }]);
    await env.DB.prepare("INSERT INTO sharables VALUES (?, ?, 'execution', ?, NULL)")
      .bind(token, client.uuid, Date.now() + 60_000)
      .run();
    await crashExecution(client.uuid);
    await hastenExecution(client.uuid);
    expect((await client.look()).body.export.token).toBe(token);
  });
});

describe("a token leads nowhere", () => {
  it.each(["NOSUCH", "x", "' OR 1=1 --", "%00", "a".repeat(65)])("that nobody gave out: %j", async (token) => {
    expect(await use(token)).toMatchObject(gone);
  });

  it("when its time is over", async () => {
    const { token } = await withLink();
    await env.DB.prepare("UPDATE sharables SET expires_at = ? WHERE token = ?")
      .bind(Date.now() - 1, token)
      .run();
    expect(await use(token)).toMatchObject(gone);
  });

  it("when the execution has ended or expired", async () => {
    const { token, client } = await withLink();
    await client.submit({});
    await client.submit({});
    await expect.poll(() => rowOfExecution(client.uuid)).toMatchObject({ status: "terminated" });
    await expect.poll(() => use(token)).toMatchObject(gone);
    const other = await withLink();
    await expireExecution(other.client.uuid);
    expect(await use(other.token)).toMatchObject(gone);
  });
});

it("who tries many is held off by address", async () => {
  const { token } = await withLink();
  const asked: string[] = [];
  const EXECUTION_STARTS = { limit: ({ key }: { key: string }) => Promise.resolve({ success: asked.push(key) < 1 }) };
  const answer = await use(token, { "cf-connecting-ip": "203.0.113.9" }, { EXECUTION_STARTS });
  expect(answer).toMatchObject({ status: 429, body: { code: "TOO_MANY_STARTS" } });
  expect(asked).toEqual(["sharable 203.0.113.9"]);
});
