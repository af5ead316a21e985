import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";

import type { Answer } from "../support/api.ts";
import worker from "../../src/index.ts";
import { brokenDatabase, keptLetters, rebind } from "../support/faults.ts";
import { admin, flowOf, newId, rowOf, someone } from "../support/given.ts";
import { deliver, deliverMessages, report } from "../support/queues.ts";

const queues = [
  ["flow-commands", "FLOW_COMMANDS"],
  ["flow-reports", "FLOW_REPORTS"],
  ["flow-notices", "FLOW_NOTICES"],
] as const;

const letter = (id: string, body: unknown = { headers: { name: "flow.odd" }, payload: { id } }) => ({
  id,
  timestamp: new Date(),
  attempts: 1,
  body,
});

/** Puts a message aside as the platform does after the last retry. Answers its id as a dead letter. */
async function give(queue: string, body?: unknown): Promise<string> {
  const id = newId();
  await deliverMessages(`${queue}-dead`, [letter(id, body)]);
  return `${queue}-${id}`;
}

const recorder = () => {
  const sent: unknown[] = [];
  return { sent, send: (body: unknown) => Promise.resolve(sent.push(body)) };
};
const refusing = { send: () => Promise.reject(new Error("The queue is down.")) };
const isKept = async (queue: string, id: string) => (await keptLetters(queue)).some((kept) => kept.id === id);

describe("a message that was given up", () => {
  it.each(queues)("on %s is acknowledged and kept as it came", async (queue) => {
    const bodies = [report("flow.started", newId()), null, "text", 5, [1], { any: { thing: ["ä", null] } }];
    const messages = bodies.map((body) => letter(newId(), body));
    const before = Date.now();
    const result = await deliverMessages(`${queue}-dead`, messages);
    expect(result.explicitAcks).toEqual(messages.map(({ id }) => id));
    const kept = await keptLetters(queue);
    for (const { id, body } of messages) {
      expect(kept).toContainEqual({ id: `${queue}-${id}`, body, reason: "Given up after all retries." });
    }
    const id = `${queue}-${messages[0]!.id}`;
    const { data } = (await (await admin()).call("getDeadLetters", { query: { after: id.slice(0, -1) } })).body;
    const told = data.find((one: { id: string }) => one.id === id);
    expect(told).toMatchObject({ queue, body: bodies[0] });
    expect(Date.parse(told.receivedAt)).toBeGreaterThanOrEqual(before);
  });

  it("is kept once however often it comes, and apart from those of other queues", async () => {
    const message = letter(newId());
    for (const queue of ["flow-reports-dead", "flow-reports-dead", "flow-commands-dead"]) {
      expect((await deliverMessages(queue, [message, message])).explicitAcks).not.toEqual([]);
    }
    const named = (queue: string) => `${queue}-${message.id}`;
    const count = async (queue: string) => (await keptLetters(queue)).filter(({ id }) => id === named(queue)).length;
    expect([await count("flow-reports"), await count("flow-commands")]).toEqual([1, 1]);
  });

  it("that could not be read is kept with what is wrong with it", async () => {
    const id = newId();
    await deliverMessages("flow-reports", [letter(id, report("flow.started", "nope"))]);
    const kept = (await keptLetters("flow-reports")).find((one) => one.id === `flow-reports-${id}`);
    expect(kept?.reason).toContain("id");
  });
});

describe("the list of kept messages", () => {
  it("is read page by page, in the order of the ids, each message once", async () => {
    await deliverMessages(
      "flow-notices-dead",
      Array.from({ length: 130 }, () => letter(newId())),
    );
    const root = await admin();
    const seen: string[] = [];
    const sizes: number[] = [];
    let after: string | null = "";
    while (after !== null) {
      const page: Answer = await root.call("getDeadLetters", { query: { after } });
      const { data, meta } = page.body;
      seen.push(...data.map((one: { id: string }) => one.id));
      sizes.push(data.length);
      after = meta.next;
    }
    const stored = await env.DB.prepare("SELECT id FROM dead_letters ORDER BY id").all<{ id: string }>();
    expect(seen).toEqual(stored.results.map((row) => row.id));
    expect(sizes.slice(0, -1)).toEqual(sizes.slice(1).map(() => 100));
    expect(sizes.length).toBeGreaterThan(1);
  });

  it("begins at the beginning without after, and is empty behind the last", async () => {
    const id = await give("flow-commands");
    const root = await admin();
    const first = (await root.call("getDeadLetters")).body;
    expect(first).toEqual((await root.call("getDeadLetters", { query: { after: "" } })).body);
    expect(first.data[0].id <= id).toBe(true);
    expect((await root.call("getDeadLetters", { query: { after: "~" } })).body).toEqual({
      data: [],
      meta: { next: null },
    });
  });
});

