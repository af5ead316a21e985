import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";

import type { Answer, Caller } from "../support/api.ts";
import { call } from "../support/api.ts";
import {
  crashExecution,
  expireExecution,
  fetchApi,
  filesKept,
  openFlow,
  ringExecution,
  route,
  rowOfExecution,
  started,
  uploaded,
  walk,
  type Client,
} from "../support/executions.ts";
import { someone } from "../support/given.ts";
import { wire } from "../support/wire.ts";

let caller: Caller;
beforeEach(async () => {
  caller = await someone();
});

const card = route("card", { validate: { card: { rule: "file", mime: ["image/*"] } } });
const shown = route("shown", { export: { card: "{{card.card}}" } });
const more = {
  functions: {
    one: { validate: { doc: { rule: "file", optional: true } }, commands: [{ command: "success", result: "{{it}}" }] },
  },
};
const begun = async (): Promise<Client> => (await walk(caller, [card, shown], more)).client;
const ofFile = (client: Pick<Client, "token">, operation: string, uuid: string): Promise<Answer> =>
  call(`Bearer ${client.token}`, operation, { params: { uuid } });
const content = (client: Pick<Client, "token">, uuid: string) =>
  fetchApi(`/api/files/cache/${uuid}/content`, { headers: { authorization: `Bearer ${client.token}` } });
const refusedWith = (status: number, code: string) => ({ status, body: { status, code } });

