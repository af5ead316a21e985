import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import { bringTo, newId, settle, someone } from "../support/given.ts";
import { recordQueues } from "../support/queues.ts";
import { COMPONENT, edit, errorsIn, fitting, flow, generate, instanceOf, keptOf, orders, templateOf } from "./given.ts";

describe("a generated flow", () => {
  it("is an instance: it has the template's graph and stores none", async () => {
    const author = await someone();
    const id = await templateOf(author, { status: "published" });
    const caller = await someone({ tenant: author.tenant! });
    const values = fitting({ batchSize: 7 });
    const answer = await generate(caller, id, { name: "Ours", values });
    expect(answer.status).toBe(201);
    const { data } = answer.body;
    const [receive, push] = orders().graph.nodes as [object, Record<string, unknown>];
    const { tenant: _, authorization: __, ...step } = push;
    expect(data.graph).toEqual({
      nodes: [receive, { ...step, credentials_id: values.crm }],
      edges: orders().graph.edges,
    });
    expect(data.instance).toEqual({ revision: 1, values, effective: { url: values.url, batchSize: 7 }, missing: [] });
    expect(data).toMatchObject({
      name: "Ours",
      description: "Pushes orders",
      cron: "*/3 * * * *",
      fromTemplate: id,
      status: "inactive",
    });
    expect(data.owners).toEqual([
      { id: caller.sub, type: "user" },
      { id: caller.tenant, type: "tenant" },
    ]);
    expect(Date.parse(data.createdAt)).toBeGreaterThan(Date.now() - 60_000);
    expect(await keptOf(data.id)).not.toHaveProperty("graph");
    expect((await keptOf(data.id))["instance"]).toEqual({ revision: 1, values });
    expect(await flow(caller, data.id)).toEqual(data);
  });

  it("takes owners, id and status of nobody", async () => {
    const author = await someone();
    const id = await templateOf(author);
    const stranger = { id: newId(), type: "user" };
    const sent = {
      owners: [stranger],
      id: newId(),
      status: "published",
      fromTemplate: newId(),
      instance: { revision: 9, values: {} },
    };
    const { data } = (await generate(author, id, sent)).body;
    expect(data.owners.map((owner: { id: string }) => owner.id)).toEqual([author.sub, author.tenant]);
    expect(data).toMatchObject({ status: "inactive", fromTemplate: id, instance: { revision: 1 } });
  });

  it("is an ordinary copy if the body changes the graph", async () => {
    const caller = await someone();
    const id = await templateOf(caller);
    const values = fitting();
    const { data } = (
      await generate(caller, id, { values, graph: { nodes: [{ name: "First" }, { fields: { url: "x" } }] } })
    ).body;
    expect(data).not.toHaveProperty("instance");
    expect(data.graph.nodes[0]).toEqual({ id: "receive", componentId: "webhook", function: "receive", name: "First" });
    expect(data.graph.nodes[1]).toMatchObject({
      credentials_id: values.crm,
      fields: { url: "x", size: "{{$vars.batchSize}}" },
    });
    expect(data.values).toEqual({ url: values.url, batchSize: 100 });
    expect(await keptOf(data.id)).toHaveProperty("graph");
    const edited = await caller.call("updateFlow", { params: { id: data.id }, body: { graph: data.graph } });
    expect(edited.status).toBe(200);
  });

  it("is an instance if the body sends the template's own graph back", async () => {
    const caller = await someone();
    const id = await templateOf(caller);
    const { graph } = (await caller.call("getTemplateById", { params: { id } })).body.data;
    expect((await generate(caller, id, { graph })).body.data).toHaveProperty("instance");
  });

  it("needs no body where no variable is required", async () => {
    const caller = await someone();
    const id = await templateOf(caller, { variables: { url: {}, crm: { secret: true } } });
    const answer = await caller.call("generateFlow", { params: { id } });
    expect(answer.status).toBe(201);
    expect(answer.body.data.graph.nodes[1]).not.toHaveProperty("credentials_id");
  });

  it("is made once under one key", async () => {
    const caller = await someone();
    const id = await templateOf(caller);
    const request = { params: { id }, body: { values: fitting() }, headers: { "idempotency-key": "k" } };
    const [one, two] = [await caller.call("generateFlow", request), await caller.call("generateFlow", request)];
    expect(two.body).toEqual(one.body);
    expect((await caller.call("getTemplateInstances", { params: { id } })).body.meta.total).toBe(1);
  });

  it.each([
    [{ url: undefined }, [["INVALID_VALUES", "/values/url"]]],
    [{ url: null }, [["INVALID_VALUES", "/values/url"]]],
    [{ url: "http://x" }, [["INVALID_VALUES", "/values/url"]]],
    [
      { batchSize: 0, crm: "hunter2" },
      [
        ["INVALID_VALUES", "/values/crm"],
        ["INVALID_VALUES", "/values/batchSize"],
      ],
    ],
    [{ other: 1 }, [["INVALID_VALUES", "/values/other"]]],
    [{ toString: 1 }, [["INVALID_VALUES", "/values/toString"]]],
  ])("with the values %j is refused", async (changed, expected) => {
    const caller = await someone();
    const answer = await generate(caller, await templateOf(caller), { values: fitting(changed) });
    expect(answer.status).toBe(400);
    expect(errorsIn(answer)).toEqual(expected);
    expect(JSON.stringify(answer.body)).not.toContain("hunter2");
  });

  it("tells findings of the graph to its caller", async () => {
    const caller = await someone();
    const answer = await generate(caller, await templateOf(caller), { graph: { edges: [{ target: "nowhere" }] } });
    expect(answer.status).toBe(400);
    expect(errorsIn(answer)).toEqual([["EDGE_TARGET_UNKNOWN", "/graph/edges/0/target"]]);
  });
});

