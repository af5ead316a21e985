import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import type { Answer, Caller } from "../support/api.ts";
import { as } from "../support/api.ts";
import { admin, everyPermission, exampleFlow, flowOf, loner, newId, someone, strictFlow } from "../support/given.ts";

const get = (caller: Caller, id: string): Promise<Answer> => caller.call("getFlowById", { params: { id } });

const raw = (caller: Caller, path: string, method = "GET"): Promise<Response> =>
  exports.default.fetch(`http://flows.test${path}`, { method, headers: { authorization: caller.authorization } });

/** All of an answer that a client could compare; request id and bookmark differ from call to call and only have to be there. */
const seen = ({ status, headers, body }: Answer) => ({
  status,
  body: body as unknown,
  headers: [...headers].map(([name, value]) =>
    name === "x-request-id" || name === "x-d1-bookmark" ? [name, value !== ""] : [name, value],
  ),
});

const notValid = [
  ["a word", "flow"],
  ["22 hex digits", "6b0259e4ef2fe4ca09ca00"],
  ["23 hex digits", "6b0259e4ef2fe4ca09ca001"],
  ["25 hex digits", "6b0259e4ef2fe4ca09ca001d0"],
  ["24 characters that are not all hex", "6b0259e4ef2fe4ca09ca001g"],
  ["11 characters", "abcdefghijk"],
  ["13 characters", "abcdefghijklm"],
  ["12 characters with an umlaut", "überraschung"],
  ["an id between blanks", " 6b0259e4ef2fe4ca09ca001d "],
  ["the name of a sub-path of other methods", "bulk"],
] as const;

describe("a flow", () => {
  it("is answered as it was stored, with what the repository knows of it", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const { status, body, headers } = await get(caller, id);
    expect(status).toBe(200);
    expect(headers.get("etag")).toBe('"1-0"');
    expect(headers.get("x-d1-bookmark")).toMatch(/^[\w-]+$/);
    expect(body).toEqual({
      data: {
        ...exampleFlow(),
        owners: [
          { id: caller.sub, type: "user" },
          { id: caller.tenant, type: "tenant" },
        ],
        status: "inactive",
        createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        updatedAt: body.data.createdAt,
        id,
        revision: 1,
        statusSeq: 0,
        startedBy: null,
        startedAt: null,
        lastError: null,
        stalled: false,
      },
      meta: {},
    });
  });

  it.each(["inactive", "starting", "active", "stopping"] as const)("that is %s is answered", async (status) => {
    const caller = await someone();
    const id = await flowOf(caller, strictFlow(), { status });
    expect((await get(caller, id)).body.data).toMatchObject({ id, status, name: "WiceToSnazzy" });
  });

  it("is found by its id in capital letters, which is answered in small ones", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const { status, body } = await get(caller, id.toUpperCase());
    expect([status, body.data.id]).toEqual([200, id]);
  });

  it("that does not exist is not found", async () => {
    const { status, body } = await get(await someone(), newId());
    expect(status).toBe(404);
    expect(body).toEqual({ errors: [{ message: "No flow found", code: 404, error: "FLOW_NOT_FOUND" }] });
  });

  it.each(["123456789012", "abcdefghijkl", "a b/c?d#e%fg", "'OR 1=1 --  "])(
    "of the 12 characters %j is not found, as in the original",
    async (id) => {
      const { status, body } = await get(await someone(), id);
      expect([status, body.errors[0].message]).toEqual([404, "No flow found"]);
    },
  );

  it.each(notValid)("cannot have %s for an id", async (_, id) => {
    const { status, body } = await get(await someone(), id);
    expect(status).toBe(400);
    expect(body.errors).toHaveLength(1);
    expect(body.errors[0]).toMatchObject({ message: "Invalid id", code: 400, error: "INVALID_ID", parameter: "id" });
  });

  it.each(["%zz", "%E4%F6%FC", "%00", "%ff%ff%ff%ff%ff%ff%ff%ff%ff%ff%ff%ff"])(
    "whose id arrives as %s gets a 400 and not a failure",
    async (segment) => {
      const answer = await raw(await someone(), `/flows/${segment}`);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ errors: [{ message: "Invalid id", error: "INVALID_ID" }] });
    },
  );

  it("needs the permission to read", async () => {
    const owner = await someone();
    const id = await flowOf(owner);
    const { status, body } = await get(await as({ ...owner, permissions: ["flows.write", "flows.control"] }), id);
    expect([status, body.errors[0].message]).toEqual([403, "MISSING_PERMISSION"]);
  });

  it("answers HEAD as GET, without a body", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const found = await raw(caller, `/flows/${id}`, "HEAD");
    expect([found.status, await found.text()]).toEqual([200, ""]);
    const missing = await raw(caller, `/flows/${newId()}`, "HEAD");
    expect([missing.status, await missing.text()]).toEqual([404, ""]);
    const list = await raw(caller, "/flows", "HEAD");
    expect([list.status, await list.text()]).toEqual([200, ""]);
  });
});

describe("a flow of others", () => {
  it.each([
    ["somebody of another tenant", () => someone()],
    ["somebody without a tenant", () => loner()],
    [
      "somebody of another tenant with the right to administer it",
      () => someone({ permissions: [...everyPermission, "tenant.all"] }),
    ],
    ["an empty tenant", () => someone({ tenant: "" })],
  ])("looks to %s exactly as one that does not exist", async (_, stranger) => {
    const id = await flowOf(await someone());
    const caller = await stranger();
    const foreign = await get(caller, id);
    expect(foreign.status).toBe(404);
    expect(seen(foreign)).toEqual(seen(await get(caller, newId())));
    expect(foreign.headers.get("etag")).toBeNull();
  });

  it("that has no tenant stays hidden from others without a tenant", async () => {
    const owner = await loner();
    const id = await flowOf(owner);
    expect((await get(owner, id)).body.data.owners).toEqual([{ id: owner.sub, type: "user" }]);
    const stranger = await loner();
    expect(seen(await get(stranger, id))).toEqual(seen(await get(stranger, newId())));
  });

  it("stays hidden from an owner who has moved to another tenant only as far as the tenant goes", async () => {
    const owner = await someone();
    const id = await flowOf(owner);
    expect((await get(await someone({ sub: owner.sub }), id)).status).toBe(200);
    expect((await get(await someone({ sub: newId() }), id)).status).toBe(404);
  });
});

describe("a flow of one's tenant", () => {
  it("is seen by a colleague", async () => {
    const owner = await someone();
    const id = await flowOf(owner);
    const { status, body } = await get(await someone({ tenant: owner.tenant! }), id);
    expect([status, body.data.id]).toEqual([200, id]);
  });

  it("is seen by an admin of nowhere", async () => {
    const id = await flowOf(await someone());
    expect((await get(await admin(), id)).body.data.id).toBe(id);
  });

  it.each(["user", "tenant", "USER", "whatever"])(
    "counts as owned whatever its type says, such as %s",
    async (type) => {
      const [owner, member] = [await someone(), await someone()];
      const owners = [
        { id: owner.sub, type },
        { id: member.tenant, type },
      ];
      const id = await flowOf(await admin(), { owners });
      expect((await get(owner, id)).status).toBe(200);
      expect((await get(member, id)).status).toBe(200);
      expect((await get(await someone(), id)).status).toBe(404);
    },
  );
});
