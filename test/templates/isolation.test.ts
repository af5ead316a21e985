import { describe, expect, it } from "vitest";

import { admin, newId, someone } from "../support/given.ts";
import { edit, fitting, instanceOf, templateOf } from "./given.ts";

describe("isolation", () => {
  it("gives each customer its own instance and nothing of the others'", async () => {
    const author = await someone();
    const id = await templateOf(author, { status: "published" });
    const [one, two] = [await someone({ tenant: author.tenant! }), await someone()];
    await edit(await admin(), id, {
      owners: [
        { id: author.sub, type: "user" },
        { id: two.tenant, type: "tenant" },
      ],
    });
    const secret = newId();
    const mine = await instanceOf(one, id, { values: fitting({ crm: secret }) });
    const theirs = await instanceOf(two, id);
    for (const operationId of ["getFlowById", "getFlowRevisions", "deleteFlow", "detachFlow", "startFlow"]) {
      expect((await two.call(operationId, { params: { id: mine } })).status).toBe(404);
    }
    const values = { instance: { values: fitting() } };
    expect((await two.call("updateFlow", { params: { id: mine }, body: values })).status).toBe(404);
    const listed = await two.call("getTemplateInstances", { params: { id } });
    expect(listed.body.data.map((found: { id: string }) => found.id)).toEqual([theirs]);
    expect(JSON.stringify(listed.body)).not.toContain(secret);
    expect((await two.call("getFlows", { query: { "filter[credentials_id]": secret } })).body.meta.total).toBe(0);
    const seen = (await two.call("getTemplateById", { params: { id } })).body;
    expect(JSON.stringify(seen)).not.toContain(secret);
    expect(JSON.stringify((await two.call("getFlowById", { params: { id: theirs } })).body)).not.toContain(author.sub);
  });
});
