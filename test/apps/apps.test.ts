import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it, vi } from "vitest";

import { isSecretOf } from "../../src/apps/secret.ts";
import { appOfRow } from "../../src/apps/store.ts";
import { sha256Of } from "../../src/platform/ids.ts";
import type { Caller } from "../support/api.ts";
import { admin, newId, someone } from "../support/given.ts";
import { appOf, appRow, changesOf, faultsIn, ownersIndexed, planOf, tenant, user } from "./given.ts";

let caller: Caller;
beforeAll(async () => {
  caller = await someone();
});

const good = async (id: string, secret: string) => isSecretOf(appOfRow((await appRow(id))!), secret);

describe("an app", () => {
  it("is stored with a client id and a secret that one answer tells and of which the hash is kept", async () => {
    const plan = await planOf(caller);
    const body = { name: "Shop", fields: { tenant: "acme" }, plans: [plan] };
    const answer = await caller.call("addApp", { body });
    expect(answer.status).toBe(201);
    const { clientSecret, ...told } = answer.body.data;
    const { id, clientId, createdAt } = told;
    expect([id, clientId, clientSecret]).toEqual([
      expect.stringMatching(/^[0-9a-f]{24}$/),
      expect.stringMatching(/^app_[0-9a-f]{24}$/),
      expect.stringMatching(/^[\w-]{43}$/),
    ]);
    const owners = [user(caller.sub), tenant(caller.tenant!)];
    const state = { enabled: true, secrets: 1, tokensFrom: null, createdAt, updatedAt: createdAt };
    expect(told).toEqual({ id, clientId, owners, ...body, ...state });
    const row = (await appRow(id))!;
    expect(JSON.parse(row.secret_hashes)).toEqual([await sha256Of(clientSecret)]);
    expect(JSON.stringify(row)).not.toContain(clientSecret);
    expect(await good(id, clientSecret)).toBe(true);
    const seen = await caller.call("getAppById", { params: { id } });
    expect(seen.body).toEqual({ data: told, meta: {} });
    const { fields: _, ...summary } = told;
    const listed = (await caller.call("getApps")).body.data as { id: string }[];
    expect(listed.find((one) => one.id === id)).toEqual(summary);
    expect([await ownersIndexed("app_owners", id), await changesOf(clientId)]).toEqual([
      [caller.sub, caller.tenant!].toSorted(),
      ["app"],
    ]);
  });

  it.each<[string, unknown, string]>([
    ["without a name", { name: undefined }, "/name"],
    ["with an empty name", { name: "" }, "/name"],
    ["with a name of 201 characters", { name: "n".repeat(201) }, "/name"],
    ["with a key that is not known", { clientId: "app_1" }, "/clientId"],
    ["with a secret of its own", { clientSecret: "s" }, "/clientSecret"],
    ["enabled by a word", { enabled: "yes" }, "/enabled"],
    ["with a field that is no text", { fields: { a: 1 } }, "/fields/a"],
    ["with a field of 1,001 characters", { fields: { a: "x".repeat(1001) } }, "/fields/a"],
    ["with a field of a bad name", { fields: { "a/b": "x" } }, "/fields/a~1b"],
    [
      "with 51 fields",
      { fields: Object.fromEntries(Array.from({ length: 51 }, (_, at) => [`f${at}`, ""])) },
      "/fields",
    ],
    ["with a plan that is no id", { plans: ["gold"] }, "/plans/0"],
    ["with a plan twice", { plans: ["plan_a", "plan_a"] }, "/plans"],
    ["with 101 plans", { plans: Array.from({ length: 101 }, (_, at) => `plan_${at}`) }, "/plans"],
    ["with an owner without a type", { owners: [{ id: "a" }] }, "/owners/0/type"],
    ["with 101 owners", { owners: Array.from({ length: 101 }, () => user("a")) }, "/owners"],
  ])("is refused %s", async (_, more, pointer) => {
    const answer = await caller.call("addApp", { body: { name: "Shop", ...(more as object) } });
    expect([answer.status, faultsIn(answer)]).toEqual([400, [["INVALID_BODY", pointer]]]);
    expect(answer.body.errors[0].detail).toMatch(/\w/);
  });

  it("is refused with all that is wrong, and taken at its limits", async () => {
    const body = { name: 5, enabled: 1, plans: [""] };
    expect(faultsIn(await caller.call("addApp", { body })).map(([, pointer]) => pointer)).toEqual([
      "/name",
      "/enabled",
      "/plans/0",
    ]);
    expect(faultsIn(await caller.call("addApp", { body: [] }))).toEqual([["INVALID_BODY", ""]]);
    const fields = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`f-${at}`, "x".repeat(1000)]));
    await appOf(caller, { name: "n".repeat(200), fields });
  });

  it("has a field of the name __proto__ neither as a field nor as anything else", async () => {
    const raw = '{"name":"Shop","fields":{"__proto__":"x"}}';
    const answer = await caller.call("addApp", { raw, headers: { "content-type": "application/json" } });
    expect([answer.status, answer.body.data.fields]).toEqual([201, {}]);
  });
});

