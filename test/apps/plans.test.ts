import { beforeAll, describe, expect, it } from "vitest";

import type { Caller } from "../support/api.ts";
import { newId, someone } from "../support/given.ts";
import { appOf, changesOf, faultsIn, limit, ownersIndexed, planOf, planRow, tenant, user } from "./given.ts";

let caller: Caller;
beforeAll(async () => {
  caller = await someone();
});

const change = (id: string, body: object, headers: Record<string, string> = {}) =>
  caller.call("replacePlan", { params: { id }, body, headers });

describe("a plan", () => {
  it("is stored whole, with what it leaves out, and told", async () => {
    const body = { name: "Gold", description: "For partners.", request: [limit()] };
    const answer = await caller.call("addPlan", { body });
    expect(answer.status).toBe(201);
    const { id, createdAt, request } = answer.body.data;
    expect(id).toMatch(/^plan_[0-9a-f]{24}$/);
    expect(request).toEqual([expect.objectContaining({ ...limit(), enabled: true })]);
    const owners = [user(caller.sub), tenant(caller.tenant!)];
    const summary = { id, name: "Gold", description: "For partners.", owners, createdAt, updatedAt: createdAt };
    expect(answer.body).toEqual({ data: { ...summary, request, response: [] }, meta: { warnings: [] } });
    expect(JSON.parse((await planRow(id))!.document)).toEqual({
      name: "Gold",
      description: "For partners.",
      request,
      response: [],
    });
    const seen = await caller.call("getPlanById", { params: { id } });
    expect(seen.body).toEqual({ data: answer.body.data, meta: {} });
    const listed = (await caller.call("getPlans")).body.data as { id: string }[];
    expect(listed.find((one) => one.id === id)).toEqual(summary);
    expect([await ownersIndexed("plan_owners", id), await changesOf(id)]).toEqual([
      [caller.sub, caller.tenant!].toSorted(),
      ["plan"],
    ]);
  });

  it.each<[string, unknown, [string, string][]]>([
    ["no object", [], [["WRONG_TYPE", ""]]],
    ["without a name", { name: undefined }, [["REQUIRED", "/name"]]],
    ["with an id of its own", { id: "plan_gold" }, [["KEY_UNKNOWN", "/id"]]],
    ["with an unknown interceptor", { request: [{ id: "a", type: "magic" }] }, [["VALUE_UNKNOWN", "/request/0/type"]]],
    [
      "with a bad config",
      { request: [limit(), { ...limit(-1), id: "b" }] },
      [["TOO_SMALL", "/request/1/config/calls"]],
    ],
    [
      "with several faults",
      { name: "", request: {}, owners: [{ id: "" }] },
      [
        ["TOO_SMALL", "/owners/0/id"],
        ["REQUIRED", "/owners/0/type"],
        ["TOO_SMALL", "/name"],
        ["WRONG_TYPE", "/request"],
      ],
    ],
  ])("is refused %s", async (_, more, faults) => {
    const body = Array.isArray(more) ? more : { name: "Gold", ...(more as object) };
    const answer = await caller.call("addPlan", { body });
    expect([answer.status, faultsIn(answer)]).toEqual([422, faults]);
    expect(answer.body.errors[0]).toMatchObject({ code: 422, message: expect.stringMatching(/\w/) });
  });

  it("is told what may be wrong though it was stored", async () => {
    const to = { id: "to", type: "destination", config: { url: "http://10.0.0.1/x" } };
    const answer = await caller.call("addPlan", { body: { name: "Inside", request: [to] } });
    expect([answer.status, answer.body.meta.warnings]).toEqual([
      201,
      [expect.objectContaining({ pointer: "/request/0/config/url", error: expect.stringMatching(/^[A-Z_]+$/) })],
    ]);
  });
});