describe("a file", () => {
  it("is uploaded, described, downloaded and deleted", async () => {
    const client = await begun();
    const { status, body } = await uploaded(client, 'ünser "card".png', "image/png", "PNG!");
    expect(status).toBe(201);
    expect(body).toEqual({
      uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      fileName: expect.stringContaining("card"),
      mimeType: "image/png",
      size: 4,
      expiredOn: expect.any(String),
    });
    const detail = await caller.call("getExecutionDetail", { params: { uuid: client.uuid } });
    expect(body["expiredOn"]).toBe(detail.body.data.expiresAt);
    expect((await ofFile(client, "getFile", body.uuid.toUpperCase())).body).toEqual(body);
    const kept = await content(client, body.uuid);
    expect([kept.status, await kept.text()]).toEqual([200, "PNG!"]);
    expect(kept.headers.get("content-type")).toBe("image/png");
    expect(kept.headers.get("content-disposition")).toMatch(/^attachment; filename\*=UTF-8''/);
    expect(kept.headers.get("content-security-policy")).toContain("sandbox");
    expect(kept.headers.get("x-content-type-options")).toBe("nosniff");
    expect(await filesKept(client.uuid)).toEqual([`executions/${client.uuid}/${body.uuid}`]);
    expect(await ofFile(client, "deleteFile", body.uuid)).toMatchObject({ status: 200, body: {} });
    expect(await filesKept(client.uuid)).toEqual([]);
    for (const operation of ["getFile", "deleteFile", "getFileContent"]) {
      expect(await ofFile(client, operation, body.uuid)).toMatchObject(refusedWith(404, "FILE_NOT_FOUND"));
    }
  });

  it("that a page sends is shown as nothing a browser would run", async () => {
    const client = await begun();
    const { body } = await uploaded(client, "x.html", "text/html", "<script>alert(1)</script>");
    const kept = await content(client, body.uuid);
    expect(kept.headers.get("content-disposition")).toMatch(/^attachment/);
    expect(kept.headers.get("content-security-policy")).toContain("default-src 'none'");
    await kept.text();
  });

  it.each<[string, () => { body?: BodyInit; headers?: Record<string, string> }, number, string]>([
    ["no form", () => ({ body: "{}", headers: { "content-type": "application/json" } }), 415, "UNSUPPORTED_MEDIA_TYPE"],
    ["nothing", () => ({}), 415, "UNSUPPORTED_MEDIA_TYPE"],
    ["a form without a file", () => ({ body: formOf({ a: "text" }) }), 400, "INVALID_BODY"],
    ["two files", () => ({ body: formOf({ a: new File(["1"], "1"), b: new File(["2"], "2") }) }), 400, "INVALID_BODY"],
    [
      "a form that breaks off",
      () => ({ body: "--x\r\nbroken", headers: { "content-type": "multipart/form-data; boundary=x" } }),
      400,
      "INVALID_BODY",
    ],
  ])("is not made of %s", async (_, request, status, code) => {
    const client = await begun();
    const { body, headers } = request();
    const answer = await fetchApi("/api/files/cache", {
      method: "POST",
      headers: { authorization: `Bearer ${client.token}`, ...headers },
      ...(body === undefined ? {} : { body }),
    });
    expect(await answer.json()).toMatchObject({ status, code });
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(await filesKept(client.uuid)).toEqual([]);
  });

  it.each([
    [10, 201],
    [11, 413],
  ])("of %i bytes where 10 are allowed answers %i", async (bytes, status) => {
    const client = await begun();
    const answer = await wire("POST", "/api/files/cache", {
      headers: { authorization: `Bearer ${client.token}` },
      body: formOf({ file: new File(["x".repeat(bytes)], "x.txt") }),
      env: { FILE_LIMIT: "10" },
    });
    expect(answer.status).toBe(status);
    expect((await answer.json<{ code?: string }>()).code).toBe(status === 201 ? undefined : "BODY_TOO_LARGE");
    expect(await filesKept(client.uuid)).toHaveLength(status === 201 ? 1 : 0);
  });

  it("of another execution is not found, nor deleted", async () => {
    const client = await begun();
    const other = await begun();
    const { body } = await uploaded(client);
    for (const operation of ["getFile", "getFileContent", "deleteFile"]) {
      expect(await ofFile(other, operation, body.uuid)).toMatchObject(refusedWith(404, "FILE_NOT_FOUND"));
    }
    expect((await ofFile(client, "getFile", body.uuid)).status).toBe(200);
  });

  it("is the hundredth at most", async () => {
    const client = await begun();
    const object = env.EXECUTION.getByName(client.uuid);
    for (let n = 0; n < 100; n += 1) {
      await object.addFile({ uuid: crypto.randomUUID(), fileName: "x", mimeType: "text/plain", size: 1 });
    }
    expect(await uploaded(client)).toMatchObject(refusedWith(400, "TOO_MANY_FILES"));
  });

  it.each(["getFile", "getFileContent", "deleteFile"])("is refused in the order of errors: %s", async (operation) => {
    const client = await begun();
    expect(await call(undefined, operation, { params: { uuid: "1" } })).toMatchObject(refusedWith(400, "INVALID_UUID"));
    const uuid = crypto.randomUUID();
    expect(await call(undefined, operation, { params: { uuid } })).toMatchObject(refusedWith(401, "TOKEN_INVALID"));
    expect(await ofFile({ token: "x.y.z" }, operation, uuid)).toMatchObject(refusedWith(401, "TOKEN_INVALID"));
    expect(await ofFile(client, operation, uuid)).toMatchObject(refusedWith(404, "FILE_NOT_FOUND"));
    await expireExecution(client.uuid);
    expect(await ofFile(client, operation, uuid)).toMatchObject(refusedWith(404, "EXECUTION_NOT_FOUND"));
  });

  it("is not for the token of a function, nor for none", async () => {
    const client = await begun();
    const { body } = await uploaded(client);
    const called = await client.call("callFunction", { body: { name: "one", payload: {} } });
    for (const operation of ["getFile", "getFileContent", "deleteFile"]) {
      expect(await ofFile(called.body, operation, body.uuid)).toMatchObject(refusedWith(401, "TOKEN_INVALID"));
    }
    for (const token of [called.body.token as string, "", caller.authorization.slice(7)]) {
      expect(await uploaded({ token } as Client)).toMatchObject(refusedWith(401, "TOKEN_INVALID"));
    }
  });
});

