import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import type { Answer, Caller } from "../support/api.ts";
import { as } from "../support/api.ts";
import { OWNERSHIP, admin, flowOf, loner, newId, outboxOf, rowOf, settle, someone } from "../support/given.ts";
import { namesOf, recordQueues } from "../support/queues.ts";

const remove = (caller: Caller, id: string): Promise<Answer> => caller.call("deleteFlow", { params: { id } });
const statusesOf = (answers: readonly Answer[]): number[] =>
  answers.map((answer) => answer.status).toSorted((a, b) => a - b);

const ownersInIndex = async (id: string): Promise<number> =>
  (await env.DB.prepare(`SELECT count(*) AS n FROM ${OWNERSHIP} WHERE flow_id = ?`).bind(id).first<number>("n"))!;

/** The answer to a deletion that must leave the flow and the outbox as they were. */
async function refused(caller: Caller, id: string): Promise<Answer> {
  const before = [await rowOf(id), await ownersInIndex(id)];
  const answer = await remove(caller, id);
  expect([await rowOf(id), await ownersInIndex(id)]).toEqual(before);
  expect(await outboxOf(id)).toEqual([]);
  expect(answer.body.errors).toBeInstanceOf(Array);
  return answer;
}

describe("a deleted flow", () => {
  it("is gone for good, from the list and from the index of owners", async () => {
    const caller = await someone();
    const [id, other] = [await flowOf(caller), await flowOf(caller)];
    const { status, body } = await remove(caller, id);
    expect(status).toBe(200);
    expect(body).toEqual({ msg: "Flow was successfully deleted" });
    expect((await caller.call("getFlowById", { params: { id } })).status).toBe(404);
    const list = (await caller.call("getFlows")).body;
    expect(list.data).toMatchObject([{ id: other }]);
    expect(list.meta.total).toBe(1);
    expect([await rowOf(id), await ownersInIndex(id)]).toEqual([null, 0]);
    expect(await ownersInIndex(other)).toBe(2);
  });

  it("cannot be deleted again, edited or started", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    await remove(caller, id);
    const params = { id };
    expect((await remove(caller, id)).status).toBe(404);
    expect((await caller.call("updateFlow", { params, body: { name: "x" } })).status).toBe(404);
    expect((await caller.call("startFlow", { params })).status).toBe(404);
    expect(await rowOf(id)).toBeNull();
  });

  it("is told to whoever listens", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const sent = await recordQueues(id);
    await remove(caller, id);
    await expect.poll(() => namesOf(sent)).toEqual(["flowrepo.flow.deleted"]);
    expect(sent[0]).toMatchObject({
      queue: "notices",
      body: {
        headers: { serviceName: "flow-repository", createdAt: expect.any(Number) },
        payload: { tenant: caller.tenant, user: caller.sub, flowId: id },
      },
    });
    await settle(id);
    expect(await outboxOf(id)).toEqual([]);
  });

  it("may have been named in capital letters", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    expect((await remove(caller, id.toUpperCase())).status).toBe(200);
    expect(await rowOf(id)).toBeNull();
  });

  it("may have been a colleague's, or anybody's if an admin deletes", async () => {
    const owner = await someone();
    const [first, second] = [await flowOf(owner), await flowOf(owner)];
    expect((await remove(await someone({ tenant: owner.tenant! }), first)).status).toBe(200);
    expect((await remove(await admin(), second)).status).toBe(200);
    expect((await owner.call("getFlows")).body.meta.total).toBe(0);
  });

  it("names nobody's tenant in its notice if whoever deletes has none", async () => {
    const caller = await loner();
    const id = await flowOf(caller);
    const sent = await recordQueues(id);
    await remove(caller, id);
    await expect
      .poll(() => sent.map((message) => message.body.payload))
      .toEqual([{ tenant: "", user: caller.sub, flowId: id }]);
  });
});