describe("a replay", () => {
  it.each(queues)("sends a message of %s to it as it came and forgets it", async (queue, binding) => {
    const body = { headers: { name: "flow.odd" }, payload: { text: "ä", list: [null, 1.5] } };
    const id = await give(queue, body);
    const bindings = Object.fromEntries(queues.map(([, name]) => [name, recorder()]));
    const answer = await (await admin()).call("replayDeadLetter", { params: { id }, env: bindings });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ data: { id, queue, body }, meta: {} });
    expect(bindings[binding]!.sent).toEqual([body]);
    expect(Object.values(bindings).flatMap(({ sent }) => sent)).toHaveLength(1);
    expect(await isKept(queue, id)).toBe(false);
    const again = await (await admin()).call("replayDeadLetter", { params: { id } });
    expect(again.status).toBe(404);
  });

  it.each(queues)("to %s keeps the message if the queue does not take it", async (queue, binding) => {
    const id = await give(queue);
    const root = await admin();
    const answer = await root.call("replayDeadLetter", { params: { id }, env: { [binding]: refusing } });
    expect([answer.status, answer.body.errors[0].error]).toEqual([503, "QUEUE_UNAVAILABLE"]);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await isKept(queue, id)).toBe(true);
    expect((await root.call("replayDeadLetter", { params: { id }, env: { [binding]: recorder() } })).status).toBe(200);
    expect(await isKept(queue, id)).toBe(false);
  });

  it.each(["flow-reports-nobody", "x", "' OR 1=1 --", "%", "ä/../b"])(
    "of the unknown message %s is 404",
    async (id) => {
      const before = await keptLetters("flow-reports");
      const answer = await (await admin()).call("replayDeadLetter", { params: { id } });
      expect(answer.status).toBe(404);
      expect(answer.body.errors).toEqual([
        { message: "Dead letter not found", code: 404, error: "DEAD_LETTER_NOT_FOUND" },
      ]);
      expect(await keptLetters("flow-reports")).toEqual(before);
    },
  );

  it("has a report that was lost take its effect after all", async () => {
    const id = await flowOf(await someone(), {}, { status: "starting", start_id: "a start", tries: 1 });
    const kept = await give("flow-reports", report("flow.started", id, { startId: "a start" }));
    expect((await (await admin()).call("replayDeadLetter", { params: { id: kept } })).status).toBe(200);
    await expect.poll(async () => (await rowOf(id))?.status, { timeout: 10_000 }).toBe("active");
  });

  it("that takes no effect either is kept anew", async () => {
    const body = report("flow.started", "nope");
    const id = await give("flow-reports", body);
    const before = (await keptLetters("flow-reports")).length;
    await (await admin()).call("replayDeadLetter", { params: { id } });
    await expect.poll(async () => (await keptLetters("flow-reports")).length, { timeout: 10_000 }).toBe(before);
    const kept = await keptLetters("flow-reports");
    expect(kept.map((one) => one.id)).not.toContain(id);
    expect(kept.map((one) => one.body)).toContainEqual(body);
  });
});

describe("somebody without the permission all", () => {
  it("can neither list nor replay, and nothing is sent", async () => {
    const id = await give("flow-reports");
    const caller = await someone({ permissions: ["flows.read", "flows.write", "flows.control", "tenant.all"] });
    const queue = recorder();
    for (const [operationId, request] of [
      ["getDeadLetters", {}],
      ["replayDeadLetter", { params: { id }, env: { FLOW_REPORTS: queue } }],
    ] as const) {
      const answer = await caller.call(operationId, request);
      expect([answer.status, answer.body.errors[0].error]).toEqual([403, "MISSING_PERMISSION"]);
    }
    expect(queue.sent).toEqual([]);
    expect(await isKept("flow-reports", id)).toBe(true);
  });
});

/** Delivers one message by hand, to see after how many seconds it is wanted again. */
async function delayOf(queue: string, body: unknown, attempts: number, changed: object): Promise<unknown[][]> {
  const [ack, retry] = [vi.fn<() => void>(), vi.fn<(options?: QueueRetryOptions) => void>()];
  const message = { ...letter(newId(), body), attempts, ack, retry };
  await worker.queue({ queue, messages: [message] } as unknown as MessageBatch, { ...env, ...changed });
  expect(ack).not.toHaveBeenCalled();
  return retry.mock.calls;
}

describe("while the database fails", () => {
  it.each([
    ["a message that was given up", "flow-reports-dead", report("flow.started", newId())],
    ["a message that nobody can read", "flow-reports", { no: "envelope" }],
    ["a message that nobody handles", "flow-reports", report("flow.odd", newId())],
    ["a report with a bad payload", "flow-reports", report("flow.started", "nope")],
    ["the deletion of an owner", "flow-reports", { headers: { name: "iam.user.deleted" }, payload: { id: newId() } }],
  ])("%s is wanted again after ever longer waits, up to an hour", async (_, queue, body) => {
    const delays: unknown[] = [];
    for (let attempts = 1; attempts <= 14; attempts += 1) {
      delays.push(await delayOf(queue, body, attempts, { DB: brokenDatabase() }));
    }
    const seconds = [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600, 3600];
    expect(delays).toEqual(seconds.map((delaySeconds) => [[{ delaySeconds }]]));
  });

  it("a report is wanted again, and works then", async () => {
    const id = await flowOf(await someone(), {}, { status: "starting", start_id: "a start", tries: 1 });
    await rebind(id, { DB: brokenDatabase() });
    expect(await delayOf("flow-reports", report("flow.started", id), 3, {})).toEqual([[{ delaySeconds: 8 }]]);
    expect((await rowOf(id))?.status).toBe("starting");
    await rebind(id, { DB: env.DB });
    expect((await deliver("flow-reports", report("flow.started", id))).explicitAcks).toHaveLength(1);
    expect((await rowOf(id))?.status).toBe("active");
  });

  it("for one flow, the messages of others in the batch are handled all the same", async () => {
    const [broken, fine] = [await flowOf(await someone()), await flowOf(await someone(), {}, { status: "starting" })];
    await rebind(broken, { DB: brokenDatabase() });
    const result = await deliver("flow-reports", report("flow.started", broken), report("flow.started", fine));
    expect([result.explicitAcks.length, result.retryMessages.length]).toEqual([1, 1]);
    expect((await rowOf(fine))?.status).toBe("active");
  });
});
