import { describe, expect, it } from "vitest";

import { traceOf } from "../support/faults.ts";
import { bringTo, flowOf, newId, outboxOf, rowOf, settle, someone, type StoredState } from "../support/given.ts";
import { deliver, namesOf, recordQueues, report } from "../support/queues.ts";

const force = { query: { force: "true" } };
const before = "11111111-1111-4111-8111-111111111111";
type Status = NonNullable<StoredState["status"]>;

const notFound = { message: "No flow with this ID found", code: 404, error: "FLOW_NOT_FOUND" };
const stopping = { message: "Flow is not inactive. Current status: stopping", code: 409, error: "FLOW_STOPPING" };
const forbidden = {
  message: "MISSING_PERMISSION",
  code: 403,
  error: "MISSING_PERMISSION",
  detail: "Needed is flows.control.",
};
const invalidId = { message: "Invalid id", code: 400, error: "INVALID_ID" };

/** What a caller sees of each cell of the lifecycle table that a request can reach. */
const cells: readonly [Status, string, number, Status, string[]][] = [
  ["inactive", "start", 200, "starting", ["flow.starting"]],
  ["inactive", "stop", 200, "inactive", []],
  ["inactive", "force stop", 200, "inactive", []],
  ["starting", "start", 200, "starting", []],
  ["starting", "stop", 200, "stopping", ["flow.stopping"]],
  ["starting", "force stop", 200, "inactive", ["flow.stopping"]],
  ["active", "start", 200, "active", []],
  ["active", "stop", 200, "stopping", ["flow.stopping"]],
  ["active", "force stop", 200, "inactive", ["flow.stopping"]],
  ["stopping", "start", 409, "stopping", []],
  ["stopping", "stop", 200, "stopping", []],
  ["stopping", "force stop", 200, "inactive", ["flow.stopping"]],
];

const operationOf = (verb: string) => (verb === "start" ? "startFlow" : "stopFlow");
const queryOf = (verb: string) => (verb === "force stop" ? force : {});

