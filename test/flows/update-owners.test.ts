import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import type { Answer, Caller } from "../support/api.ts";
import { OWNERSHIP, admin, everyPermission, flowOf, loner, newId, rowOf, someone } from "../support/given.ts";
import { as } from "../support/api.ts";

const patch = (caller: Caller, id: string, body: unknown): Promise<Answer> =>
  caller.call("updateFlow", { params: { id }, body });

const userOf = (caller: Caller) => ({ id: caller.sub, type: "user" });
const tenantOf = (caller: Caller) => ({ id: caller.tenant!, type: "tenant" });
const ownersOf = async (id: string): Promise<unknown> =>
  (JSON.parse((await rowOf(id))!.document) as { owners: unknown }).owners;

/** What the index of owners says; the list and every look-up go by it. */
async function indexOf(id: string): Promise<string[]> {
  const found = await env.DB.prepare(`SELECT owner_id FROM ${OWNERSHIP} WHERE flow_id = ? ORDER BY owner_id`)
    .bind(id)
    .all<{ owner_id: string }>();
  return found.results.map((row) => row.owner_id);
}
const sorted = (...ids: string[]): string[] => ids.toSorted((a, b) => (a < b ? -1 : 1));

describe("an edit that says nothing of owners", () => {
  it("does not make a colleague an owner", async () => {
    const owner = await someone();
    const id = await flowOf(owner);
    const colleague = await someone({ tenant: owner.tenant! });
    expect((await patch(colleague, id, { name: "x" })).body.data.owners).toEqual([userOf(owner), tenantOf(owner)]);
  });

  it("does not make an admin an owner", async () => {
    const owner = await someone();
    const id = await flowOf(owner);
    expect((await patch(await admin(), id, { name: "x" })).body.data.owners).toEqual([userOf(owner), tenantOf(owner)]);
  });

  it("sent as null, takes nobody away", async () => {
    const owner = await someone();
    const id = await flowOf(owner);
    expect((await patch(owner, id, { owners: null })).body.data.owners).toEqual([userOf(owner), tenantOf(owner)]);
  });
});

describe("a co-owner", () => {
  it.each([
    ["an empty list", () => []],
    ["only themselves", (caller: Caller) => [userOf(caller)]],
    ["only the tenant", (caller: Caller) => [tenantOf(caller)]],
  ])("cannot strip the other owners by sending %s", async (_, owners) => {
    const owner = await someone();
    const colleague = await someone({ tenant: owner.tenant! });
    const id = await flowOf(owner);
    const sent = owners(colleague);
    const { status, body } = await patch(colleague, id, { owners: sent });
    expect(status).toBe(200);
    expect(body.data.owners).toEqual(expect.arrayContaining([userOf(owner), tenantOf(owner), ...sent]));
    expect((await owner.call("getFlowById", { params: { id } })).status).toBe(200);
  });

  it("does not lose the tenant by sending only accounts", async () => {
    const owner = await someone();
    const id = await flowOf(owner);
    await patch(owner, id, { owners: [userOf(owner)] });
    expect(await ownersOf(id)).toEqual([userOf(owner), tenantOf(owner)]);
    expect(await indexOf(id)).toEqual(sorted(owner.sub, owner.tenant!));
  });

  it("can add themselves", async () => {
    const owner = await someone();
    const colleague = await someone({ tenant: owner.tenant! });
    const id = await flowOf(owner);
    const { body } = await patch(colleague, id, { owners: [userOf(colleague)] });
    expect(body.data.owners).toEqual([userOf(owner), tenantOf(owner), userOf(colleague)]);
    expect(await indexOf(id)).toEqual(sorted(owner.sub, owner.tenant!, colleague.sub));
  });

  it("can add their own tenant, whose members then see the flow", async () => {
    const alone = await loner();
    const id = await flowOf(alone);
    const member = await as({ sub: alone.sub, tenant: newId(), permissions: everyPermission });
    expect((await patch(member, id, { owners: [tenantOf(member)] })).status).toBe(200);
    const colleague = await someone({ tenant: member.tenant! });
    expect((await colleague.call("getFlowById", { params: { id } })).status).toBe(200);
    expect((await colleague.call("getFlows")).body.meta.total).toBe(1);
  });

  it("can send the owners back that an admin has put there", async () => {
    const [owner, guest] = [await someone(), await someone()];
    const owners = [userOf(owner), userOf(guest)];
    const id = await flowOf(await admin(), { owners });
    const before = await ownersOf(id);
    expect((await patch(owner, id, { owners, name: "x" })).status).toBe(200);
    expect(await ownersOf(id)).toEqual(before);
  });

  it.each([
    ["an account", (stranger: Caller) => userOf(stranger)],
    ["a tenant", (stranger: Caller) => tenantOf(stranger)],
    ["an account called a tenant", (stranger: Caller) => ({ id: stranger.sub, type: "tenant" })],
    ["an account with a further key", (stranger: Caller) => ({ ...userOf(stranger), role: "view" })],
  ])("cannot plant the flow on %s of others", async (_, planted) => {
    const [owner, stranger] = [await someone(), await someone()];
    const id = await flowOf(owner);
    const before = await rowOf(id);
    const { status, body } = await patch(owner, id, { owners: [userOf(owner), planted(stranger)], name: "Trap" });
    expect(status).toBe(403);
    expect(body.errors).toMatchObject([{ code: 403, error: "OWNER_NOT_ALLOWED", pointer: "/owners/1/id" }]);
    expect(await rowOf(id)).toEqual(before);
    expect((await stranger.call("getFlows")).body.meta.total).toBe(0);
  });

  it.each([0, false, 1, true, 4711, ["x"], { $ne: "x" }])(
    "cannot plant the flow on an owner whose id is written as %j",
    async (written) => {
      const owner = await someone();
      const id = await flowOf(owner);
      const before = await rowOf(id);
      const { status } = await patch(owner, id, { owners: [{ id: written, type: "user" }] });
      expect([400, 403]).toContain(status);
      expect(await rowOf(id)).toEqual(before);
    },
  );
});

