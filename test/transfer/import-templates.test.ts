import { beforeAll, describe, expect, it } from "vitest";

import type { Caller } from "../support/api.ts";
import { databaseWith } from "../support/faults.ts";
import { admin, newId, someone } from "../support/given.ts";
import { edit, errorsIn, flow, generate, orders } from "../templates/given.ts";
import { COMPONENT, idOf, ndjson, sent, type Line } from "./given.ts";

let root: Caller;
let owner: Caller;
beforeAll(async () => {
  root = await admin();
  owner = await someone();
});

/** A template as the original's database tells it. */
const original = (changed: Line = {}): Line => ({
  _id: { $oid: newId() },
  name: "Orders",
  graph: {
    nodes: [
      { id: "a", componentId: { $oid: COMPONENT }, function: "f", tenant: "t", authorization: { authType: "API_KEY" } },
    ],
    edges: [],
  },
  owners: [{ id: owner.sub, type: "user" }],
  tenant: owner.tenant,
  status: "draft",
  createdAt: { $date: "2024-01-02T03:04:05.678Z" },
  updatedAt: { $date: "2024-02-03T04:05:06.789Z" },
  __v: 0,
  ...changed,
});
const importing = (lines: readonly Line[], counts: object, request = {}) =>
  sent(root, lines, counts, request, "importTemplates");
const templateOf = async (id: string, caller = owner) => caller.call("getTemplateById", { params: { id } });
const later = { $date: "2024-03-01T00:00:00.000Z" };

describe("an imported template", () => {
  it("is its owners' with its id, dates and status, and its tenant's once it is published", async () => {
    const [draft, published] = [original(), original({ status: "published" })];
    await importing([draft, published, original({ status: "whatever" })], { imported: 3 });
    expect((await templateOf(idOf(published))).body.data).toMatchObject({
      status: "published",
      revision: 1,
      tenant: owner.tenant,
      createdAt: "2024-01-02T03:04:05.678Z",
      updatedAt: "2024-02-03T04:05:06.789Z",
      graph: { nodes: [{ componentId: COMPONENT, tenant: "t", authorization: { authType: "API_KEY" } }] },
    });
    const colleague = await someone({ tenant: owner.tenant! });
    const read = [draft, published].map(async (line) => (await templateOf(idOf(line), colleague)).status);
    expect(await Promise.all(read)).toEqual([404, 200]);
    const found = await owner.call("getTemplates", { query: { search: "orders" } });
    expect(found.body.meta.total).toBe(3);
  });

  it("has flows made of it, and is edited", async () => {
    const line = original();
    await importing([line], { imported: 1 });
    const made = await generate(owner, idOf(line), { values: {} });
    expect(made.body.data).toMatchObject({ fromTemplate: idOf(line), instance: { revision: 1 } });
    expect((await edit(owner, idOf(line), { name: "Edited" })).body.data.revision).toBe(2);
  });
});

describe("a template that is imported again", () => {
  it.each<[string, Line, object, object]>([
    ["is the same stays", {}, { unchanged: 1 }, { revision: 1 }],
    [
      "is newer becomes the next revision",
      { name: "New", updatedAt: later, status: "published" },
      { updated: 1 },
      { revision: 2, name: "New", status: "published" },
    ],
    ["differs and is not newer leaves what is here", { name: "New" }, { kept: 1 }, { revision: 1, name: "Orders" }],
  ])("and %s", async (_, changed, counts, stored) => {
    const line = original();
    await importing([line], { imported: 1 });
    await importing([{ ...line, ...changed }], counts, { query: { dryRun: "true" } });
    await importing([{ ...line, ...changed }], counts);
    expect((await templateOf(idOf(line))).body.data).toMatchObject(stored);
  });

  it("and edited here between reading and writing leaves the edit", async () => {
    const line = original();
    await importing([line], { imported: 1 });
    let edits = 0;
    const DB = databaseWith(async ({ sql, run }) => {
      if (sql.some((text) => text.startsWith("UPDATE templates")) && (edits += 1) === 1) {
        // A name of the same length: only its revision tells.
        await edit(owner, idOf(line), { name: "ORDERS" });
      }
      return run();
    });
    await importing([{ ...line, name: "There", updatedAt: later }], { kept: 1 }, { env: { DB } });
    expect((await templateOf(idOf(line))).body.data).toMatchObject({ name: "ORDERS", revision: 2 });
  });

  it("at the same time is stored once", async () => {
    const lines = Array.from({ length: 30 }, () => original());
    const headers = { "content-type": "application/x-ndjson" };
    const raw = ndjson(lines);
    const answers = await Promise.all([1, 2, 3].map(() => root.call("importTemplates", { raw, headers })));
    const counts = answers.map(({ body }) => body.data as Record<string, number>);
    expect(counts.reduce((sum, { imported }) => sum + imported!, 0)).toBe(30);
    expect(counts.reduce((sum, { unchanged }) => sum + unchanged!, 0)).toBe(60);
  });
});

const exported = (changed: Line = {}): Line => ({
  id: newId(),
  status: "draft",
  createdAt: "2024-01-02T03:04:05.678Z",
  updatedAt: "2024-02-03T04:05:06.789Z",
  revision: 3,
  revisionNote: "Third.",
  ...orders({ cron: undefined }),
  owners: [{ id: owner.sub, type: "user" }],
  revisions: [{ revision: 2, at: "2024-01-03T00:00:00.000Z", note: "Second.", document: orders({ name: "Second" }) }],
  ...changed,
});
const instance = (template: Line, revision: number): Line => ({
  id: newId(),
  name: "One of many",
  fromTemplate: template["id"],
  owners: [{ id: owner.sub, type: "user" }],
  instance: { revision, values: { url: "https://crm.example.com", crm: newId() } },
});

describe("an instance in a file of flows", () => {
  it("follows the revision that its template had, also one that came later with the template", async () => {
    const template = exported();
    await importing([{ ...template, revisions: [] }], { imported: 1 });
    const line = instance(template, 2);
    const answer = await root.call("importFlows", { raw: ndjson([line]), headers: { "content-type": "text/plain" } });
    expect(answer.body.data.refused).toMatchObject([
      { line: 1, id: line["id"], findings: [{ error: "TEMPLATE_REVISION_NOT_FOUND", pointer: "/fromTemplate" }] },
    ]);
    await importing([template], { unchanged: 1 });
    await sent(root, [line, instance(template, 3)], { imported: 2 });
    expect(await flow(owner, line["id"] as string)).toMatchObject({
      graph: { nodes: [{ id: "receive" }, { id: "push" }] },
      instance: { revision: 2, missing: [], effective: { batchSize: 100 } },
    });
    const deleted = await owner.call("deleteTemplate", { params: { id: template["id"] as string } });
    expect(errorsIn(deleted)).toEqual([["TEMPLATE_IN_USE", undefined]]);
  });

  it("is refused where its template was deleted, whatever is remembered of it", async () => {
    const template = exported();
    await importing([template], { imported: 1 });
    const line = instance(template, 3);
    await sent(root, [line], { imported: 1 });
    const params = { params: { id: line["id"] as string } };
    expect((await owner.call("deleteFlow", params)).status).toBe(200);
    expect((await owner.call("deleteTemplate", { params: { id: template["id"] as string } })).status).toBe(200);
    const answer = await root.call("importFlows", { raw: ndjson([line]), headers: { "content-type": "text/plain" } });
    expect(answer.body.data).toMatchObject({ imported: 0, refusedCount: 1 });
  });
});
