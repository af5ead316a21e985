import { beforeEach, describe, expect, it } from "vitest";

import { issueToken } from "../../src/executions/token.ts";
import type { Answer, Call, Caller } from "../support/api.ts";
import { call } from "../support/api.ts";
import { crashExecution, expireExecution, noted, route, started, walk, type Client } from "../support/executions.ts";
import { someone } from "../support/given.ts";

let caller: Caller;
beforeEach(async () => {
  caller = await someone();
});

const key = "the key of executions in these tests";
const malformed = [
  "1",
  "511b0441-d6d0-4a8a-8003-22ef5274084",
  "511b0441d6d04a8a800322ef52740847",
  "g11b0441-d6d0-4a8a-8003-22ef52740847",
];
const commands = [route("basic", { validate: { name: { rule: "string" } } }), route("next")];
const more = {
  functions: {
    double: { validate: { n: { rule: "number" } }, commands: [{ command: "success", result: "{{it.n * 2}}" }] },
  },
};
const begun = () => walk(caller, commands, more);

const sideOf = (text: object | string) =>
  btoa(typeof text === "string" ? text : JSON.stringify(text))
    .replaceAll("=", "")
    .replaceAll("+", "-")
    .replaceAll("/", "_");

async function signed(claims: Record<string, unknown>, alg = "HS256", by = key): Promise<string> {
  const text = `${sideOf({ alg })}.${sideOf(claims)}`;
  if (alg === "none") return `${text}.`;
  const secret = await crypto.subtle.importKey(
    "raw",
    new TextEncoder().encode(by),
    { name: "HMAC", hash: alg === "HS512" ? "SHA-512" : "SHA-256" },
    false,
    ["sign"],
  );
  const bytes = await crypto.subtle.sign("HMAC", secret, new TextEncoder().encode(text));
  return `${text}.${sideOf(String.fromCharCode(...new Uint8Array(bytes)))}`;
}
const now = () => Math.floor(Date.now() / 1000);
const claimsOf = (uuid: string) => ({ jti: uuid, sub: "executor", iat: now(), exp: now() + 600 });

/** Requests with which nothing is wrong but what a test makes wrong. */
const wellFormed: Record<string, (route: string) => Call> = {
  getExecution: () => ({ query: { wait: "0" } }),
  submitExecution: (uuid) => ({ body: { uuid, payload: { name: "Joe" } } }),
  goBack: (uuid) => ({ body: { uuid } }),
  callFunction: () => ({ body: { name: "double", payload: { n: 2 } } }),
  getFunctionResult: () => ({ params: { functionUuid: crypto.randomUUID() }, query: { wait: "0" } }),
};
const ofExecutions = Object.keys(wellFormed);

const ask = (
  operation: string,
  authorization: string | undefined,
  uuid: string,
  request: Call = {},
): Promise<Answer> => {
  const fit = wellFormed[operation]!(crypto.randomUUID());
  return call(authorization, operation, { ...fit, ...request, params: { uuid, ...fit.params, ...request.params } });
};
const toldBy = ({ status, body }: Answer): unknown => [status, body.status, body.code];

