import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";

import { databaseOf } from "../../src/db/client.ts";
import { sweep } from "../../src/lifecycle/sweep.ts";
import { configOf } from "../../src/platform/config.ts";
import type { Answer, Caller } from "../support/api.ts";
import { alarmOf, databaseWith } from "../support/faults.ts";
import { bringTo, exampleFlow, flowOf, newId, rowOf, someone } from "../support/given.ts";
import { costOf, flowsOf, noChores, noCourier, recordChores, statusesOf, waitingOf } from "../support/many.ts";
import { deliver, report } from "../support/queues.ts";

const MANY = 1000;
const start = (caller: Caller, body: unknown, changed: Record<string, unknown> = noCourier): Promise<Answer> =>
  caller.call("startMultipleFlows", { body, env: { ...changed, SERVER_TIMING: "true" } });
const stop = (caller: Caller, body: unknown, changed: Record<string, unknown> = noCourier): Promise<Answer> =>
  caller.call("stopMultipleFlows", { body, env: { ...changed, SERVER_TIMING: "true" } });
const verdicts = (ids: readonly string[], status: string) => ids.map((id) => ({ data: { id, status }, meta: {} }));
const is = (id: string, status: string) => verdicts([id], status)[0];
const failure = (code: number, error: string, flowId: unknown) => ({
  errors: [expect.objectContaining({ code, error, flowId })],
});

async function rowsOf(ids: readonly string[]) {
  const find = env.DB.prepare(
    "SELECT id, status_seq, start_id, deadline_at, tries FROM flows WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",
  );
  const found = await find.bind(JSON.stringify(ids)).all<Record<string, unknown> & { id: string; start_id: string }>();
  return found.results;
}

/** Delivers the messages in as many batches as there are groups, all at the same time. */
async function deliverAll(queue: string, bodies: readonly unknown[]): Promise<void> {
  const groups = Map.groupBy(bodies.entries(), ([at]) => at % 20);
  const results = await Promise.all(
    [...groups.values()].map((group) => deliver(queue, ...group.map(([, body]) => body))),
  );
  expect(results.flatMap(({ explicitAcks }) => explicitAcks)).toHaveLength(bodies.length);
}

const sweepLater = (chores: Queue, seconds: number) => {
  const now = () => Date.now() + seconds * 1000;
  return sweep({ db: databaseOf(env.DB), objects: env.FLOW_OBJECT, chores, config: configOf(env), now });
};

describe("1,000 flows", () => {
  it("start and stop in a request each, every one with a command of its own", { timeout: 60_000 }, async () => {
    const caller = await someone();
    const ids = await flowsOf(caller, MANY);
    const chores = recordChores();
    const started = await start(caller, ids, chores.env);
    expect([started.status, started.body]).toEqual([200, verdicts(ids, "starting")]);
    const cost = costOf(started.headers);
    expect(cost.trips).toBeLessThanOrEqual(15);
    expect(cost.read).toBeLessThanOrEqual(50 * MANY);

    const rows = await rowsOf(ids);
    const commands = await waitingOf(ids);
    expect(commands.map(({ flow_id, queue, body }) => [flow_id, queue, body.headers.name])).toEqual(
      ids.toSorted().map((id) => [id, "commands", "flow.starting"]),
    );
    expect(commands.map(({ body }) => body.headers["startId"])).toEqual(rows.map((row) => row.start_id));
    expect(new Set(rows.map((row) => row.start_id)).size).toBe(MANY);

    await deliverAll("flow-chores", chores.bodies);
    expect(await waitingOf(ids)).toEqual([]);
    const watched = rows.filter((_, at) => at % 50 === 0);
    expect(await Promise.all(watched.map(({ id }) => alarmOf(id)))).toEqual(watched.map((row) => row["deadline_at"]));

    // All of them become active where an orchestrator is: test/embedded/bulk.test.ts.
    const some = rows.filter((_, at) => at % 10 === 0);
    await deliverAll(
      "flow-reports",
      some.map((row) => report("flow.started", row.id, { startId: row.start_id })),
    );
    expect(await statusesOf(ids)).toEqual({ active: some.length, starting: MANY - some.length });

    const stopped = await stop(caller, ids.toReversed());
    expect([stopped.status, stopped.body]).toEqual([200, verdicts(ids.toReversed(), "stopping")]);
    expect(costOf(stopped.headers).trips).toBeLessThanOrEqual(15);
    const after = await waitingOf(ids);
    expect(after.map(({ body }) => [body.headers.name, body.headers["startId"]])).toEqual(
      rows.map((row) => ["flow.stopping", row.start_id]),
    );
    await deliverAll(
      "flow-reports",
      some.map((row) => report("flow.stopped", row.id)),
    );
    expect(await statusesOf(ids)).toEqual({ inactive: some.length, stopping: MANY - some.length });
  });

  it("get one command each if they are started twice at the same time", async () => {
    const caller = await someone();
    const ids = await flowsOf(caller, MANY);
    const answers = await Promise.all([start(caller, ids), start(caller, ids.toReversed())]);
    expect(answers[0].body).toEqual(verdicts(ids, "starting"));
    expect(answers[1].body).toEqual(verdicts(ids.toReversed(), "starting"));
    const commands = await waitingOf(ids);
    expect(commands.map(({ flow_id }) => flow_id)).toEqual(ids.toSorted());
    const startIds = (await rowsOf(ids)).map((row) => row.start_id);
    expect(commands.map(({ body }) => body.headers["startId"])).toEqual(startIds);
  });

  it("are not 1,001, counted with duplicates", async () => {
    const caller = await someone();
    const id = await flowOf(caller);
    const answer = await start(
      caller,
      Array.from({ length: MANY + 1 }, () => id),
    );
    expect([answer.status, answer.body.errors[0].error]).toEqual([400, "INVALID_BODY"]);
    expect((await rowOf(id))?.status).toBe("inactive");
  });
});

