import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";

import { databaseOf } from "../../src/db/client.ts";
import { forgetExecutions } from "../../src/executions/store.ts";
import { timeUuid } from "../../src/executions/uuid.ts";
import type { Caller } from "../support/api.ts";
import { call } from "../support/api.ts";
import { openFlow, route, rowOfExecution, walk } from "../support/executions.ts";
import { newId, someone } from "../support/given.ts";

let caller: Caller;
beforeEach(async () => {
  caller = await someone();
});

const DAY_MS = 24 * 3600_000;
const enter = async (at: number, status: string, endedAt: number | null = at): Promise<string> => {
  const uuid = timeUuid(at);
  const text =
    "INSERT INTO executions (uuid, flow_id, home, workflow, revision, status, started_at, ended_at) VALUES (?, ?, '', 'w', 1, ?, ?, ?)";
  await env.DB.prepare(text).bind(uuid, newId(), status, at, endedAt).run();
  return uuid;
};
const sharable = (token: string, until: number) =>
  env.DB.prepare("INSERT INTO sharables VALUES (?, 'e', 'payload', ?, '1')").bind(token, until).run();

describe("the sweep", () => {
  it("forgets what ended long ago, and tokens that have expired, and nothing else", async () => {
    const now = Date.now();
    const old = await enter(now - 31 * DAY_MS, "terminated");
    const running = await enter(now - 31 * DAY_MS, "running", null);
    const late = await enter(now - 59 * DAY_MS, "terminated", now - 29 * DAY_MS);
    const young = await enter(now - 29 * DAY_MS, "expired");
    const [over, holds] = [`T${newId()}`, `T${newId()}`];
    await sharable(over, now - 1);
    await sharable(holds, now + 60_000);
    await forgetExecutions(databaseOf(env.DB), { EXECUTION_RETENTION_DAYS: 30 }, now);
    const left = await Promise.all(
      [old, running, late, young].map(async (uuid) => (await rowOfExecution(uuid)) !== null),
    );
    expect(left).toEqual([false, true, true, true]);
    const tokens = await env.DB.prepare("SELECT token FROM sharables WHERE token IN (?, ?)").bind(over, holds).all();
    expect(tokens.results).toEqual([{ token: holds }]);
  });
});

describe("what is large", () => {
  it("stands in several rows of the journal, and is read as it was written", async () => {
    const payload = { text: "ä😀".repeat(150_000) };
    const { client } = await walk(caller, [route("first"), route("second"), route("third")]);
    expect((await client.submit(payload)).body.uri).toBe("/second");
    expect((await client.back()).body.payload).toEqual(payload);
    expect((await client.submit({ text: "small" })).body.uri).toBe("/second");
    expect((await client.back()).body.payload).toEqual({ text: "small" });
  });

  it("and too much with what there is, is refused and leaves the route as it was", async () => {
    const { client } = await walk(caller, [route("first"), route("second"), route("third")]);
    await client.submit({ before: "x".repeat(500_000) });
    const answer = await client.submit({ more: "x".repeat(600_000) });
    expect([answer.status, answer.body.code]).toEqual([413, "PAYLOAD_TOO_LARGE"]);
    expect((await client.look()).body.uri).toBe("/second");
    expect((await client.submit({ more: "x".repeat(400_000) })).body.uri).toBe("/third");
  });

  it("and is an input too large begins nothing", async () => {
    const { name } = await openFlow(caller, { commands: [route("first")] });
    const body = { a: "x".repeat(1_048_570) };
    const answer = await call(undefined, "startExecution", { params: { name }, body });
    expect([answer.status, answer.body.code]).toEqual([413, "BODY_TOO_LARGE"]);
  });
});

const lost = () => Promise.reject(new Error("The object of host 17 is gone."));
/** Objects that cannot be reached so many times. */
function broken(failures: number) {
  let left = failures;
  const getByName = (uuid: string) => {
    left -= 1;
    return left >= 0 ? { start: lost, look: lost, go: lost, tell: lost } : env.EXECUTION.getByName(uuid);
  };
  return { EXECUTION: { getByName } };
}

describe("an object that cannot be reached", () => {
  it.each([
    [1, 201, undefined],
    [2, 503, "EXECUTION_UNAVAILABLE"],
  ])("%i times: a start answers %i", async (failures, status, code) => {
    const { name } = await openFlow(caller, { commands: [route("first")] });
    const answer = await call(undefined, "startExecution", { params: { name }, env: broken(failures) });
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(JSON.stringify(answer.body)).not.toContain("host 17");
  });

  it.each([
    [1, 200, undefined],
    [2, 503, "EXECUTION_UNAVAILABLE"],
  ])("%i times: a read and a submit answer %i", async (failures, status, code) => {
    const { client, first } = await walk(caller, [route("first"), route("second")]);
    const looked = await client.call("getExecution", { env: broken(failures) });
    expect([looked.status, looked.body.code]).toEqual([status, code]);
    const submitted = await client.call("submitExecution", { body: { uuid: first.body.uuid }, env: broken(failures) });
    expect([submitted.status, submitted.body.code]).toEqual([status, code]);
  });
});
