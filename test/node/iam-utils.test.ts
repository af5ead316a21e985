import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { can } from "../../src/identity/actor.ts";
import { iamUtils, standInIam, verdictOf, type StandInIam, type Told, type Verdict } from "./iam.ts";
import { startStack, type Stack } from "./stack.ts";

const SERVICE_TOKEN = "the token of the service";
let iam: StandInIam;
let library: ReturnType<typeof iamUtils>;
let stack: Stack;
let slow: Promise<{ readonly answers: Answered[]; readonly ms: number }>;

beforeAll(async () => {
  iam = await standInIam();
  const endpoint = `${iam.address}/api/v1/tokens/introspect`;
  const settings = { INTROSPECT_ENDPOINT_BASIC: endpoint, IAM_TOKEN: SERVICE_TOKEN };
  library = iamUtils({ ...settings, INTROSPECT_ENDPOINT_OIDC: `${iam.address}/op/userinfo` });
  stack = await startStack({ vars: { ...settings, IAM_JWT_SECRET: "", LOG_LEVEL: "silent" } });
  // Beside all others, since it takes as long as anybody waits.
  slow = atOnce(20, iam.tokenOf({ ...account, afterMs: 9000 }));
}, 60_000);

afterAll(async () => {
  await stack.close();
  iam.close();
});

const account = { body: { _id: "5c0000000000000000000002", permissions: [] } };

interface Answered {
  readonly status: number;
  readonly error: string | undefined;
}

const ask = async (path: string, headers: Record<string, string>, method = "GET", body?: unknown) => {
  const json = body === undefined ? {} : { body: JSON.stringify(body) };
  const type = body === undefined ? {} : { "content-type": "application/json" };
  const answer = await fetch(stack.base + path, { method, headers: { ...headers, ...type }, ...json });
  return { status: answer.status, body: (await answer.json()) as unknown };
};

/** Asks for what only an admin may see, which is judged without the database. */
async function atOnce(count: number, ...of: string[]): Promise<{ answers: Answered[]; ms: number }> {
  const began = Date.now();
  const answers = Array.from({ length: count }, async (_, at) => {
    const { status, body } = await ask("/dead-letters", bearer(of[at % of.length]!));
    return { status, error: (body as { errors?: { error: string }[] }).errors?.[0]?.error };
  });
  return { answers: await Promise.all(answers), ms: Date.now() - began };
}

/** Routes that need one permission each, whatever else they are for. */
const needing: Record<string, (headers: Record<string, string>) => ReturnType<typeof ask>> = {
  "flows.read": (headers) => ask("/flows", headers),
  "flows.write": (headers) => ask("/flows", headers, "POST", { graph: { nodes: [{ id: "step_1" }], edges: [] } }),
  "flows.control": (headers) => ask("/flows/multiple/start", headers, "POST", []),
  "flows.bulk": (headers) => ask("/flows/bulk", headers, "PATCH", []),
  all: (headers) => ask("/dead-letters", headers),
};

const theirs = (headers: Record<string, string>): Promise<Verdict> => verdictOf(library, headers, Object.keys(needing));

async function ours(headers: Record<string, string>): Promise<Verdict> {
  const entries = Object.entries(needing).map(async ([name, needs]) => ({ name, ...(await needs(headers)) }));
  const answers = await Promise.all(entries);
  const refused = answers.find(({ status }) => status === 401);
  if (refused !== undefined) {
    const [{ message }] = (refused.body as { errors: [{ message: string }] }).errors;
    return { refused: `401 ${message}` };
  }
  const may = answers.filter(({ status }) => status !== 403).map(({ name }) => name);
  if (!may.includes("flows.write")) return { may };
  const written = answers.find(({ name }) => name === "flows.write")!;
  const { owners } = (written.body as { data: { owners: { id: string; type: string }[] } }).data;
  const idOf = (type: string) => owners.find((owner) => owner.type === type)?.id;
  return { sub: idOf("user"), tenant: idOf("tenant"), may };
}

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
const failed = { refused: "401 Token invalid. Error: Error. Details: Authorization failed" };
const [id, tenant] = ["5c0000000000000000000002", "5d0000000000000000000001"];
const writes = ["flows.read", "flows.write"];
const shipped = {
  _id: id,
  username: "a@b.c",
  status: "ACTIVE",
  confirmed: true,
  tenant,
  roles: [{ _id: "5e", name: "TENANT_ADMIN", type: "TENANT", isGlobal: false, permissions: ["tenant.all"], tenant }],
  permissions: ["tenant.all", ...writes],
  isAdmin: false,
  safeguard: { failedLoginAttempts: 0 },
  __v: 0,
};

