import { applyPatch } from "rfc6902";
import { describe, expect, it } from "vitest";

import { as, type Call, type Caller } from "../support/api.ts";
import { traceOf } from "../support/faults.ts";
import { admin, bringTo, flowOf, newId, rowOf, settle, someone } from "../support/given.ts";
import { noCourier } from "../support/many.ts";
import { deliver, namesOf, recordQueues } from "../support/queues.ts";

const list = (caller: Caller, id: string, query: Record<string, string> = {}) =>
  caller.call("getFlowRevisions", { params: { id }, query });
const get = (caller: Caller, id: string, revision: number) =>
  caller.call("getFlowRevision", { params: { id, revision: `${revision}` } });
const diff = (caller: Caller, id: string, from: number, to: number) =>
  caller.call("diffFlowRevisions", { params: { id, revision: `${from}`, other: `${to}` } });
const restore = (caller: Caller, id: string, revision: number, request: Call = {}) =>
  caller.call("restoreFlowRevision", { params: { id, revision: `${revision}` }, ...request });
const edit = (caller: Caller, id: string, body: unknown) => caller.call("updateFlow", { params: { id }, body });
const documentOf = async (id: string): Promise<unknown> => JSON.parse((await rowOf(id))!.document);
const numbersOf = (data: { revision: number }[]) => data.map(({ revision }) => revision);
const down = (from: number, to: number) => Array.from({ length: from - to + 1 }, (_, n) => from - n);
const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);

describe("a revision is kept", () => {
  it("of each accepted change, whoever made it: who, when and what, in words", async () => {
    const caller = await someone();
    const second = await someone({ tenant: caller.tenant! });
    const gone = await someone();
    const owners = [{ id: gone.sub, type: "user" }];
    const id = await flowOf(caller, { cron: "*/5 * * * *" });
    const documents = [await documentOf(id)];
    const keep = async () => documents.push(await documentOf(id));
    await edit(second, id, { name: "B", cron: null });
    await keep();
    await second.call("updateFlowBulk", { body: [{ id, description: "C" }, { id: newId() }] });
    await keep();
    await edit(await admin(), id, { owners: [...(documents[0] as { owners: object[] }).owners, ...owners] });
    await keep();
    await deliver("flow-reports", { headers: { name: "iam.user.deleted" }, payload: { id: gone.sub } });
    await keep();
    expect((await restore(caller, id, 1)).status).toBe(200);
    await keep();

    const { status, body } = await list(caller, id);
    expect([status, body.meta]).toEqual([200, { before: null }]);
    expect(body.data).toEqual([
      { revision: 6, at, by: caller.sub, note: expect.stringMatching(/^Revision 1 restored\. Name changed\./) },
      { revision: 5, at, by: null, note: "An owner was deleted." },
      { revision: 4, at, by: expect.any(String), note: `1 owner added (${gone.sub}).` },
      { revision: 3, at, by: second.sub, note: "Description changed." },
      { revision: 2, at, by: second.sub, note: "Name changed. Cron removed." },
      { revision: 1, at, by: caller.sub, note: "Created." },
    ]);
    for (const [index, document] of documents.entries()) {
      const { data } = (await get(caller, id, index + 1)).body;
      expect(data).toEqual({ ...body.data[5 - index], document });
    }
  });

  it("of no change that was refused, and of no start or stop", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    await edit(caller, id, { graph: {} });
    await edit(await someone(), id, { name: "Foreign" });
    await caller.call("startFlow", { params: { id } });
    await edit(caller, id, { name: "Too late" });
    await caller.call("stopFlow", { params: { id }, query: { force: "true" } });
    expect((await list(caller, id)).body.data).toMatchObject([{ revision: 1 }]);
  });

  it("and told page by page", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    for (const from of [0, 20, 40]) {
      const body = Array.from({ length: 20 }, (_, n) => ({ id, name: `${from + n}` }));
      await caller.call("updateFlowBulk", { body, env: { ...noCourier, REVISION_LIMIT: "1000" } });
    }
    const first = (await list(caller, id)).body;
    expect([numbersOf(first.data), first.meta]).toEqual([down(61, 12), { before: 12 }]);
    const second = (await list(caller, id, { before: "12" })).body;
    expect([numbersOf(second.data), second.meta]).toEqual([down(11, 1), { before: null }]);
    expect((await list(caller, id, { before: "51" })).body.meta).toEqual({ before: null });
    expect((await list(caller, id, { before: "1" })).body).toEqual({ data: [], meta: { before: null } });
    for (const before of ["0", "-1", "x", "1.5", "9999999999", ""]) {
      const answer = await list(caller, id, { before });
      expect([before, answer.status, answer.body.errors?.[0].error]).toEqual([before, 400, "INVALID_PARAMETER"]);
    }
  });

  it("and named by the command that starts it", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    await edit(caller, id, { name: "B" });
    await restore(caller, id, 1);
    await settle(id);
    const sent = await recordQueues(id);
    await caller.call("startFlow", { params: { id } });
    await settle(id);
    expect(namesOf(sent)).toEqual(["flow.starting"]);
    expect(sent[0]!.body.headers["revision"]).toBe(3);
    const { document } = (await get(caller, id, 3)).body.data;
    const { tenant: _, ...rest } = document as Record<string, unknown>;
    expect(sent[0]!.body.payload).toMatchObject(rest);
  });
});