describe("of the flows of a list", () => {
  it("each is answered in its place: duplicates, all states, unknown, foreign and nonsense", async () => {
    const caller = await someone();
    const foreign = await flowOf(await someone());
    const [inactive, starting, active, stopping] = (await flowsOf(caller, 4)) as [string, string, string, string];
    const present = { starting, active, stopping } as const;
    for (const [status, id] of Object.entries(present)) {
      await bringTo(id, { status: status as keyof typeof present, start_id: "a start", tries: 1 });
    }
    const unknown = newId();
    const sent = [stopping, inactive, unknown, active, inactive.toUpperCase(), foreign, "x", starting, null, inactive];
    const missing = (id: string) => failure(404, "FLOW_NOT_FOUND", id);
    const bad = [failure(400, "INVALID_ID", "x"), failure(400, "INVALID_ID", null)];
    expect((await start(caller, sent)).body).toEqual([
      failure(409, "FLOW_STOPPING", stopping),
      is(inactive, "starting"),
      missing(unknown),
      is(active, "active"),
      is(inactive, "starting"),
      missing(foreign),
      bad[0],
      is(starting, "starting"),
      bad[1],
      is(inactive, "starting"),
    ]);
    const all = [inactive, starting, active, stopping, foreign];
    expect((await waitingOf(all)).map(({ flow_id, body }) => [flow_id, body.headers.name])).toEqual([
      [inactive, "flow.starting"],
    ]);
    expect((await stop(caller, [stopping, active, starting, foreign])).body).toEqual([
      is(stopping, "stopping"),
      is(active, "stopping"),
      is(starting, "stopping"),
      missing(foreign),
    ]);
    expect((await waitingOf([stopping, active, starting])).map(({ flow_id }) => flow_id)).toEqual(
      [active, starting].toSorted(),
    );
    expect(await rowOf(foreign)).toMatchObject({ status: "inactive", status_seq: 0 });
  });

  it("those that others change meanwhile are decided anew", async () => {
    const caller = await someone();
    const ids = await flowsOf(caller, 5);
    const [patched, deleted, started, stopping] = ids as [string, string, string, string];
    let commits = 0;
    const DB = databaseWith(async (batch) => {
      commits += batch.commits ? 1 : 0;
      if (batch.commits && commits === 1) {
        await caller.call("updateFlow", { params: { id: patched }, body: { name: "New" }, env: noCourier });
        await caller.call("deleteFlow", { params: { id: deleted }, env: noCourier });
        await caller.call("startFlow", { params: { id: started } });
        await bringTo(stopping, { status: "stopping" });
      }
      return batch.run();
    });
    const { body } = await start(caller, ids, { ...noCourier, DB });
    expect(body).toMatchObject([
      { data: { status: "starting" } },
      { errors: [{ error: "FLOW_NOT_FOUND" }] },
      { data: { status: "starting" } },
      { errors: [{ error: "FLOW_STOPPING" }] },
      { data: { status: "starting" } },
    ]);
    const messages = (await waitingOf([patched])).map(({ body: message }) => message);
    expect(messages.map(({ headers }) => headers.name)).toEqual(["flowrepo.flow.modified", "flow.starting"]);
    expect(messages[1]).toMatchObject({ headers: { revision: 2 }, payload: { name: "New" } });
    expect((await rowOf(started))?.status_seq).toBe(1);
  });

  it("large ones are started with the others, by reference", async () => {
    const caller = await someone();
    const large = { ...exampleFlow(), description: "ä".repeat(150_000) };
    const body = Array.from({ length: 20 }, () => large);
    const ids: string[] = [];
    for (let round = 0; round < 2; round += 1) {
      const made = await caller.call("addFlow", { body, env: noCourier });
      ids.push(...(made.body.data as { id: string }[]).map(({ id }) => id));
    }
    await env.DB.prepare("DELETE FROM outbox").run();
    // Commands that just fit into a message: a statement takes only some of them.
    const full = await flowsOf(caller, 40, () => ({ description: '"'.repeat(50_000) }));
    const list = [...ids, ...full].toSorted();
    expect((await start(caller, list)).body).toEqual(verdicts(list, "starting"));
    const commands = await waitingOf(list);
    expect(commands.map(({ flow_id }) => flow_id)).toEqual(list);
    for (const { flow_id: id, body: command } of commands) {
      expect(JSON.stringify(command).length).toBeLessThan(128_000);
      const isLarge = ids.includes(id);
      expect([command.payload["href"], "graph" in command.payload]).toEqual([
        isLarge ? `/flows/${id}` : undefined,
        !isLarge,
      ]);
    }
  });
});