describe("the identity management", () => {
  it("is asked in the same words as by the original library", async () => {
    const token = iam.tokenOf({ body: shipped });
    await theirs(bearer(token));
    await ask("/dead-letters", bearer(token));
    const [original, own] = iam.askedAbout(token).map(({ headers, ...rest }) => {
      const { authorization, accept, "x-auth-type": type, "content-type": content } = headers;
      return { ...rest, authorization, accept, type, content };
    });
    expect(own).toEqual(original);
    expect(own).toEqual({
      method: "POST",
      path: "/api/v1/tokens/introspect",
      body: JSON.stringify({ token }),
      authorization: `Bearer ${SERVICE_TOKEN}`,
      accept: "application/json",
      type: "basic",
      content: "application/json",
    });
  });

  it("is told no more of the caller than the token", async () => {
    const token = iam.tokenOf({ body: shipped });
    await ask("/dead-letters", { ...bearer(token), cookie: "session=1", "x-auth-type": "oidc", "x-other": "1" });
    const { headers } = iam.askedAbout(token)[0]!;
    for (const name of ["cookie", "x-other"]) expect(headers).not.toHaveProperty(name);
    expect(headers["x-auth-type"]).toBe("basic");
  });
});

describe("the same verdict as the original library's is made of", () => {
  it.concurrent.each<[string, Told]>([
    ["what the shipped IAM tells", { body: shipped }],
    ["sub in place of _id", { body: { sub: id, tenant, role: "ADMIN", permissions: writes } }],
    ["an empty sub", { body: { sub: "", _id: id, permissions: writes } }],
    ["no tenant", { body: { _id: id, permissions: writes } }],
    ["claims", { body: { active: true, sub: tenant, claims: { sub: id, tenant, permissions: writes } } }],
    ["claims without sub", { body: { sub: id, permissions: [], claims: { tenant, permissions: writes } } }],
    ["claims with _id", { body: { _id: id, permissions: writes, claims: { _id: tenant } } }],
    ["claims that take permissions away", { body: { _id: id, permissions: ["all"], claims: { permissions: writes } } }],
    ["memberships", { body: { ...shipped, memberships: [{ active: true, tenant: "x", permissions: ["all"] }] } }],
    ["memberships alone", { body: { _id: id, memberships: [{ active: true, tenant, permissions: writes }] } }],
    ["currentContext", { body: { _id: id, currentContext: { tenant, permissions: ["all"] }, permissions: writes } }],
    ["permissions on roles alone", { body: { _id: id, roles: [{ name: "ADMIN", permissions: ["all"] }] } }],
    ["isAdmin alone", { body: { _id: id, isAdmin: true, permissions: writes } }],
    ["all", { body: { _id: id, permissions: ["all"] } }],
    ["tenant.all", { body: { _id: id, tenant, permissions: ["tenant.all"] } }],
    ["tenant.all and some", { body: { _id: id, tenant, permissions: ["tenant.all", "flows.read", "flows.bulk"] } }],
    ["flows.bulk alone", { body: { _id: id, permissions: ["flows.bulk"] } }],
    ["permissions in capitals", { body: { _id: id, permissions: ["ALL", "Flows.read"] } }],
    ["no permissions", { body: { _id: id } }],
    ["null for permissions", { body: { _id: id, permissions: null } }],
    ["permissions with others among them", { body: { _id: id, permissions: [null, ...writes, 1, {}] } }],
    ["201", { status: 201, body: shipped }],
    ["JSON of another type", { body: JSON.stringify(shipped) }],
    ["404 in words", { status: 404, body: "Not Found" }],
    ["401 for the service's own token", { status: 401, body: { message: "VALIDATION_ERROR" } }],
    ["403 for the service", { status: 403, body: { message: "MISSING_PERMISSION" } }],
    ["500", { status: 500, body: { message: "UNKNOWN_ERROR" } }],
    ["503 with an account", { status: 503, body: shipped }],
    ["a redirect", { status: 302, headers: { location: "/api/v1/tokens/introspect" } }],
    ["a redirect that repeats the request", { status: 307, headers: { location: "/api/v1/tokens/introspect" } }],
    ["204", { status: 204 }],
    ["null", { body: "null" }],
  ])("%s", async (_, told) => {
    const token = iam.tokenOf(told);
    const expected = await theirs(bearer(token));
    expect(await ours(bearer(token))).toEqual(expected);
    expect(iam.askedAbout(token).length).toBeGreaterThanOrEqual(2);
  });

  it.each<[string, (token: string) => Record<string, string>]>([
    ["no header", () => ({})],
    ["one word", (token) => ({ authorization: token })],
    ["another scheme", (token) => ({ authorization: `Foo ${token}` })],
    ["a third word", (token) => ({ authorization: `Bearer ${token} x` })],
    ["a scheme alone", () => ({ authorization: "Bearer" })],
    ["x-auth-type basic", (token) => ({ ...bearer(token), "x-auth-type": "BASIC" })],
  ])("a request with %s", async (_, headersWith) => {
    const headers = headersWith(iam.tokenOf({ body: shipped }));
    expect(await ours(headers)).toEqual(await theirs(headers));
  });

  it("what each permission lets do, and each two", async () => {
    const { common, restricted } = library.PERMISSIONS;
    const names = [...Object.keys(common), ...Object.keys(restricted), "flows.read", "tenant.anything", "toString "];
    const wrong = [];
    for (const held of [
      [],
      ["all"],
      ["tenant.all"],
      ["flows.read"],
      ["tenant.all", "flows.read"],
      ["tenant.flows.read"],
    ]) {
      const user = { permissions: held };
      const actor = { sub: id, tenant, permissions: held, isAdmin: held.includes("all") };
      for (const one of names) {
        for (const required of [[one], ...names.map((two) => [one, two])]) {
          const expected = library.hasAll({ user, requiredPermissions: required });
          if (can(actor, ...required) !== expected) wrong.push([held, required, expected]);
        }
      }
    }
    expect(wrong).toEqual([]);
  });
});