describe("the difference of two revisions", () => {
  const nodes = [{ id: "a", name: "A" }, { id: "b" }, { id: "c" }];
  const edges = [
    { source: "a", target: "b" },
    { source: "b", target: "c" },
  ];

  it("is told as JSON Patch that makes the one of the other, in both directions, and in words", async () => {
    const caller = await someone();
    const id = await flowOf(caller, { cron: "*/5 * * * *", graph: { nodes, edges } });
    await edit(caller, id, {
      name: "B",
      cron: null,
      flowSettings: { deep: [1, { x: 2 }] },
      graph: { nodes: [nodes[0], { id: "b", name: "B" }, { id: "d" }], edges: [edges[0]] },
    });
    await edit(caller, id, { type: "ordinary" });
    const documents = await Promise.all([1, 2, 3].map(async (n) => (await get(caller, id, n)).body.data.document));
    for (const from of [1, 2, 3]) {
      for (const to of [1, 2, 3]) {
        const { status, body } = await diff(caller, id, from, to);
        expect([status, body.data.from, body.data.to]).toEqual([200, from, to]);
        const document = structuredClone(documents[from - 1]);
        expect(applyPatch(document, body.data.patch).filter((fault) => fault !== null)).toEqual([]);
        expect(document).toEqual(documents[to - 1]);
        expect(body.data.changes.length > 0).toBe(from !== to);
      }
    }
    const { data } = (await diff(caller, id, 1, 2)).body;
    expect(data.words).toBe(
      "Name changed. Cron removed. Flow settings added. 1 node added (d). 1 node removed (c). 1 node changed (b). 1 edge removed (b → c).",
    );
    expect(data.changes).toContainEqual({ what: "node", kind: "changed", id: "b", fields: ["name"] });
    expect((await diff(caller, id, 2, 2)).body.data).toMatchObject({ words: "No change.", changes: [], patch: [] });
  });
});

