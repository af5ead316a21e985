import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Answer, Caller } from "../support/api.ts";
import { call } from "../support/api.ts";
import { crashExecution, fetchApi, hastenExecution, route, walk, type Client } from "../support/executions.ts";
import { someone } from "../support/given.ts";
import { replaceNetwork } from "../support/iam.ts";
import { heldAnswers } from "../support/runs.ts";

let caller: Caller;
beforeEach(async () => {
  caller = await someone();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const success = (result?: unknown) => ({ command: "success", result });
const exchange = { command: "exchange", name: "rate", url: "https://rate.example/" };
const functions = {
  double: { validate: { n: { rule: "number" } }, commands: [success({ n: "{{it.n * 2}}" })] },
  nothing: { commands: [success()] },
  list: { commands: [success([1, null, "x"])] },
  rate: { commands: [exchange, success("{{rate}}")] },
  fails: { commands: [{ command: "error", code: "NO_RATE", message: "There is none." }] },
  hidden: { internal: true, commands: [success(1)] },
};
const begun = async (): Promise<Client> =>
  (await walk(caller, [route("first"), route("second")], { functions })).client;
const calling = (client: Client, name: string, payload?: unknown): Promise<Answer> =>
  client.call("callFunction", { body: { name, payload } });
const result = (client: Client, uuid: string, wait = "25", token = client.token): Promise<Answer> =>
  call(`Bearer ${token}`, "getFunctionResult", { params: { uuid: client.uuid, functionUuid: uuid }, query: { wait } });
const refusedWith = (status: number, code: string) => ({ status, body: { status, code } });

describe("a function that a client calls", () => {
  it("is at Location, with a token of its own", async () => {
    const client = await begun();
    const answer = await calling(client, "double", { n: "21" });
    const { uuid, uri, token } = answer.body;
    expect(answer.status).toBe(201);
    expect(uri).toBe(`/api/execution/${client.uuid}/function/${uuid}`);
    expect(answer.headers.get("location")).toBe(`http://flows.test${uri}`);
    expect(await result(client, uuid)).toMatchObject({ status: 200, body: { n: 42 } });
    expect(await result(client, uuid.toUpperCase(), "0", token)).toMatchObject({ status: 200, body: { n: 42 } });
  });

  it.each([
    ["nothing", null],
    ["list", [1, null, "x"]],
  ])("may end with %s", async (name, expected) => {
    const client = await begun();
    expect((await result(client, (await calling(client, name)).body.uuid)).body).toEqual(expected);
  });

  it("is answered 202 until it is done, and whoever waits is woken", async () => {
    const held = heldAnswers();
    replaceNetwork(() => held.answer(Response.json({ eur: 1.1 })));
    const client = await begun();
    const { uuid } = (await calling(client, "rate")).body;
    const running = await result(client, uuid, "0");
    expect([running.status, running.body]).toEqual([202, { uuid, status: "running" }]);
    expect(running.headers.get("retry-after")).toBe("1");
    expect((await client.look("0")).body.uri).toBe("/first");
    expect((await client.submit({})).body.uri).toBe("/second");
    const waiting = result(client, uuid);
    held.letGo(1);
    expect((await waiting).body).toEqual({ eur: 1.1 });
  });

  it("that a crash cut off goes on", async () => {
    const held = heldAnswers();
    replaceNetwork(() => held.answer(Response.json({ eur: 1.2 })));
    const client = await begun();
    const { uuid } = (await calling(client, "rate")).body;
    await expect.poll(() => held.count()).toBe(1);
    await crashExecution(client.uuid);
    held.letGo(2);
    await hastenExecution(client.uuid);
    expect((await result(client, uuid)).body).toEqual({ eur: 1.2 });
  });

  it("that fails tells how, and leaves the execution as it was", async () => {
    replaceNetwork(() => new Response("", { status: 400 }));
    const client = await begun();
    const faults = [
      ["fails", 400, "NO_RATE"],
      ["rate", 500, "EXCHANGE_STATUS"],
    ] as const;
    for (const [name, status, code] of faults) {
      const { uuid } = (await calling(client, name)).body;
      expect(await result(client, uuid)).toMatchObject(refusedWith(status, code));
    }
    expect((await client.look()).body.uri).toBe("/first");
  });

  it.each([
    [undefined, "Required"],
    [{}, "Required"],
    [{ n: "x" }, "Must be a number"],
  ])("with the input %j is refused with 422", async (payload, message) => {
    const answer = await calling(await begun(), "double", payload);
    expect([answer.status, answer.body]).toEqual([422, { errors: [{ field: "n", message }] }]);
  });

  it.each(["hidden", "none", "constructor"])("is not found if it is %s", async (name) => {
    expect(await calling(await begun(), name)).toMatchObject(refusedWith(404, "FUNCTION_NOT_FOUND"));
  });

  it("is the fiftieth at work at most", async () => {
    const held = heldAnswers();
    replaceNetwork(() => held.answer());
    const client = await begun();
    for (let n = 0; n < 50; n += 1) expect((await calling(client, "rate")).status).toBe(201);
    expect(await calling(client, "rate")).toMatchObject(refusedWith(400, "TOO_MANY_FUNCTIONS"));
    expect((await client.submit({})).body.uri).toBe("/second");
    await client.submit({});
  });

  it("is forgotten when fifty others were called and ended", async () => {
    const client = await begun();
    const uuids: string[] = [];
    for (let n = 0; n < 51; n += 1) uuids.push((await calling(client, "nothing")).body.uuid);
    expect(await result(client, uuids[0]!, "0")).toMatchObject(refusedWith(404, "FUNCTION_NOT_FOUND"));
    expect((await result(client, uuids[1]!, "0")).status).toBe(200);
    expect((await result(client, uuids[50]!, "0")).status).toBe(200);
  });

  it("is not kept behind the end", async () => {
    const client = await begun();
    const { uuid } = (await calling(client, "nothing")).body;
    await client.submit({});
    expect((await result(client, uuid)).status).toBe(200);
    await client.submit({});
    expect(await result(client, uuid)).toMatchObject(refusedWith(404, "FUNCTION_NOT_FOUND"));
    expect(await calling(client, "nothing")).toMatchObject(refusedWith(400, "EXECUTION_TERMINATED"));
  });

  it("is called once, though the object broke off before it could answer", async () => {
    const client = await begun();
    let told = 0;
    const getByName = (uuid: string) => {
      const object = env.EXECUTION.getByName(uuid);
      const tell = async (event: Parameters<typeof object.tell>[0]) => {
        const taken = await object.tell(event);
        told += 1;
        if (told === 1) throw new Error("The object is gone.");
        return taken;
      };
      return { tell, expiresAt: () => object.expiresAt() };
    };
    const body = { name: "nothing" };
    const answer = await client.call("callFunction", { body, env: { EXECUTION: { getByName } } });
    expect([answer.status, told]).toEqual([201, 2]);
    expect((await result(client, answer.body.uuid)).status).toBe(200);
  });

  it("may be called at the seed's path with a slash at the end", async () => {
    const client = await begun();
    const answer = await fetchApi(`/api/execution/${client.uuid}/function/`, {
      method: "POST",
      headers: { authorization: `Bearer ${client.token}`, "content-type": "application/json" },
      body: '{"name":"nothing"}',
    });
    expect(answer.status).toBe(201);
  });
});

describe("the token of a function", () => {
  it("opens its result and nothing else", async () => {
    const client = await begun();
    const { uuid, token } = (await calling(client, "nothing")).body;
    const other = (await calling(client, "nothing")).body;
    const params = { uuid: client.uuid };
    const bearer = `Bearer ${token}`;
    const closed = refusedWith(401, "TOKEN_INVALID");
    expect((await result(client, uuid, "0", token)).status).toBe(200);
    expect(await result(client, other.uuid, "0", token)).toMatchObject(closed);
    expect(await call(bearer, "getExecution", { params })).toMatchObject(closed);
    expect(await call(bearer, "submitExecution", { params, body: { uuid: client.route.uuid } })).toMatchObject(closed);
    expect(await call(bearer, "goBack", { params, body: { uuid: client.route.uuid } })).toMatchObject(closed);
    expect(await call(bearer, "callFunction", { params, body: { name: "nothing" } })).toMatchObject(closed);
  });

  it.each(["getFunctionResult"])("is refused for the execution's own threads by %s", async (operation) => {
    const client = await begun();
    for (const functionUuid of ["main", "f1"]) {
      expect(await client.call(operation, { params: { functionUuid } })).toMatchObject(
        refusedWith(400, "INVALID_UUID"),
      );
    }
    expect(await result(client, crypto.randomUUID(), "0")).toMatchObject(refusedWith(404, "FUNCTION_NOT_FOUND"));
  });
});
