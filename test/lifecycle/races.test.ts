import { describe, expect, it } from "vitest";

import type { Answer } from "../support/api.ts";
import { alarmOf, databaseWith, objectOf, rebind } from "../support/faults.ts";
import { admin, flowOf, outboxOf, rowOf, settle, someone } from "../support/given.ts";
import { deliver, namesOf, recordQueues, report, type Recorded } from "../support/queues.ts";

const rounds = Array.from({ length: 20 }, (_, round) => round);
const commandsIn = (sent: readonly Recorded[]) => sent.filter((message) => message.queue === "commands");
const startIdsOf = (sent: readonly Recorded[]) => new Set(commandsIn(sent).map(({ body }) => body.headers["startId"]));

/** Makes two calls at the same time, in every other round the second one first. */
async function together(round: number, first: () => Promise<Answer>, second: () => Promise<Answer>) {
  if (round % 2 === 0) return Promise.all([first(), second()]);
  const [late, early] = await Promise.all([second(), first()]);
  return [early, late] as const;
}

describe("starts of one flow at the same time", () => {
  it.each([2, 20])("make one command and one startId out of %i", async (many) => {
    const caller = await someone();
    const id = await flowOf(caller);
    const sent = await recordQueues(id);
    const answers = await Promise.all(Array.from({ length: many }, () => caller.call("startFlow", { params: { id } })));
    for (const answer of answers) {
      expect([answer.status, answer.body]).toEqual([200, { data: { id, status: "starting" }, meta: {} }]);
    }
    await settle(id);
    expect(namesOf(sent)).toEqual(["flow.starting"]);
    expect(await rowOf(id)).toMatchObject({ status_seq: 1, tries: 1, start_id: sent[0]!.body.headers["startId"] });
  });

  it("by different members of the tenant are one start, by the account that is told", async () => {
    const first = await someone();
    const second = await someone({ tenant: first.tenant! });
    const id = await flowOf(first);
    const sent = await recordQueues(id);
    await Promise.all([first, second].map((caller) => caller.call("startFlow", { params: { id } })));
    await settle(id);
    const { data } = (await first.call("getFlowById", { params: { id } })).body;
    expect([first.sub, second.sub]).toContain(data.startedBy);
    expect(sent.map((message) => message.body.payload["startedBy"])).toEqual([data.startedBy]);
  });

  it("and forced stops between them are taken one after the other, as they came", async () => {
    const id = await flowOf(await someone());
    const object = objectOf(id);
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        object.apply({ flowId: id, trigger: index % 2 === 0 ? "start" : "forceStop", reach: null }),
      ),
    );
    const numbers = outcomes.map((outcome) => outcome.ok && outcome.result === "move" && outcome.statusSeq);
    expect(numbers).toEqual(outcomes.map((_, index) => index + 1));
  });

  it("and in lists of flows make one command each", async () => {
    const caller = await someone();
    const ids = [await flowOf(caller), await flowOf(caller), await flowOf(caller)];
    const recorded = await Promise.all(ids.map((id) => recordQueues(id)));
    await Promise.all([
      caller.call("startMultipleFlows", { body: ids }),
      caller.call("startMultipleFlows", { body: ids.toReversed() }),
      ...ids.map((id) => caller.call("startFlow", { params: { id } })),
    ]);
    for (const id of ids) await settle(id);
    expect(recorded.map(namesOf)).toEqual(ids.map(() => ["flow.starting"]));
  });
});

