import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import { SECRETS_PER_STEP } from "../../src/secrets/remove-owner.ts";
import { admin, loner, newId, someone } from "../support/given.ts";
import { deliver, deliverMessages } from "../support/queues.ts";
import { ownersIndexed, rowOfSecret, secretOf, simple, user } from "./given.ts";

const gone = (name: string, id: string) => ({ headers: { name, createdAt: Date.now() }, payload: { id } });
const ownersIn = async (id: string): Promise<unknown> => JSON.parse((await rowOfSecret(id))!.owners);

describe.each(["iam.user.deleted", "iam.tenant.deleted"])("%s", (name) => {
  it("deletes secrets that nobody else owns, and no other", async () => {
    const [caller, bystander] = [await loner(), await loner()];
    const ids = [await secretOf(caller), await secretOf(caller)];
    const stays = await secretOf(bystander);
    await deliver("flow-reports", gone(name, caller.sub));
    expect(await Promise.all([...ids, stays].map(rowOfSecret))).toEqual([null, null, expect.anything()]);
    expect(await Promise.all([...ids, stays].map(ownersIndexed))).toEqual([[], [], [bystander.sub]]);
  });

  it("leaves the others to who else owns them, whatever the types", async () => {
    const [root, id, other] = [await admin(), newId(), newId()];
    const owners = [
      { id, type: "user" },
      { id: other, type: "TENANT" },
      { id, type: "group" },
    ];
    const secret = await secretOf(root, { ...simple(), owners });
    const before = (await rowOfSecret(secret))!;
    await deliver("flow-reports", gone(name, id));
    expect(await ownersIn(secret)).toEqual([owners[1], { id: root.sub, type: "user" }]);
    expect(await ownersIndexed(secret)).toEqual([other, root.sub].toSorted());
    expect((await rowOfSecret(secret))!.ciphertext).toBe(before.ciphertext);
  });

  it("takes both owners off, one after the other", async () => {
    const caller = await someone();
    const id = await secretOf(caller);
    await deliver("flow-reports", gone("iam.user.deleted", caller.sub), gone("iam.user.deleted", caller.sub));
    expect(await ownersIn(id)).toEqual([{ id: caller.tenant, type: "tenant" }]);
    await deliver("flow-reports", gone("iam.tenant.deleted", caller.tenant!));
    expect(await rowOfSecret(id)).toBeNull();
  });
});

it("an account with many secrets is taken off all of them in bounded steps", async () => {
  const [root, owner, other] = [await admin(), newId(), newId()];
  const [orphan, shared] = [await secretOf(await loner()), await secretOf(root)];
  const half = SECRETS_PER_STEP + 50;
  const copy = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
    INSERT INTO secrets SELECT printf('%s%08x', ?4, i * 2 + ?5), name, type, ?3, key_id, iv, created_at, updated_at, ciphertext FROM secrets, n WHERE id = ?1`;
  const prefix = newId().slice(0, 16);
  for (const [at, id, owners] of [
    [0, orphan, [user(owner)]],
    [1, shared, [user(owner), user(other)]],
  ] as const) {
    await env.DB.prepare(copy).bind(id, half, JSON.stringify(owners), prefix, at).run();
  }
  const left = async () =>
    (await env.DB.prepare(
      "SELECT (SELECT count(*) FROM secret_owners WHERE owner_id = ?1) AS owned, (SELECT count(*) FROM secrets WHERE id LIKE ?2) AS kept",
    )
      .bind(owner, `${prefix}%`)
      .first<{ owned: number; kept: number }>())!;

  const waiting: unknown[] = [gone("iam.user.deleted", owner)];
  const queue = { send: (body: unknown) => Promise.resolve(waiting.push(body)) };
  let owned = 2 * half;
  for (let steps = 0; waiting.length > 0; steps += 1) {
    expect(steps).toBeLessThan(8);
    const message = { id: `secrets-${steps}`, timestamp: new Date(), attempts: 1, body: waiting.shift() };
    await deliverMessages("flow-reports", [message], { FLOW_REPORTS: queue });
    const now = await left();
    expect(owned - now.owned).toBeLessThanOrEqual(2 * SECRETS_PER_STEP);
    owned = now.owned;
  }
  expect(await left()).toEqual({ owned: 0, kept: half });
});
