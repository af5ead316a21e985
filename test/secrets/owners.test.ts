import { describe, expect, it } from "vitest";

import { as } from "../support/api.ts";
import { admin, everyPermission, loner, newId, someone } from "../support/given.ts";
import { ownersIndexed, rowOfSecret, secretOf, simple, tenant, user } from "./given.ts";

describe("owners", () => {
  it("are the caller alone where there is no tenant", async () => {
    const caller = await loner();
    const id = await secretOf(caller);
    expect([await ownersIndexed(id), JSON.parse((await rowOfSecret(id))!.owners)]).toEqual([
      [caller.sub],
      [user(caller.sub)],
    ]);
  });

  it("may be named if they are the caller or the caller's tenant, and are not named twice", async () => {
    const caller = await someone();
    const owners = [tenant(caller.tenant!), user(caller.sub)];
    const answer = await caller.call("addSecret", { body: { ...simple(), owners } });
    expect(answer.body.data.owners).toEqual(owners);
  });

  it("may be nobody else", async () => {
    const [caller, other] = [await someone(), await someone()];
    const owners = [user(caller.sub), user(other.sub), tenant(other.tenant!)];
    const answer = await caller.call("addSecret", { body: { ...simple(), owners } });
    expect(answer.status).toBe(403);
    expect(answer.body.errors.map(({ error, pointer }: Record<string, string>) => [error, pointer])).toEqual([
      ["OWNER_NOT_ALLOWED", "/owners/1/id"],
      ["OWNER_NOT_ALLOWED", "/owners/2/id"],
    ]);
    expect((await other.call("getSecrets")).body.data).toEqual([]);
  });

  it("may be anybody if an admin says so", async () => {
    const [root, other] = [await admin(), await someone()];
    const id = await secretOf(root, { ...simple(), owners: [user(other.sub)] });
    expect(await ownersIndexed(id)).toEqual([other.sub, root.sub].toSorted());
    expect((await other.call("getSecretById", { params: { id } })).status).toBe(200);
  });
});

/** A request of an operation about one secret: with a name or a value in its body, or without a body. */
const requestFor = (id: string, change: object | undefined) => ({
  params: { id },
  ...(change === undefined ? {} : { body: "name" in change ? change : { value: change } }),
});

describe("a secret of somebody else", () => {
  const ways: [string, object | undefined][] = [
    ["getSecretById", undefined],
    ["updateSecret", { name: "Mine now" }],
    ["updateSecret", simple("mine").value],
    ["deleteSecret", undefined],
  ];
  it.each(ways)("answers %s as one that is not there, and stays as it is", async (operationId, change) => {
    const id = await secretOf(await someone());
    const before = await rowOfSecret(id);
    const stranger = await someone();
    const answer = await stranger.call(operationId, requestFor(id, change));
    expect(answer.status).toBe(404);
    expect(answer.body).toEqual((await stranger.call(operationId, requestFor(newId(), change))).body);
    expect(answer.body.errors).toEqual([{ message: "Secret not found", code: 404, error: "SECRET_NOT_FOUND" }]);
    expect(await rowOfSecret(id)).toEqual(before);
  });

  it.each(ways)("of one's own tenant is within reach of %s", async (operationId, change) => {
    const owner = await someone();
    const id = await secretOf(owner);
    expect((await (await someone({ tenant: owner.tenant! })).call(operationId, requestFor(id, change))).status).toBe(
      200,
    );
  });

  it.each(ways)("is within an admin's reach of %s", async (operationId, change) => {
    const id = await secretOf(await someone());
    expect((await (await admin()).call(operationId, requestFor(id, change))).status).toBe(200);
  });

  it.each(["1", "not-an-id", "' OR 1=1 --"])("is not looked for under %j", async (id) => {
    const answer = await (await someone()).call("getSecretById", { params: { id } });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ error: "INVALID_ID" }] } });
  });
});

describe("permissions", () => {
  it.each([
    ["addSecret", "secrets.secret.write"],
    ["getSecrets", "secrets.secret.read"],
    ["getSecretById", "secrets.secret.read"],
    ["updateSecret", "secrets.secret.write"],
    ["deleteSecret", "secrets.secret.write"],
  ])("%s needs %s, or what the setting says", async (operationId, permission) => {
    const owner = await someone();
    const id = await secretOf(owner);
    const { sub } = owner;
    const body = operationId === "updateSecret" ? { name: "n" } : operationId === "addSecret" ? simple() : undefined;
    const request = { params: { id }, ...(body === undefined ? {} : { body }) };
    const without = await as({ sub, permissions: everyPermission.filter((name) => name !== permission) });
    expect((await without.call(operationId, request)).status).toBe(403);
    const readRaw = await as({ sub, permissions: ["secrets.secret.readRaw", "tenant.all"] });
    expect((await readRaw.call(operationId, request)).status).toBe(403);
    const renamed = { SECRET_READ_PERMISSION: "r", SECRET_WRITE_PERMISSION: "w" };
    const refused = await owner.call(operationId, { ...request, env: renamed });
    expect(refused.status).toBe(403);
    const holder = await as({ sub, permissions: [permission.endsWith("read") ? "r" : "w"] });
    expect([200, 201]).toContain((await holder.call(operationId, { ...request, env: renamed })).status);
  });
});