describe("a start against", () => {
  it.each(rounds)("a stop ends in a state that the commands tell, in their order (round %i)", async (round) => {
    const caller = await someone();
    const id = await flowOf(caller);
    const sent = await recordQueues(id);
    const [start, stop] = await together(
      round,
      () => caller.call("startFlow", { params: { id } }),
      () => caller.call("stopFlow", { params: { id } }),
    );
    await settle(id);
    expect([start.status, stop.status]).toEqual([200, 200]);
    const stopFirst = stop.body.data.status === "inactive";
    expect(namesOf(sent)).toEqual(stopFirst ? ["flow.starting"] : ["flow.starting", "flow.stopping"]);
    expect((await rowOf(id))?.status).toBe(stopFirst ? "starting" : "stopping");
    expect(startIdsOf(sent).size).toBe(1);
  });

  it("a report that the flow was stopped never leaves the new start without a command", async () => {
    const caller = await someone();
    const id = await flowOf(caller, {}, { status: "stopping", start_id: "before", tries: 1 });
    const sent = await recordQueues(id);
    const [start] = await Promise.all([
      caller.call("startFlow", { params: { id } }),
      deliver("flow-reports", report("flow.stopped", id, { startId: "before" })),
    ]);
    await settle(id);
    expect(namesOf(sent)).toEqual(start.status === 200 ? ["flow.starting"] : []);
    expect((await rowOf(id))?.status).toBe(start.status === 200 ? "starting" : "inactive");
  });

  it.each(rounds)("a PATCH starts the new document or keeps it out (round %i)", async (round) => {
    const caller = await someone();
    const id = await flowOf(caller);
    const sent = await recordQueues(id);
    const [start, patch] = await together(
      round,
      () => caller.call("startFlow", { params: { id } }),
      () => caller.call("updateFlow", { params: { id }, body: { name: "edited" } }),
    );
    await settle(id);
    expect(start.status).toBe(200);
    const row = (await rowOf(id))!;
    const [command, ...more] = commandsIn(sent);
    expect(more).toEqual([]);
    const edited = patch.status === 200;
    expect(patch.status).toBe(edited ? 200 : 409);
    expect(row).toMatchObject({ status: "starting", revision: edited ? 2 : 1 });
    expect(command!.body.headers).toMatchObject({ revision: row.revision, startId: row.start_id });
    expect(command!.body.payload["name"]).toBe(edited ? "edited" : "Example Integration Flow");
    expect(JSON.parse(row.document)).toMatchObject({ name: command!.body.payload["name"] });
  });

  it("many PATCHes starts exactly the document that is stored then", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const sent = await recordQueues(id);
    const edits = Array.from({ length: 8 }, (_, index) =>
      caller.call("updateFlow", { params: { id }, body: { name: `edit ${index}` } }),
    );
    const [start, ...patches] = await Promise.all([caller.call("startFlow", { params: { id } }), ...edits]);
    await settle(id);
    const row = (await rowOf(id))!;
    const accepted = patches.filter((patch) => patch.status === 200).length;
    expect(row.revision).toBe(1 + accepted);
    const command = commandsIn(sent)[0];
    // A start that was overtaken again and again may be refused, but then it leaves no trace.
    expect([row.status, command?.body.headers["revision"]]).toEqual(
      start.status === 200 ? ["starting", row.revision] : ["inactive", undefined],
    );
    expect(namesOf(sent).filter((name) => name === "flowrepo.flow.modified")).toHaveLength(accepted);
  });

  it.each(rounds)("a DELETE lets one of the two win (round %i)", async (round) => {
    const caller = await someone();
    const id = await flowOf(caller);
    const sent = await recordQueues(id);
    const [start, gone] = await together(
      round,
      () => caller.call("startFlow", { params: { id } }),
      () => caller.call("deleteFlow", { params: { id } }),
    );
    await settle(id);
    const started = start.status === 200;
    expect([start.status, gone.status]).toEqual(started ? [200, 409] : [404, 200]);
    expect((await rowOf(id))?.status).toBe(started ? "starting" : undefined);
    expect(namesOf(sent)).toEqual([started ? "flow.starting" : "flowrepo.flow.deleted"]);
    expect(await outboxOf(id)).toEqual([]);
  });

  it("a forced stop and a DELETE sends a stop for every start", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const sent = await recordQueues(id);
    await Promise.all([
      caller.call("startFlow", { params: { id } }),
      caller.call("stopFlow", { params: { id }, query: { force: "true" } }),
      caller.call("deleteFlow", { params: { id } }),
    ]);
    await settle(id);
    const names = namesOf(commandsIn(sent));
    const row = await rowOf(id);
    expect(names).toEqual(
      row?.status === "starting" ? ["flow.starting"] : names.length === 0 ? [] : ["flow.starting", "flow.stopping"],
    );
    expect(namesOf(sent).includes("flowrepo.flow.deleted")).toBe(row === null);
  });
});

/** A flow whose starts are interrupted by `between` each time before they commit. */
const startWith = async (between: (id: string, attempt: number) => Promise<unknown>) => {
  const caller = await someone();
  const id = await flowOf(caller);
  const sent = await recordQueues(id);
  let attempts = 0;
  const DB = databaseWith(async ({ commits, run }) => {
    if (commits) await between(id, (attempts += 1));
    return run();
  });
  await rebind(id, { DB });
  return { caller, id, sent, start: () => caller.call("startFlow", { params: { id } }), attempts: () => attempts };
};

