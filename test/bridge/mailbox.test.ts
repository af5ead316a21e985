import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { expect, it, vi } from "vitest";

import type { BridgeMailbox, PullOrder } from "../../src/messages/mailbox.ts";

const order: PullOrder = { most: 10, leaseSeconds: 30, waitSeconds: 0 };

/** A mailbox of its own, called directly: alarms and clocks are its own too. */
async function within(play: (box: BridgeMailbox) => unknown): Promise<void> {
  await runInDurableObject(env.BRIDGE_MAILBOX.getByName(crypto.randomUUID()), async (box) => {
    await play(box);
  });
}

const body = (name: string, statusSeq?: number): string =>
  JSON.stringify({ headers: { name, ...(statusSeq === undefined ? {} : { statusSeq }) }, payload: {} });

const drawn = async (box: BridgeMailbox, changed: Partial<PullOrder> = {}) => {
  const { messages } = await box.pull({ ...order, ...changed });
  return messages.map((message) => ({ ...message, name: (JSON.parse(message.body) as Told).headers.name }));
};
type Told = { headers: { name: string } };
const namesOf = (messages: readonly { name: string }[]): string[] => messages.map(({ name }) => name);

it("hands out messages in their order, each once while its lease holds", () =>
  within(async (box) => {
    for (const name of ["one", "two", "three"]) box.put(`flow of ${name}`, body(name));
    expect(namesOf(await drawn(box, { most: 2 }))).toEqual(["one", "two"]);
    expect(namesOf(await drawn(box))).toEqual(["three"]);
    expect(await drawn(box)).toEqual([]);
  }));

it("hands out again what was not settled when its lease is over, and counts it", () =>
  within(async (box) => {
    vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
    box.put("flow", body("one"));
    const [first] = await drawn(box);
    vi.advanceTimersByTime(30_000);
    const [again] = await drawn(box);
    vi.useRealTimers();
    expect(again).toMatchObject({ name: "one", attempts: 2 });
    expect(again!.leaseId).not.toBe(first!.leaseId);
    expect(box.settle({ acks: [first!.leaseId], retries: [] })).toEqual({ acked: 0, retried: 0 });
    expect(box.settle({ acks: [again!.leaseId], retries: [] })).toEqual({ acked: 1, retried: 0 });
    expect((await box.pull(order)).backlog).toBe(0);
  }));

it("takes an acknowledgement after the lease is over, as long as nobody else has the message", () =>
  within(async (box) => {
    vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
    box.put("flow", body("one"));
    const [first] = await drawn(box);
    vi.advanceTimersByTime(60_000);
    expect(box.settle({ acks: [first!.leaseId], retries: [] }).acked).toBe(1);
    vi.useRealTimers();
  }));

it("never lets a message of a flow pass another of it that is handed out or put off", () =>
  within(async (box) => {
    vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
    box.put("a", body("a1"));
    const [a1] = await drawn(box);
    box.put("a", body("a2"));
    box.put("b", body("b1"));
    expect(namesOf(await drawn(box))).toEqual(["b1"]);
    expect(box.settle({ acks: [], retries: [{ leaseId: a1!.leaseId, delaySeconds: 10 }] }).retried).toBe(1);
    expect(await drawn(box)).toEqual([]);
    vi.advanceTimersByTime(10_000);
    expect(namesOf(await drawn(box))).toEqual(["a1", "a2"]);
    vi.useRealTimers();
  }));

it("keeps a command that is sent again once while it waits, and anew once it was handed out", () =>
  within(async (box) => {
    for (let times = 0; times < 3; times += 1) box.put("flow", body("flow.starting", 1));
    box.put("flow", body("flow.stopping", 2));
    box.put("other", body("flow.starting", 1));
    expect(namesOf(await drawn(box))).toEqual(["flow.starting", "flow.stopping", "flow.starting"]);
    box.put("flow", body("flow.stopping", 2));
    expect((await box.pull(order)).backlog).toBe(4);
  }));

it("hands out a command that was sent again as it was sent last", () =>
  within(async (box) => {
    box.put("flow", JSON.stringify({ headers: { name: "flow.starting", statusSeq: 1 }, payload: { name: "old" } }));
    box.put("flow", JSON.stringify({ headers: { name: "flow.starting", statusSeq: 1 }, payload: { name: "new" } }));
    box.put(
      "flow",
      JSON.stringify({ headers: { name: "flow.starting", statusSeq: 1, startId: "another" }, payload: {} }),
    );
    const all = (await drawn(box)).map((one) => (JSON.parse(one.body) as { payload: { name?: string } }).payload.name);
    expect(all).toEqual(["new", undefined]);
  }));

it("keeps notices however often they come", () =>
  within(async (box) => {
    for (let times = 0; times < 3; times += 1) box.put("flow", body("flowrepo.flow.modified"));
    expect(await drawn(box)).toHaveLength(3);
  }));

it("waits for a message, and hands it out only to who asks again", () =>
  within(async (box) => {
    const waiting = box.pull({ ...order, waitSeconds: 20 });
    box.put("flow", body("one"));
    expect(await waiting).toMatchObject({ messages: [], backlog: 1 });
    expect(namesOf(await drawn(box, { waitSeconds: 20 }))).toEqual(["one"]);
  }));

it("waits for what is put off, and not for what stands behind it", () =>
  within(async (box) => {
    box.put("flow", body("flow.starting", 1));
    const [first] = await drawn(box);
    box.settle({ acks: [], retries: [{ leaseId: first!.leaseId, delaySeconds: 60 }] });
    box.put("flow", body("flow.stopping", 2));
    const timers = vi.spyOn(globalThis, "setTimeout");
    const waiting = box.pull({ ...order, waitSeconds: 20 });
    expect(timers.mock.lastCall?.[1]).toBeGreaterThan(19_000);
    timers.mockRestore();
    box.put("other", body("flow.starting", 1));
    await waiting;
  }));

it("ends waiting when a lease is over", () =>
  within(async (box) => {
    box.put("flow", body("one"));
    await drawn(box, { leaseSeconds: 0 });
    expect(namesOf(await drawn(box, { waitSeconds: 20 }))).toEqual(["one"]);
  }));

it("settles nothing for leases that it does not know", () =>
  within((box) => {
    const nothing = { acked: 0, retried: 0 };
    expect(box.settle({ acks: ["7.nothing", "", "x.y"], retries: [] })).toEqual(nothing);
    expect(box.settle({ acks: [], retries: [{ leaseId: "7.nothing", delaySeconds: 0 }] })).toEqual(nothing);
  }));

it("does not answer with more than an isolate can hold", () =>
  within(async (box) => {
    const large = JSON.stringify({ headers: { name: "large" }, payload: "x".repeat(1_500_000) });
    for (let times = 0; times < 8; times += 1) box.put(`flow ${times}`, large);
    expect(await drawn(box)).toHaveLength(5);
    expect(await drawn(box)).toHaveLength(3);
  }));