describe.each(ofExecutions)("%s", (operation) => {
  it.each(malformed)("of the uuid %j answers 400 before all else", async (uuid) => {
    for (const token of [undefined, "Bearer x.y.z"]) {
      expect(toldBy(await ask(operation, token, uuid, { query: { wait: "99" } }))).toEqual([400, 400, "INVALID_UUID"]);
    }
  });

  it.each<[string, (uuid: string) => Promise<string | undefined>]>([
    ["none", () => Promise.resolve(undefined)],
    ["none but a scheme", () => Promise.resolve("Bearer")],
    ["another scheme", async (uuid) => `Basic ${await signed(claimsOf(uuid))}`],
    ["no JWT", () => Promise.resolve("Bearer abc")],
    ["expired", async (uuid) => `Bearer ${await signed({ ...claimsOf(uuid), exp: now() - 1 })}`],
    ["without an expiry", async (uuid) => `Bearer ${await signed({ jti: uuid, sub: "executor" })}`],
    ["without a jti", async () => `Bearer ${await signed({ sub: "executor", exp: now() + 60 })}`],
    [
      "of another key",
      async (uuid) => `Bearer ${await signed(claimsOf(uuid), "HS256", "another key of executions, 32 chars")}`,
    ],
    ["without a signature", async (uuid) => `Bearer ${await signed(claimsOf(uuid), "none")}`],
    ["with an empty signature", async (uuid) => `Bearer ${(await signed(claimsOf(uuid))).replace(/\.[^.]*$/, ".AA")}`],
    ["of another algorithm", async (uuid) => `Bearer ${await signed(claimsOf(uuid), "HS512")}`],
    ["of another subject", async (uuid) => `Bearer ${await signed({ ...claimsOf(uuid), sub: "user" })}`],
    ["of the identity management", () => Promise.resolve(caller.authorization)],
  ])("with a token that is %s answers 401, whether there is the execution or not", async (_, tokenFor) => {
    const { client } = await begun();
    for (const uuid of [client.uuid, crypto.randomUUID()]) {
      const answer = await ask(operation, await tokenFor(uuid), uuid, { query: { wait: "99" } });
      expect(toldBy(answer)).toEqual([401, 401, "TOKEN_INVALID"]);
      expect(answer.headers.get("www-authenticate")).toContain("Bearer");
    }
  });

  it("of an execution that is not answers 404, to its own token and to another's", async () => {
    const { client } = await begun();
    const uuid = crypto.randomUUID();
    const own = `Bearer ${await signed(claimsOf(uuid))}`;
    for (const token of [own, `Bearer ${client.token}`]) {
      expect(toldBy(await ask(operation, token, uuid))).toEqual([404, 404, "EXECUTION_NOT_FOUND"]);
    }
    expect(toldBy(await ask(operation, own, uuid, { query: { wait: "99" } }))).toEqual([
      404,
      404,
      "EXECUTION_NOT_FOUND",
    ]);
  });

  it("of one that has expired answers 404, before anything about the body", async () => {
    const { client } = await begun();
    const { client: other } = await begun();
    await expireExecution(client.uuid);
    for (const token of [client.token, other.token]) {
      const raw = { raw: "{", headers: { "content-type": "application/json" }, query: { wait: "99" } };
      const request = operation.startsWith("get") ? { query: { wait: "99" } } : { ...raw, body: undefined };
      expect(toldBy(await ask(operation, `Bearer ${token}`, client.uuid, request))).toEqual([
        404,
        404,
        "EXECUTION_NOT_FOUND",
      ]);
    }
  });

  it("with the token of another execution answers 401, before anything about the body or the state", async () => {
    const { client } = await begun();
    const { client: other } = await begun();
    const answer = await ask(operation, `Bearer ${other.token}`, client.uuid, { query: { wait: "99" } });
    expect(toldBy(answer)).toEqual([401, 401, "TOKEN_INVALID"]);
  });

  it("takes a uuid in capitals for the same", async () => {
    const { client, first } = await begun();
    const fit = wellFormed[operation]!(first.body.uuid);
    const answer = await call(`bearer ${client.token}`, operation, {
      ...fit,
      params: { uuid: client.uuid.toUpperCase(), ...fit.params },
    });
    const refused =
      operation === "goBack" ? "BACK_DISABLED" : operation === "getFunctionResult" ? "FUNCTION_NOT_FOUND" : undefined;
    expect(answer.status < 300 ? undefined : answer.body.code).toBe(refused);
  });
});

const bodies: readonly [string, string, Call, number, string][] = [
  ["no JSON", "submitExecution", { raw: "{", headers: { "content-type": "application/json" } }, 400, "INVALID_JSON"],
  ["no JSON", "goBack", { raw: "{", headers: { "content-type": "application/json" } }, 400, "INVALID_JSON"],
  ["no JSON", "callFunction", { raw: "{", headers: { "content-type": "application/json" } }, 400, "INVALID_JSON"],
  [
    "another type",
    "submitExecution",
    { raw: "{}", headers: { "content-type": "text/plain" } },
    415,
    "UNSUPPORTED_MEDIA_TYPE",
  ],
  ["another type", "goBack", { raw: "{}", headers: { "content-type": "text/plain" } }, 415, "UNSUPPORTED_MEDIA_TYPE"],
  [
    "another type",
    "callFunction",
    { raw: "{}", headers: { "content-type": "text/plain" } },
    415,
    "UNSUPPORTED_MEDIA_TYPE",
  ],
  ["nothing", "submitExecution", {}, 400, "INVALID_SUBMIT"],
  ["nothing", "goBack", {}, 400, "INVALID_SUBMIT"],
  ["nothing", "callFunction", {}, 400, "INVALID_CALL"],
  ["a list", "submitExecution", { body: [] }, 400, "INVALID_SUBMIT"],
  ["null", "submitExecution", { body: null }, 400, "INVALID_BODY"],
  ["no uuid", "submitExecution", { body: { payload: {} } }, 400, "INVALID_SUBMIT"],
  ["a malformed uuid", "submitExecution", { body: { uuid: "1", payload: {} } }, 400, "INVALID_SUBMIT"],
  ["a malformed uuid", "goBack", { body: { uuid: "1" } }, 400, "INVALID_SUBMIT"],
  ["no name", "callFunction", { body: { payload: {} } }, 400, "INVALID_CALL"],
  ["an empty name", "callFunction", { body: { name: "" } }, 400, "INVALID_CALL"],
  [
    "too much",
    "submitExecution",
    { raw: `{"uuid":"${" ".repeat(1024 * 1024)}"}`, headers: { "content-type": "application/json" } },
    413,
    "BODY_TOO_LARGE",
  ],
  ["another route", "submitExecution", { body: { uuid: crypto.randomUUID(), payload: {} } }, 400, "STALE_ROUTE"],
  ["another route", "goBack", { body: { uuid: crypto.randomUUID() } }, 400, "STALE_ROUTE"],
  ["another function", "callFunction", { body: { name: "treble" } }, 404, "FUNCTION_NOT_FOUND"],
  ["a name of a prototype", "callFunction", { body: { name: "toString" } }, 404, "FUNCTION_NOT_FOUND"],
];

