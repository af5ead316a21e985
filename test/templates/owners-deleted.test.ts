import { describe, expect, it } from "vitest";

import type { Caller } from "../support/api.ts";
import { admin, someone } from "../support/given.ts";
import { deliver } from "../support/queues.ts";
import { edit, flow, instanceOf, keptOf, templateOf } from "./given.ts";

const gone = (name: string, id: string) => ({ headers: { name, createdAt: Date.now() }, payload: { id } });

const read = async (caller: Caller, id: string) => (await caller.call("getTemplateById", { params: { id } })).body.data;

describe("an account that is deleted", () => {
  it("is taken off its templates, which admins keep and instances go on with", async () => {
    const author = await someone();
    const customer = await someone();
    const [draft, shared] = [await templateOf(author), await templateOf(author)];
    const owners = [author.sub, customer.sub].map((id) => ({ id, type: "user" }));
    await edit(await admin(), shared, { owners });
    const instance = await instanceOf(customer, shared);
    await deliver("flow-reports", gone("iam.user.deleted", author.sub));
    expect(await read(author, draft)).toBeUndefined();
    expect((await read(await admin(), draft)).owners).toEqual([]);
    expect((await read(customer, shared)).owners).toEqual([{ id: customer.sub, type: "user" }]);
    expect((await read(customer, shared)).revision).toBe(2);
    expect((await flow(customer, instance)).graph.nodes).toHaveLength(2);
    const revisions = await customer.call("getTemplateRevisions", { params: { id: shared } });
    expect(JSON.stringify(revisions.body)).not.toContain(author.sub);
  });

  it("is taken off its instances, which stay instances", async () => {
    const author = await someone();
    const colleague = await someone({ tenant: author.tenant! });
    const id = await templateOf(author, { status: "published" });
    const instance = await instanceOf(author, id);
    const before = await flow(colleague, instance);
    await deliver("flow-reports", gone("iam.user.deleted", author.sub));
    const after = await flow(colleague, instance);
    expect(after.owners).toEqual([{ id: author.tenant, type: "tenant" }]);
    expect([after.graph, after.instance]).toEqual([before.graph, before.instance]);
    expect(await keptOf(instance)).not.toHaveProperty("graph");
    const query = { "filter[credentials_id]": before.instance.values.crm as string };
    expect((await colleague.call("getFlows", { query })).body.meta.total).toBe(1);
  });

  it("leaves what is published to its tenant", async () => {
    const author = await someone();
    const colleague = await someone({ tenant: author.tenant! });
    const id = await templateOf(author, { status: "published" });
    await deliver("flow-reports", gone("iam.user.deleted", author.sub));
    expect((await colleague.call("getTemplateById", { params: { id } })).status).toBe(200);
    expect((await edit(colleague, id, { name: "Mine" })).status).toBe(404);
  });
});