describe("a request to start or stop", () => {
  it.each(cells)("that finds the flow %s and says %s is answered %i, leaves it %s and sends %j", async (...cell) => {
    const [from, verb, status, to, commands] = cell;
    const caller = await someone();
    const id = await flowOf(caller, {}, from === "inactive" ? {} : { status: from, start_id: before, tries: 1 });
    const sent = await recordQueues(id);
    const answer = await caller.call(operationOf(verb), { params: { id }, ...queryOf(verb) });
    await settle(id);

    expect(answer.status).toBe(status);
    expect(answer.body).toEqual(status === 200 ? { data: { id, status: to }, meta: {} } : { errors: [stopping] });
    expect(namesOf(sent)).toEqual(commands);
    const row = await rowOf(id);
    expect(row?.status).toBe(to);
    expect(row?.status_seq).toBe(commands.length);
    expect(row?.deadline_at === null).toBe(commands.length === 0 || to === "inactive");
    const headers = expect.objectContaining({ startId: row?.start_id, statusSeq: row?.status_seq, revision: 1 });
    expect(sent.map((message) => message.body.headers)).toEqual(commands.map(() => headers));
    expect(await outboxOf(id)).toEqual([]);
  });

  it("tells which account started the flow, when, and under which startId", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const sent = await recordQueues(id);
    const began = Date.now();
    await caller.call("startFlow", { params: { id } });
    // By itself, and long before the alarm that would see to it otherwise.
    await expect.poll(() => namesOf(sent), { timeout: 4000 }).toEqual(["flow.starting"]);
    const { data } = (await caller.call("getFlowById", { params: { id } })).body;
    expect(data).toMatchObject({ startedBy: caller.sub, status: "starting", statusSeq: 1, lastError: null });
    expect(Date.parse(data.startedAt)).toBeGreaterThanOrEqual(began);
    expect(Date.parse(data.startedAt)).toBeLessThanOrEqual(Date.now());
    expect(sent[0]!.body.payload).toMatchObject({
      id,
      startedBy: caller.sub,
      status: "starting",
      tenant: caller.tenant,
    });
    expect(sent[0]!.body.headers["startId"]).toMatch(/^[0-9a-f-]{36}$/);
    expect((await rowOf(id))?.start_id).toBe(sent[0]!.body.headers["startId"]);
  });

  it("gives every start a startId of its own and keeps it until the next", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const sent = await recordQueues(id);
    for (let round = 0; round < 3; round += 1) {
      await caller.call("startFlow", { params: { id } });
      await caller.call("stopFlow", { params: { id }, ...force });
    }
    await settle(id);
    const ids = sent.map((message) => message.body.headers["startId"]);
    expect(namesOf(sent)).toEqual(Array.from({ length: 3 }, () => ["flow.starting", "flow.stopping"]).flat());
    expect(new Set(ids).size).toBe(3);
    expect([ids[0], ids[2], ids[4]]).toEqual([ids[1], ids[3], ids[5]]);
    expect(sent.map((message) => message.body.headers["statusSeq"])).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("leaves a flow that was stopped while inactive free to be edited and started", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const sent = await recordQueues(id);
    expect((await caller.call("stopFlow", { params: { id } })).body.data.status).toBe("inactive");
    expect((await caller.call("updateFlow", { params: { id }, body: { name: "edited" } })).status).toBe(200);
    expect((await caller.call("startFlow", { params: { id } })).body.data.status).toBe("starting");
    await settle(id);
    expect(namesOf(sent)).toEqual(["flowrepo.flow.modified", "flow.starting"]);
    expect(sent[1]!.body.payload["name"]).toBe("edited");
  });

  it.each(["PATCH", "DELETE"])("keeps a %s out until the flow is inactive again", async (method) => {
    const caller = await someone();
    const id = await flowOf(caller);
    const edit = () =>
      method === "PATCH"
        ? caller.call("updateFlow", { params: { id }, body: { name: "edited" } })
        : caller.call("deleteFlow", { params: { id } });
    await caller.call("startFlow", { params: { id } });
    expect((await edit()).body.errors[0].message).toBe("Flow is not inactive. Current status: starting");
    await deliver("flow-reports", report("flow.started", id));
    expect((await edit()).status).toBe(409);
    await caller.call("stopFlow", { params: { id } });
    expect((await edit()).status).toBe(409);
    await deliver("flow-reports", report("flow.stopped", id));
    expect((await edit()).status).toBe(200);
  });

  it.each([
    ["an upper-case id", (id: string) => id.toUpperCase()],
    ["its id", (id: string) => id],
  ])("finds the flow by %s", async (_, written) => {
    const caller = await someone();
    const id = await flowOf(caller);
    const answer = await caller.call("startFlow", { params: { id: written(id) } });
    expect(answer.body).toEqual({ data: { id, status: "starting" }, meta: {} });
  });

  it.each(["nope", "123", `${newId()}0`, "zzzzzzzzzzzzzzzzzzzzzzzz", "elevenchars", "ääääääääääää"])(
    "with the id %s is refused as invalid",
    async (id) => {
      const caller = await someone();
      for (const verb of ["startFlow", "stopFlow"]) {
        const answer = await caller.call(verb, { params: { id } });
        expect(answer.status).toBe(400);
        expect(answer.body.errors).toEqual([expect.objectContaining(invalidId)]);
      }
    },
  );

  it.each(["yes", "1", "TRUE", ""])("refuses the force %j, which may be meant either way", async (value) => {
    const caller = await someone();
    const id = await flowOf(caller, {}, { status: "active", start_id: before });
    const answer = await caller.call("stopFlow", { params: { id }, query: { force: value } });
    expect(answer.status).toBe(400);
    expect((await rowOf(id))?.status).toBe("active");
  });

  it("does not need a body and ignores one", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const answer = await caller.call("startFlow", { params: { id }, raw: "{ not json" });
    expect(answer.status).toBe(200);
  });
});

describe("somebody who may not", () => {
  it.each(
    cells.flatMap(([from, verb]) => ["another tenant", "without permission"].map((who) => [who, verb, from] as const)),
  )("%s who says %s to a flow that is %s is refused and leaves no trace", async (who, verb, from) => {
    const owner = await someone();
    const stranger = await (who === "another tenant"
      ? someone()
      : someone({ sub: owner.sub, tenant: owner.tenant!, permissions: ["flows.read", "flows.write"] }));
    const id = await flowOf(owner, {}, from === "inactive" ? {} : { status: from, start_id: before, tries: 1 });
    const trace = await traceOf(id);
    const answer = await stranger.call(operationOf(verb), { params: { id }, ...queryOf(verb) });
    expect(answer.body.errors).toEqual([who === "another tenant" ? notFound : forbidden]);
    expect(answer.status).toBe(who === "another tenant" ? 404 : 403);
    // At once, before the object could tidy up after itself.
    expect(await traceOf(id)).toEqual(trace);
    expect(trace).toMatchObject({ messages: [], alarm: null, kept: [] });
  });

  it.each(["start", "stop", "force stop"])("gets the same answer to %s for a flow that nobody has", async (verb) => {
    const caller = await someone();
    const id = newId();
    const answer = await caller.call(operationOf(verb), { params: { id }, ...queryOf(verb) });
    expect([answer.status, answer.body]).toEqual([404, { errors: [notFound] }]);
    expect(await traceOf(id)).toEqual({ row: null, messages: [], alarm: null, kept: [] });
  });
});

