import { env } from "cloudflare:workers";
import { expect, it } from "vitest";

import { newId, settle, someone } from "../support/given.ts";
import { line, ran } from "../support/runs.ts";

const graph = line({
  id: "shape",
  componentId: "transform",
  fields: { expression: '{ "region": $vars.region, "size": $vars.size, "secret": $vars.crm }' },
});
const variables = { region: { required: true }, size: { default: 100 }, crm: { secret: true } };

it("a run of an instance knows its values as $vars, and so does one of what was detached from it", async () => {
  const caller = await someone();
  const template = (await caller.call("addTemplate", { body: { name: "T", graph, variables } })).body.data.id as string;
  const made = async (region: string) => {
    const body = { values: { region, crm: newId() } };
    return (await caller.call("generateFlow", { params: { id: template }, body })).body.data.id as string;
  };
  const [one, two] = [await made("eu"), await made("us")];
  expect((await caller.call("detachFlow", { params: { id: two } })).status).toBe(200);
  for (const [id, region] of [
    [one, "eu"],
    [two, "us"],
  ] as const) {
    await settle(id);
    await env.DB.prepare("UPDATE flows SET status = 'active', started_by = ?, start_id = 's' WHERE id = ?")
      .bind(caller.sub, id)
      .run();
    const run = await ran(caller, id, {});
    expect(run).toMatchObject({ status: "completed" });
    const { items } = run as { items: { step: string; outputs?: unknown }[] };
    expect(JSON.stringify(items)).toContain(`"region":"${region}"`);
    expect(JSON.stringify(items)).toContain(`"size":100`);
    expect(JSON.stringify(items)).not.toContain(`"secret"`);
  }
});

it("an instance is started and stopped by the embedded orchestrator", async () => {
  const caller = await someone();
  const template = (await caller.call("addTemplate", { body: { name: "T", graph } })).body.data.id as string;
  const { id } = (await caller.call("generateFlow", { params: { id: template } })).body.data as { id: string };
  const status = async () => (await caller.call("getFlowById", { params: { id } })).body.data.status as string;
  expect((await caller.call("startInstances", { params: { id: template } })).status).toBe(202);
  await expect.poll(status, { timeout: 15_000 }).toBe("active");
  await caller.call("updateTemplate", { params: { id: template }, body: { name: "New" } });
  const { data } = (await caller.call("upgradeInstances", { params: { id: template }, body: { restart: true } })).body;
  const job = { params: { id: template, job: data.id as string } };
  const state = async () => (await caller.call("getJob", job)).body.data.state as string;
  await expect.poll(state, { timeout: 15_000 }).toBe("done");
  await expect.poll(status, { timeout: 15_000 }).toBe("active");
  expect((await caller.call("getFlowById", { params: { id } })).body.data.instance.revision).toBe(2);
}, 40_000);
