import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { type Answer, as, type Caller } from "../support/api.ts";
import { type Batch, databaseWith } from "../support/faults.ts";
import { apiOf, callGateway, entry, flowsOf, freshBase, liveApi, renewGateway } from "../support/gateway.ts";
import { bringTo, everyPermission, flowOf, newId, outboxOf, rowOf, settle, someone } from "../support/given.ts";
import { replaceNetwork } from "../support/iam.ts";

let caller: Caller;
beforeEach(async () => {
  caller = await someone();
});
afterEach(() => {
  vi.restoreAllMocks();
});

const errors = (answer: Answer) => [answer.status, ...answer.body.errors.map(({ error }: { error: string }) => error)];
const put = (id: string, api: object) => caller.call("replaceApiDraft", { params: { id }, body: api });
const save = (id: string, more: object = {}) => caller.call("saveApi", { params: { id }, ...more });
const inactive = (api: object) => flowOf(caller, { name: "Orders", kind: "api", graph: undefined, api });
const statusesOf = (answers: readonly Answer[]) => answers.map(({ status }) => status).toSorted((a, b) => a - b);
const to = (url: string) => flowsOf([], [], { destination: { url } });
const claimsOf = async (id: string) =>
  (await env.DB.prepare("SELECT base_path AS base, hostnames FROM open_apis WHERE flow_id = ?").bind(id).all()).results;
const apiIn = async (id: string) => (JSON.parse((await rowOf(id))!.document) as { api: { basePath: string } }).api;

/** Something that happens right before the batch that saves. */
const before = (act: () => Promise<unknown>, seen: Batch[] = []) => {
  const DB = databaseWith(async (batch) => {
    if (batch.sql.some((text) => text.startsWith("UPDATE flows")) && seen.push(batch) === 1) await act();
    return batch.run();
  });
  return { env: { DB } };
};
const mark = (name: string) => entry("mark", "header", { set: { "x-revision": name } });
const nothing = () => Promise.resolve();