describe("what comes between a start's decision and its commit", () => {
  it("has the new document started if it is a PATCH", async () => {
    const root = await admin();
    const edits: Answer[] = [];
    const { id, sent, start } = await startWith(async (flow, attempt) => {
      if (attempt === 1) edits.push(await root.call("updateFlow", { params: { id: flow }, body: { name: "new" } }));
    });
    expect((await start()).status).toBe(200);
    expect(edits.map((edit) => edit.status)).toEqual([200]);
    await settle(id);
    expect(namesOf(sent)).toEqual(["flowrepo.flow.modified", "flow.starting"]);
    expect(sent[1]!.body).toMatchObject({ headers: { revision: 2 }, payload: { name: "new" } });
    expect(await rowOf(id)).toMatchObject({ status: "starting", revision: 2, status_seq: 1 });
  });

  it("is answered as a conflict, without a trace, if PATCHes never cease", async () => {
    const root = await admin();
    const { id, sent, start, attempts } = await startWith((flow, attempt) =>
      root.call("updateFlow", { params: { id: flow }, body: { name: `name ${attempt}` } }),
    );
    const answer = await start();
    expect([answer.status, answer.body.errors[0].error]).toEqual([409, "REVISION_CONFLICT"]);
    await settle(id);
    expect(commandsIn(sent)).toEqual([]);
    expect(await rowOf(id)).toMatchObject({
      status: "inactive",
      status_seq: 0,
      start_id: null,
      revision: 1 + attempts(),
    });
    expect(await alarmOf(id)).toBeNull();
  });

  it("is answered as not found if it is a DELETE", async () => {
    const root = await admin();
    const { id, sent, start } = await startWith((flow) => root.call("deleteFlow", { params: { id: flow } }));
    expect((await start()).status).toBe(404);
    await settle(id);
    expect(namesOf(sent)).toEqual(["flowrepo.flow.deleted"]);
    expect(await outboxOf(id)).toEqual([]);
    expect(await rowOf(id)).toBeNull();
  });

  it("keeps a PATCH out whose own commit a start came before", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const sent = await recordQueues(id);
    const DB = databaseWith(async ({ sql, run }) => {
      const edits = /^UPDATE flows (?:INDEXED BY \w+ )?SET home/.test(sql[0]!);
      if (edits) await caller.call("startFlow", { params: { id } });
      return run();
    });
    const answer = await caller.call("updateFlow", { params: { id }, body: { name: "late" }, env: { DB } });
    expect([answer.status, answer.body.errors[0].message]).toEqual([
      409,
      "Flow is not inactive. Current status: starting",
    ]);
    await settle(id);
    expect(namesOf(sent)).toEqual(["flow.starting"]);
    expect(await rowOf(id)).toMatchObject({ revision: 1, status: "starting" });
  });
});

const startBy = (id: string, object: string) =>
  objectOf(object).apply({ flowId: id, trigger: "start", reach: null, by: object });

describe("two objects of one flow, as while it is being moved,", () => {
  it.each(rounds.slice(0, 10))("agree on one start (round %i)", async () => {
    const id = await flowOf(await someone());
    const [sent, sentByTwin] = [await recordQueues(id), await recordQueues(`twin of ${id}`)];
    const outcomes = await Promise.all([startBy(id, id), startBy(id, `twin of ${id}`), startBy(id, id)]);
    expect(outcomes.map((outcome) => String(outcome.ok && outcome.result)).toSorted()).toEqual([
      "move",
      "same",
      "same",
    ]);
    await Promise.all([settle(id), objectOf(`twin of ${id}`).relay(id)]);
    const all = [...sent, ...sentByTwin];
    expect(new Set(namesOf(all))).toEqual(new Set(["flow.starting"]));
    expect([...startIdsOf(all)]).toEqual([(await rowOf(id))?.start_id]);
    expect((await rowOf(id))?.status_seq).toBe(1);
    expect(await outboxOf(id)).toEqual([]);
  });

  it("number their transitions without gaps or doubles", async () => {
    const id = await flowOf(await someone());
    const twin = `twin of ${id}`;
    const [sent, sentByTwin] = [await recordQueues(id), await recordQueues(twin)];
    const outcomes = await Promise.all(
      [id, twin, id, twin, id, twin].flatMap((object) => [
        startBy(id, object),
        objectOf(object).apply({ flowId: id, trigger: "forceStop", reach: null }),
      ]),
    );
    const moves = outcomes.filter((outcome) => outcome.ok && outcome.result === "move");
    const row = (await rowOf(id))!;
    expect(moves.map((move) => move.ok && move.statusSeq).toSorted((a, b) => Number(a) - Number(b))).toEqual(
      Array.from({ length: row.status_seq }, (_, index) => index + 1),
    );
    await Promise.all([settle(id), objectOf(twin).relay(id)]);
    const numbers = new Set([...sent, ...sentByTwin].map((message) => message.body.headers["statusSeq"]));
    expect(numbers.size).toBe(row.status_seq);
  });
});