/** Who is nobody, or unclear, is sent away here; the original lets them in, with what rights they have. */
describe("a verdict that differs on purpose is made of", () => {
  const nobody = { may: [] };
  it.concurrent.each<[string, Told, Verdict, Verdict]>([
    ["a page with 200", { body: "<html>maintenance</html>" }, nobody, failed],
    ["a list with 200", { body: [shipped] }, nobody, failed],
    ["nobody", { body: { permissions: ["all"] } }, { may: Object.keys(needing) }, failed],
    ["a sub that is no text", { body: { sub: 7, permissions: writes } }, { sub: 7, may: writes }, failed],
    [
      "permissions that are a text",
      { body: { _id: id, permissions: "not all" } },
      { sub: id, may: Object.keys(needing) },
      nobody,
    ],
    [
      "active: false in the basic manner",
      { body: { ...shipped, active: false } },
      { sub: id, tenant, may: writes },
      { refused: "401 Token invalid. Error: Token expired." },
    ],
  ])("%s", async (_, told, original, own) => {
    const token = iam.tokenOf(told);
    const [first, second] = [await theirs(bearer(token)), await ours(bearer(token))];
    expect(first).toMatchObject(original);
    expect(second).toEqual(own);
  });

  it("x-auth-type: the caller does not choose whom the service asks", async () => {
    const token = iam.tokenOf({ body: shipped });
    const headers = { ...bearer(token), "x-auth-type": "oidc" };
    await theirs(headers);
    await ours(headers);
    expect(iam.askedAbout(token).map(({ path }) => path)).toEqual(["/op/userinfo", "/api/v1/tokens/introspect"]);
  });

  it("two blanks: the token is the second word all the same", async () => {
    const headers = { authorization: `Bearer  ${iam.tokenOf({ body: shipped })}` };
    expect(await theirs(headers)).toEqual({
      refused: "401 Token invalid. Error: Error. Details: Token not found in IAM",
    });
    expect(await ours(headers)).toEqual({ sub: id, tenant, may: writes });
  });

  it("several requests: an answer is believed for a while, where the original asks each time", async () => {
    const token = iam.tokenOf({ body: shipped });
    for (let at = 0; at < 3; at += 1) await theirs(bearer(token));
    expect(iam.askedAbout(token)).toHaveLength(3);
    for (let at = 0; at < 3; at += 1) await ours(bearer(token));
    expect(iam.askedAbout(token)).toHaveLength(4);
  });
});

const each = (count: number, status: number, error: string): Answered[] =>
  Array.from({ length: count }, () => ({ status, error }));
const allowed = (count: number) => each(count, 403, "MISSING_PERMISSION");
const unavailable = (count: number) => each(count, 401, "IDENTITY_UNAVAILABLE");

describe("under load", () => {
  it.each([
    [200, 1],
    [200, 50],
  ])("%d requests at once with %d tokens make one introspection for each", async (requests, different) => {
    const of = Array.from({ length: different }, () => iam.tokenOf({ ...account, afterMs: 300 }));
    expect((await atOnce(requests, ...of)).answers).toEqual(allowed(requests));
    expect(iam.askedAbout(...of)).toHaveLength(different);
    expect((await atOnce(different, ...of)).answers).toEqual(allowed(different));
    expect(iam.askedAbout(...of)).toHaveLength(different);
  });

  it("an unknown token is asked for once", async () => {
    const token = iam.tokenOf({ status: 404, afterMs: 300 });
    expect((await atOnce(40, token)).answers).toEqual(each(40, 401, "TOKEN_NOT_FOUND"));
    expect(iam.askedAbout(token)).toHaveLength(1);
  });

  it("an outage in the middle is told to all at once, and over as soon as the identity management is back", async () => {
    const of = Array.from({ length: 20 }, () => iam.tokenOf({ ...account, afterMs: 4000 }));
    const begun = atOnce(60, ...of);
    await expect.poll(() => iam.askedAbout(...of).length, { timeout: 3500 }).toBe(20);
    iam.goDown(...of);
    expect((await begun).answers).toEqual(unavailable(60));
    const { answers, ms } = await atOnce(60, ...of);
    expect(answers).toEqual(unavailable(60));
    // Nobody waits for what is surely not coming.
    expect(ms).toBeLessThan(4500);
    iam.comeBack();
    for (const token of of) iam.tell(token, account);
    expect((await atOnce(60, ...of)).answers).toEqual(allowed(60));
  });

  it("an identity management that does not answer is waited for five seconds, and no longer", async () => {
    const { answers, ms } = await slow;
    expect(answers).toEqual(unavailable(20));
    expect(ms).toBeGreaterThan(4500);
  });
});