describe("a draft that is saved", () => {
  it("is a new revision, told as a change, and no draft any more", async () => {
    const api = apiOf({ flows: flowsOf() });
    const id = await inactive(api);
    await put(id, { ...api, flows: flowsOf([entry("who", "clientId")]), settings: { traceSampling: 1 } });
    const seen: Batch[] = [];
    const saved = await save(id, before(nothing, seen));
    expect(saved.body.data).toMatchObject({ revision: 2, status: "inactive", draft: null });
    expect(saved.headers.get("etag")).toBe('"2-0"');
    // All of it is one batch: a crash leaves everything or nothing.
    expect(seen.map(({ sql }) => sql.map((text) => /^\w+ (?:INTO |FROM )?\w+/.exec(text)![0]))).toEqual([
      ["UPDATE flows", "SELECT json_extract", "INSERT INTO outbox", "DELETE FROM api_drafts", "DELETE FROM revisions"],
    ]);
    const flow = (await caller.call("getFlowById", { params: { id } })).body.data;
    expect(flow).toMatchObject({ revision: 2, name: "Orders", api: { settings: { traceSampling: 1 } } });
    const [newest, first] = (await caller.call("getApiRevisions", { params: { id } })).body.data;
    expect([newest, first]).toMatchObject([
      { revision: 2, by: caller.sub, note: "Settings changed. 1 flow changed (the whole API)." },
      { revision: 1 },
    ]);
    expect(errors(await save(id))).toEqual([409, "NOTHING_TO_SAVE"]);
    await put(id, api);
    await save(id, { body: { note: "As it was." } });
    const page = (await caller.call("getApiRevisions", { params: { id }, query: { before: "4" } })).body;
    expect(page.data[0]).toMatchObject({ revision: 3, note: "As it was." });
    expect(errors(await save(id, { body: { note: 7 } }))).toEqual([400, "INVALID_BODY"]);
    await settle(id);
    expect(await outboxOf(id)).toEqual([]);
  });

  it("is saved once by several at the same time, and by none twice under one key", async () => {
    const api = apiOf({ flows: flowsOf() });
    const id = await inactive(api);
    await put(id, api);
    const both = await Promise.all([save(id), save(id), save(id)]);
    expect(statusesOf(both)).toEqual([200, 409, 409]);
    expect((await rowOf(id))!.revision).toBe(2);
    await put(id, api);
    const keyed = { headers: { "idempotency-key": "one" } };
    const twins = await Promise.all([save(id, keyed), save(id, keyed)]);
    const later = await save(id, keyed);
    const answers = [...twins, later].map(({ status, body }) => [status, body.data?.revision]);
    expect(answers.filter(([status]) => status === 200)).toContainEqual([200, 3]);
    expect([later.status, later.body.data.revision, later.headers.get("idempotency-replayed")]).toEqual([
      200,
      3,
      "true",
    ]);
    expect((await rowOf(id))!.revision).toBe(3);
  });

  it("is outdated once the flow was edited, until it is put again", async () => {
    const api = apiOf({ flows: flowsOf() });
    const id = await inactive(api);
    const edit = (body: object) => caller.call("updateFlow", { params: { id }, body });
    await put(id, { ...api, settings: { traceSampling: 1 } });
    await edit({ name: "Another name" });
    expect((await caller.call("getApi", { params: { id } })).body.data.draft.outdated).toBe(false);
    await edit({ api: { ...api, settings: { traceSampling: 0.5 } } });
    expect((await caller.call("getApi", { params: { id } })).body.data.draft.outdated).toBe(true);
    expect(errors(await save(id))).toEqual([409, "DRAFT_OUTDATED"]);
    await caller.call("replaceApiFlow", {
      params: { id, resource: "all", operation: "all" },
      body: { request: [], response: [] },
    });
    expect(errors(await save(id))).toEqual([409, "DRAFT_OUTDATED"]);
    expect((await put(id, { ...api, settings: { traceSampling: 1 } })).body.meta.draft.outdated).toBe(false);
    expect((await save(id)).status).toBe(200);
  });

  it.each<[string, (id: string, api: object) => Promise<unknown>, unknown[]]>([
    ["a start", (id) => bringTo(id, { status: "starting", status_seq: 1 } as never), [409, "API_MOVING"]],
    ["a stop", (id) => bringTo(id, { status: "stopping", status_seq: 2 } as never), [409, "API_MOVING"]],
    [
      "an edit of the flow",
      (id, api) =>
        caller.call("updateFlow", {
          params: { id },
          body: { api: { ...api, environments: { a: {} }, environment: "a" } },
        }),
      [409, "DRAFT_OUTDATED"],
    ],
    ["a draft that is given up", (id) => caller.call("discardApiDraft", { params: { id } }), [409, "NOTHING_TO_SAVE"]],
    ["a deletion", (id) => caller.call("deleteFlow", { params: { id } }), [404, "FLOW_NOT_FOUND"]],
  ])("gives way to %s that comes between", async (_, act, expected) => {
    const api = apiOf({ flows: flowsOf() });
    const id = await inactive(api);
    await put(id, { ...api, settings: { traceSampling: 1 } });
    const key = { "idempotency-key": "key" };
    const answer = await save(id, { ...before(() => act(id, api)), headers: key });
    expect(errors(answer)).toEqual(expected);
    const records = await env.DB.prepare(
      "SELECT count(*) AS n FROM idempotency WHERE instr(coalesce(answer, ''), ?) > 0",
    )
      .bind(id)
      .first<number>("n");
    expect(records).toBe(0);
  });

  it("takes the edit that comes between, unless a state was named", async () => {
    const api = apiOf({ flows: flowsOf() });
    const id = await inactive(api);
    const tag = (await put(id, api)).headers.get("etag")!;
    const later = { ...api, settings: { traceSampling: 1 } };
    const named = await save(id, { ...before(() => put(id, later)), headers: { "if-match": tag } });
    expect(errors(named)).toEqual([412, "PRECONDITION_FAILED"]);
    await put(id, api);
    expect(
      (
        await save(
          id,
          before(() => put(id, later)),
        )
      ).status,
    ).toBe(200);
    expect(await apiIn(id)).toMatchObject({ settings: { traceSampling: 1 } });
    expect((await caller.call("getApi", { params: { id } })).body.data.draft).toBeNull();
  });

  it("stays a draft if the database gives up", async () => {
    const api = apiOf({ flows: flowsOf() });
    const id = await inactive(api);
    await put(id, { ...api, settings: { traceSampling: 1 } });
    const broken = before(() => Promise.reject(new Error("D1_ERROR: the network connection was lost")));
    expect(errors(await save(id, broken))).toEqual([503, "STORAGE_UNAVAILABLE"]);
    expect((await caller.call("getApi", { params: { id } })).body.data).toMatchObject({
      revision: 1,
      draft: { edits: 1 },
    });
  });
});

