import { beforeAll, describe, expect, it, vi } from "vitest";

import { isSecretOf } from "../../src/apps/secret.ts";
import { appOfRow } from "../../src/apps/store.ts";
import { sha256Of } from "../../src/platform/ids.ts";
import type { Caller } from "../support/api.ts";
import { someone } from "../support/given.ts";
import { brokenDatabase, recordConsole } from "../support/wire.ts";
import { appOf, appRow, changesOf, faultsIn } from "./given.ts";

let caller: Caller;
beforeAll(async () => {
  caller = await someone();
});

const good = async (id: string, secret: string) => isSecretOf(appOfRow((await appRow(id))!), secret);

describe("a new secret", () => {
  it("of two that are made at the same time and keep the one before: both are good", async () => {
    const { id } = await appOf(caller);
    const asked = [1, 2].map(() => caller.call("addAppSecret", { params: { id }, body: { keep: true } }));
    const made = (await Promise.all(asked)).map(({ body }) => body.data.clientSecret as string);
    expect(await Promise.all(made.map((secret) => good(id, secret)))).toEqual([true, true]);
  });

  it("makes the others and all tokens void, unless it is to keep the one before", async () => {
    const { id, clientSecret: first } = await appOf(caller);
    const params = { id };
    const renew = async (body?: object) => {
      const answer = await caller.call("addAppSecret", { params, ...(body === undefined ? {} : { body }) });
      expect(answer.status).toBe(201);
      return answer.body.data as { clientSecret: string; secrets: number; tokensFrom: string | null };
    };
    const goodOnes = async (...secrets: string[]) => Promise.all(secrets.map((secret) => good(id, secret)));

    const second = await renew({ keep: true });
    expect([second.secrets, second.tokensFrom]).toEqual([2, null]);
    expect(await goodOnes(first, second.clientSecret)).toEqual([true, true]);
    const third = await renew({ keep: true });
    expect([third.secrets, third.tokensFrom]).toEqual([2, null]);
    expect(await goodOnes(first, second.clientSecret, third.clientSecret)).toEqual([false, true, true]);
    const began = Date.now();
    const fourth = await renew();
    expect(fourth.secrets).toBe(1);
    expect(Date.parse(fourth.tokensFrom!)).toBeGreaterThanOrEqual(began);
    expect(await goodOnes(second.clientSecret, third.clientSecret, fourth.clientSecret)).toEqual([false, false, true]);
    expect((await renew({})).secrets).toBe(1);
    expect((await caller.call("getAppById", { params })).body.data).not.toHaveProperty("clientSecret");
  });

  it.each<[unknown, string]>([
    [{ keep: "yes" }, "/keep"],
    [{ secret: "mine" }, "/secret"],
  ])("is refused with %j", async (body, pointer) => {
    const { id, clientSecret } = await appOf(caller);
    const answer = await caller.call("addAppSecret", { params: { id }, body });
    expect([answer.status, faultsIn(answer)]).toEqual([400, [["INVALID_BODY", pointer]]]);
    expect(await good(id, clientSecret)).toBe(true);
  });
});

it("a revocation moves on the time of tokens, never back, and leaves the secret", async () => {
  const { id, clientId, clientSecret } = await appOf(caller);
  const revoke = async () =>
    Date.parse((await caller.call("revokeAppTokens", { params: { id } })).body.data.tokensFrom as string);
  const began = Date.now();
  const first = await revoke();
  expect(first).toBeGreaterThanOrEqual(began);
  expect([await good(id, clientSecret), (await appRow(id))!.tokens_from]).toEqual([true, first]);
  const clock = vi.spyOn(Date, "now").mockReturnValue(began - 60_000);
  expect(await revoke()).toBe(first);
  clock.mockRestore();
  expect(await changesOf(clientId)).toEqual(["app", "app", "app"]);
});

it("neither a line of the log nor another answer tells a secret or its hash, also where the database fails", async () => {
  const written = recordConsole();
  const info = { LOG_LEVEL: "info" };
  const made = await caller.call("addApp", { body: { name: "Shop" }, env: info });
  const { id, clientSecret } = made.body.data as { id: string; clientSecret: string };
  const renewed = await caller.call("addAppSecret", { params: { id }, body: { keep: true }, env: info });
  const secrets = [clientSecret, renewed.body.data.clientSecret as string];
  const params = { id };
  const others = [
    await caller.call("getAppById", { params, env: info }),
    await caller.call("getApps", { env: info }),
    await caller.call("updateApp", { params, body: { name: "n" }, env: info }),
    await caller.call("revokeAppTokens", { params, env: info }),
    await caller.call("deleteApp", { params, env: info }),
  ].map(({ status, body }) => [status, body] as const);
  const hashes = await Promise.all(secrets.map(sha256Of));
  const broken = {
    ...info,
    DB: brokenDatabase(new Error(`D1_TYPE_ERROR: Type 'object' not supported for value '["${hashes[0]}"]'`)),
  };
  const failed = await caller.call("addApp", { body: { name: "Shop" }, env: broken });
  vi.restoreAllMocks();
  expect([...others.map(([status]) => status), failed.status]).toEqual([200, 200, 200, 200, 200, 503]);
  expect(written.of("request")).toHaveLength(8);
  const text = written.text() + JSON.stringify([...others, failed.body]);
  for (const part of [...secrets, ...hashes]) expect(text).not.toContain(part);
  expect(JSON.stringify([made.body, renewed.body])).not.toMatch(new RegExp(hashes.join("|")));
});