describe("a wake-up that a queue loses", () => {
  // The sweep sees to the flows of the other tests too.
  beforeEach(async () => {
    await env.DB.batch([env.DB.prepare("DELETE FROM outbox"), env.DB.prepare("UPDATE flows SET deadline_at = NULL")]);
  });

  it("is made up for by the sweep: commands go out and deadlines are watched", { timeout: 60_000 }, async () => {
    const caller = await someone();
    const ids = await flowsOf(caller, 300);
    expect((await start(caller, ids, noChores)).body).toEqual(verdicts(ids, "starting"));
    expect(await waitingOf(ids)).toHaveLength(300);
    const chores = recordChores();
    const queue = chores.env.FLOW_CHORES as unknown as Queue;
    expect(await sweepLater(queue, 0)).toEqual({ waiting: 0, overdue: 0 });
    expect(await sweepLater(queue, 120)).toMatchObject({ waiting: 300 });
    const left = await waitingOf(ids);
    expect(left).toHaveLength(100);
    await deliverAll("flow-chores", chores.bodies);
    expect(await waitingOf(ids)).toEqual([]);
    const rows = await rowsOf(ids);
    const deadlines = await Promise.all(rows.map(({ id }) => alarmOf(id)));
    expect(deadlines).toEqual(rows.map((row) => row["deadline_at"]));
  });

  it("is made up for by the sweep even if the commands are out and only the deadline is left", async () => {
    const caller = await someone();
    const ids = await flowsOf(caller, 30);
    await start(caller, ids, noChores);
    await env.DB.prepare("DELETE FROM outbox").run();
    for (const id of ids) await bringTo(id, { deadline_at: Date.now() - 61_000 });
    const { overdue } = await sweepLater(recordChores().env.FLOW_CHORES as unknown as Queue, 0);
    expect(overdue).toBe(30);
    expect((await rowsOf(ids)).map(({ tries, status_seq: seq }) => [tries, seq])).toEqual(ids.map(() => [2, 1]));
  });
});
