import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import { STEP } from "../../src/lifecycle/remove-owner.ts";
import { databaseRefusing, traceOf } from "../support/faults.ts";
import { OWNERSHIP, admin, flowOf, loner, newId, rowOf, settle, someone, type StoredState } from "../support/given.ts";
import { deliver, deliverMessages, namesOf, recordQueues } from "../support/queues.ts";

const at = (status: NonNullable<StoredState["status"]>): StoredState => ({ status, start_id: "a start", tries: 1 });
const seen = async (id: string) => (await (await admin()).call("getFlowById", { params: { id } })).body.data;

const gone = (name: string, id: string) => ({
  headers: { name, createdAt: Date.now(), serviceName: "accounts" },
  payload: { id },
});
const ownersIn = async (id: string): Promise<unknown> =>
  (JSON.parse((await rowOf(id))!.document) as { owners: unknown }).owners;
const indexOf = async (id: string): Promise<string[]> => {
  const found = await env.DB.prepare(`SELECT owner_id FROM ${OWNERSHIP} WHERE flow_id = ?`)
    .bind(id)
    .all<{ owner_id: string }>();
  return found.results.map((row) => row.owner_id);
};

describe.each(["iam.user.deleted", "iam.tenant.deleted"])("%s", (name) => {
  it.each([
    ["inactive", "inactive", []],
    ["starting", "stopping", ["flow.stopping"]],
    ["active", "stopping", ["flow.stopping"]],
    ["stopping", "stopping", []],
  ] as const)(
    "takes the owner off a flow that is %s and leaves it %s if nobody else owns it",
    async (from, to, commands) => {
      const caller = await loner();
      const id = await flowOf(caller, {}, from === "inactive" ? {} : at(from));
      const sent = await recordQueues(id);
      expect((await deliver("flow-reports", gone(name, caller.sub))).explicitAcks).toHaveLength(1);
      await settle(id);
      expect(namesOf(sent)).toEqual(commands);
      expect(await rowOf(id)).toMatchObject({ status: to, revision: 2 });
      expect([await ownersIn(id), await indexOf(id)]).toEqual([[], []]);
      expect((await caller.call("getFlowById", { params: { id } })).status).toBe(404);
      expect(await seen(id)).toMatchObject({ name: "Example Integration Flow", owners: [], revision: 2 });
    },
  );

  it("leaves a running flow to its other owners", async () => {
    const caller = await someone();
    const id = await flowOf(caller, {}, at("active"));
    const tenantGone = name === "iam.tenant.deleted";
    await deliver("flow-reports", gone(name, tenantGone ? caller.tenant! : caller.sub));
    const left = tenantGone ? { id: caller.sub, type: "user" } : { id: caller.tenant, type: "tenant" };
    expect([await ownersIn(id), await indexOf(id)]).toEqual([[left], [left.id]]);
    expect(await rowOf(id)).toMatchObject({ status: "active", status_seq: 0, revision: 2 });
    expect((await caller.call("getFlowById", { params: { id } })).status).toBe(200);
  });

  it("takes every entry with the id off, whatever its type, and touches no other flow", async () => {
    const [id, stays] = [newId(), newId()];
    const owners = [
      { id, type: "user" },
      { id: stays, type: "user" },
      { id, type: "group" },
    ];
    const root = await admin();
    const [flow, bystander] = [await flowOf(root, { owners }), await flowOf(root, { owners: [owners[1]] })];
    const trace = await traceOf(bystander);
    await deliver("flow-reports", gone(name, id));
    expect(await ownersIn(flow)).toEqual([owners[1], { id: root.sub, type: "user" }]);
    expect(await traceOf(bystander)).toEqual(trace);
  });

  it("does no harm when it comes again, or about nobody", async () => {
    const caller = await loner();
    const id = await flowOf(caller, {}, at("active"));
    const sent = await recordQueues(id);
    await deliver("flow-reports", gone(name, caller.sub));
    const again = await deliver("flow-reports", gone(name, caller.sub), gone(name, newId()));
    expect([again.explicitAcks.length, again.retryMessages.length]).toEqual([2, 0]);
    await settle(id);
    expect(namesOf(sent)).toEqual(["flow.stopping"]);
    expect(await rowOf(id)).toMatchObject({ status: "stopping", status_seq: 1, revision: 2 });
  });

  it("takes the owner off once when it is handled twice at the same time", async () => {
    const caller = await loner();
    const id = await flowOf(caller, {}, at("active"));
    const sent = await recordQueues(id);
    const message = gone(name, caller.sub);
    await Promise.all([deliver("flow-reports", message), deliver("flow-reports", message)]);
    await settle(id);
    expect(namesOf(sent)).toEqual(["flow.stopping"]);
    expect(await ownersIn(id)).toEqual([]);
    expect(await rowOf(id)).toMatchObject({ status: "stopping", status_seq: 1, revision: 2 });
  });
});