describe("an active API that is saved", () => {
  it("finishes the calls in flight on the old revision, and takes the next on the new one", async () => {
    const api = apiOf({ flows: flowsOf([], [mark("1")], { destination: { url: "https://old.example" } }) });
    const { id, base } = await liveApi(caller, api);
    // The old backend answers only once all of this has happened.
    const meanwhile = async () => {
      await put(id, { ...api, flows: flowsOf([], [mark("2")], { destination: { url: "https://new.example" } }) });
      const { data } = (await save(id)).body;
      await renewGateway();
      const next = await callGateway(base, "/orders/1");
      return [data.status, data.revision, await next.text(), next.headers.get("x-revision")];
    };
    const seen: unknown[] = [];
    replaceNetwork(async ({ url }) => {
      if (url.startsWith("https://new.example")) return new Response("new");
      if (seen.length === 0) seen.push(...(await meanwhile()));
      return new Response("old");
    });
    const old = await callGateway(base, "/orders/1");
    expect([await old.text(), old.headers.get("x-revision")]).toEqual(["old", "1"]);
    expect(seen).toEqual(["active", 2, "new", "2"]);
    // Back to what it was, as a new revision.
    const back = await caller.call("rollbackApi", { params: { id, revision: "1" } });
    expect(back.body.data).toMatchObject({ revision: 3, status: "active" });
    await renewGateway();
    expect(await (await callGateway(base, "/orders/1")).text()).toBe("old");
  });

  it("moves to another base path as one step, or stays where it is if that is another's", async () => {
    replaceNetwork(({ url }) => new Response(url));
    const api = apiOf({ flows: to("https://a.example") });
    const [{ id, base }, other] = [await liveApi(caller, api), await liveApi(caller)];
    await put(id, { ...api, basePath: other.base, flows: to("https://b.example") });
    const keyed = { headers: { "idempotency-key": "taken" } };
    const taken = await save(id, keyed);
    expect([errors(taken), taken.body.errors[0].message]).toEqual([
      [409, "BASE_PATH_TAKEN"],
      `Another API stands at ${other.base}, or one of others above or below it. Choose another api.basePath.`,
    ]);
    expect([await claimsOf(id), (await rowOf(id))!.revision]).toEqual([[{ base, hostnames: "[]" }], 1]);
    expect((await caller.call("getApi", { params: { id } })).body.data.draft).toMatchObject({ edits: 1 });
    const basePath = freshBase();
    await put(id, { ...api, basePath, hostnames: ["api.example.com"], flows: to("https://b.example") });
    // Overtaken by a stop, it claims nothing.
    const stopped = await save(
      id,
      before(() => bringTo(id, { status: "stopping", status_seq: 9 } as never)),
    );
    expect(errors(stopped)).toEqual([409, "API_MOVING"]);
    expect(await claimsOf(id)).toEqual([{ base, hostnames: "[]" }]);
    await bringTo(id, { status: "active" });
    const seen: Batch[] = [];
    expect((await save(id, { ...keyed, ...before(nothing, seen) })).status).toBe(200);
    const steps = seen.flatMap(({ sql }) => sql.map((text) => /^\w+ (?:INTO |FROM )?\w+/.exec(text)![0]));
    expect(steps.filter((text) => /open_apis|flows|json/.test(text))).toEqual([
      "UPDATE flows",
      "SELECT json_extract",
      "INSERT INTO open_apis",
      "SELECT json_extract",
      "DELETE FROM open_apis",
    ]);
    expect(await claimsOf(id)).toEqual([{ base: basePath, hostnames: '["api.example.com"]' }]);
    await renewGateway();
    expect((await callGateway(base, "/orders/1")).status).toBe(404);
    expect(await (await callGateway(basePath, "/orders/1")).text()).toBe("https://b.example/orders/1");
  });

  it("must be able to stand there, and needs the permission to start and stop", async () => {
    const api = apiOf({ flows: flowsOf() });
    const { id } = await liveApi(caller, api);
    await put(id, { ...api, hostnames: ["elsewhere.example.com"] });
    const foreign = await save(id);
    expect([errors(foreign), foreign.body.errors[0].message]).toEqual([
      [422, "INVALID_API"],
      expect.stringMatching(/elsewhere\.example\.com/),
    ]);
    await put(id, { ...api, plans: [`plan_${newId()}`] });
    expect(errors(await save(id))).toEqual([422, "INVALID_API"]);
    await put(id, { ...api, settings: { traceSampling: 1 } });
    const permissions = everyPermission.filter((name) => name !== "flows.control");
    const writer = await as({ sub: caller.sub, tenant: caller.tenant!, permissions });
    for (const operationId of ["saveApi", "rollbackApi"]) {
      const refused = await writer.call(operationId, { params: { id, revision: "1" } });
      expect(errors(refused)).toEqual([403, "MISSING_PERMISSION"]);
    }
    await bringTo(id, { status: "stopping" });
    expect(errors(await save(id))).toEqual([409, "API_MOVING"]);
    await bringTo(id, { status: "inactive" });
    expect((await writer.call("saveApi", { params: { id } })).status).toBe(200);
    // A start that comes between makes it a matter of starting and stopping again.
    await put(id, api);
    const started = before(() => bringTo(id, { status: "active", status_seq: 99 } as never));
    expect(errors(await writer.call("saveApi", { params: { id }, ...started }))).toEqual([403, "MISSING_PERMISSION"]);
  });
});