describe("a restore", () => {
  it("makes the earlier document the present one as a new revision, and tells whoever listens", async () => {
    const caller = await someone();
    const id = await flowOf(caller, { name: "A" });
    const first = await documentOf(id);
    await edit(caller, id, { name: "B", type: "ordinary", cron: "*/5 * * * *", flowSettings: { a: 1 } });
    await settle(id);
    const sent = await recordQueues(id);
    const answer = await restore(caller, id, 1);
    expect([answer.status, answer.body.data.revision, answer.headers.get("etag")]).toEqual([200, 3, '"3-0"']);
    expect(answer.body.data).toEqual((await caller.call("getFlowById", { params: { id } })).body.data);
    // What the document did not have then it does not have now.
    expect(await documentOf(id)).toEqual(first);
    for (const key of ["type", "cron", "flowSettings"]) expect(answer.body.data).not.toHaveProperty(key);
    await settle(id);
    expect(namesOf(sent)).toEqual(["flowrepo.flow.modified"]);
    expect(sent[0]!.body.payload).toEqual({ tenant: caller.tenant, user: caller.sub, flowId: id });
    expect((await restore(caller, id, 2)).body.data).toMatchObject({ name: "B", type: "ordinary", revision: 4 });
  });

  it("is found by search and filters as what it is now", async () => {
    const caller = await someone();
    const id = await flowOf(caller, { name: "Quokka", type: "ordinary" });
    await edit(caller, id, { name: "Wombat", type: "long_running" });
    await restore(caller, id, 1);
    const total = async (query: Record<string, string>) =>
      (await caller.call("getFlows", { query })).body.meta.total as number;
    expect([await total({ search: "Quokka" }), await total({ search: "Wombat" })]).toEqual([1, 0]);
    expect([await total({ "filter[type]": "ordinary" }), await total({ "filter[type]": "long_running" })]).toEqual([
      1, 0,
    ]);
  });

  it("leaves the owners as they are now", async () => {
    const [caller, heir, boss] = [await someone(), await someone(), await admin()];
    const id = await flowOf(caller);
    const owners = [{ id: heir.sub, type: "user" }];
    await edit(boss, id, { owners });
    expect((await restore(caller, id, 1)).status).toBe(404);
    const answer = await restore(heir, id, 1);
    expect([answer.status, answer.body.data.owners]).toEqual([200, owners]);
    expect((await caller.call("getFlowById", { params: { id } })).status).toBe(404);
  });

  it.each(["starting", "active", "stopping"] as const)("is refused of a flow that is %s", async (status) => {
    const caller = await someone();
    const id = await flowOf(caller);
    await edit(caller, id, { name: "B" });
    await settle(id);
    await bringTo(id, { status });
    const before = await traceOf(id);
    const answer = await restore(caller, id, 1);
    expect([answer.status, answer.body.errors[0].error]).toEqual([409, "FLOW_NOT_INACTIVE"]);
    expect(await traceOf(id)).toEqual(before);
  });

  it("of what would not be stored today is refused", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    await edit(caller, id, { name: "B" });
    const answer = await restore(caller, id, 1, { env: { FLOW_VALIDATION: "strict" } });
    expect([answer.status, (await rowOf(id))?.revision]).toEqual([400, 2]);
  });

  it("of one of ten at the same time is made ten times, one after the other", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const answers = await Promise.all(Array.from({ length: 10 }, () => restore(caller, id, 1)));
    const numbers = answers.map(({ body }) => body.data.revision as number).toSorted((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 10 }, (_, n) => n + 2));
  });
});

const operations: [string, Call & { params?: Record<string, string> }][] = [
  ["getFlowRevisions", {}],
  ["getFlowRevision", { params: { revision: "1" } }],
  ["diffFlowRevisions", { params: { revision: "1", other: "2" } }],
  ["restoreFlowRevision", { params: { revision: "1" } }],
];

describe.each(operations)("%s", (operationId, request) => {
  const ask = (caller: Caller, id: string, more: Record<string, string> = {}) =>
    caller.call(operationId, { params: { ...request.params, id, ...more } });

  it("knows no flow of others, no deleted and no unknown one", async () => {
    const [caller, stranger] = [await someone(), await someone()];
    const [foreign, deleted] = [await flowOf(stranger), await flowOf(caller)];
    for (const [owner, id] of [
      [stranger, foreign],
      [caller, deleted],
    ] as const) {
      await edit(owner, id, { name: "B" });
    }
    await caller.call("deleteFlow", { params: { id: deleted } });
    for (const id of [foreign, deleted, newId()]) {
      const { status, body } = await ask(caller, id);
      expect([status, body.errors]).toEqual([404, [expect.objectContaining({ error: "FLOW_NOT_FOUND" })]]);
    }
    expect((await ask(caller, "nonsense")).status).toBe(400);
  });

  it.each(operationId === "getFlowRevisions" ? [] : ["7", "100000000"])("knows no revision %s", async (revision) => {
    const caller = await someone();
    const id = await flowOf(caller);
    const { status, body } = await ask(caller, id, { revision });
    expect([status, body.errors[0].error]).toEqual([404, "REVISION_NOT_FOUND"]);
  });

  it("needs its permission and no other", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    await edit(caller, id, { name: "B" });
    const needed = operationId === "restoreFlowRevision" ? "flows.write" : "flows.read";
    const others = ["flows.read", "flows.write", "flows.control", "flows.bulk"].filter((name) => name !== needed);
    expect((await ask(await as({ ...caller, permissions: others }), id)).status).toBe(403);
    expect((await ask(await as({ ...caller, permissions: [needed] }), id)).status).toBe(200);
  });
});
