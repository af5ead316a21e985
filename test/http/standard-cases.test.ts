import { describe, expect, it } from "vitest";

import { app } from "../../src/app.ts";
import { call, operation, operations as all, tokenFor, type Call } from "../support/api.ts";
import { admin, exampleFlow, everyPermission, flowOf, newId, rowOf, someone } from "../support/given.ts";
import { isHub } from "../support/hub.ts";
import { exampleParams } from "../support/params.ts";
import { errorsOf, wire } from "../support/wire.ts";

const routes = app.openAPIRegistry.definitions.flatMap((definition) =>
  definition.type === "route" && !isHub(definition.route.path) ? [definition.route] : [],
);
const operations = all.filter(({ path }) => !isHub(path));
const bodyOf = (operationId: string) => routes.find((route) => route.operationId === operationId)?.request?.body;
const takesBody = (operationId: string): boolean => bodyOf(operationId) !== undefined;

const named = operations.map(({ operationId }) => operationId);
const guarded = operations.filter(({ security }) => security.length > 0).map(({ operationId }) => operationId);
const ofOneFlow = operations.filter(({ path }) => path.startsWith("/flows/{id}")).map(({ operationId }) => operationId);
const open = named.filter((operationId) => !guarded.includes(operationId));
const withBody = guarded.filter(takesBody);

/** What a well-formed request to any of the operations carries. */
const wellFormed = (operationId: string, id: string): Call => ({
  params: { ...exampleParams, id, flowId: id },
  ...(takesBody(operationId) ? { body: { name: "A better name" } } : {}),
  ...switchedOn(operationId),
});
/** There is no bridge unless a setting says so. */
const switchedOn = (operationId: string): Call =>
  operation(operationId).path.startsWith("/bridge/") ? { env: { BRIDGE: "worker" } } : {};
const asJson = { "content-type": "application/json" };
it("covers every operation of the original and every one that the document names", () => {
  expect(named).toEqual(
    expect.arrayContaining([
      "getFlows",
      "addFlow",
      "updateFlowBulk",
      "updateFlow",
      "getFlowById",
      "deleteFlow",
      "getStepLogs",
      "startMultipleFlows",
      "stopMultipleFlows",
      "startFlow",
      "stopFlow",
      "getFlowRevisions",
      "getFlowRevision",
      "diffFlowRevisions",
      "restoreFlowRevision",
      "getHealth",
    ]),
  );
  expect(open).toEqual(["getHealth", "getHook", "getHookWithSuffix", "postHook", "postHookWithSuffix"]);
  expect(ofOneFlow.length).toBeGreaterThanOrEqual(17);
  expect(withBody.length).toBeGreaterThanOrEqual(6);
});

describe.each(routes.map((route) => [route.operationId ?? `${route.method} ${route.path}`, route] as const))(
  "%s in the document",
  (_, route) => {
    it("has a name, a summary, a description and a tag", () => {
      expect(route.operationId).toMatch(/^[a-z][A-Za-z]+$/);
      expect(route.summary).toMatch(/\w/);
      expect(route.description).toMatch(/\w/);
      expect(route.tags).toHaveLength(1);
    });

    it("names the permission that it needs", () => {
      const permission = (route as { "x-permission"?: string })["x-permission"];
      expect(route.description).toContain(permission === undefined ? "Needs no token" : `\`${permission}\``);
    });
  },
);

it("gives every operation a name of its own", () => {
  expect(new Set(named).size).toBe(named.length);
});

