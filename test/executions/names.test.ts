import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";

import { databaseOf } from "../../src/db/client.ts";
import { openWorkflow } from "../../src/executions/open.ts";
import { findFlow } from "../../src/flows/store.ts";
import { as, call, type Answer, type Caller } from "../support/api.ts";
import { freshName, openFlow, route, started } from "../support/executions.ts";
import { tenant, user } from "../support/rows.ts";
import { admin, bringTo, everyPermission, flowOf, loner, newId, someone } from "../support/given.ts";

let caller: Caller;
beforeEach(async () => {
  caller = await someone();
  // The only public workflow is a matter of the whole database.
  await env.DB.prepare("DELETE FROM open_workflows").run();
});

const commands = [route("first")];
const open = (by: Caller, more: object = {}) => openFlow(by, { commands, ...more });
const start = (by: Caller | undefined, name?: string): Promise<Answer> =>
  name === undefined
    ? call(by?.authorization, "startOnlyExecution")
    : call(by?.authorization, "startExecution", { params: { name } });
const notFound = { status: 404, body: { status: 404, code: "WORKFLOW_NOT_FOUND" } };
const workflowOf = async (uuid: string): Promise<string> =>
  (await (await admin()).call("getExecutionDetail", { params: { uuid } })).body.data.flowId;
const leadsTo = async (answer: Answer): Promise<string> => {
  expect(answer.status).toBe(201);
  await expect
    .poll(() => env.DB.prepare("SELECT 1 FROM executions WHERE uuid = ?").bind(answer.body.uuid).first())
    .not.toBeNull();
  return workflowOf(answer.body.uuid);
};
/** Opens a stored workflow, past the lifecycle; answers what stands in the way. */
const reopen = async (id: string): Promise<string | undefined> => {
  await bringTo(id, { status: "active" });
  const fault = await openWorkflow(databaseOf(env.DB), (await findFlow(databaseOf(env.DB), id, null))!, Date.now());
  if (fault !== undefined) await bringTo(id, { status: "inactive" });
  return fault;
};
const stored = (by: Caller, name: string, more: object = {}) =>
  flowOf(by, { kind: "workflow", graph: undefined, workflow: { name, access: "owners", commands, ...more } });

