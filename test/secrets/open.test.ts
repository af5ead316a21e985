import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import { databaseOf } from "../../src/db/client.ts";
import { openSecret } from "../../src/secrets/open.ts";
import { as } from "../support/api.ts";
import { admin, everyPermission, loner, newId, someone } from "../support/given.ts";
import { brokenDatabase } from "../support/wire.ts";
import { by, faultOf, markerText, open, rowOfSecret, secretOf, simple, whoseOf } from "./given.ts";

const key = (byte: string): string => byte.repeat(32);
const [old, fresh] = [key("0a"), key("0b")];

describe("a secret opens", () => {
  it("for its owner and for the owner's tenant, under its id in capitals too", async () => {
    const caller = await someone();
    const marker = markerText();
    const id = await secretOf(caller, simple(marker));
    const alone = await as({ sub: caller.sub, permissions: [] });
    const colleague = await someone({ tenant: caller.tenant! });
    for (const whose of [caller, alone, colleague]) {
      expect((await open(whose, id.toUpperCase())).value).toEqual(simple(marker).value);
    }
  });

  it("for nobody else: another tenant, an admin, an account named like no tenant", async () => {
    const id = await secretOf(await someone());
    const nobodys = await secretOf(await loner());
    for (const whose of [await someone(), await loner(), await admin()]) {
      const faults = [await faultOf(open(whose, id)), await faultOf(open(whose, nobodys))];
      const unknown = newId();
      const ofNone = await faultOf(open(whose, unknown));
      expect(faults.map(({ code, mayPass }) => [code, mayPass])).toEqual([
        ["SECRET_UNAVAILABLE", false],
        ["SECRET_UNAVAILABLE", false],
      ]);
      expect(faults[0]!.message.replace(id, unknown)).toBe(ofNone.message);
    }
  });

  it("no more once it is deleted", async () => {
    const caller = await someone();
    const id = await secretOf(caller);
    await caller.call("deleteSecret", { params: { id } });
    expect(await faultOf(open(caller, id))).toMatchObject({ mayPass: false });
  });

  it("not under what is no id, which is not repeated", async () => {
    const marker = markerText();
    const fault = await faultOf(open(await someone(), marker));
    expect(fault).toMatchObject({ code: "SECRET_UNAVAILABLE", mayPass: false });
    expect(fault.message).not.toContain(marker);
  });

  it("later if the database does not answer", async () => {
    const caller = await someone();
    const db = databaseOf(brokenDatabase() as D1Database);
    expect(await faultOf(openSecret(by({}, { db }), newId(), whoseOf(caller)))).toMatchObject({ mayPass: true });
  });
});

describe("keys", () => {
  it("are changed by putting a new one in front: the old one opens what it sealed until it is taken off", async () => {
    const caller = await someone();
    const marker = markerText();
    const id = await secretOf(caller, simple(marker), { SECRETS_KEY: old });
    const both = { SECRETS_KEY: `${fresh}, ${old}` };
    expect((await open(caller, id, both)).value).toEqual(simple(marker).value);
    expect(await faultOf(open(caller, id, { SECRETS_KEY: fresh }))).toMatchObject({ mayPass: true });
    const before = (await rowOfSecret(id))!.key_id;

    const renewed = simple(markerText()).value;
    await caller.call("updateSecret", { params: { id }, body: { value: renewed }, env: both });
    expect((await rowOfSecret(id))!.key_id).not.toBe(before);
    expect((await open(caller, id, { SECRETS_KEY: fresh })).value).toEqual(renewed);
    expect(await faultOf(open(caller, id, { SECRETS_KEY: old }))).toMatchObject({ mayPass: true });
  });

  it("that are missing open nothing, and may come back", async () => {
    const caller = await someone();
    const id = await secretOf(caller);
    const fault = await faultOf(open(caller, id, { SECRETS_KEY: "" }));
    expect(fault).toMatchObject({ code: "SECRET_UNAVAILABLE", mayPass: true });
    expect(fault.message).toContain("SECRETS_KEY");
  });
});

const set = (id: string, column: string, value: string) =>
  env.DB.prepare(`UPDATE secrets SET ${column} = ? WHERE id = ?`).bind(value, id).run();

describe("a row that was tampered with opens nothing", () => {
  it("when it has the ciphertext of another one of the same owner", async () => {
    const caller = await someone();
    const marker = markerText();
    const [from, to] = [await secretOf(caller, simple(marker)), await secretOf(caller)];
    const row = (await rowOfSecret(from))!;
    for (const column of ["key_id", "iv", "ciphertext"] as const) await set(to, column, row[column]);
    const fault = await faultOf(open(caller, to));
    expect(fault).toMatchObject({ mayPass: false });
    expect(JSON.stringify([fault.message, fault.stack, fault.cause])).not.toContain(marker);
    expect((await open(caller, from)).value).toEqual(simple(marker).value);
  });

  it.each(["iv", "ciphertext"] as const)("when its %s was changed", async (column) => {
    const caller = await someone();
    const id = await secretOf(caller);
    const value = (await rowOfSecret(id))![column];
    await set(id, column, `${value.startsWith("A") ? "B" : "A"}${value.slice(1)}`);
    expect(await faultOf(open(caller, id))).toMatchObject({ code: "SECRET_UNAVAILABLE", mayPass: false });
  });
});

it("permissions play no part when a flow opens a secret", async () => {
  const caller = await someone({ permissions: everyPermission });
  const id = await secretOf(caller);
  expect((await open(await as({ ...caller, permissions: [] }), id)).id).toBe(id);
});