it("stops a flow whose last two owners go at the same time", async () => {
  const caller = await someone();
  const id = await flowOf(caller, {}, at("active"));
  const sent = await recordQueues(id);
  await Promise.all([
    deliver("flow-reports", gone("iam.user.deleted", caller.sub)),
    deliver("flow-reports", gone("iam.tenant.deleted", caller.tenant!)),
  ]);
  // Whoever comes second may need another step, which the queue brings.
  await expect.poll(() => ownersIn(id), { timeout: 10_000 }).toEqual([]);
  await settle(id);
  expect(await rowOf(id)).toMatchObject({ status: "stopping", status_seq: 1, revision: 3 });
  expect(namesOf(sent)).toEqual(["flow.stopping"]);
});

const MANY = 250;

/** An account with so many active flows that only it owns. */
async function ownerOfMany(): Promise<string> {
  const caller = await loner();
  const id = await flowOf(caller, {}, at("active"));
  const columns =
    "home, search_text, revision, revised_at, revised_by, revision_note, created_at, updated_at, status, status_seq, start_id, started_by, started_at, tries";
  await env.DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
     INSERT INTO flows (pos, id, document, ${columns})
     SELECT pos + i, printf('%s%08x', substr(id, 1, 16), i), document, ${columns} FROM flows, n WHERE id = ?2`,
  )
    .bind(MANY - 1, id)
    .run();
  return caller.sub;
}

async function countOf(ownerId: string, prefix: string) {
  const row = await env.DB.prepare(
    `SELECT (SELECT count(*) FROM ${OWNERSHIP} WHERE owner_id = ?1) AS owned,
      count(*) FILTER (WHERE status = 'stopping' AND status_seq = 1) AS stopping,
      count(*) FILTER (WHERE revision = 2 AND document -> '$.owners' = '[]') AS freed
     FROM flows WHERE id LIKE ?2`,
  )
    .bind(ownerId, `${prefix}%`)
    .first();
  return row;
}

const prefixOf = async (ownerId: string): Promise<string> => {
  const row = await env.DB.prepare(`SELECT flow_id FROM ${OWNERSHIP} WHERE owner_id = ? LIMIT 1`).bind(ownerId).first();
  return (row!["flow_id"] as string).slice(0, 16);
};

let messages = 0;
const step = (body: unknown, changed: Record<string, unknown>) => {
  const message = { id: `step-${(messages += 1)}`, timestamp: new Date(), attempts: 1, body };
  return deliverMessages("flow-reports", [message], changed);
};

describe("an account with 250 flows", () => {
  it("is taken off all of them in bounded steps, each asked for by the one before", { timeout: 60_000 }, async () => {
    const owner = await ownerOfMany();
    const prefix = await prefixOf(owner);
    const waiting: unknown[] = [gone("iam.user.deleted", owner)];
    const queue = { send: (body: unknown) => Promise.resolve(waiting.push(body)) };
    const freed: number[] = [0];
    while (waiting.length > 0) {
      const result = await step(waiting.shift(), { FLOW_REPORTS: queue });
      expect(result.explicitAcks).toHaveLength(1);
      freed.push(Number((await countOf(owner, prefix))?.["freed"]));
      expect(freed.at(-1)! - freed.at(-2)!).toBeLessThanOrEqual(STEP);
      // One step sees that nothing is left, and one goes through the revisions of all flows.
      expect(freed.length).toBeLessThanOrEqual(MANY / STEP + 3);
    }
    expect(await countOf(owner, prefix)).toEqual({ owned: 0, stopping: MANY, freed: MANY });
  });

  it("is taken off all of them although the steps are interrupted", { timeout: 60_000 }, async () => {
    const owner = await ownerOfMany();
    const prefix = await prefixOf(owner);
    const waiting: unknown[] = [];
    const queue = { send: (body: unknown) => Promise.resolve(waiting.push(body)) };
    const message = gone("iam.user.deleted", owner);

    // The database goes after the flows of the step were stopped and before the owner is off.
    const cut = await step(message, {
      FLOW_REPORTS: queue,
      DB: databaseRefusing(/^UPDATE flows (?:INDEXED BY \w+ )?SET home/),
    });
    expect([cut.explicitAcks.length, cut.retryMessages.length]).toEqual([0, 1]);
    expect(await countOf(owner, prefix)).toEqual({ owned: MANY, stopping: STEP, freed: 0 });

    // The queue refuses the continuation, so the message itself comes again.
    const refused = await step(message, { FLOW_REPORTS: { send: () => Promise.reject(new Error("down")) } });
    expect([refused.explicitAcks.length, refused.retryMessages.length]).toEqual([0, 1]);
    // Flows that are stopping stand behind those that run, so the step takes other ones than the one that was cut.
    expect(await countOf(owner, prefix)).toEqual({ owned: MANY - STEP, stopping: 2 * STEP, freed: STEP });

    // Once more in full, and every continuation twice.
    await step(message, { FLOW_REPORTS: queue });
    while (waiting.length > 0) {
      const next = waiting.shift();
      await step(next, { FLOW_REPORTS: queue });
      await step(next, { FLOW_REPORTS: queue });
    }
    expect(await countOf(owner, prefix)).toEqual({ owned: 0, stopping: MANY, freed: MANY });
  });
});