describe.each([
  ["startMultipleFlows", "starting", "flow.starting"],
  ["stopMultipleFlows", "stopping", "flow.stopping"],
] as const)("%s", (operationId, to, command) => {
  const ready: StoredState = to === "starting" ? {} : { status: "active", start_id: before, tries: 0 };

  it("answers a bare array in the order of the ids, and one that fails holds up none", async () => {
    const caller = await someone();
    const [first, second, foreign] = [await flowOf(caller, {}, ready), await flowOf(caller, {}, ready), newId()];
    const stranger = await flowOf(await someone(), {}, ready);
    const trace = await traceOf(stranger);
    const recorded = await Promise.all([first, second, stranger, foreign].map((id) => recordQueues(id)));
    const answer = await caller.call(operationId, { body: [first, foreign, "nope", stranger, second] });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual([
      { data: { id: first, status: to }, meta: {} },
      { errors: [{ ...notFound, flowId: foreign }] },
      { errors: [{ ...invalidId, flowId: "nope" }] },
      { errors: [{ ...notFound, flowId: stranger }] },
      { data: { id: second, status: to }, meta: {} },
    ]);
    expect(await traceOf(stranger)).toEqual(trace);
    expect(await traceOf(foreign)).toEqual({ row: null, messages: [], alarm: null, kept: [] });
    for (const id of [first, second, stranger, foreign]) await settle(id);
    expect(recorded.map(namesOf)).toEqual([[command], [command], [], []]);
    for (const [message] of recorded.slice(0, 2)) expect(message!.body.payload).toMatchObject({ status: to });
  });

  it("answers an empty array with an empty array", async () => {
    const answer = await (await someone()).call(operationId, { body: [] });
    expect([answer.status, answer.body]).toEqual([200, []]);
  });

  it.each([{}, { 0: "6b0259e4ef2fe4ca09ca001d" }, { length: 0 }])("refuses the object %j", async (body) => {
    const answer = await (await someone()).call(operationId, { body });
    const message = "No flow ids given. Expecting an array of flow ids";
    expect([answer.status, answer.body]).toEqual([
      500,
      { errors: [{ message, code: 500, error: "FLOW_IDS_REQUIRED" }] },
    ]);
  });

  it.each(["6b0259e4ef2fe4ca09ca001d", 5, true, null])(
    "refuses %j, as any body that is neither an object nor an array",
    async (body) => {
      const answer = await (await someone()).call(operationId, { body });
      expect([answer.status, answer.body.errors[0].error]).toEqual([400, "INVALID_BODY"]);
    },
  );

  it.each([[[1]], [[null]], [[true]], [[{ id: "6b0259e4ef2fe4ca09ca001d" }]], [[["a"]]], [[""]], [["nope"]], [[1.5]]])(
    "tells %j to be no ids and handles what is one",
    async (strange) => {
      const caller = await someone();
      const id = await flowOf(caller, {}, ready);
      const answer = await caller.call(operationId, { body: [...strange, id] });
      expect(answer.body).toEqual([
        { errors: [{ ...invalidId, flowId: strange[0] }] },
        { data: { id, status: to }, meta: {} },
      ]);
    },
  );

  it("takes an id that is sent twice as one", async () => {
    const caller = await someone();
    const id = await flowOf(caller, {}, ready);
    const sent = await recordQueues(id);
    const answer = await caller.call(operationId, { body: [id, id, id.toUpperCase()] });
    expect(answer.body).toEqual(Array.from({ length: 3 }, () => ({ data: { id, status: to }, meta: {} })));
    await settle(id);
    expect(namesOf(sent)).toEqual([command]);
  });

  it("handles 1000 ids, but refuses more before anything is done", async () => {
    const caller = await someone();
    const id = await flowOf(caller, {}, ready);
    const many = Array.from({ length: 999 }, () => "nope");
    const refused = await caller.call(operationId, { body: [id, ...many, "nope"] });
    expect(refused.status).toBe(400);
    expect(refused.body.errors[0].error).toBe("INVALID_BODY");
    expect((await rowOf(id))?.status).toBe(ready.status ?? "inactive");
    const answer = await caller.call(operationId, { body: [...many, id] });
    expect(answer.body).toHaveLength(1000);
    expect(answer.body[999]).toEqual({ data: { id, status: to }, meta: {} });
  });
});

it("tells which flows cannot be started because they are stopping, and starts the others", async () => {
  const caller = await someone();
  const [first, second] = [await flowOf(caller), await flowOf(caller)];
  await bringTo(first, { status: "stopping", start_id: before, tries: 1 });
  const answer = await caller.call("startMultipleFlows", { body: [first, second] });
  expect(answer.body).toEqual([
    { errors: [{ ...stopping, flowId: first }] },
    { data: { id: second, status: "starting" }, meta: {} },
  ]);
});
