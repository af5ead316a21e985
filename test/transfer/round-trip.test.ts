import { env } from "cloudflare:workers";
import { expect, it } from "vitest";

import { onboarding } from "../../src/workflows/example.ts";
import type { Caller } from "../support/api.ts";
import { rowsOf } from "../support/derived.ts";
import { apiOf, flowsOf } from "../support/gateway.ts";
import { admin, bringTo, flowOf, loner, newId, someone } from "../support/given.ts";
import { recordChores } from "../support/many.ts";
import { edit, generate, instanceOf, templateOf } from "../templates/given.ts";
import { begin, ended } from "../templates/jobs.ts";
import { exported, originalFlow, send } from "./given.ts";

/** Flows of every kind and status, as every verb leaves them. */
async function settle(caller: Caller, root: Caller): Promise<void> {
  const template = await templateOf(caller, { status: "published" });
  await edit(caller, template, { name: "Second", description: "ünïcödé \u001f \u2028 <>&" });
  const detached = await instanceOf(caller, template);
  await caller.call("detachFlow", { params: { id: detached } });
  await instanceOf(caller, template);
  await edit(caller, template, { name: "Third" });
  const { id: job } = await begin(caller, "upgradeInstances", template);
  await ended(caller, template, job);
  await instanceOf(caller, template);
  await generate(caller, template, { graph: { nodes: [{ name: "other" }] } });
  await edit(caller, template, { status: "draft" });
  await templateOf(await loner());

  const own = { $date: "2026-11-22T00:00:00Z" };
  const nodes = [{ id: "a", fields: { own, deep: [{ own }, 1.5e-7, -0, 1e21, "\0\ud83d\ude00"] } }];
  await flowOf(caller, { graph: { nodes, edges: [] }, flowSettings: {}, values: { x: null }, description: null });
  await flowOf(await loner(), { name: null });
  for (const state of [{}, { status: "active", start_id: newId() }] as const) {
    await flowOf(caller, { kind: "workflow", graph: undefined, workflow: onboarding }, state);
    await flowOf(caller, { kind: "api", graph: undefined, api: apiOf({ flows: flowsOf() }) }, state);
  }
  const edited = await flowOf(caller);
  await caller.call("updateFlow", { params: { id: edited }, body: { name: "Edited", cron: "*/5 * * * *" } });
  await caller.call("startFlow", { params: { id: edited } });
  for (const status of ["active", "stopping"] as const) {
    await bringTo(await flowOf(caller), { status, start_id: newId(), tries: 0 });
  }
  const lastError = JSON.stringify({ code: "START_TIMEOUT", reason: "„Ümläut“", at: "2026-11-22T00:00:00.000Z" });
  await env.DB.prepare("UPDATE flows SET last_error = ? WHERE id = ?")
    .bind(lastError, await flowOf(caller))
    .run();
  const statuses = ["inactive", "starting", "active", "stopping"];
  const originals = [
    ...statuses.map((status) => originalFlow(caller, { status })),
    originalFlow(caller, { owners: [] }),
  ];
  expect((await send(root, originals, { env: recordChores().env })).body.data).toMatchObject({ imported: 5 });
}

/** What triggers keep of flows and templates, but for places, which may be others. */
const derived = () =>
  Promise.all(
    [
      "SELECT * FROM flow_counts WHERE inactive + starting + active + stopping > 0 ORDER BY scope",
      "SELECT * FROM facet_counts WHERE flows > 0 ORDER BY facet, value, scope",
      "SELECT owner_id, id FROM flow_shares JOIN flows USING (pos) ORDER BY 1, 2",
      "SELECT template_id, id, made.revision FROM template_instances AS made JOIN flows USING (pos) ORDER BY 1, 2",
      "SELECT owner_id, template_id, writes FROM template_readers ORDER BY 1, 2",
      "SELECT id, search_text FROM flows ORDER BY id",
      "SELECT id, home, name, type, from_template FROM flows JOIN flow_search ON flow_search.rowid = flows.pos WHERE flow_search MATCH 'ONT' ORDER BY id",
    ].map((query) => rowsOf(query)),
  );

it("an export of everything imports into an empty database to the same export, byte for byte", async () => {
  const [caller, root] = [await someone(), await admin()];
  await settle(caller, root);
  const [templates, flows] = [await exported(root, "templates"), await exported(root, "flows")];
  const mine = await exported(caller, "flows");
  const before = await derived();
  const statuses = new Set(flows.split("\n").map((line) => /"status":"(\w+)"/.exec(line)?.[1]));
  expect(statuses).toEqual(new Set(["inactive", "starting", "active", "stopping", undefined]));

  await env.DB.batch(
    ["outbox", "flows", "templates", "revisions", "facet_counts"].map((table) =>
      env.DB.prepare(`DELETE FROM ${table}`),
    ),
  );
  expect(await exported(root, "flows")).toBe("");
  const { env: quiet } = recordChores();
  // Without their templates instances are refused, and nothing else.
  const early = (await send(root, flows, { env: quiet, query: { dryRun: "true" } })).body.data;
  expect(early).toMatchObject({ refusedCount: 2 });
  expect(early.refused[0].findings).toMatchObject([{ error: "TEMPLATE_REVISION_NOT_FOUND", pointer: "/fromTemplate" }]);

  const counts = { refusedCount: 0, updated: 0, unchanged: 0, kept: 0 };
  expect((await send(root, templates, {}, "importTemplates")).body.data).toMatchObject({ imported: 2, ...counts });
  expect((await send(root, flows, { env: quiet })).body.data).toMatchObject({
    imported: flows.split("\n").length - 1,
    ...counts,
  });
  expect(await exported(root, "templates")).toBe(templates);
  expect(await exported(root, "flows")).toBe(flows);
  expect(await exported(caller, "flows")).toBe(mine);
  expect(await derived()).toEqual(before);

  expect((await send(root, templates, {}, "importTemplates")).body.data).toMatchObject({
    unchanged: 2,
    refusedCount: 0,
  });
  expect((await send(root, flows, { env: quiet })).body.data).toMatchObject({ imported: 0, kept: 0, updated: 0 });
});