describe("a payload that names a file", () => {
  it("gives the script what the server knows of it, whatever the client says", async () => {
    const client = await begun();
    const { body } = await uploaded(client);
    const forged = { uuid: body.uuid, fileName: "../../etc/passwd", mimeType: "text/html", size: 0, other: 1 };
    const answer = await client.submit({ card: forged });
    expect(answer).toMatchObject({ status: 200, body: { uri: "/shown" } });
    expect(answer.body.export).toEqual({ card: body });
  });

  it("may be the bare uuid, and may be read by another command after a crash", async () => {
    const client = await begun();
    const { body } = await uploaded(client);
    await crashExecution(client.uuid);
    expect((await client.submit({ card: body.uuid })).body.export).toEqual({ card: body });
  });

  it.each<[string, (client: Client) => Promise<unknown>, string]>([
    ["of another execution", async () => (await uploaded(await begun())).body, "Must be an uploaded file"],
    [
      "that is deleted",
      async (client) => {
        const { body } = await uploaded(client);
        await ofFile(client, "deleteFile", body.uuid);
        return body;
      },
      "Must be an uploaded file",
    ],
    [
      "that nobody knows",
      () => Promise.resolve({ uuid: crypto.randomUUID(), mimeType: "image/png" }),
      "Must be an uploaded file",
    ],
    ["that is no name", () => Promise.resolve("toString"), "Must be an uploaded file"],
    [
      "of another type",
      async (client) => (await uploaded(client, "a.pdf", "application/pdf")).body,
      "Must be a file of type image/*",
    ],
    [
      "that is said to be of the type",
      async (client) => ({
        ...(await uploaded(client, "a.pdf", "application/pdf")).body,
        mimeType: "image/png",
      }),
      "Must be a file of type image/*",
    ],
  ])("%s is refused", async (_, payload, message) => {
    const client = await begun();
    const answer = await client.submit({ card: await payload(client) });
    expect([answer.status, answer.body]).toEqual([422, { errors: [{ field: "card", message }] }]);
  });

  it("is known to functions as well", async () => {
    const client = await begun();
    const { body } = await uploaded(client);
    const called = await client.call("callFunction", { body: { name: "one", payload: { doc: { uuid: body.uuid } } } });
    const params = { functionUuid: called.body.uuid };
    expect((await client.call("getFunctionResult", { params })).body).toEqual({ doc: body });
    const wrong = await client.call("callFunction", { body: { name: "one", payload: { doc: "x" } } });
    expect(wrong.status).toBe(422);
  });
});

describe("files of an execution", () => {
  it("are gone with its end, and none comes behind it", async () => {
    const { name } = await openFlow(caller, { commands: [card] });
    const client = await started(name);
    await client.look();
    const { body } = await uploaded(client);
    expect((await client.submit({ card: body })).body.terminal).toBe(true);
    await expect.poll(() => rowOfExecution(client.uuid)).toMatchObject({ status: "terminated" });
    await expect.poll(() => filesKept(client.uuid)).toEqual([]);
    for (const operation of ["getFile", "getFileContent", "deleteFile"]) {
      expect(await ofFile(client, operation, body.uuid)).toMatchObject(refusedWith(404, "FILE_NOT_FOUND"));
    }
    expect(await uploaded(client)).toMatchObject(refusedWith(400, "EXECUTION_TERMINATED"));
    const late = { uuid: crypto.randomUUID(), fileName: "x", mimeType: "text/plain", size: 1 };
    expect(await env.EXECUTION.getByName(client.uuid).addFile(late)).toBe("ended");
    expect(await filesKept(client.uuid)).toEqual([]);
  });

  it("are gone when it expires, those that were never entered too", async () => {
    const client = await begun();
    await uploaded(client);
    await env.FILES.put(`executions/${client.uuid}/${crypto.randomUUID()}`, "an upload that broke off");
    await expireExecution(client.uuid);
    await ringExecution(client.uuid);
    expect(await filesKept(client.uuid)).toEqual([]);
  });
});

function formOf(values: Record<string, string | File>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(values)) form.set(name, value);
  return form;
}
