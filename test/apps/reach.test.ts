import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import { as, type Answer, type Caller } from "../support/api.ts";
import { admin, everyPermission, loner, newId, someone } from "../support/given.ts";
import { appOf, appRow, faultsIn, ownersIndexed, planOf, planRow, tenant, user } from "./given.ts";

const idsIn = (answer: Answer): string[] => (answer.body.data as { id: string }[]).map(({ id }) => id);

const kinds = {
  app: { add: "addApp", list: "getApps", make: async (by: Caller, more?: object) => (await appOf(by, more)).id },
  plan: { add: "addPlan", list: "getPlans", make: planOf },
} as const;
type Kind = keyof typeof kinds;

const rowOf = (kind: Kind, id: string) => (kind === "app" ? appRow(id) : planRow(id));
const ownersOf = (kind: Kind, id: string) => ownersIndexed(kind === "app" ? "app_owners" : "plan_owners", id);
const unknownId = { app: newId, plan: () => `plan_${newId()}` };

const operations = [
  ["app", "getAppById", undefined, "apps.read"],
  ["app", "updateApp", { name: "Mine now" }, "apps.write"],
  ["app", "addAppSecret", undefined, "apps.write"],
  ["app", "revokeAppTokens", undefined, "apps.write"],
  ["app", "deleteApp", undefined, "apps.write"],
  ["plan", "getPlanById", undefined, "plans.read"],
  ["plan", "replacePlan", { name: "Mine now" }, "plans.write"],
  ["plan", "deletePlan", undefined, "plans.write"],
] as const;

const requestFor = (id: string, body: object | undefined) => ({
  params: { id },
  ...(body === undefined ? {} : { body }),
});

describe.each(operations)("of an %s: %s", (kind, operationId, body, permission) => {
  it("answers a stranger as of one that is not there; colleagues and admins reach it", async () => {
    const owner = await someone();
    const id = await kinds[kind].make(owner);
    const before = await rowOf(kind, id);
    const stranger = await someone();
    const answer = await stranger.call(operationId, requestFor(id, body));
    expect([answer.status, answer.body.errors[0].error]).toEqual([404, `${kind.toUpperCase()}_NOT_FOUND`]);
    expect(answer.body).toEqual((await stranger.call(operationId, requestFor(unknownId[kind](), body))).body);
    expect(await rowOf(kind, id)).toEqual(before);
    for (const other of [await someone({ tenant: owner.tenant! }), await admin()]) {
      const reached = await other.call(operationId, requestFor(await kinds[kind].make(owner), body));
      expect(reached.status).toBeLessThan(300);
    }
  });

  it(`needs ${permission}, or what the setting says`, async () => {
    const owner = await someone();
    const request = requestFor(await kinds[kind].make(owner), body);
    const { sub } = owner;
    const without = await as({ sub, permissions: everyPermission.filter((name) => name !== permission) });
    expect((await without.call(operationId, request)).status).toBe(403);
    const setting = `${permission.replace("s.", "_").toUpperCase()}_PERMISSION`;
    const renamed = { ...request, env: { [setting]: "renamed" } };
    expect((await owner.call(operationId, renamed)).status).toBe(403);
    const holder = await as({ sub, permissions: ["renamed"] });
    expect((await holder.call(operationId, renamed)).status).toBeLessThan(300);
  });
});

describe.each(["app", "plan"] as const)("owners of an %s", (kind) => {
  const { add, make } = kinds[kind];

  it("are the caller and the tenant, named or not; nobody else, unless an admin says so", async () => {
    const [alone, caller, other, root] = [await loner(), await someone(), await someone(), await admin()];
    expect(await ownersOf(kind, await make(alone))).toEqual([alone.sub]);
    const named = [tenant(caller.tenant!), user(caller.sub)];
    expect((await caller.call(add, { body: { name: "n", owners: named } })).body.data.owners).toEqual(named);
    const owners = [user(caller.sub), user(other.sub), tenant(other.tenant!)];
    const refused = await caller.call(add, { body: { name: "n", owners } });
    const pointers = ["/owners/1/id", "/owners/2/id"].map((pointer) => ["OWNER_NOT_ALLOWED", pointer]);
    expect([refused.status, faultsIn(refused)]).toEqual([403, pointers]);
    const given = await make(root, { owners: [user(other.sub)] });
    expect(await ownersOf(kind, given)).toEqual([other.sub, root.sub].toSorted());
    expect(idsIn(await other.call(kinds[kind].list))).toEqual([given]);
  });
});

describe.each(["app", "plan"] as const)("the list of %ss", (kind) => {
  const { list, make } = kinds[kind];

  async function pagesOf(caller: Caller, size: number): Promise<string[][]> {
    const pages: string[][] = [];
    let query = `page[size]=${size}`;
    for (let left = 50; left > 0; left -= 1) {
      const answer = await caller.call(list, { query });
      expect([answer.status, answer.body.meta]).toEqual([200, { perPage: size }]);
      pages.push(idsIn(answer));
      const { next } = answer.body.links as { next: string | null };
      if (next === null) return pages;
      expect(next.startsWith(`/${kind}s?`)).toBe(true);
      query = next.slice(next.indexOf("?") + 1);
    }
    throw new Error("The list has no end.");
  }

  it("holds what the caller or the tenant owns, once each and in the order of the ids", async () => {
    const caller = await someone();
    const alone = await as({ sub: caller.sub, permissions: everyPermission });
    const shared = await make(await someone({ tenant: caller.tenant! }));
    const all = [await make(caller), await make(caller), await make(alone), shared].toSorted();
    await make(await someone());
    expect(await pagesOf(caller, 3)).toEqual([all.slice(0, 3), all.slice(3)]);
    expect(await pagesOf(caller, 4)).toEqual([all]);
    expect((await pagesOf(alone, 1)).flat()).toEqual(all.filter((id) => id !== shared));
    const ofAll = (await pagesOf(await admin(), 1000)).flat();
    expect(ofAll).toEqual(expect.arrayContaining(all));
    expect(ofAll).toEqual(ofAll.toSorted());
  });

  it.each([
    ["page[size]", "0"],
    ["page[size]", "1001"],
    ["page[after]", "x"],
  ])("refuses %s=%s", async (parameter, value) => {
    const answer = await (await someone()).call(list, { query: { [parameter]: value } });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ error: "INVALID_PARAMETER", parameter }] } });
  });

  it("costs about as much as the page is long, however many there are", async () => {
    const caller = await someone();
    const id = await make(caller);
    const columns = {
      app: "'app_' || hex(randomblob(12)), name, owners, enabled, fields, plans, secret_hashes, tokens_from, created_at, updated_at",
      plan: "owners, created_at, updated_at, document",
    };
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
       INSERT INTO ${kind}s SELECT printf('%s%08x', substr(id, 1, length(id) - 8), i), ${columns[kind]} FROM ${kind}s, n WHERE id = ?1`,
    )
      .bind(id)
      .run();
    const answer = await caller.call(list, { query: { "page[size]": "10" }, env: { SERVER_TIMING: "true" } });
    expect(answer.body.data).toHaveLength(10);
    const read = Number(/rows_read=(\d+)/.exec(answer.headers.get("server-timing")!)?.[1]);
    expect(read).toBeLessThan(50);
  });
});