describe("an admin", () => {
  it("replaces the owners", async () => {
    const [before, after] = [await someone(), await someone()];
    const id = await flowOf(before);
    const { status, body } = await patch(await admin(), id, { owners: [userOf(after)] });
    expect(status).toBe(200);
    expect(body.data.owners).toEqual([userOf(after)]);
    expect(await indexOf(id)).toEqual([after.sub]);
    expect((await before.call("getFlowById", { params: { id } })).status).toBe(404);
    expect((await before.call("getFlows")).body.meta.total).toBe(0);
    expect((await after.call("getFlows")).body.data).toMatchObject([{ id }]);
  });

  it("takes one owner away and leaves the other", async () => {
    const owner = await someone();
    const id = await flowOf(owner);
    await patch(await admin(), id, { owners: [tenantOf(owner)] });
    expect(await indexOf(id)).toEqual([owner.tenant]);
    expect((await owner.call("getFlowById", { params: { id } })).status).toBe(200);
  });
});

describe("owners that are no list of owners", () => {
  it.each(["x", 5, true, {}, { id: "a", type: "user" }])("are refused and nothing hangs: %j", async (owners) => {
    for (const caller of [await someone(), await admin()]) {
      const id = await flowOf(caller);
      const before = await rowOf(id);
      const { status, body } = await patch(caller, id, { owners });
      expect(status).toBe(400);
      expect(body.errors).toMatchObject([{ code: 400, error: "WRONG_TYPE", pointer: "/owners" }]);
      expect(await rowOf(id)).toEqual(before);
    }
  });

  it.each([
    [[null], "WRONG_TYPE", "/owners/0"],
    [["x"], "WRONG_TYPE", "/owners/0"],
    [[[]], "WRONG_TYPE", "/owners/0"],
    [[{ type: "user" }], "OWNER_ID_REQUIRED", "/owners/0/id"],
    [[{ id: "", type: "user" }], "OWNER_ID_REQUIRED", "/owners/0/id"],
    [[{ id: null, type: "user" }], "OWNER_ID_REQUIRED", "/owners/0/id"],
  ])("are refused with the place: %j", async (owners, error, pointer) => {
    const caller = await admin();
    const id = await flowOf(caller);
    const { status, body } = await patch(caller, id, { owners });
    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ code: 400, error, pointer }]);
  });

  it("are told in the original's order, the type before the id", async () => {
    const caller = await someone();
    const { body } = await patch(caller, await flowOf(caller), { owners: [{ id: caller.sub }, {}] });
    expect((body.errors as { message: string }[]).map((error) => error.message)).toEqual([
      "Flow owners require a type.",
      "Flow owners require a type.",
      "Flow owners require an id.",
    ]);
  });
});