describe("a name", () => {
  it("leads to the active workflow: by name, by id, by id in capitals", async () => {
    const { id, name } = await open(caller);
    for (const known of [name, id, id.toUpperCase()]) expect(await leadsTo(await start(undefined, known))).toBe(id);
  });

  it.each(["inactive", "starting", "stopping"] as const)("of a workflow that is %s leads nowhere", async (status) => {
    const { id, name } = await open(caller);
    await bringTo(id, { status });
    for (const known of [name, id]) expect(await start(caller, known)).toMatchObject(notFound);
    expect(await start(caller)).toMatchObject(notFound);
  });

  it.each(["none", ":1", "a:b", "a:0", "toString", "' OR 1=1", "%2e%2e", "ä".repeat(200), "a".repeat(3000)])(
    "that there is not leads nowhere: %j",
    async (name) => {
      await open(caller);
      expect(await start(caller, name)).toMatchObject(notFound);
    },
  );

  it("of an integration flow leads nowhere", async () => {
    const id = await flowOf(caller, {}, { status: "active" });
    expect(await start(caller, id)).toMatchObject(notFound);
  });

  it("with a revision leads there only while that is the active one", async () => {
    const { id, name } = await open(caller);
    expect(await leadsTo(await start(undefined, `${name}:1`))).toBe(id);
    expect(await leadsTo(await start(undefined, `${id}:1`))).toBe(id);
    expect(await start(undefined, `${name}:2`)).toMatchObject(notFound);
    await env.DB.prepare("UPDATE flows SET revision = 2 WHERE id = ?").bind(id).run();
    expect(await start(undefined, `${name}:1`)).toMatchObject(notFound);
    expect(await leadsTo(await start(undefined, `${name}:2`))).toBe(id);
  });

  it("is one's own before it is everybody's, and everybody's for strangers", async () => {
    const name = freshName();
    const theirs = await open(await someone(), { name });
    const own = await stored(caller, name);
    expect(await reopen(own)).toBeUndefined();
    expect(await leadsTo(await start(caller, name))).toBe(own);
    expect(await leadsTo(await start(undefined, name))).toBe(theirs.id);
    expect(await leadsTo(await start(await someone(), name))).toBe(theirs.id);
  });

  it("is taken once in a tenant, and once among all that is public", async () => {
    const { name, id } = await open(caller);
    const other = await stored(caller, name);
    expect(await reopen(other)).toContain("Another active workflow is called");
    const stranger = await someone();
    const publicOne = await stored(stranger, name, { access: "public" });
    expect(await reopen(publicOne)).toContain("Another public workflow is called");
    expect(await reopen(await stored(stranger, name))).toBeUndefined();
    expect(await leadsTo(await start(caller, name))).toBe(id);
    await bringTo(id, { status: "inactive" });
    expect(await reopen(other)).toBeUndefined();
    expect(await leadsTo(await start(caller, name))).toBe(other);
    expect(await reopen(id)).toContain("Another active workflow is called");
  });

  it("that a workflow has given up leads nowhere, and is free for others", async () => {
    const { name, id } = await open(caller);
    await bringTo(id, { status: "inactive" });
    const renamed = freshName();
    const workflow = { name: renamed, access: "owners", commands };
    expect((await caller.call("updateFlow", { params: { id }, body: { workflow } })).status).toBe(200);
    expect(await reopen(id)).toBeUndefined();
    expect(await start(caller, name)).toMatchObject(notFound);
    expect(await leadsTo(await start(caller, renamed))).toBe(id);
    expect(await leadsTo(await start(caller))).toBe(id);
    expect(await start(undefined)).toMatchObject(notFound);
    expect(await reopen(await stored(caller, name, { access: "public" }))).toBeUndefined();
  });

  it("that is public stays its owner's for a month while the workflow is stopped", async () => {
    const { name, id } = await open(caller);
    await bringTo(id, { status: "inactive" });
    const theirs = await stored(await someone(), name, { access: "public" });
    expect(await reopen(theirs)).toContain("Another public workflow is called");
    const monthAgo = Date.now() - 31 * 24 * 3600_000;
    await env.DB.prepare("UPDATE flows SET updated_at = ? WHERE id = ?").bind(monthAgo, id).run();
    expect(await reopen(theirs)).toBeUndefined();
    expect(await reopen(id)).toContain("Another public workflow is called");
  });

  it("that is public is free as soon as the workflow has another, and goes to another of its owner at once", async () => {
    const { name, id } = await open(caller);
    await bringTo(id, { status: "inactive" });
    const own = await stored(caller, name, { access: "public" });
    expect(await reopen(own)).toBeUndefined();
    await bringTo(own, { status: "inactive" });
    const workflow = { name: freshName(), access: "public", commands };
    expect((await caller.call("updateFlow", { params: { id: own }, body: { workflow } })).status).toBe(200);
    expect(await reopen(await stored(await someone(), name, { access: "public" }))).toBeUndefined();
  });

  it("of a workflow that is listed elsewhere now leads nowhere", async () => {
    const { name, id } = await open(caller, { access: "owners" });
    const other = newId();
    const owners = [tenant(other), user(caller.sub)];
    await env.DB.prepare("UPDATE flows SET home = ?, document = json_set(document, '$.owners', json(?)) WHERE id = ?")
      .bind(other, JSON.stringify(owners), id)
      .run();
    expect(await start(caller, name)).toMatchObject(notFound);
    expect(await start(caller)).toMatchObject(notFound);
  });

  it("of a deleted workflow is free", async () => {
    const { name, id } = await open(caller);
    await bringTo(id, { status: "inactive" });
    expect((await caller.call("deleteFlow", { params: { id } })).status).toBe(200);
    expect(await env.DB.prepare("SELECT * FROM open_workflows WHERE flow_id = ?").bind(id).all()).toMatchObject({
      results: [],
    });
    expect(await reopen(await stored(await someone(), name, { access: "public" }))).toBeUndefined();
  });
});

const mine = async () => open(caller, { access: "owners" });

const like = (more: object) => as({ sub: caller.sub, tenant: caller.tenant!, permissions: everyPermission, ...more });

