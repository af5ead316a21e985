import { describe, expect, it } from "vitest";

import type { Answer, Caller } from "../support/api.ts";
import { as } from "../support/api.ts";
import { admin, flowOf, newId, outboxOf, rowOf, settle, someone } from "../support/given.ts";
import { namesOf, recordQueues } from "../support/queues.ts";

const bulk = (caller: Caller, body: unknown): Promise<Answer> => caller.call("updateFlowBulk", { body });
const entriesOf = (answer: Answer): unknown[] => answer.body.data as unknown[];
const named = (id: string, name: string) => expect.objectContaining({ id, name, status: "inactive" });
const failed = (code: number, error: string, message: unknown, flowId: unknown) => ({
  errors: [expect.objectContaining({ code, error, message, flowId })],
});

describe("edits of several flows", () => {
  it("are answered one by one, in the order in which they were sent", async () => {
    const caller = await someone();
    const ids = [await flowOf(caller), await flowOf(caller), await flowOf(caller)];
    const edits = ids.map((id, at) => ({ id, name: `Name ${at}` })).toReversed();
    const answer = await bulk(caller, edits);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ data: edits.map(({ id, name }) => named(id, name)), meta: {} });
    for (const { id, name } of edits) {
      expect((await caller.call("getFlowById", { params: { id } })).body.data).toMatchObject({ name, revision: 2 });
    }
  });

  it("merge like a single edit", async () => {
    const caller = await someone();
    const id = await flowOf(caller, { type: "ordinary", flowSettings: { a: 1, b: 2 } });
    const [entry] = entriesOf(await bulk(caller, [{ id, flowSettings: { a: 3 }, type: null }]));
    const stored = (await caller.call("getFlowById", { params: { id } })).body.data;
    expect(entry).toEqual(stored);
    expect(stored).toMatchObject({ type: null, flowSettings: { a: 3 }, description: expect.any(String) });
    expect(stored.flowSettings).not.toHaveProperty("b");
  });

  it("of the same flow are both made, the later on the earlier", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const edits = [
      { id, name: "First", type: "t" },
      { id: id.toUpperCase(), name: "Second" },
    ];
    expect(entriesOf(await bulk(caller, edits))).toMatchObject([
      { id, name: "First", type: "t", revision: 2 },
      { id, name: "Second", type: "t", revision: 3 },
    ]);
  });

  it("may be one, not in a list, and none", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    expect((await bulk(caller, { id, name: "Alone" })).body).toEqual({ data: [named(id, "Alone")], meta: {} });
    expect((await bulk(caller, [])).body).toEqual({ data: [], meta: {} });
  });

  it("tell whoever listens of each flow that was changed", async () => {
    const caller = await someone();
    const [changed, active] = [await flowOf(caller), await flowOf(caller, {}, { status: "active" })];
    const [heard, silent] = [await recordQueues(changed), await recordQueues(active)];
    await bulk(caller, [
      { id: active, name: "x" },
      { id: changed, name: "x" },
    ]);
    await settle(changed);
    await settle(active);
    expect(namesOf(heard)).toEqual(["flowrepo.flow.modified"]);
    expect(heard[0]!.body.payload).toEqual({ tenant: caller.tenant, user: caller.sub, flowId: changed });
    expect(silent).toEqual([]);
  });

  it("need the permission for bulk and no other", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const only = await as({ ...caller, permissions: ["flows.bulk"] });
    expect(entriesOf(await bulk(only, [{ id, name: "By bulk" }]))).toEqual([named(id, "By bulk")]);
    const without = await as({ ...caller, permissions: ["flows.read", "flows.write", "flows.control", "tenant.all"] });
    const { status, body } = await bulk(without, [{ id, name: "x" }]);
    expect([status, body.errors[0].message]).toEqual([403, "MISSING_PERMISSION"]);
    expect((await rowOf(id))!.revision).toBe(2);
  });

  it("may be 1000 but not more, and of too many none is made", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const unknown = Array.from({ length: 1000 }, () => ({ id: newId() }));
    const most = await bulk(caller, [...unknown.slice(1), { id, name: "The 1000th" }]);
    expect(entriesOf(most)).toHaveLength(1000);
    expect(entriesOf(most).at(-1)).toEqual(named(id, "The 1000th"));
    const { status, body } = await bulk(caller, [{ id, name: "x" }, ...unknown]);
    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ code: 400, error: "INVALID_BODY" }]);
    expect((await rowOf(id))!.revision).toBe(2);
  });
});

describe("edits of very large flows", () => {
  it("are made as long as the answer has room for them, and those that were not made say so", async () => {
    const caller = await someone();
    const description = "d".repeat(1_000_000);
    const ids = [await flowOf(caller, { description }), await flowOf(caller, { description })];
    const edits = Array.from({ length: 26 }, (_, n) => ({ id: ids[n % 2]!, name: `Edit ${n}` }));
    const entries = entriesOf(await bulk(caller, edits));
    expect(entries).toHaveLength(26);
    const made = entries.findLastIndex((entry) => !("errors" in (entry as object))) + 1;
    expect(made).toBeGreaterThan(15);
    expect(made).toBeLessThan(25);
    expect(entries.slice(0, made)).toEqual(edits.slice(0, made).map(({ id, name }) => named(id, name)));
    expect(entries.slice(made)).toEqual(
      edits.slice(made).map(({ id }) => failed(413, "BODY_TOO_LARGE", expect.any(String), id)),
    );
    const revisions = (await Promise.all(ids.map((id) => rowOf(id)))).map((row) => row!.revision);
    expect(revisions[0]! + revisions[1]!).toBe(2 + made);
  });
});

