import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import { OWNED_PER_STEP } from "../../src/apps/remove-owner.ts";
import { admin, loner, newId, someone } from "../support/given.ts";
import { deliver, deliverMessages } from "../support/queues.ts";
import { appOf, appRow, changesOf, ownersIndexed, planOf, planRow, tenant, user } from "./given.ts";

const gone = (name: string, id: string) => ({ headers: { name, createdAt: Date.now() }, payload: { id } });

describe.each(["iam.user.deleted", "iam.tenant.deleted"])("%s", (name) => {
  it("deletes apps and plans that nobody else owns, and no other; a plan also if an app has it", async () => {
    const [caller, bystander] = [await loner(), await loner()];
    const [plan, kept] = [await planOf(caller), await planOf(bystander)];
    const mine = await appOf(caller, { plans: [plan] });
    const theirs = await appOf(await admin(), { owners: [user(bystander.sub)], plans: [plan] });
    await deliver("flow-reports", gone(name, caller.sub));
    expect([await appRow(mine.id), await planRow(plan)]).toEqual([null, null]);
    expect([await appRow(theirs.id), await planRow(kept)]).toEqual([expect.anything(), expect.anything()]);
    expect([await ownersIndexed("app_owners", mine.id), await ownersIndexed("plan_owners", plan)]).toEqual([[], []]);
    expect([await changesOf(mine.clientId), await changesOf(plan)]).toEqual([
      ["app", "app"],
      ["plan", "plan"],
    ]);
    const seen = await bystander.call("getAppById", { params: { id: theirs.id } });
    expect(seen.body.data.plans).toEqual([plan]);
  });

  it("leaves the others to who else owns them, whatever the types", async () => {
    const [root, id, other] = [await admin(), newId(), newId()];
    const owners = [
      { id, type: "user" },
      { id: other, type: "TENANT" },
      { id, type: "group" },
    ];
    const [{ id: app }, plan] = [await appOf(root, { owners }), await planOf(root, { owners })];
    const before = (await appRow(app))!;
    await deliver("flow-reports", gone(name, id));
    for (const row of [(await appRow(app))!, (await planRow(plan))!]) {
      expect(JSON.parse(row.owners)).toEqual([owners[1], user(root.sub)]);
    }
    expect(await ownersIndexed("app_owners", app)).toEqual([other, root.sub].toSorted());
    const after = (await appRow(app))!;
    expect(after.secret_hashes).toBe(before.secret_hashes);
    // Its owners are told, so its ETag is another one.
    expect(after.updated_at).toBeGreaterThan(before.updated_at);
  });
});

it("takes both owners off, one after the other", async () => {
  const caller = await someone();
  const [{ id }, plan] = [await appOf(caller), await planOf(caller)];
  await deliver("flow-reports", gone("iam.user.deleted", caller.sub), gone("iam.user.deleted", caller.sub));
  expect(JSON.parse((await appRow(id))!.owners)).toEqual([tenant(caller.tenant!)]);
  await deliver("flow-reports", gone("iam.tenant.deleted", caller.tenant!));
  expect([await appRow(id), await planRow(plan)]).toEqual([null, null]);
});

it("an account with many apps and plans is taken off all of them in bounded steps", async () => {
  const [root, owner, other] = [await admin(), newId(), newId()];
  const [{ id: app }, plan] = [await appOf(root), await planOf(root)];
  const half = OWNED_PER_STEP / 2 + 25;
  const prefix = newId().slice(0, 16);
  const numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)";
  const copies = [
    `INSERT INTO apps SELECT printf('%s%08x', ?4, i * 2 + ?5), 'app_' || hex(randomblob(12)), name, ?3, enabled, fields, plans, secret_hashes, tokens_from, created_at, updated_at FROM apps, n WHERE id = ?1`,
    `INSERT INTO plans SELECT printf('plan_%s%08x', ?4, i * 2 + ?5), ?3, created_at, updated_at, document FROM plans, n WHERE id = ?1`,
  ];
  for (const [at, owners] of [
    [0, [user(owner)]],
    [1, [user(owner), user(other)]],
  ] as const) {
    for (const [index, text] of copies.entries()) {
      const from = index === 0 ? app : plan;
      await env.DB.prepare(`${numbers} ${text}`).bind(from, half, JSON.stringify(owners), prefix, at).run();
    }
  }
  const left = async () =>
    (await env.DB.prepare(
      `SELECT (SELECT count(*) FROM app_owners WHERE owner_id = ?1) AS apps, (SELECT count(*) FROM plan_owners WHERE owner_id = ?1) AS plans,
         (SELECT count(*) FROM apps WHERE id LIKE ?2) AS keptApps, (SELECT count(*) FROM plans WHERE id LIKE 'plan_' || ?2) AS keptPlans`,
    )
      .bind(owner, `${prefix}%`)
      .first<{ apps: number; plans: number }>())!;

  const waiting: unknown[] = [gone("iam.user.deleted", owner)];
  const queue = { send: (body: unknown) => Promise.resolve(waiting.push(body)) };
  let before = await left();
  expect([before.apps, before.plans]).toEqual([2 * half, 2 * half]);
  for (let steps = 0; waiting.length > 0; steps += 1) {
    expect(steps).toBeLessThan(6);
    const message = { id: `apps-${steps}`, timestamp: new Date(), attempts: 1, body: waiting.shift() };
    await deliverMessages("flow-reports", [message], { FLOW_REPORTS: queue });
    const now = await left();
    expect(Math.max(before.apps - now.apps, before.plans - now.plans)).toBeLessThanOrEqual(2 * OWNED_PER_STEP);
    before = now;
  }
  expect(before).toEqual({ apps: 0, plans: 0, keptApps: half, keptPlans: half });
});
