import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import type { Caller } from "../support/api.ts";
import { flowOf, newId, someone } from "../support/given.ts";
import { flowsOf, noCourier } from "../support/many.ts";
import { deliver, deliverMessages } from "../support/queues.ts";

const numbersOf = async (caller: Caller, id: string): Promise<number[]> =>
  (await caller.call("getFlowRevisions", { params: { id } })).body.data.map(
    ({ revision }: { revision: number }) => revision,
  );
const authorsOf = async (caller: Caller, id: string): Promise<(string | null)[]> =>
  (await caller.call("getFlowRevisions", { params: { id } })).body.data.map(({ by }: { by: string | null }) => by);
const rowsOf = async (id: string): Promise<number> =>
  (await env.DB.prepare("SELECT count(*) AS n FROM revisions WHERE flow_id = ?").bind(id).first<{ n: number }>())!.n;
const edit = (caller: Caller, id: string, name: string, REVISION_LIMIT = "100") =>
  caller.call("updateFlow", { params: { id }, body: { name }, env: { ...noCourier, REVISION_LIMIT } });
const gone = (id: string) => ({ headers: { name: "iam.user.deleted" }, payload: { id } });

describe("of the revisions", () => {
  const settings = { env: { ...noCourier, REVISION_LIMIT: "3" } };
  const changes: [string, (caller: Caller, id: string, n: number) => Promise<unknown>][] = [
    ["PATCH", (caller, id, n) => edit(caller, id, `${n}`, "3")],
    [
      "PATCH of several",
      async (caller, id, n) => {
        const other = await flowOf(caller);
        const body = [other, id].map((one) => ({ id: one, name: `${n}` }));
        return caller.call("updateFlowBulk", { body, ...settings });
      },
    ],
    [
      "restore",
      async (caller, id) => caller.call("restoreFlowRevision", { params: { id, revision: "1" }, ...settings }),
    ],
  ];

  it.each(changes)("as many are kept beside the present one as the setting says, after each %s", async (how, make) => {
    const caller = await someone();
    const id = await flowOf(caller);
    const seen: number[][] = [];
    for (let n = 2; n <= 6; n += 1) {
      await make(caller, id, n);
      seen.push(await numbersOf(caller, id));
    }
    // The first one is not there any more when it is to be restored once again.
    const last = how === "restore" ? [5, 4, 3, 2] : [6, 5, 4, 3];
    expect(seen).toEqual([[2, 1], [3, 2, 1], [4, 3, 2, 1], [5, 4, 3, 2], last]);
    expect(await rowsOf(id)).toBe(3);
  });

  it("a dropped one is not found", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    for (let n = 2; n <= 6; n += 1) await edit(caller, id, `${n}`, "3");
    for (const [operationId, more] of [
      ["getFlowRevision", {}],
      ["diffFlowRevisions", { other: "6" }],
      ["restoreFlowRevision", {}],
    ] as const) {
      const { status, body } = await caller.call(operationId, { params: { id, revision: "1", ...more } });
      expect([status, body.errors[0].error]).toEqual([404, "REVISION_NOT_FOUND"]);
    }
    expect((await caller.call("getFlowRevision", { params: { id, revision: "6" } })).status).toBe(200);
  });

  it("all but the last are dropped once fewer are to be kept", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    for (let n = 2; n <= 6; n += 1) await edit(caller, id, `${n}`);
    expect(await numbersOf(caller, id)).toEqual([6, 5, 4, 3, 2, 1]);
    await edit(caller, id, "7", "1");
    expect(await numbersOf(caller, id)).toEqual([7, 6]);
  });

  it("those of other flows stay", async () => {
    const caller = await someone();
    const [id, other] = [await flowOf(caller), await flowOf(caller)];
    for (let n = 2; n <= 5; n += 1) await edit(caller, other, `${n}`);
    for (let n = 2; n <= 5; n += 1) await edit(caller, id, `${n}`, "1");
    expect(await numbersOf(caller, other)).toEqual([5, 4, 3, 2, 1]);
  });

  it("none is left when the flow is deleted", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    for (let n = 2; n <= 4; n += 1) await edit(caller, id, `${n}`);
    expect(await rowsOf(id)).toBe(3);
    expect((await caller.call("deleteFlow", { params: { id } })).status).toBe(200);
    expect(await rowsOf(id)).toBe(0);
  });
});

describe("the author of a revision", () => {
  it("is nobody once the account is deleted, while the others stay", async () => {
    const owner = await someone();
    const colleague = await someone({ tenant: owner.tenant! });
    const id = await flowOf(owner);
    await edit(colleague, id, "B");
    await edit(owner, id, "C");
    await edit(colleague, id, "D");
    const presentBy = () => env.DB.prepare("SELECT revised_by FROM flows WHERE id = ?").bind(id).first("revised_by");
    expect(await presentBy()).toBe(colleague.sub);
    // The colleague owns none of the flows, only the tenant does.
    const result = await deliver("flow-reports", gone(colleague.sub));
    expect(result.explicitAcks).toHaveLength(1);
    expect(await authorsOf(owner, id)).toEqual([null, owner.sub, null, owner.sub]);
    expect(await presentBy()).toBeNull();
    await deliver("flow-reports", gone(owner.sub));
    const left = await someone({ tenant: owner.tenant! });
    expect(await authorsOf(left, id)).toEqual([null, null, null, null, null]);
    expect(await numbersOf(left, id)).toEqual([5, 4, 3, 2, 1]);
  });

  it("is taken out of very many revisions in steps", async () => {
    const caller = await someone();
    const author = newId();
    const [id, ...ids] = await flowsOf(caller, 3);
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4500)
       INSERT INTO revisions SELECT ?1, 1000 + i, '{}', 1, ?2, 'Name changed.' FROM n`,
    )
      .bind(id, author)
      .run();
    await env.DB.prepare("UPDATE flows SET revised_by = ? WHERE id IN (SELECT value FROM json_each(?))")
      .bind(author, JSON.stringify(ids))
      .run();
    const left = async () =>
      (await env.DB.prepare(
        "SELECT (SELECT count(*) FROM revisions WHERE revised_by = ?1) + (SELECT count(*) FROM flows WHERE revised_by = ?1) AS n",
      )
        .bind(author)
        .first<{ n: number }>())!.n;
    const waiting: unknown[] = [gone(author)];
    const queue = { send: (body: unknown) => Promise.resolve(waiting.push(body)) };
    const counts = [await left()];
    while (waiting.length > 0) {
      const message = { id: `step-${counts.length}`, timestamp: new Date(), attempts: 1, body: waiting.shift() };
      const result = await deliverMessages("flow-reports", [message], { FLOW_REPORTS: queue });
      expect(result.explicitAcks).toHaveLength(1);
      counts.push(await left());
      expect(counts.length).toBeLessThan(8);
    }
    expect([counts[0], counts.at(-1)]).toEqual([4502, 0]);
    expect(counts.length).toBeGreaterThan(3);
  });
});