describe("an edit", () => {
  it("replaces what it names as a whole, tells gateways, and leaves the rest", async () => {
    const { id, clientId, clientSecret } = await appOf(caller, { fields: { a: "1", b: "2" } });
    const before = (await appRow(id))!;
    const first = await caller.call("updateApp", { params: { id }, body: { fields: { b: "3" } } });
    expect(first.body.data).toMatchObject({ name: "Shop", enabled: true, fields: { b: "3" }, secrets: 1 });
    const second = await caller.call("updateApp", { params: { id }, body: { enabled: false, name: "New" } });
    expect(second.body.data).toMatchObject({ name: "New", enabled: false, fields: { b: "3" } });
    const after = (await appRow(id))!;
    expect(after).toEqual({ ...before, name: "New", enabled: 0, fields: '{"b":"3"}', updated_at: after.updated_at });
    expect(await good(id, clientSecret)).toBe(true);
    expect(await changesOf(clientId)).toEqual(["app", "app", "app"]);
  });

  it.each<[string, object, string]>([
    ["of nothing", {}, ""],
    ["of the owners", { owners: [] }, "/owners"],
    ["of the client id", { clientId: "app_1f0c8b2e5d7a49366c0e9a41" }, "/clientId"],
    ["of the hashes", { secretHashes: [] }, "/secretHashes"],
    ["of the time of tokens", { tokensFrom: null }, "/tokensFrom"],
    ["to an empty name", { name: "" }, "/name"],
    ["to nothing", { name: null }, "/name"],
  ])("%s is refused", async (_, body, pointer) => {
    const { id } = await appOf(caller);
    const before = await appRow(id);
    const answer = await caller.call("updateApp", { params: { id }, body });
    expect([answer.status, faultsIn(answer)[0]]).toEqual([400, ["INVALID_BODY", pointer]]);
    expect(await appRow(id)).toEqual(before);
  });

  it("has an ETag that changes with every write, even within a millisecond, and is demanded by If-Match", async () => {
    const { id } = await appOf(caller);
    const params = { id };
    const now = vi.spyOn(Date, "now").mockReturnValue(Date.now());
    const tags: string[] = [(await caller.call("getAppById", { params })).headers.get("etag")!];
    for (const [operationId, body] of [["updateApp", { name: "a" }], ["addAppSecret"], ["revokeAppTokens"]] as const) {
      const answer = await caller.call(operationId, { params, ...(body === undefined ? {} : { body }) });
      tags.push(answer.headers.get("etag")!);
    }
    now.mockRestore();
    expect(new Set(tags).size).toBe(4);
    const known = { headers: { "if-none-match": tags.at(-1)! } };
    expect((await caller.call("getAppById", { params, ...known })).status).toBe(304);
    const stale = { params, headers: { "if-match": tags[0]! } };
    for (const answer of [
      await caller.call("updateApp", { ...stale, body: { name: "b" } }),
      await caller.call("deleteApp", stale),
    ]) {
      expect([answer.status, answer.headers.get("etag")]).toEqual([412, tags.at(-1)]);
      expect(answer.body.errors[0]).toMatchObject({ error: "PRECONDITION_FAILED", parameter: "If-Match" });
      expect(JSON.stringify(answer.body)).not.toContain("flow");
    }
    const fresh = { params, headers: { "if-match": tags.at(-1)! } };
    expect((await caller.call("updateApp", { ...fresh, body: { name: "b" } })).body.data.name).toBe("b");
  });

  it("of several at the same time loses none", async () => {
    const { id } = await appOf(caller);
    const bodies = [{ name: "a" }, { enabled: false }, { fields: { x: "y" } }];
    await Promise.all(bodies.map((body) => caller.call("updateApp", { params: { id }, body })));
    const answer = await caller.call("getAppById", { params: { id } });
    expect(answer.body.data).toMatchObject({ name: "a", enabled: false, fields: { x: "y" } });
  });

  it("of several at the same time that mean the same state lets one through", async () => {
    const { id } = await appOf(caller);
    const params = { id };
    const headers = { "if-match": (await caller.call("getAppById", { params })).headers.get("etag")! };
    const edits = ["a", "b", "c"].map((name) => caller.call("updateApp", { params, headers, body: { name } }));
    expect((await Promise.all(edits)).map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412, 412]);
  });
});

