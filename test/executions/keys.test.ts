import { beforeEach, describe, expect, it } from "vitest";

import { readToken } from "../../src/executions/token.ts";
import type { Caller } from "../support/api.ts";
import { call } from "../support/api.ts";
import { openFlow, route, walk } from "../support/executions.ts";
import { someone } from "../support/given.ts";

let caller: Caller;
beforeEach(async () => {
  caller = await someone();
});

const OLD = "the key of executions in these tests";
const NEW = "a newer key of executions in the tests";
const more = { functions: { one: { commands: [{ command: "success", result: 1 }] } } };
const share = { command: "sharable", of: "execution", namespace: "link" };
const commands = [share, route("first", { export: "{{link.token}}" })];
const isOf = async (key: string, token: string): Promise<boolean> =>
  (await readToken({ EXECUTION_KEY: [key] }, `Bearer ${token}`, Date.now())) !== undefined;
const lifeOf = (token: string): number => {
  const { iat, exp } = JSON.parse(atob(token.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/"))) as {
    iat: number;
    exp: number;
  };
  return exp - iat;
};

describe("keys that are rotated", () => {
  it("open what the old one signed; whatever is issued is signed with the first", async () => {
    const { client, first, name } = await walk(caller, commands, more);
    expect(await isOf(OLD, client.token)).toBe(true);
    const params = { uuid: client.uuid };
    const env = { EXECUTION_KEY: `${NEW},${OLD}` };
    const old = `Bearer ${client.token}`;
    expect((await call(old, "getExecution", { params, env })).body).toEqual(first.body);
    const begun = await call(undefined, "startExecution", { params: { name }, env });
    const called = await call(old, "callFunction", { params, env, body: { name: "one" } });
    const shared = await call(undefined, "useSharable", { params: { token: first.body.export }, env });
    for (const { body } of [begun, called, shared]) {
      expect(await isOf(NEW, body.token)).toBe(true);
      expect(await isOf(OLD, body.token)).toBe(false);
    }
    const fresh = `Bearer ${shared.body.token}`;
    expect((await call(fresh, "getExecution", { params, env })).status).toBe(200);
    expect((await call(fresh, "getExecution", { params })).body.code).toBe("TOKEN_INVALID");
  });

  it("that are taken away close what they signed", async () => {
    const { client } = await walk(caller, commands, more);
    const answer = await call(`Bearer ${client.token}`, "getExecution", {
      params: { uuid: client.uuid },
      env: { EXECUTION_KEY: NEW },
    });
    expect(answer).toMatchObject({ status: 401, body: { code: "TOKEN_INVALID" } });
  });
});

describe("without a key", () => {
  const env = { EXECUTION_KEY: "" };
  it("no execution begins, whoever asks and for whatever", async () => {
    const { name } = await openFlow(caller, { commands });
    for (const known of [name, "none"]) {
      const answer = await call(caller.authorization, "startExecution", { params: { name: known }, env });
      expect(answer).toMatchObject({ status: 503, body: { status: 503, code: "MISCONFIGURED" } });
      expect(answer.headers.get("retry-after")).toBe("5");
    }
  });

  it("no token opens, and no sharable is answered with one", async () => {
    const { client, first } = await walk(caller, commands);
    const params = { uuid: client.uuid };
    expect(await call(`Bearer ${client.token}`, "getExecution", { params, env })).toMatchObject({ status: 401 });
    const shared = await call(undefined, "useSharable", { params: { token: first.body.export }, env });
    expect(shared).toMatchObject({ status: 503, body: { code: "MISCONFIGURED" } });
  });
});

it.each([
  ["JWT_EXPIRATION", { JWT_EXPIRATION: "60" }, {}, 60],
  ["the execution", { JWT_EXPIRATION: "3600" }, { expires: 90 }, 90],
  ["the execution, of eight hours", {}, {}, 28_800],
])("a token holds as long as %s", async (_, env, timed, seconds) => {
  const { name } = await openFlow(caller, { ...more, ...timed, commands });
  const { uuid, token } = (await call(undefined, "startExecution", { params: { name }, env })).body;
  expect(lifeOf(token)).toBe(seconds);
  const called = await call(`Bearer ${token}`, "callFunction", { params: { uuid }, body: { name: "one" }, env });
  expect(Math.abs(lifeOf(called.body.token) - seconds)).toBeLessThanOrEqual(1);
});
