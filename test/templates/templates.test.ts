import { describe, expect, it } from "vitest";

import { admin, newId, someone } from "../support/given.ts";
import { edit, errorsIn, generate, instanceOf, orders, templateOf } from "./given.ts";

describe("a template", () => {
  it("is stored for its maker, in the maker's tenant, as a draft", async () => {
    const caller = await someone();
    const answer = await caller.call("addTemplate", { body: orders({ tenant: newId(), cretedAt: "ever" }) });
    expect(answer.status).toBe(201);
    const { data } = answer.body;
    expect(data).toMatchObject({ ...orders(), tenant: caller.tenant, status: "draft", revision: 1 });
    expect(data.owners).toEqual([{ id: caller.sub, type: "user" }]);
    expect((await caller.call("getTemplateById", { params: { id: data.id } })).body.data).toEqual(data);
  });

  it("is edited by keys, each time as a new revision", async () => {
    const caller = await someone();
    const id = await templateOf(caller);
    const edited = await edit(caller, id, {
      name: "Better",
      status: "published",
      tenant: newId(),
      variables: { url: {}, crm: { secret: true } },
    });
    expect(edited.body.data).toMatchObject({ name: "Better", status: "published", revision: 2, tenant: caller.tenant });
    expect(edited.body.data.graph).toEqual(orders().graph);
    const revisions = (await caller.call("getTemplateRevisions", { params: { id } })).body.data;
    expect(
      revisions.map(({ revision, note, by }: { revision: number; note: string; by: string }) => [revision, note, by]),
    ).toEqual([
      [2, "Published. Variables changed. Name changed.", caller.sub],
      [1, "Created.", caller.sub],
    ]);
  });

  it("is deleted only as long as nobody uses it", async () => {
    const caller = await someone();
    const id = await templateOf(caller);
    const flowId = await instanceOf(caller, id);
    const refused = await caller.call("deleteTemplate", { params: { id } });
    expect(refused.status).toBe(409);
    expect(refused.body.errors[0]).toMatchObject({
      error: "TEMPLATE_IN_USE",
      message: expect.stringContaining("has 1 instance."),
    });
    await caller.call("deleteFlow", { params: { id: flowId } });
    const deleted = await caller.call("deleteTemplate", { params: { id } });
    expect(deleted).toMatchObject({ status: 200, body: { msg: "Template was successfully deleted" } });
    const gone = await caller.call("getTemplateById", { params: { id } });
    expect(gone).toMatchObject({
      status: 404,
      body: { errors: [{ error: "TEMPLATE_NOT_FOUND", message: "Template not found" }] },
    });
  });

  it.each([
    [{ graph: undefined }, "GRAPH_REQUIRED", "/graph"],
    [{ graph: { nodes: [{ id: "a" }, { id: "b" }], edges: [] } }, "EDGES_REQUIRED", "/graph/edges"],
    [
      { graph: { nodes: [{ id: "a", credentials_id: "$vars.unknown" }] } },
      "VARIABLE_UNKNOWN",
      "/graph/nodes/0/credentials_id",
    ],
    [
      { graph: { nodes: [{ id: "a", credentials_id: "$vars.url" }] } },
      "VARIABLE_UNKNOWN",
      "/graph/nodes/0/credentials_id",
    ],
    [
      { graph: { nodes: [{ id: "a", authorization: { authType: "MAGIC" } }] } },
      "WRONG_TYPE",
      "/graph/nodes/0/authorization/authType",
    ],
    [{ status: "active" }, "STATUS_UNKNOWN", "/status"],
    [{ graph: { nodes: [{ id: "a" }] }, variables: [] }, "WRONG_TYPE", "/variables"],
    [{ variables: { ...orders().variables, "a b": {} } }, "VARIABLE_INVALID", "/variables/a b"],
    [{ variables: { ...orders().variables, n: { required: "yes" } } }, "VARIABLE_INVALID", "/variables/n/required"],
    [{ variables: { ...orders().variables, n: { schema: { $ref: "#" } } } }, "SCHEMA_INVALID", "/variables/n/schema"],
    [
      { variables: { ...orders().variables, n: { schema: { type: "integer" }, default: "x" } } },
      "DEFAULT_INVALID",
      "/variables/n/default",
    ],
    [
      { variables: { ...orders().variables, n: { secret: true, default: newId() } } },
      "DEFAULT_INVALID",
      "/variables/n/default",
    ],
    [{ cron: "whenever" }, "CRON_INVALID", "/cron"],
    [{ sourceTemplate: "x" }, "WRONG_TYPE", "/sourceTemplate"],
  ])("with %j is refused: %s at %s", async (changed, error, pointer) => {
    const answer = await (await someone()).call("addTemplate", { body: orders(changed) });
    expect(answer.status).toBe(400);
    expect(errorsIn(answer)).toEqual([[error, pointer]]);
  });

  it("tells of what is wrong in the original's words", async () => {
    const answer = await (await someone()).call("addTemplate", { body: {} });
    expect(answer.body.errors.map(({ message }: { message: string }) => message)).toEqual([
      "Flow Templates require a graph.",
    ]);
  });
});