describe.each(guarded)("%s", (operationId) => {
  it("without a token answers 401", async () => {
    const answer = await call(undefined, operationId, wellFormed(operationId, newId()));
    expect(answer.status).toBe(401);
    expect(answer.body.errors).toEqual([
      { message: "Missing authorization header.", code: 401, error: "MISSING_AUTHORIZATION" },
    ]);
  });

  it("with a bad token answers 401", async () => {
    const answer = await call("Bearer x.y.z", operationId, wellFormed(operationId, newId()));
    expect(answer.status).toBe(401);
    expect(answer.body.errors).toHaveLength(1);
    expect(answer.body.errors[0]).toMatchObject({
      message: "Token invalid. Error: Error. Details: Authorization failed",
      code: 401,
      error: "TOKEN_INVALID",
    });
  });

  it.each([
    ["without its permission, though with every other", () => others(operationId)],
    ["with no permission", () => []],
    ["with tenant.all alone", () => ["tenant.all"]],
  ])("%s answers 403, of one's own flow too", async (_, permissions) => {
    const owner = await someone();
    const id = await flowOf(owner);
    const before = await rowOf(id);
    const { sub, tenant } = owner;
    const authorization = `Bearer ${await tokenFor({ sub, tenant: tenant!, permissions: permissions() })}`;
    const answer = await call(authorization, operationId, wellFormed(operationId, id));
    expect(answer.status).toBe(403);
    expect(answer.body.errors).toHaveLength(1);
    expect(answer.body.errors[0]).toMatchObject({
      message: "MISSING_PERMISSION",
      code: 403,
      error: "MISSING_PERMISSION",
    });
    expect(await rowOf(id)).toEqual(before);
  });

  it("with its permission alone lets the caller pass", async () => {
    const { permission } = operation(operationId);
    const authorization = `Bearer ${await tokenFor({ sub: newId(), permissions: [permission!] })}`;
    const answer = await call(authorization, operationId, wellFormed(operationId, newId()));
    expect([401, 403]).not.toContain(answer.status);
  });
});

describe.each(ofOneFlow)("%s", (operationId) => {
  it("of another tenant's flow answers as of none, and changes nothing", async () => {
    const id = await flowOf(await someone());
    const before = await rowOf(id);
    const stranger = await someone();
    const answer = await stranger.call(operationId, wellFormed(operationId, id));
    expect(answer.status).toBe(404);
    const ofNone = await stranger.call(operationId, wellFormed(operationId, newId()));
    expect(answer.body).toEqual(ofNone.body);
    expect(answer.body.errors[0]).toMatchObject({ code: 404, error: "FLOW_NOT_FOUND" });
    expect(await rowOf(id)).toEqual(before);
  });

  it("of twelve characters looks for a flow of that id", async () => {
    const answer = await (await someone()).call(operationId, wellFormed(operationId, "123456789012"));
    expect(answer).toMatchObject({ status: 404, body: { errors: [{ error: "FLOW_NOT_FOUND" }] } });
  });

  it.each(["1", "not-an-id", "6b0259e4ef2fe4ca09ca001g", "6b0259e4ef2fe4ca09ca001d0", "abcdefghijkü", "' OR 1=1 --"])(
    "of the malformed id %j answers 400 with a list of errors",
    async (id) => {
      const answer = await (await someone()).call(operationId, wellFormed(operationId, id));
      expect(answer.status).toBe(400);
      expect(answer.body.errors).toHaveLength(1);
      expect(answer.body.errors[0]).toMatchObject({ message: "Invalid id", code: 400, error: "INVALID_ID" });
    },
  );
});

describe.each(withBody)("%s", (operationId) => {
  const ask = async (request: Call) => {
    const owner = await someone();
    const caller = operation(operationId).permission === "all" ? await admin() : owner;
    const { params } = wellFormed(operationId, await flowOf(owner));
    return caller.call(operationId, {
      ...(params === undefined ? {} : { params }),
      ...switchedOn(operationId),
      ...request,
    });
  };

  it.each([
    ["a brace", "{"],
    ["a comma too many", '{"name":"x",}'],
    ["no JSON", "name=x"],
    ["two values", "{}{}"],
    ["a cut text", '{"name":"x'],
    ["no number", "[NaN]"],
    ["broken UTF-8", new Uint8Array([0x22, 0xc3, 0x28, 0x22])],
  ])("of malformed JSON, %s, answers 400", async (_, raw) => {
    const answer = await ask({ raw, headers: asJson });
    expect(answer.status).toBe(400);
    expect(answer.body.errors).toHaveLength(1);
    expect(answer.body.errors[0]).toMatchObject({ code: 400, error: "INVALID_JSON" });
  });

  it.each([
    ["text/plain", "text/plain"],
    ["a form", "application/x-www-form-urlencoded"],
    ["XML", "application/xml"],
    ["what only begins like JSON", "application/jsonp"],
    ["JSON in Latin 1", "application/json; charset=latin1"],
  ])("of %s answers 415", async (_, type) => {
    const answer = await ask({ raw: "{}", headers: { "content-type": type } });
    expect(answer.status).toBe(415);
    expect(answer.body.errors[0]).toMatchObject({ code: 415, error: "UNSUPPORTED_MEDIA_TYPE" });
  });

  it("of JSON in Latin 1 answers in the words of the original", async () => {
    const answer = await ask({ raw: "{}", headers: { "content-type": "application/json; charset=latin1" } });
    expect(answer.body.errors[0].message).toBe('unsupported charset "LATIN1"');
  });

  it.each<[string, () => BodyInit]>([
    ["with its length told", () => tooLarge()],
    ["in pieces", () => new Blob([tooLarge()]).stream().pipeThrough(new TransformStream())],
  ])("of more than 1 MiB %s answers 413", async (_, raw) => {
    const answer = await ask({ raw: raw(), headers: asJson });
    expect(answer.status).toBe(413);
    expect(answer.body.errors[0]).toMatchObject({
      message: "request entity too large",
      code: 413,
      error: "BODY_TOO_LARGE",
    });
  });

  it.each(["null", '"text"', "5", "true"])("of the bare value %s answers 400", async (raw) => {
    const answer = await ask({ raw, headers: asJson });
    expect(answer.status).toBe(400);
    expect(answer.body.errors[0]).toMatchObject({ code: 400 });
  });

  it("of nesting without end answers 400", async () => {
    const answer = await ask({ raw: "[".repeat(100_000) + "]".repeat(100_000), headers: asJson });
    expect(answer.status).toBe(400);
  });

  it.skipIf(bodyOf(operationId)?.required === false)("of nothing answers 400", async () => {
    const answer = await ask({ headers: asJson });
    expect(answer.status).toBe(400);
  });
});