describe("a replacement", () => {
  it("leaves id, owners and the time of storing, and nothing else; gateways are told", async () => {
    const id = await planOf(caller, { description: "old" });
    const before = (await planRow(id))!;
    const answer = await change(id, { name: "Silver", response: [{ id: "h", type: "log" }] });
    expect(answer.status).toBe(200);
    expect(answer.body.data).toMatchObject({ id, name: "Silver", request: [] });
    expect(answer.body.data).not.toHaveProperty("description");
    const after = (await planRow(id))!;
    expect({ ...after, document: 0, updated_at: 0 }).toEqual({ ...before, document: 0, updated_at: 0 });
    expect(after.updated_at).toBeGreaterThan(before.updated_at);
    expect(await changesOf(id)).toEqual(["plan", "plan"]);
  });

  it("is refused with faults or owners, and stays as it is", async () => {
    const id = await planOf(caller);
    const before = await planRow(id);
    expect(faultsIn(await change(id, { name: "n", owners: [user(caller.sub)] }))).toEqual([["KEY_UNKNOWN", "/owners"]]);
    expect(faultsIn(await change(id, {}))).toEqual([["REQUIRED", "/name"]]);
    expect(await planRow(id)).toEqual(before);
  });

  it("is demanded by If-Match, as is a deletion", async () => {
    const id = await planOf(caller);
    const params = { id };
    const old = (await caller.call("getPlanById", { params })).headers.get("etag")!;
    const tag = (await change(id, { name: "n" }, { "if-match": old })).headers.get("etag")!;
    expect(tag).not.toBe(old);
    const refused = await change(id, { name: "n" }, { "if-match": old });
    expect([refused.status, refused.headers.get("etag")]).toEqual([412, tag]);
    const [headers, fresh] = [{ "if-match": old }, { "if-match": tag }];
    expect((await caller.call("deletePlan", { params, headers })).status).toBe(412);
    expect((await caller.call("getPlanById", { params, headers: { "if-none-match": tag } })).status).toBe(304);
    expect((await caller.call("deletePlan", { params, headers: fresh })).status).toBe(200);
  });

  it("of several at the same time that mean the same state lets one through", async () => {
    const id = await planOf(caller);
    const tag = (await caller.call("getPlanById", { params: { id } })).headers.get("etag")!;
    const edits = ["a", "b", "c"].map((name) => change(id, { name }, { "if-match": tag }));
    expect((await Promise.all(edits)).map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412, 412]);
  });
});

describe("a deletion", () => {
  it("is refused while an app has the plan, whosever app, and works afterwards", async () => {
    const id = await planOf(caller);
    const { id: app } = await appOf(await someone({ tenant: caller.tenant! }), { plans: [await planOf(caller), id] });
    const refused = await caller.call("deletePlan", { params: { id } });
    expect([refused.status, refused.body.errors[0].error]).toEqual([409, "PLAN_IN_USE"]);
    expect(await planRow(id)).not.toBeNull();
    await caller.call("updateApp", { params: { id: app }, body: { plans: [] } });
    const answer = await caller.call("deletePlan", { params: { id } });
    expect(answer.body).toEqual({ msg: "Plan was successfully deleted" });
    expect([await planRow(id), await ownersIndexed("plan_owners", id)]).toEqual([null, []]);
    expect(await changesOf(id)).toEqual(["plan", "plan"]);
    expect((await caller.call("deletePlan", { params: { id } })).status).toBe(404);
  });

  it("against an app that is given the plan: one wins", async () => {
    for (let round = 0; round < 5; round += 1) {
      const [id, app] = [await planOf(caller), (await appOf(caller)).id];
      const [deleted, given] = await Promise.all([
        caller.call("deletePlan", { params: { id } }),
        caller.call("updateApp", { params: { id: app }, body: { plans: [id] } }),
      ]);
      expect([
        [200, 404],
        [409, 200],
      ]).toContainEqual([deleted.status, given.status]);
    }
  });
});

it.each(["1", "gold", "plan_", "plan_a b", `plan_${"a".repeat(65)}`, "' OR 1=1 --", newId()])(
  "a plan is not looked for under %j",
  async (id) => {
    const answer = await caller.call("getPlanById", { params: { id } });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ error: "INVALID_ID", parameter: "id" }] } });
    expect(answer.body.errors[0].detail).toContain("plan_");
  },
);