describe("who sees a template", () => {
  const cases = [
    ["its owner", "draft", "own", 200, 200],
    ["somebody of the tenant", "draft", "tenant", 404, 404],
    ["somebody of the tenant", "published", "tenant", 200, 404],
    ["a stranger", "published", "other", 404, 404],
    ["an admin", "draft", "admin", 200, 200],
  ] as const;
  it.each(cases)("%s, of a %s", async (_, status, who, reads, writes) => {
    const owner = await someone();
    const id = await templateOf(owner, { status });
    const others = {
      own: owner,
      tenant: await someone({ tenant: owner.tenant! }),
      other: await someone(),
      admin: await admin(),
    };
    const caller = others[who];
    expect((await caller.call("getTemplateById", { params: { id } })).status).toBe(reads);
    expect((await caller.call("getTemplateRevisions", { params: { id } })).status).toBe(reads);
    expect((await caller.call("getTemplateInstances", { params: { id } })).status).toBe(reads);
    const listed = (await caller.call("getTemplates", { query: { sort: "-createdAt", "page[size]": "100" } })).body
      .data;
    expect(listed.some((one: { id: string }) => one.id === id)).toBe(reads === 200);
    expect((await generate(caller, id)).status).toBe(reads === 200 ? 201 : 404);
    expect((await edit(caller, id, { name: "Mine" })).status).toBe(writes);
    expect((await caller.call("deleteTemplate", { params: { id } })).status).toBe(writes === 200 ? 409 : 404);
  });

  it("changes with its owners and its status", async () => {
    const [owner, other] = [await someone(), await someone()];
    const id = await templateOf(owner);
    const both = [
      { id: owner.sub, type: "user" },
      { id: other.tenant, type: "tenant" },
    ];
    expect((await edit(owner, id, { owners: both })).status).toBe(403);
    expect((await edit(await admin(), id, { owners: both })).status).toBe(200);
    expect((await edit(other, id, { name: "Ours" })).status).toBe(200);
    const colleague = await someone({ tenant: owner.tenant! });
    await edit(owner, id, { status: "published" });
    expect((await colleague.call("getTemplateById", { params: { id } })).status).toBe(200);
    await edit(owner, id, { status: "draft" });
    expect((await colleague.call("getTemplateById", { params: { id } })).status).toBe(404);
  });
});

describe("the list", () => {
  it("is filtered, searched, sorted and paged", async () => {
    const caller = await someone();
    const ids: string[] = [];
    for (const [name, status] of [
      ["Über Alles", "draft"],
      ["Beta", "published"],
      ["alpha über", "published"],
    ]) {
      ids.push(await templateOf(caller, { name, status }));
    }
    const listed = async (query: Record<string, string>) => {
      const { body } = await caller.call("getTemplates", { query });
      return [body.data.map(({ id }: { id: string }) => ids.indexOf(id)), body.meta.total];
    };
    expect(await listed({ sort: "createdAt" })).toEqual([[0, 1, 2], 3]);
    expect(await listed({ sort: "-name" })).toEqual([[0, 2, 1], 3]);
    expect(await listed({ "filter[status]": "1", sort: "-createdAt" })).toEqual([[2, 1], 2]);
    expect(await listed({ "filter[status]": "draft" })).toEqual([[0], 1]);
    expect(await listed({ search: "ÜBER", sort: "createdAt" })).toEqual([[0, 2], 2]);
    expect(await listed({ search: "%" })).toEqual([[], 0]);
    expect(await listed({ sort: "createdAt", "page[size]": "2", "page[number]": "2" })).toEqual([[2], 3]);
    const refused = await caller.call("getTemplates", { query: { "filter[user]": caller.sub } });
    expect(refused).toMatchObject({
      status: 403,
      body: { errors: [{ message: "Filtering by user is only available to admins" }] },
    });
    const ofUser = await (await admin()).call("getTemplates", { query: { "filter[user]": caller.sub } });
    expect(ofUser.body.meta.total).toBe(3);
  });
});