describe("a workflow for its owners", () => {
  it.each<[string, () => Promise<Caller | undefined>]>([
    ["strangers", () => Promise.resolve(undefined)],
    ["another tenant", () => someone()],
    ["somebody without a tenant", () => loner()],
  ])("is not there for %s", async (_, who) => {
    const { name, id } = await mine();
    for (const known of [name, id]) expect(await start(await who(), known)).toMatchObject(notFound);
    expect(await start(await who())).toMatchObject(notFound);
  });

  it.each<[string, () => Promise<Caller>]>([
    ["its owner", () => Promise.resolve(caller)],
    ["its owner's tenant", () => like({ sub: newId() })],
  ])("is started by %s", async (_, who) => {
    const { name, id } = await mine();
    for (const known of [name, id]) expect(await leadsTo(await start(await who(), known))).toBe(id);
    expect(await leadsTo(await start(await who()))).toBe(id);
  });

  it("is started by an admin by its id", async () => {
    const { id } = await mine();
    expect(await leadsTo(await start(await admin(), id))).toBe(id);
  });

  it("demands the permission, and a token that holds", async () => {
    const { name } = await mine();
    const without = await like({ permissions: everyPermission.filter((one) => one !== "executions.start") });
    expect(await start(without, name)).toMatchObject({
      status: 403,
      body: { code: "MISSING_PERMISSION", detail: expect.stringContaining("executions.start") },
    });
    const answer = await call("Bearer x.y.z", "startExecution", { params: { name } });
    expect(answer).toMatchObject({ status: 401, body: { code: "TOKEN_INVALID" } });
    expect(answer.headers.get("www-authenticate")).not.toBeNull();
  });

  it("that is public needs no permission, but a token that is sent must hold", async () => {
    const { name } = await open(caller);
    expect((await start(await someone({ permissions: [] }), name)).status).toBe(201);
    expect(await call("Bearer x.y.z", "startExecution", { params: { name } })).toMatchObject({ status: 401 });
  });
});

describe("without a name", () => {
  it("the only workflow of the tenant is begun, none if there are none or two", async () => {
    expect(await start(caller)).toMatchObject(notFound);
    const { id } = await open(caller, { access: "owners" });
    expect(await leadsTo(await start(caller))).toBe(id);
    const second = await open(caller, { access: "owners" });
    expect(await start(caller)).toMatchObject(notFound);
    await bringTo(second.id, { status: "inactive" });
    expect(await leadsTo(await start(caller))).toBe(id);
  });

  it("the only public one is begun for strangers", async () => {
    await open(caller, { access: "owners" });
    expect(await start(undefined)).toMatchObject(notFound);
    const { id } = await open(await someone());
    expect(await leadsTo(await start(undefined))).toBe(id);
    expect(await leadsTo(await start(await someone()))).toBe(id);
    await open(await someone());
    expect(await start(undefined)).toMatchObject(notFound);
  });

  it("somebody without a tenant begins their own, whatever is public", async () => {
    const alone = await loner();
    const { id } = await open(alone, { access: "owners" });
    await open(await someone());
    await open(await someone());
    expect(await leadsTo(await start(alone))).toBe(id);
  });
});

describe("strangers", () => {
  it("are held off when they begin too many; others and owners are not", async () => {
    const { name } = await open(caller);
    const asked: string[] = [];
    const EXECUTION_STARTS = {
      limit: ({ key }: { key: string }) => Promise.resolve({ success: asked.push(key) === 0 }),
    };
    const request = { params: { name }, env: { EXECUTION_STARTS }, headers: { "cf-connecting-ip": "203.0.113.7" } };
    const answer = await call(undefined, "startExecution", request);
    expect(answer).toMatchObject({ status: 429, body: { code: "TOO_MANY_STARTS" } });
    expect(answer.headers.get("retry-after")).toBe("60");
    expect((await call(caller.authorization, "startExecution", request)).status).toBe(201);
    expect(asked).toHaveLength(1);
    expect((await call(undefined, "startExecution", { params: { name } })).status).toBe(201);
  });

  it("by the platform's own binding have sixty in a minute", async () => {
    const { name } = await open(caller);
    const headers = { "cf-connecting-ip": "203.0.113.8" };
    const statuses = await Promise.all(
      Array.from(
        { length: 62 },
        async () => (await call(undefined, "startExecution", { params: { name }, headers })).status,
      ),
    );
    expect(statuses.filter((status) => status === 201)).toHaveLength(60);
    expect(statuses.filter((status) => status === 429)).toHaveLength(2);
    expect((await started(name)).uuid).toBeTruthy();
  });
});

it.each([
  ["an id", "6b0259e4ef2fe4ca09ca001d"],
  ["an id in capitals", "AB0259E4EF2FE4CA09CA001D"],
  ["a uuid", "ab1b0441-d6d0-4a8a-8003-22ef52740847"],
  ["a digit in front", "1name"],
  ["a colon", "name:1"],
  ["nothing", ""],
])("no workflow has a name that is %s", async (_, name) => {
  const answer = await caller.call("addFlow", { body: { name: "x", kind: "workflow", workflow: { name, commands } } });
  expect(answer.status).toBe(400);
  expect(answer.body.errors[0].pointer).toBe("/workflow/name");
});
