import { describe, expect, it } from "vitest";

import type { Caller } from "../support/api.ts";
import { env } from "cloudflare:workers";
import { admin, someone } from "../support/given.ts";
import { deliver } from "../support/queues.ts";
import { edit, flow, instanceOf, keptOf, templateOf } from "./given.ts";

const gone = (name: string, id: string) => ({ headers: { name, createdAt: Date.now() }, payload: { id } });

/** The database, with something happening before the statements that match. */
const databaseBefore = (statements: RegExp, act: () => Promise<void>, real: D1Database = env.DB): D1Database =>
  new Proxy(real, {
    get(target, key) {
      if (key === "withSession") {
        return (from: string) => databaseBefore(statements, act, target.withSession(from) as unknown as D1Database);
      }
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown => {
        const made: unknown = Reflect.apply(value, target, args);
        return key === "prepare" && statements.test(String(args[0])) ? delayed(made as D1PreparedStatement, act) : made;
      };
    },
  });

const delayed = (statement: D1PreparedStatement, act: () => Promise<void>): D1PreparedStatement =>
  new Proxy(statement, {
    get(target, key) {
      if (key === "bind") return (...values: unknown[]) => delayed(target.bind(...values), act);
      if (key === "all") return () => act().then(() => target.all());
      return Reflect.get(target, key);
    },
  });

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

  it("does not come back by an edit that was made at the same time", async () => {
    const [author, other] = [await someone(), await someone()];
    const id = await templateOf(author);
    await edit(await admin(), id, { owners: [author.sub, other.sub].map((sub) => ({ id: sub, type: "user" })) });
    const { promise, resolve } = Promise.withResolvers<void>();
    let isHeld = true;
    const DB = databaseBefore(/^UPDATE templates SET status/, async () => {
      if (!isHeld) return;
      isHeld = false;
      await deliver("flow-reports", gone("iam.user.deleted", author.sub));
      resolve();
    });
    const edited = await other.call("updateTemplate", { params: { id }, body: { name: "Edited" }, env: { DB } });
    await promise;
    expect(edited.status).toBe(200);
    expect(edited.body.data).toMatchObject({ name: "Edited", owners: [{ id: other.sub, type: "user" }] });
    expect(await read(other, id)).toEqual(edited.body.data);
    expect((await author.call("getTemplateById", { params: { id } })).status).toBe(404);
  });
});
