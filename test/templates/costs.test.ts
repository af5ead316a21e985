import { env } from "cloudflare:workers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { Call, Caller } from "../support/api.ts";
import { admin, flowOf, newId, someone } from "../support/given.ts";
import { instanceOf, templateOf } from "./given.ts";

const form = /^d1;desc="rows_read=(\d+) rows_written=(\d+) trips=(\d+)"$/;

async function paid(caller: Caller, operationId: string, request: Call) {
  const { headers, body } = await caller.call(operationId, { ...request, env: { SERVER_TIMING: "true" } });
  const [, read, , trips] = form.exec(headers.get("server-timing") ?? "") ?? [];
  expect(trips).toBeDefined();
  return { read: Number(read), trips: Number(trips), body };
}

it("an instance costs two rows and at most one trip more than any flow, a page of them as much", async () => {
  const caller = await someone();
  const cost = (operationId: string, request: Call) => paid(caller, operationId, request);
  const plain = await flowOf(caller);
  const template = await templateOf(caller);
  const ids = [];
  for (let n = 0; n < 10; n += 1) ids.push(await instanceOf(caller, template));
  const ofFlow = await cost("getFlowById", { params: { id: plain } });
  const ofInstance = await cost("getFlowById", { params: { id: ids[0]! } });
  expect(ofInstance.read).toBeLessThanOrEqual(ofFlow.read + 2);
  expect(ofInstance.trips).toBeLessThanOrEqual(2);
  const page = await cost("getFlows", { query: { sort: "-createdAt" } });
  const light = await cost("getFlows", { query: { sort: "-createdAt", fields: "name" } });
  expect(page.read).toBeLessThanOrEqual(light.read + 2);
  expect(page.trips).toBeLessThanOrEqual(2);
});

it("a page of instances is weighed with the graphs that they are told with", async () => {
  const caller = await someone();
  const graph = { nodes: [{ id: "a", fields: "x".repeat(900_000) }] };
  const template = await templateOf(caller, { graph, variables: {} });
  for (let n = 0; n < 25; n += 1) await instanceOf(caller, template, { values: {} });
  const listed = (query: Record<string, string>) =>
    caller.call("getTemplateInstances", { params: { id: template }, query });
  expect(await listed({ "page[size]": "100" })).toMatchObject({
    status: 400,
    body: { errors: [{ parameter: "page[size]" }] },
  });
  expect((await listed({ "page[size]": "100", fields: "name" })).body.data).toHaveLength(25);
  expect((await listed({ "page[size]": "5" })).body.data).toHaveLength(5);
});

/** Somebody who owns 15 templates, of which the tenant owns 5, and may read 10 of colleagues. */
async function memberOf25() {
  const caller = await someone();
  const colleague = await someone({ tenant: caller.tenant! });
  const owners = [{ id: caller.tenant, type: "tenant" }];
  for (let n = 0; n < 15; n += 1) await templateOf(caller, n < 5 ? { owners, status: "published" } : {});
  for (let n = 0; n < 10; n += 1) await templateOf(colleague, { status: "published" });
  return caller;
}

describe("in a table with 3,000 templates of others", () => {
  const stranger = newId();
  beforeAll(async () => {
    await env.DB.prepare(
      `INSERT INTO templates (id, status, tenant, revision, revised_by, revision_note, created_at, updated_at, search_text, document)
       WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 3000)
       SELECT printf('%024x', n), 'published', ?1, 1, ?1, 'Created.', n, n, 'orders', json_object('name', 'Orders', 'owners', json_array(json_object('id', ?1, 'type', 'user'))) FROM n`,
    )
      .bind(stranger)
      .run();
  });
  afterAll(() => env.DB.prepare("DELETE FROM templates WHERE tenant = ?").bind(stranger).run());

  const sorts = ["id", "-id", "createdAt", "-createdAt", "updatedAt", "-updatedAt", "name", "-name"];
  const filters: Record<string, string>[] = [
    {},
    { "filter[status]": "published" },
    { search: "orders" },
    { "page[number]": "2" },
  ];

  it("a list costs what the caller may read", async () => {
    const caller = await memberOf25();
    for (const sort of sorts) {
      for (const filter of filters) {
        const { read, trips, body } = await paid(caller, "getTemplates", { query: { sort, ...filter } });
        expect(body.meta.total).toBe("filter[status]" in filter ? 15 : 25);
        expect(trips).toBe(1);
        expect(read).toBeLessThanOrEqual(8 * 25);
      }
    }
    const nobody = await paid(await someone(), "getTemplates", { query: {} });
    expect(nobody.read).toBeLessThanOrEqual(4);
    const ofUser = await paid(await admin(), "getTemplates", { query: { "filter[user]": caller.sub } });
    expect(ofUser.body.meta.total).toBe(15);
    expect(ofUser.read).toBeLessThanOrEqual(10 * 15);
  });

  it("a template costs the same wherever it is", async () => {
    const caller = await someone();
    const id = await templateOf(caller, { status: "published" });
    for (const reader of [caller, await someone({ tenant: caller.tenant! }), await admin()]) {
      const found = await paid(reader, "getTemplateById", { params: { id } });
      expect(found.body.data.id).toBe(id);
      expect(found.read).toBeLessThanOrEqual(4);
      expect(found.trips).toBe(1);
    }
    const hidden = await paid(await someone(), "getTemplateById", { params: { id } });
    expect(hidden.body.errors[0].error).toBe("TEMPLATE_NOT_FOUND");
    expect(hidden.read).toBeLessThanOrEqual(4);
  });
});