it.each(bodies)("with a body of %s, %s is refused and changes nothing", async (_, operation, request, status, code) => {
  const { client, first } = await begun();
  const before = await noted(client.uuid, "SELECT * FROM pieces");
  const answer = await client.call(operation, request);
  expect(toldBy(answer)).toEqual([status, status, code]);
  expect(answer.body.currentRouteUuid).toBe(code === "STALE_ROUTE" ? first.body.uuid : undefined);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(await noted(client.uuid, "SELECT * FROM pieces")).toEqual(before);
});

it.each(["56", "100", "-1", "1.5", "abc", "", "0x1", " 5"])("a wait of %j is refused", async (wait) => {
  const { client, first } = await begun();
  for (const [operation, request] of [
    ["getExecution", {}],
    ["submitExecution", { body: { uuid: first.body.uuid, payload: { name: "x" } } }],
    ["getFunctionResult", { params: { functionUuid: crypto.randomUUID() } }],
  ] as const) {
    expect(toldBy(await client.call(operation, { ...request, query: { wait } }))).toEqual([400, 400, "INVALID_WAIT"]);
  }
  expect((await client.look()).body.uuid).toBe(first.body.uuid);
});

it("a wait of 55 is taken, and a stale route goes before what is wrong with the payload", async () => {
  const { client } = await begun();
  expect((await client.look("55")).status).toBe(200);
  expect((await client.submit({}, crypto.randomUUID())).body.code).toBe("STALE_ROUTE");
  expect((await client.submit({})).status).toBe(422);
});

const over = async (): Promise<Client> => {
  const { client } = await walk(caller, [route("only")], more);
  await client.submit({});
  return client;
};

describe("after the end", () => {
  it.each<[string, Call, number, string]>([
    ["submitExecution", { body: { uuid: crypto.randomUUID() } }, 400, "EXECUTION_TERMINATED"],
    ["goBack", { body: { uuid: crypto.randomUUID() } }, 400, "EXECUTION_TERMINATED"],
    ["callFunction", { body: { name: "double", payload: { n: 1 } } }, 400, "EXECUTION_TERMINATED"],
    ["callFunction", { body: { name: "none" } }, 400, "EXECUTION_TERMINATED"],
    ["submitExecution", { body: {} }, 400, "INVALID_SUBMIT"],
    ["getFunctionResult", { params: { functionUuid: crypto.randomUUID() } }, 404, "FUNCTION_NOT_FOUND"],
  ])("%s answers with a code", async (operation, request, status, code) => {
    expect(toldBy(await (await over()).call(operation, request))).toEqual([status, status, code]);
  });

  it("the route can still be read, also by an object that was out of memory", async () => {
    const client = await over();
    const end = await client.look();
    expect(end).toMatchObject({ status: 200, body: { terminal: true, backEnabled: false, uri: "" } });
    await crashExecution(client.uuid);
    expect((await client.look()).body).toEqual(end.body);
  });
});

it("a token that the service issues is one that it takes", async () => {
  const { client } = await begun();
  const token = await issueToken({ EXECUTION_KEY: [key] }, { execution: client.uuid }, Date.now(), Date.now() + 60_000);
  expect((await call(`Bearer ${token}`, "getExecution", { params: { uuid: client.uuid } })).status).toBe(200);
});

it("an empty JSON body, and none, begin an execution; what is no JSON does not", async () => {
  const { name } = await begun();
  expect((await started(name, {})).uuid).toMatch(/-7/);
  const asJson = { "content-type": "application/json" };
  const say = async (request: Call) =>
    toldBy(await call(undefined, "startExecution", { ...request, params: { name } }));
  expect(await say({ raw: "{", headers: asJson })).toEqual([400, 400, "INVALID_JSON"]);
  expect(await say({ raw: "a=b", headers: { "content-type": "application/x-www-form-urlencoded" } })).toEqual([
    415,
    415,
    "UNSUPPORTED_MEDIA_TYPE",
  ]);
});
