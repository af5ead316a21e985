import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";

import { admin, bringTo, newId, rowOf, settle, someone } from "../support/given.ts";
import { deliver, report } from "../support/queues.ts";
import { edit, fitting, flow, instanceOf, keptOf, templateOf } from "./given.ts";
import { begin, ended, jobOf, narrower, objectOf, outcomes, patient, ring, watch } from "./jobs.ts";

describe("an upgrade", () => {
  it("takes what the template has now and keeps what the instance has its own way", async () => {
    const caller = await someone();
    const id = await templateOf(caller);
    const values = fitting({ batchSize: 900 });
    const [plain, own] = [
      await instanceOf(caller, id),
      await instanceOf(caller, id, { name: "Own", cron: "0 1 * * *", values }),
    ];
    await edit(caller, id, {
      name: "Another",
      cron: "0 5 * * *",
      graph: { nodes: [{ id: "only", componentId: "log", fields: { message: "{{$vars.region}}" } }] },
      variables: { region: { default: "eu" } },
    });
    const { id: job } = await begin(caller, "upgradeInstances", id, { instances: [plain, own, newId()] });
    expect((await ended(caller, id, job)).counts).toMatchObject({ total: 3, done: 2, failed: 1 });
    const [one, other] = [await flow(caller, plain), await flow(caller, own)];
    expect(one).toMatchObject({ name: "Orders to the CRM", cron: "0 5 * * *", revision: 2 });
    expect(one.graph.nodes.map((node: { id: string }) => node.id)).toEqual(["only"]);
    expect(one.instance).toEqual({ revision: 2, values: {}, effective: { region: "eu" }, missing: [] });
    expect(other).toMatchObject({ name: "Own", cron: "0 1 * * *" });
    expect(await keptOf(own)).not.toHaveProperty("graph");
    expect((await caller.call("getFlows", { query: { "filter[componentId]": "log" } })).body.meta.total).toBe(2);
    const revisions = (await caller.call("getFlowRevisions", { params: { id: plain } })).body.data;
    expect(revisions[0]).toMatchObject({
      revision: 2,
      by: caller.sub,
      note: "Upgraded to revision 2 of its template.",
    });
    const before = (await caller.call("getFlowRevision", { params: { id: plain, revision: "1" } })).body.data;
    expect(before.document.graph.nodes).toHaveLength(2);
    const restored = (await caller.call("restoreFlowRevision", { params: { id: plain, revision: "1" } })).body.data;
    expect(restored.instance.revision).toBe(1);
    expect(restored.graph.nodes).toHaveLength(2);
  });

  it("leaves what runs as it is unless a restart is asked for", async () => {
    const caller = await someone();
    const id = await templateOf(caller);
    const running = await instanceOf(caller, id);
    await bringTo(running, { status: "active", start_id: "s1" });
    await edit(caller, id, narrower());
    const first = await ended(caller, id, (await begin(caller, "upgradeInstances", id)).id);
    expect(first.instances).toMatchObject([
      { id: running, outcome: "skipped", errors: [{ error: "FLOW_NOT_INACTIVE" }] },
    ]);
    expect(await rowOf(running)).toMatchObject({ status: "active", revision: 1 });

    const { id: job } = await begin(caller, "upgradeInstances", id, { restart: true });
    await expect.poll(async () => (await rowOf(running))?.status, patient).toBe("stopping");
    await expect.poll(async () => (await jobOf(caller, id, job)).counts.waiting, patient).toBe(1);
    await evictDurableObject(objectOf(job));
    await deliver("flow-reports", report("flow.stopped", running));
    await expect
      .poll(async () => {
        await ring(job);
        return (await jobOf(caller, id, job)).state;
      }, patient)
      .toBe("done");
    expect(outcomes(await jobOf(caller, id, job))).toEqual({ [running]: "done" });
    expect(await rowOf(running)).toMatchObject({ status: "starting", revision: 2 });
    expect((await flow(caller, running)).instance.revision).toBe(2);
    await settle(running);
  });

  it("does not stop what could not be upgraded", async () => {
    const caller = await someone();
    const id = await templateOf(caller);
    const running = await instanceOf(caller, id, { values: fitting({ batchSize: 900 }) });
    await bringTo(running, { status: "active", start_id: "s1" });
    await edit(caller, id, narrower());
    const job = await ended(caller, id, (await begin(caller, "upgradeInstances", id, { restart: true })).id);
    expect(outcomes(job)).toEqual({ [running]: "skipped" });
    expect(await rowOf(running)).toMatchObject({ status: "active", revision: 1 });
  });

  it("reaches no instance of others, and nobody else learns of it", async () => {
    const author = await someone();
    const id = await templateOf(author, { status: "published" });
    const other = await someone();
    await edit(await admin(), id, {
      owners: [
        { id: author.sub, type: "user" },
        { id: other.tenant, type: "tenant" },
      ],
    });
    const mine = await instanceOf(author, id);
    const theirs = await instanceOf(other, id);
    await edit(author, id, { name: "New" });
    const { id: job, counts } = await begin(author, "upgradeInstances", id);
    expect(counts["total"]).toBe(1);
    await ended(author, id, job);
    expect((await flow(author, mine)).instance.revision).toBe(3);
    expect((await flow(other, theirs)).instance.revision).toBe(2);
    const named = await ended(author, id, (await begin(author, "upgradeInstances", id, { instances: [theirs] })).id);
    expect(named.instances).toMatchObject([{ outcome: "failed", errors: [{ error: "FLOW_NOT_FOUND" }] }]);
    expect((await flow(other, theirs)).instance.revision).toBe(2);
    for (const caller of [other, await someone({ tenant: author.tenant! })]) {
      expect(await watch(caller, id, job)).toMatchObject({
        status: 404,
        body: { errors: [{ error: "JOB_NOT_FOUND" }] },
      });
      expect((await caller.call("cancelJob", { params: { id, job } })).status).toBe(404);
    }
    expect((await watch(await admin(), id, job)).status).toBe(200);
    expect((await watch(author, id, `job_${"0".repeat(32)}`)).status).toBe(404);
    expect((await watch(author, await templateOf(author), job)).status).toBe(404);
  });

  it("is begun once under one key", async () => {
    const caller = await someone();
    const id = await templateOf(caller);
    const key = { "idempotency-key": "again" };
    const [one, two] = [
      await begin(caller, "upgradeInstances", id, {}, key),
      await begin(caller, "upgradeInstances", id, {}, key),
    ];
    expect(two.id).toBe(one.id);
    const other = await caller.call("upgradeInstances", { params: { id }, body: { restart: false }, headers: key });
    expect(other.status).toBe(422);
  });

  it.each([[{ instances: [] }], [{ instances: ["x"] }], [{ instances: "all" }], [{ restart: "yes" }]])(
    "with the body %j is refused",
    async (body) => {
      const caller = await someone();
      const answer = await caller.call("upgradeInstances", { params: { id: await templateOf(caller) }, body });
      expect(answer).toMatchObject({ status: 400, body: { errors: [{ error: "INVALID_BODY" }] } });
    },
  );

  it("needs the right to control flows for a restart", async () => {
    const caller = await someone({ permissions: ["templates.write", "templates.read", "flows.write"] });
    const id = await templateOf(caller);
    expect((await caller.call("upgradeInstances", { params: { id }, body: { restart: true } })).status).toBe(403);
    expect((await caller.call("upgradeInstances", { params: { id }, body: {} })).status).toBe(202);
  });
});

describe("starting and stopping all instances", () => {
  it("goes through those within reach", async () => {
    const caller = await someone();
    const id = await templateOf(caller);
    const ids = [await instanceOf(caller, id), await instanceOf(caller, id)];
    const statuses = () => Promise.all(ids.map(async (flowId) => (await rowOf(flowId))?.status));
    const started = await ended(caller, id, (await begin(caller, "startInstances", id)).id);
    expect(started).toMatchObject({ kind: "start", revision: null, counts: { total: 2, done: 2 } });
    expect(await statuses()).toEqual(["starting", "starting"]);
    await bringTo(ids[0]!, { status: "active" });
    const stopped = await ended(caller, id, (await begin(caller, "stopInstances", id)).id);
    expect(stopped.counts).toMatchObject({ done: 2 });
    expect(await statuses()).toEqual(["stopping", "stopping"]);
    const refused = await ended(caller, id, (await begin(caller, "startInstances", id)).id);
    expect(refused.instances.map(({ errors }: { errors: { error: string }[] }) => errors[0]!.error)).toEqual([
      "FLOW_STOPPING",
      "FLOW_STOPPING",
    ]);
  });
});