describe("a deletion is refused", () => {
  it.each(["starting", "active", "stopping"] as const)("while the flow is %s", async (status) => {
    const caller = await someone();
    const answer = await refused(caller, await flowOf(caller, {}, { status }));
    expect(answer.status).toBe(409);
    expect(answer.body).toEqual({
      errors: [{ message: `Flow is not inactive. Current status: ${status}`, code: 409, error: "FLOW_NOT_INACTIVE" }],
    });
  });

  it.each(["inactive", "active"] as const)(
    "of a flow of others that is %s, which looks like one that does not exist",
    async (status) => {
      const owner = await someone();
      const id = await flowOf(owner, {}, { status });
      const caller = await someone();
      const foreign = await refused(caller, id);
      expect(foreign.status).toBe(404);
      expect(foreign.body).toEqual({ errors: [{ message: "Flow not found", code: 404, error: "FLOW_NOT_FOUND" }] });
      expect((await remove(caller, newId())).body).toEqual(foreign.body);
      expect((await remove(caller, "123456789012")).body).toEqual(foreign.body);
      expect((await owner.call("getFlowById", { params: { id } })).status).toBe(200);
    },
  );

  it.each(["flow", "bulk", "6b0259e4ef2fe4ca09ca001", "überraschung"])("for the id %j", async (id) => {
    const { status, body } = await remove(await someone(), id);
    expect(status).toBe(400);
    expect(body.errors).toHaveLength(1);
    expect(body.errors[0]).toMatchObject({ message: "Invalid id", code: 400, error: "INVALID_ID" });
  });

  it("without the permission to write", async () => {
    const caller = await someone();
    const reader = await as({ ...caller, permissions: ["flows.read", "flows.control", "flows.bulk"] });
    const { status, body } = await refused(reader, await flowOf(caller));
    expect([status, body.errors[0].message]).toEqual([403, "MISSING_PERMISSION"]);
  });
});

describe("at the same time", () => {
  it("two deletions delete once and tell it once", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const sent = await recordQueues(id);
    const answers = await Promise.all([remove(caller, id), remove(caller, id)]);
    expect(statusesOf(answers)).toEqual([200, 404]);
    await settle(id);
    expect(namesOf(sent)).toEqual(["flowrepo.flow.deleted"]);
  });

  it("ten deletions delete once", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const sent = await recordQueues(id);
    const answers = await Promise.all(Array.from({ length: 10 }, () => remove(caller, id)));
    expect(statusesOf(answers)).toEqual([200, ...Array.from({ length: 9 }, () => 404)]);
    await settle(id);
    expect(namesOf(sent)).toEqual(["flowrepo.flow.deleted"]);
  });

  it.each(["edit first", "deletion first"])(
    "an edit and a deletion leave no flow, and what was answered is what was told: %s",
    async (first) => {
      const caller = await someone();
      const id = await flowOf(caller);
      const sent = await recordQueues(id);
      const edit = () => caller.call("updateFlow", { params: { id }, body: { name: "Last words" } });
      const [edited, deleted] =
        first === "edit first"
          ? await Promise.all([edit(), remove(caller, id)])
          : (await Promise.all([remove(caller, id), edit()])).toReversed();
      expect(deleted!.status).toBe(200);
      expect([200, 404]).toContain(edited!.status);
      expect([await rowOf(id), await ownersInIndex(id)]).toEqual([null, 0]);
      await settle(id);
      const told = edited!.status === 200 ? ["flowrepo.flow.modified"] : [];
      expect(namesOf(sent)).toEqual([...told, "flowrepo.flow.deleted"]);
    },
  );

  it("a start and a deletion are not both accepted", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const sent = await recordQueues(id);
    const [started, deleted] = await Promise.all([caller.call("startFlow", { params: { id } }), remove(caller, id)]);
    const outcome = `${started.status} ${deleted.status}`;
    expect(["200 409", "404 200"]).toContain(outcome);
    await settle(id);
    expect((await rowOf(id))?.status).toBe(outcome === "200 409" ? "starting" : undefined);
    expect(namesOf(sent)).toEqual([outcome === "200 409" ? "flow.starting" : "flowrepo.flow.deleted"]);
  });
});