/** Sends the edit between two good ones and answers what it got; the good ones must have been made. */
async function between(caller: Caller, edit: unknown): Promise<unknown> {
  const [first, last] = [await flowOf(caller), await flowOf(caller)];
  const answer = await bulk(caller, [{ id: first, name: "First" }, edit, { id: last, name: "Last" }]);
  expect(answer.status).toBe(200);
  const [before, entry, after, ...more] = entriesOf(answer);
  expect([before, after]).toEqual([named(first, "First"), named(last, "Last")]);
  expect(more).toEqual([]);
  expect([(await rowOf(first))!.revision, (await rowOf(last))!.revision]).toEqual([2, 2]);
  return entry;
}

describe("an edit among several that cannot be made", () => {
  it("names a flow that does not exist", async () => {
    const id = newId();
    const entry = await between(await someone(), { id, name: "x" });
    expect(entry).toEqual(failed(404, "FLOW_NOT_FOUND", `Flow ${id} not found`, id));
  });

  it("treats a flow of others as one that does not exist, running or not", async () => {
    for (const status of ["inactive", "active"] as const) {
      const id = await flowOf(await someone(), {}, { status });
      const before = await rowOf(id);
      const entry = await between(await someone(), { id, name: "Mine" });
      expect(entry).toEqual(failed(404, "FLOW_NOT_FOUND", `Flow ${id} not found`, id));
      expect(await rowOf(id)).toEqual(before);
    }
  });

  it.each(["starting", "active", "stopping"] as const)(
    "leaves a flow alone that is %s, whatever status it is given",
    async (status) => {
      const caller = await someone();
      const id = await flowOf(caller, {}, { status });
      const before = await rowOf(id);
      const message = `Flow ${id} is not inactive. Current status: ${status}`;
      for (const more of [{}, { status: "inactive" }, { status: "active" }]) {
        const entry = await between(caller, { id, name: "x", ...more });
        expect(entry).toEqual(failed(409, "FLOW_NOT_INACTIVE", message, id));
      }
      expect(await rowOf(id)).toEqual(before);
      expect(await outboxOf(id)).toEqual([]);
    },
  );

  it("gives one entry where the flow would not be valid, with all that is wrong", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const before = await rowOf(id);
    const entry = await between(caller, { id, graph: {}, cron: "x" });
    expect(entry).toEqual({
      errors: [
        expect.objectContaining({ code: 400, message: "Flows require at least one node.", flowId: id }),
        expect.objectContaining({ code: 400, message: "Invalid cron expression.", flowId: id }),
      ],
    });
    expect(await rowOf(id)).toEqual(before);
  });

  it.each([
    ["missing", undefined],
    ["null", null],
    ["empty", ""],
    ["malformed", "flow"],
    ["one digit short", "6b0259e4ef2fe4ca09ca001"],
    ["a number", 5],
    ["a list", ["6b0259e4ef2fe4ca09ca001d"]],
    ["an operator", { $ne: "x" }],
  ])("is answered with 400 and overwrites nothing if its id is %s", async (_, id) => {
    for (const caller of [await someone(), await admin()]) {
      const bystander = await flowOf(caller);
      const before = await rowOf(bystander);
      const entry = await between(caller, { id, name: "Overwritten" });
      expect(entry).toEqual(failed(400, "INVALID_ID", "Invalid id", id ?? null));
      expect(await rowOf(bystander)).toEqual(before);
    }
  });

  it.each([[null], ["6b0259e4ef2fe4ca09ca001d"], [1], [[]]])("is answered with 400 if it is %j", async (edit) => {
    const entry = await between(await someone(), edit);
    expect(entry).toMatchObject({ errors: [{ code: 400, error: "INVALID_BODY" }] });
  });

  it("may be the only one", async () => {
    const { status, body } = await bulk(await someone(), [null]);
    expect(status).toBe(200);
    expect(body).toMatchObject({ data: [{ errors: [{ code: 400, error: "INVALID_BODY" }] }], meta: {} });
    expect(body.data).toHaveLength(1);
  });

  it("plants no flow on others", async () => {
    const [caller, stranger] = [await someone(), await someone()];
    const id = await flowOf(caller);
    const entry = await between(caller, { id, owners: [{ id: stranger.sub, type: "user" }] });
    expect(entry).toMatchObject({ errors: [{ code: 403, error: "OWNER_NOT_ALLOWED", flowId: id }] });
    expect((await stranger.call("getFlows")).body.meta.total).toBe(0);
  });

  it("is one that would make its flow exceed 1 MiB", async () => {
    const caller = await someone();
    const id = await flowOf(caller, { description: "d".repeat(600_000) });
    const entry = await between(caller, { id, flowSettings: "s".repeat(600_000) });
    expect(entry).toMatchObject({ errors: [{ code: 413, error: "BODY_TOO_LARGE", flowId: id }] });
    expect((await rowOf(id))!.revision).toBe(1);
  });
});
