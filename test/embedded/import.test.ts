import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";

import type { Caller } from "../support/api.ts";
import { comesTo } from "../support/executions.ts";
import { admin, newId, outboxOf, rowOf, someone } from "../support/given.ts";
import { postJson } from "../support/hooks.ts";
import { idOf, originalFlow, sent } from "../transfer/given.ts";

let root: Caller;
let owner: Caller;
beforeAll(async () => {
  root = await admin();
  owner = await someone();
});

interface Kept {
  readonly startId: string | null;
  readonly schedules: readonly { readonly due: number }[];
}
const kept = (id: string): Promise<Kept | undefined> =>
  runInDurableObject(env.LIVE_FLOW.getByName(id), (_, { storage }) => storage.get<Kept>("kept"));

const graph = { nodes: [{ id: "note", componentId: "log", fields: { message: "seen" } }], edges: [] };
const active = { status: "active", graph };

describe("an active flow that is imported", () => {
  it("is live again: its schedule goes on, in the name of its owner, and its status never moved", async () => {
    const line = originalFlow(owner, { ...active, cron: "0 * * * *" });
    await sent(root, [line], { imported: 1 });
    const id = idOf(line);
    await expect.poll(async () => (await kept(id))?.schedules.length).toBe(1);
    await expect.poll(() => outboxOf(id)).toEqual([]);
    const row = await rowOf(id);
    expect(row).toMatchObject({ status: "active", status_seq: 0, started_by: owner.sub, started_in: owner.tenant });
    expect(await kept(id)).toMatchObject({ startId: row!.start_id });
  });

  it("takes up the schedule of a newer document", async () => {
    const line = originalFlow(owner, { ...active, cron: "0 * * * *" });
    await sent(root, [line], { imported: 1 });
    const id = idOf(line);
    await expect.poll(async () => (await kept(id))?.schedules.length).toBe(1);
    const { startId } = (await kept(id))!;
    const newer = { ...line, cron: "30 0 1 1 *", updatedAt: { $date: "2024-03-01T00:00:00Z" } };
    await sent(root, [newer], { updated: 1 });
    await expect.poll(async () => (await kept(id))?.startId).not.toBe(startId);
    expect(new Date((await kept(id))!.schedules[0]!.due).toISOString()).toMatch(/-01-01T00:30:00.000Z$/);
  });

  it("has a hook that answers at once", async () => {
    const line = originalFlow(owner, active);
    await sent(root, [line], { imported: 1 });
    expect((await postJson(idOf(line), { some: "data" })).status).toBe(200);
  });

  it("and cannot be made live is stopped, and says why", async () => {
    const nodes = [{ id: "a", componentId: newId(), function: "f" }];
    const line = originalFlow(owner, { status: "active", graph: { nodes, edges: [] } });
    await sent(root, [line], { imported: 1 });
    await comesTo(idOf(line), "inactive");
    const { data } = (await owner.call("getFlowById", { params: { id: idOf(line) } })).body;
    expect(data.lastError).toMatchObject({ code: "FLOW_FAILED" });
  });

  it("that is inactive stays so", async () => {
    const line = originalFlow(owner, { graph, cron: "0 * * * *" });
    await sent(root, [line], { imported: 1 });
    expect([await kept(idOf(line)), await outboxOf(idOf(line))]).toEqual([undefined, []]);
  });
});