it("takes a body of exactly 1 MiB", async () => {
  const raw = JSON.stringify(exampleFlow()).padEnd(1024 * 1024);
  expect((await (await someone()).call("addFlow", { raw, headers: asJson })).status).toBe(201);
});

it.each(["application/json", "application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"'])(
  "takes a body of the type %s",
  async (type) => {
    const request = { raw: JSON.stringify(exampleFlow()), headers: { "content-type": type } };
    expect((await (await someone()).call("addFlow", request)).status).toBe(201);
  },
);

describe.each(named)("every answer of %s", (operationId) => {
  it.each<[string, () => Promise<string | undefined>]>([
    ["without a token", () => Promise.resolve(undefined)],
    ["to a caller without permissions", () => tokenFor({ sub: newId(), permissions: [] })],
    ["to an admin", async () => (await admin()).authorization.replace("Bearer ", "")],
  ])("%s has an id, is not sniffed and not stored", async (_, token) => {
    const sent = await token();
    const authorization = sent === undefined ? undefined : `Bearer ${sent}`;
    const { headers } = await call(authorization, operationId, wellFormed(operationId, newId()));
    expect(headers.get("x-request-id")).toMatch(/^[\w-]{8,}$/);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("content-type")).toMatch(/^application\/(?:json|x-ndjson)\b/);
    expect(headers.get("x-powered-by")).toBeNull();
  });

  it.each(["req-1", "0192f0c1-7d1c-7000-8000-000000000000", "a.b:c=d+e/f_g", "x".repeat(128)])(
    "has the id %s if that was sent",
    async (sent) => {
      const request = { ...wellFormed(operationId, newId()), headers: { "x-request-id": sent } };
      expect((await call(undefined, operationId, request)).headers.get("x-request-id")).toBe(sent);
    },
  );

  it.each([
    ["too long", "x".repeat(129)],
    ["with blanks", "two words"],
    ["with markup", "<script>"],
    ["with quotes", '"},{"event":"request'],
    ["empty", ""],
  ])("has an id of its own if the one that was sent is %s", async (_, sent) => {
    const request = { ...wellFormed(operationId, newId()), headers: { "x-request-id": sent } };
    const { headers } = await call(undefined, operationId, request);
    expect(headers.get("x-request-id")).not.toBe(sent);
    expect(headers.get("x-request-id")).toMatch(/^[\w-]{8,128}$/);
  });
});

it("gives every request another id", async () => {
  const ids = await Promise.all(
    Array.from({ length: 5 }, async () => (await wire("GET", "/flows")).headers.get("x-request-id")),
  );
  expect(new Set(ids).size).toBe(5);
});

it("answers every error in one envelope, with the status as its code", async () => {
  const answer = await wire("GET", "/flows");
  expect(await errorsOf(answer)).toEqual([
    { message: expect.any(String), code: answer.status, error: expect.any(String) },
  ]);
});

const others = (operationId: string): string[] =>
  [...everyPermission, "templates.write", "tenant.all"].filter((name) => name !== operation(operationId).permission);

const tooLarge = (): string => JSON.stringify(exampleFlow()).padEnd(1024 * 1024 + 1);
