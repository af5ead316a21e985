import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import { app } from "../../src/app.ts";
import { call, operation, type Call } from "../support/api.ts";
import { admin, everyPermission, someone } from "../support/given.ts";
import { hubOperations, isHub } from "../support/hub.ts";
import { wire } from "../support/wire.ts";

const routes = app.openAPIRegistry.definitions.flatMap((definition) =>
  definition.type === "route" && isHub(definition.route.path) ? [definition.route] : [],
);
const named = hubOperations.map(({ operationId }) => operationId);
const guarded = hubOperations.filter(({ security }) => JSON.stringify(security) === '[{"Execution":[]}]');
const isForm = (operationId: string): boolean => operationId === "addFile";
const bodyOf = (operationId: string) => routes.find((route) => route.operationId === operationId)?.request?.body;

/** What a well-formed request to any of the operations carries. */
const wellFormed = (operationId: string): Call => ({
  params: { uuid: crypto.randomUUID(), functionUuid: crypto.randomUUID(), name: "none", token: "NOSUCH" },
  ...(bodyOf(operationId) === undefined || isForm(operationId)
    ? {}
    : { body: { uuid: crypto.randomUUID(), name: "none" } }),
});

it("are what the seed names, and what goes with it", () => {
  expect(named.toSorted()).toEqual([
    "addFile",
    "callFunction",
    "deleteFile",
    "getExecution",
    "getFile",
    "getFileContent",
    "getFunctionResult",
    "goBack",
    "startExecution",
    "startOnlyExecution",
    "submitExecution",
    "useSharable",
  ]);
  const open = named.filter((operationId) => !guarded.some((one) => one.operationId === operationId));
  expect(open.toSorted()).toEqual(["startExecution", "startOnlyExecution", "useSharable"]);
});

describe.each(routes.map((route) => [route.operationId, route] as const))("%s in the document", (_, route) => {
  it("has a summary, a description and a tag, and tells its errors as problems", () => {
    expect(route.summary).toMatch(/\w/);
    expect(route.description).toMatch(/\w/);
    expect(route.tags).toEqual(["Executions"]);
    const told = Object.entries(route.responses as Record<string, { content?: object; description: string }>);
    for (const [, { description }] of told) expect(description).toMatch(/\w/);
    const refusals = told.filter(([status]) => Number(status) >= 400 && status !== "422");
    for (const [, { content }] of refusals) expect(Object.keys(content ?? {})).toEqual(["application/problem+json"]);
  });
});

describe.each(guarded.map(({ operationId }) => operationId))("%s", (operationId) => {
  it.each<[string, () => Promise<string | undefined>]>([
    ["no token", () => Promise.resolve(undefined)],
    ["a bad token", () => Promise.resolve("Bearer x.y.z")],
    ["an empty token", () => Promise.resolve("Bearer ")],
    ["the token of an admin", async () => (await admin()).authorization],
    ["the token of an account", async () => (await someone({ permissions: everyPermission })).authorization],
  ])("with %s answers 401, as a problem", async (_, token) => {
    const { status, body, headers } = await call(await token(), operationId, wellFormed(operationId));
    expect([status, body]).toEqual([
      401,
      { type: "about:blank", title: expect.any(String), status: 401, code: "TOKEN_INVALID" },
    ]);
    expect(headers.get("content-type")).toBe("application/problem+json");
    expect(headers.get("www-authenticate")).toMatch(/^Bearer /);
  });
});

describe.each(["startExecution", "startOnlyExecution"])("%s", (operationId) => {
  const asJson = { "content-type": "application/json" };
  it.each<[string, () => Call, number, string]>([
    ["malformed JSON", () => ({ raw: "{", headers: asJson }), 400, "INVALID_JSON"],
    ["broken UTF-8", () => ({ raw: new Uint8Array([0x22, 0xc3, 0x28, 0x22]), headers: asJson }), 400, "INVALID_JSON"],
    ["nesting without end", () => ({ raw: "[".repeat(9999), headers: asJson }), 400, "INVALID_JSON"],
    ["another type", () => ({ raw: "{}", headers: { "content-type": "text/plain" } }), 415, "UNSUPPORTED_MEDIA_TYPE"],
    [
      "JSON in Latin 1",
      () => ({ raw: "{}", headers: { "content-type": "application/json; charset=latin1" } }),
      415,
      "UNSUPPORTED_MEDIA_TYPE",
    ],
    [
      "what only begins like JSON",
      () => ({ raw: "{}", headers: { "content-type": "application/jsonp" } }),
      415,
      "UNSUPPORTED_MEDIA_TYPE",
    ],
    ["more than 1 MiB", () => ({ raw: "{}".padEnd(1024 * 1024 + 1), headers: asJson }), 413, "BODY_TOO_LARGE"],
  ])("of %s is refused, as a problem", async (_, request, status, code) => {
    const params = { name: "none" };
    const answer = await call(undefined, operationId, { params, ...request() });
    expect([answer.status, answer.body.status, answer.body.code]).toEqual([status, status, code]);
  });
});

describe.each(named)("every answer of %s", (operationId) => {
  it.each<[string, () => Promise<string | undefined>]>([
    ["without a token", () => Promise.resolve(undefined)],
    ["with a bad token", () => Promise.resolve("Bearer x.y.z")],
    ["to an admin", async () => (await admin()).authorization],
  ])("%s has an id, is not sniffed and not stored, and may be read by any page", async (_, token) => {
    const request = {
      ...wellFormed(operationId),
      headers: { "x-request-id": "req-1", origin: "https://other.example" },
    };
    const { headers } = await call(await token(), operationId, request);
    expect(headers.get("x-request-id")).toBe("req-1");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("content-type")).toMatch(/^application\/(?:problem\+)?json\b/);
    expect(headers.get("access-control-allow-origin")).toBe("*");
    expect(headers.get("access-control-allow-credentials")).toBeNull();
  });

  it("may be asked for by any page beforehand", async () => {
    const { method, path } = operation(operationId);
    const answer = await wire("OPTIONS", path.replaceAll(/\{\w+\}/g, crypto.randomUUID()), {
      headers: { origin: "https://other.example", "access-control-request-method": method },
    });
    expect(answer.status).toBe(204);
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    expect(answer.headers.get("access-control-allow-methods")).toContain(method);
    expect(answer.headers.get("access-control-allow-headers")).toContain("authorization");
  });
});

it.each([
  ["DELETE", "/api/executor", 405, "METHOD_NOT_ALLOWED"],
  ["PUT", "/api/execution/511b0441-d6d0-4a8a-8003-22ef52740847", 405, "METHOD_NOT_ALLOWED"],
  ["GET", "/api/execution", 404, "NOT_FOUND"],
  ["GET", "/api/files/nothing/here", 404, "NOT_FOUND"],
])("%s %s is answered as a problem too", async (method, path, status, code) => {
  const answer = await exports.default.fetch(`http://flows.test${path}`, { method });
  expect([answer.status, answer.headers.get("content-type")]).toEqual([status, "application/problem+json"]);
  expect(await answer.json()).toMatchObject({ status, code });
});