describe("an instance", () => {
  it("is listed with its graph, by component and by its own secret", async () => {
    const caller = await someone();
    const id = await templateOf(caller);
    const crm = newId();
    const flowId = await instanceOf(caller, id, { values: fitting({ crm }) });
    await instanceOf(caller, id);
    const bySecret = (await caller.call("getFlows", { query: { "filter[credentials_id]": crm } })).body;
    expect(bySecret.data).toEqual([await flow(caller, flowId)]);
    expect((await caller.call("getFlows", { query: { "filter[componentId]": COMPONENT } })).body.meta.total).toBe(2);
    expect(
      (await caller.call("getFlows", { query: { "filter[fromTemplate]": id, "page[size]": "100" } })).body.data,
    ).toHaveLength(2);
    const graphs = (await caller.call("getFlows", { query: { "filter[fromTemplate]": id, fields: "graph" } })).body
      .data;
    expect(graphs[0].graph.nodes).toHaveLength(2);
    const instances = await caller.call("getTemplateInstances", { params: { id } });
    expect(instances.body.meta.total).toBe(2);
  });

  it("keeps its graph; its values are edited and checked", async () => {
    const caller = await someone();
    const id = await templateOf(caller);
    const flowId = await instanceOf(caller, id);
    const patch = (body: object) => caller.call("updateFlow", { params: { id: flowId }, body });
    const before = await flow(caller, flowId);
    expect(await patch({ graph: { nodes: [{ id: "x" }] } })).toMatchObject({
      status: 409,
      body: { errors: [{ error: "INSTANCE_GRAPH", pointer: "/graph" }] },
    });
    expect((await patch({ fromTemplate: newId() })).status).toBe(409);
    expect((await patch({ instance: { revision: 2 } })).status).toBe(409);
    expect(errorsIn(await patch({ instance: { values: { url: "https://a" } } }))).toEqual([
      ["INVALID_VALUES", "/instance/values/crm"],
    ]);
    expect(await flow(caller, flowId)).toEqual(before);
    // A client that sends back what it read.
    const { status: _, createdAt: __, ...read } = before;
    expect((await patch({ ...read, name: "Renamed" })).body.data).toMatchObject({
      name: "Renamed",
      graph: before.graph,
      revision: 2,
    });
    const values = fitting({ batchSize: 3 });
    const edited = (await patch({ instance: { values } })).body.data;
    expect(edited.instance.effective).toEqual({ url: values.url, batchSize: 3 });
    expect(edited.graph.nodes[1].credentials_id).toBe(values.crm);
    expect(await keptOf(flowId)).not.toHaveProperty("graph");
    expect((await caller.call("getFlows", { query: { "filter[credentials_id]": values.crm } })).body.meta.total).toBe(
      1,
    );
    const many = await caller.call("updateFlowBulk", {
      body: [
        { id: flowId, name: "Again" },
        { id: flowId, graph: { nodes: [{ id: "x" }] } },
      ],
    });
    expect(many.body.data.map((one: { errors?: unknown }) => one.errors !== undefined)).toEqual([false, true]);
    expect(await keptOf(flowId)).not.toHaveProperty("graph");
  });

  it("has revisions with the graph of their time, and goes back to them", async () => {
    const caller = await someone();
    const id = await templateOf(caller);
    const first = fitting();
    const flowId = await instanceOf(caller, id, { values: first });
    await caller.call("updateFlow", {
      params: { id: flowId },
      body: { instance: { values: fitting({ batchSize: 2 }) } },
    });
    const old = (await caller.call("getFlowRevision", { params: { id: flowId, revision: "1" } })).body.data;
    expect(old.document.graph.nodes[1].credentials_id).toBe(first.crm);
    const diff = (await caller.call("diffFlowRevisions", { params: { id: flowId, revision: "1", other: "2" } })).body
      .data;
    expect(diff.words).toBe("Values changed. 1 node changed (push).");
    const restored = (await caller.call("restoreFlowRevision", { params: { id: flowId, revision: "1" } })).body.data;
    expect(restored.instance.values).toEqual(first);
    expect(await keptOf(flowId)).not.toHaveProperty("graph");
  });

  it("is started with its whole graph, as long as no value is missing", async () => {
    const caller = await someone();
    const flowId = await instanceOf(caller, await templateOf(caller));
    const sent = await recordQueues(flowId);
    expect((await caller.call("startFlow", { params: { id: flowId } })).status).toBe(200);
    await settle(flowId);
    const { payload } = sent.find(({ queue }) => queue === "commands")!.body;
    expect(payload["graph"]).toEqual((await flow(caller, flowId)).graph);

    const other = await instanceOf(caller, await templateOf(caller));
    await env.DB.prepare("UPDATE flows SET document = json_remove(document, '$.instance.values.url') WHERE id = ?")
      .bind(other)
      .run();
    const refused = await caller.call("startFlow", { params: { id: other } });
    expect(refused).toMatchObject({
      status: 409,
      body: { errors: [{ error: "INSTANCE_INCOMPLETE", detail: "Missing are url." }] },
    });
    const many = await caller.call("startMultipleFlows", { body: [other] });
    expect(many.body[0].errors[0]).toMatchObject({ error: "INSTANCE_INCOMPLETE", detail: "Missing are url." });
  });

  it("becomes an ordinary flow when it is detached", async () => {
    const caller = await someone();
    const id = await templateOf(caller);
    const flowId = await instanceOf(caller, id);
    const before = await flow(caller, flowId);
    const detach = () => caller.call("detachFlow", { params: { id: flowId } });
    await bringTo(flowId, { status: "active" });
    expect((await detach()).status).toBe(409);
    await bringTo(flowId, { status: "inactive" });
    const detached = (await detach()).body.data;
    expect(detached).toMatchObject({
      graph: before.graph,
      values: before.instance.effective,
      fromTemplate: id,
      revision: 2,
    });
    expect(detached).not.toHaveProperty("instance");
    expect(await keptOf(flowId)).toHaveProperty("graph");
    expect(await detach()).toMatchObject({ status: 409, body: { errors: [{ error: "FLOW_NO_INSTANCE" }] } });
    expect(
      (await caller.call("updateFlow", { params: { id: flowId }, body: { graph: { nodes: [{ id: "x" }] } } })).status,
    ).toBe(200);
    expect((await caller.call("deleteTemplate", { params: { id } })).status).toBe(200);
    const gone = await caller.call("getFlowRevision", { params: { id: flowId, revision: "1" } });
    expect([200, 404]).toContain(gone.status);
  });

  it("cannot be made by storing a flow", async () => {
    const caller = await someone();
    const id = await templateOf(caller);
    const body = {
      ...orders(),
      graph: { nodes: [{ id: "a" }] },
      fromTemplate: id,
      instance: { revision: 1, values: {} },
    };
    expect((await caller.call("addFlow", { body })).body.data).not.toHaveProperty("instance");
  });

  it("stays at its revision when the template goes on", async () => {
    const caller = await someone();
    const id = await templateOf(caller);
    const flowId = await instanceOf(caller, id);
    const before = await flow(caller, flowId);
    await edit(caller, id, { graph: { nodes: [{ id: "only" }] } });
    expect(await flow(caller, flowId)).toEqual(before);
  });
});