describe("the plans of an app", () => {
  it("are those that the actor or the actor's tenant owns, and for an admin any", async () => {
    const stranger = await someone();
    const [own, shared, foreign] = [
      await planOf(caller),
      await planOf(await someone({ tenant: caller.tenant! })),
      await planOf(stranger),
    ];
    const body = { name: "Shop", plans: [own, foreign, shared, `plan_${newId()}`] };
    const refused = await caller.call("addApp", { body });
    const notFound = [
      ["PLAN_NOT_FOUND", "/plans/1"],
      ["PLAN_NOT_FOUND", "/plans/3"],
    ];
    expect([refused.status, faultsIn(refused)]).toEqual([404, notFound]);
    expect(new Set((refused.body.errors as { detail: string }[]).map(({ detail }) => detail)).size).toBe(1);
    const { id } = await appOf(caller, { plans: [own, shared] });
    const edit = (by: Caller, plans: string[]) => by.call("updateApp", { params: { id }, body: { plans } });
    const before = await appRow(id);
    expect(faultsIn(await edit(caller, [own, foreign]))).toEqual([["PLAN_NOT_FOUND", "/plans/1"]]);
    expect(await appRow(id)).toEqual(before);
    expect((await edit(await admin(), [own, foreign])).body.data.plans).toEqual([own, foreign]);
    // What it has may stay, whoever gave it; once taken it is as foreign as before.
    expect((await edit(caller, [foreign, shared])).body.data.plans).toEqual([foreign, shared]);
    expect((await edit(caller, [])).body.data.plans).toEqual([]);
    expect((await edit(caller, [foreign])).status).toBe(404);
    await appOf(await admin(), { plans: [own, foreign] });
  });

  it("may stay though the plan is gone", async () => {
    const plan = await planOf(caller);
    const { id } = await appOf(caller, { plans: [plan] });
    await env.DB.prepare("DELETE FROM plans WHERE id = ?").bind(plan).run();
    const answer = await caller.call("updateApp", { params: { id }, body: { plans: [plan], name: "Same" } });
    expect(answer.body.data).toMatchObject({ name: "Same", plans: [plan] });
    expect((await caller.call("addApp", { body: { name: "n", plans: [plan] } })).status).toBe(404);
  });
});

it("an app that is deleted is gone for good, with its place in the lists of its owners, and gateways are told", async () => {
  const { id, clientId } = await appOf(caller);
  const answer = await caller.call("deleteApp", { params: { id } });
  expect(answer.body).toEqual({ msg: "App was successfully deleted" });
  expect([await appRow(id), await ownersIndexed("app_owners", id)]).toEqual([null, []]);
  expect(await changesOf(clientId)).toEqual(["app", "app"]);
  expect((await caller.call("deleteApp", { params: { id } })).status).toBe(404);
});
