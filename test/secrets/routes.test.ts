import { describe, expect, it } from "vitest";

import { newId, someone } from "../support/given.ts";
import { markerText, open, ownersIndexed, rowOfSecret, secretOf, simple, tenant, user } from "./given.ts";

const valueOf = (marker: string): Record<string, object> => ({
  SIMPLE: { username: "u", passphrase: marker },
  API_KEY: { key: marker, headerName: "x-api-key" },
  OA2_AUTHORIZATION_CODE: { accessToken: marker, refreshToken: marker, scope: marker, expires: "x", externalId: "y" },
  OA1_TWO_LEGGED: { expiresAt: "x", any: { key: [marker] } },
  OA1_THREE_LEGGED: { accessToken: marker, accessTokenSecret: marker },
  SESSION_AUTH: { accessToken: marker, inputFields: { pin: marker } },
  MIXED: { payload: JSON.stringify({ a: marker, b: [1] }) },
});

describe("a secret", () => {
  it.each(Object.keys(valueOf("")))("of the type %s is stored, told without its value, and opens", async (type) => {
    const [caller, marker] = [await someone(), markerText()];
    const value = valueOf(marker)[type]!;
    const answer = await caller.call("addSecret", { body: { name: "A name", type, value } });
    expect(answer.status).toBe(201);
    const { id, createdAt } = answer.body.data as { id: string; createdAt: string };
    const entry = { id, name: "A name", type, owners: [user(caller.sub), tenant(caller.tenant!)], createdAt };
    expect(answer.body).toEqual({ data: { ...entry, updatedAt: createdAt }, meta: {} });
    expect(Math.abs(Date.parse(createdAt) - Date.now())).toBeLessThan(60_000);
    expect(JSON.stringify(await rowOfSecret(id))).not.toContain(marker);
    const told = await caller.call("getSecretById", { params: { id } });
    expect(told.body.data).toEqual(answer.body.data);
    const opened = type === "MIXED" ? { a: marker, b: [1] } : value;
    expect(await open(caller, id)).toEqual({ id, type, value: opened });
  });

  it("with a payload that is an object opens to that object", async () => {
    const caller = await someone();
    const id = await secretOf(caller, { name: "n", type: "MIXED", value: { payload: { a: { b: 1 } } } });
    expect((await open(caller, id)).value).toEqual({ a: { b: 1 } });
  });

  it("is found under its id in capitals too", async () => {
    const caller = await someone();
    const id = await secretOf(caller);
    expect((await caller.call("getSecretById", { params: { id: id.toUpperCase() } })).body.data.id).toBe(id);
  });
});

const sent = (key: string) => ({ body: { name: "n", type: "SESSION_AUTH", value: { key } } });

describe("a secret is refused", () => {
  const marker = markerText();
  it.each<[string, object, string]>([
    ["without a name", { ...simple(), name: undefined }, "/name"],
    ["with an empty name", { ...simple(), name: "" }, "/name"],
    ["with a name of 201 characters", { ...simple(), name: "n".repeat(201) }, "/name"],
    ["of an unknown type", { ...simple(), type: "PASSWORD" }, "/type"],
    ["without a type", { ...simple(), type: undefined }, "/type"],
    ["without a value", { ...simple(), value: undefined }, "/value"],
    ["without a passphrase", { ...simple(), value: { username: "u" } }, "/value/passphrase"],
    [
      "with a passphrase that is no text",
      { ...simple(), value: { username: "u", passphrase: 5 } },
      "/value/passphrase",
    ],
    ["with keys of another type", { ...simple(), value: { ...simple().value, [marker]: 1 } }, "/value"],
    ["with a key that is not known", { ...simple(), [marker]: 1 }, ""],
    [
      "with a header that is none",
      { name: "n", type: "API_KEY", value: { key: "k", headerName: "a: b\r\nc" } },
      "/value/headerName",
    ],
    ["with an empty key", { name: "n", type: "API_KEY", value: { key: "", headerName: "x" } }, "/value/key"],
    ["without an access token", { name: "n", type: "OA2_AUTHORIZATION_CODE", value: {} }, "/value/accessToken"],
    ["with a value that is a list", { name: "n", type: "SESSION_AUTH", value: [marker] }, "/value"],
    ["with a payload that is no JSON", { name: "n", type: "MIXED", value: { payload: marker } }, "/value/payload"],
    ["with a payload that is no object", { name: "n", type: "MIXED", value: { payload: "[1]" } }, "/value/payload"],
    ["with owners that are no list", { ...simple(), owners: user(newId()) }, "/owners"],
    ["with an owner without a type", { ...simple(), owners: [{ id: newId() }] }, "/owners/0/type"],
    ["with 101 owners", { ...simple(), owners: Array.from({ length: 101 }, () => user("a")) }, "/owners"],
  ])("%s", async (_, body, pointer) => {
    const answer = await (await someone()).call("addSecret", { body });
    expect(answer.status).toBe(400);
    expect(answer.body.errors[0]).toMatchObject({ error: "INVALID_BODY", pointer, detail: expect.any(String) });
    expect(JSON.stringify(answer.body)).not.toContain(marker);
  });

  it("if its value is above 64 KiB, and taken if it is not", async () => {
    const caller = await someone();
    const room = 64 * 1024 - JSON.stringify({ key: "" }).length;
    const large = await caller.call("addSecret", sent("x".repeat(room + 1)));
    expect(large).toMatchObject({ status: 413, body: { errors: [{ error: "BODY_TOO_LARGE", pointer: "/value" }] } });
    const wide = await caller.call("addSecret", sent("ä".repeat(room / 2 + 1)));
    expect(wide.status).toBe(413);
    expect((await caller.call("addSecret", sent("x".repeat(room)))).status).toBe(201);
  });

  it.each([
    ["SECRETS_KEY", { SECRETS_KEY: "" }],
    [
      "Secret Service",
      { SECRET_SERVICE_BASE_URL: "http://secrets.oih", IAM_BASE_URL: "http://iam.oih", IAM_TOKEN: "t" },
    ],
  ])("where it cannot be kept, naming %s, and so is a new value; all else goes on", async (named, changed) => {
    const caller = await someone();
    const id = await secretOf(caller);
    const before = await rowOfSecret(id);
    const params = { id };
    const refused = [
      await caller.call("addSecret", { body: simple(), env: changed }),
      await caller.call("updateSecret", { params, body: { name: "n", value: simple().value }, env: changed }),
    ];
    for (const { status, body } of refused) {
      expect(status).toBe(503);
      expect(body.errors).toEqual([expect.objectContaining({ error: "SECRETS_NOT_KEPT" })]);
      expect(body.errors[0].detail).toContain(named);
    }
    expect(await rowOfSecret(id)).toEqual(before);
    expect((await caller.call("getSecrets", { env: changed })).status).toBe(200);
    expect((await caller.call("getFlows", { env: changed })).status).toBe(200);
    expect((await caller.call("updateSecret", { params, body: { name: "n" }, env: changed })).status).toBe(200);
    expect((await caller.call("deleteSecret", { params, env: changed })).status).toBe(200);
  });
});

it("malformed JSON is refused without a word of it", async () => {
  const marker = markerText();
  const caller = await someone();
  for (const raw of [`{"a": ${marker}"b"}`, `{"value":{"passphrase":"${marker}"x"}}`, marker]) {
    const answer = await caller.call("addSecret", { raw, headers: { "content-type": "application/json" } });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ error: "INVALID_JSON" }] } });
    expect(answer.body.errors[0].detail).toBeUndefined();
  }
});

describe("an edit", () => {
  it("of the name leaves the value", async () => {
    const caller = await someone();
    const marker = markerText();
    const id = await secretOf(caller, simple(marker));
    const before = await rowOfSecret(id);
    const answer = await caller.call("updateSecret", { params: { id }, body: { name: "New" } });
    expect(answer.body.data).toMatchObject({ id, name: "New", type: "SIMPLE" });
    const { key_id, iv, ciphertext } = (await rowOfSecret(id))!;
    expect({ key_id, iv, ciphertext }).toEqual({
      key_id: before!.key_id,
      iv: before!.iv,
      ciphertext: before!.ciphertext,
    });
  });

  it("of the value replaces it as a whole, under a new iv, and leaves the rest", async () => {
    const caller = await someone();
    const value = { accessToken: "a", refreshToken: "r" };
    const id = await secretOf(caller, { name: "n", type: "OA2_AUTHORIZATION_CODE", value });
    const before = await rowOfSecret(id);
    const answer = await caller.call("updateSecret", { params: { id }, body: { value: { accessToken: "b" } } });
    expect(answer.body.data).toMatchObject({ name: "n", type: "OA2_AUTHORIZATION_CODE" });
    expect((await open(caller, id)).value).toEqual({ accessToken: "b" });
    expect((await rowOfSecret(id))!.iv).not.toBe(before!.iv);
  });

  it.each<[string, object, string]>([
    ["of nothing", {}, ""],
    ["of the type", { type: "API_KEY" }, ""],
    ["of the owners", { owners: [] }, ""],
    ["to an empty name", { name: "" }, "/name"],
    ["to a value of another type", { value: { key: "k", headerName: "x" } }, "/value/username"],
    ["to a part of a value", { value: { passphrase: "p" } }, "/value/username"],
  ])("%s is refused", async (_, body, pointer) => {
    const caller = await someone();
    const id = await secretOf(caller);
    const before = await rowOfSecret(id);
    const answer = await caller.call("updateSecret", { params: { id }, body });
    expect(answer).toMatchObject({ status: 400, body: { errors: expect.anything() } });
    expect(answer.body.errors[0]).toMatchObject({ error: "INVALID_BODY", pointer });
    expect(await rowOfSecret(id)).toEqual(before);
  });

  it("to a value above 64 KiB is refused", async () => {
    const caller = await someone();
    const id = await secretOf(caller);
    const value = { username: "u", passphrase: "p".repeat(65_536) };
    expect((await caller.call("updateSecret", { params: { id }, body: { value } })).status).toBe(413);
  });
});

it("a secret that is deleted is gone for good, with its place in the lists of its owners", async () => {
  const caller = await someone();
  const id = await secretOf(caller);
  const answer = await caller.call("deleteSecret", { params: { id } });
  expect(answer.body).toEqual({ msg: "Secret was successfully deleted" });
  expect([await rowOfSecret(id), await ownersIndexed(id)]).toEqual([null, []]);
  expect((await caller.call("deleteSecret", { params: { id } })).status).toBe(404);
});
