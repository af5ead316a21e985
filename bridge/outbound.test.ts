import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { carrying, ended, LEASE_MS, notice, parcel, reference, type Fate } from "./given.ts";
import { wait } from "./patience.ts";

const pass = (milliseconds = 0) => vi.advanceTimersByTimeAsync(milliseconds);

beforeEach(() => {
  vi.useFakeTimers({ fakeNodeBuiltins: true });
  vi.spyOn(AbortSignal, "timeout").mockImplementation((milliseconds) => {
    const over = new AbortController();
    setTimeout(() => over.abort(), milliseconds);
    return over.signal;
  });
});
afterEach(async () => {
  const ends = ended.splice(0).map((end) => end());
  await pass(2 * LEASE_MS);
  await Promise.all(ends);
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("the order of a flow", () => {
  it("is kept by waiting for each confirmation, while other flows go on", async () => {
    const confirm = new Map<string, (fate: Fate) => void>();
    const held = (lease: string) => new Promise<Fate>((resolve) => void confirm.set(lease, resolve));
    const { mailbox, sent } = carrying([[parcel("a1"), parcel("a2"), parcel("b1"), parcel("b2")]], held);
    await pass();
    expect(sent()).toEqual(["a1", "b1"]);
    confirm.get("b1")!("taken");
    await pass();
    expect(sent()).toEqual(["a1", "b1", "b2"]);
    for (const lease of ["a1", "b2"]) confirm.get(lease)!("taken");
    await pass();
    expect(sent()).toEqual(["a1", "b1", "b2", "a2"]);
    expect(mailbox).toMatchObject({ settled: [], pulls: 1 });
    confirm.get("a2")!("taken");
    await pass();
    expect(new Set(mailbox.settled[0]!.acks)).toEqual(new Set(["a1", "a2", "b1", "b2"]));
  });

  it("is that of statusSeq where a queue mixed up commands, and notices keep their place", async () => {
    const { sent } = carrying([[parcel("a3"), parcel("a1"), notice("a-modified"), parcel("a2")]]);
    await pass();
    expect(sent()).toEqual(["a1", "a2", "a-modified", "a3"]);
  });

  it.each<[Fate, number]>([
    ["refused", 0],
    ["returned", 0],
    ["untold", LEASE_MS * 0.8],
  ])("holds up what comes after one that was %s, of its flow and no other", async (fate, after) => {
    const batch = [parcel("a1"), parcel("b1"), parcel("a2"), parcel("b2"), notice("a-modified")];
    const { mailbox, sent, state } = carrying([batch], (lease) => (lease === "a1" ? fate : "taken"));
    await pass(after);
    expect(sent()).toEqual(["a1", "b1", "b2"]);
    const retries = ["a1", "a2", "a-modified"].map((lease) => ({ lease, delaySeconds: 1 }));
    expect(mailbox.settled).toEqual([{ acks: ["b1", "b2"], retries }]);
    expect(state).toMatchObject({ published: 2, unrouted: fate === "returned" ? 1 : 0 });
  });
});

describe("what cannot go out now", () => {
  it.each([
    [0, 1],
    [1, 1],
    [2, 2],
    [3, 4],
    [6, 32],
    [7, 60],
    [500, 60],
  ])("if nobody is bound for it at try %i comes again after %i s", async (attempts, delaySeconds) => {
    const { mailbox } = carrying([[parcel("a1", "flow.starting", { graph: {} }, attempts)]], () => "returned");
    await pass();
    expect(mailbox.settled).toEqual([{ acks: [], retries: [{ lease: "a1", delaySeconds }] }]);
  });

  it("must reach a queue if it is a command", async () => {
    const { channel } = carrying([[parcel("a1"), parcel("b1", "flow.stopping"), notice("c-modified")]]);
    await pass();
    expect(channel.published.map(({ options }) => options)).toEqual(
      [true, true, false].map((mandatory) => ({ deliveryMode: 2, headers: {}, mandatory })),
    );
  });

  it("comes again after a minute if it cannot be read, and holds up nothing", async () => {
    const unreadable = { lease: "x", attempts: 1, message: undefined };
    const ofNoFlow = { ...unreadable, lease: "y", message: { headers: { name: "other" }, payload: {} } };
    const { mailbox } = carrying([[unreadable, ofNoFlow, parcel("a1")]]);
    await pass();
    expect(mailbox.settled).toEqual([{ acks: ["y", "a1"], retries: [{ lease: "x", delaySeconds: 60 }] }]);
  });

  it("is not asked for again at once if nothing went out", async () => {
    const { mailbox } = carrying([[parcel("a1")]], () => "refused");
    await pass(199);
    expect(mailbox.pulls).toBe(1);
    await pass(201);
    expect(mailbox.pulls).toBe(2);
  });
});

describe("a command that a later one was published before", () => {
  it("is done with, and one that is sent again is not", async () => {
    const batches = [[parcel("a2")], [parcel("a1"), parcel("b1")], [parcel("a2")]];
    const { mailbox, sent, state } = carrying(batches);
    await pass();
    expect(sent()).toEqual(["a2", "b1", "a2"]);
    expect(mailbox.settled.flatMap(({ acks }) => acks)).toEqual(["a2", "a1", "b1", "a2"]);
    expect(state).toMatchObject({ superseded: 1, published: 3 });
  });

  it("goes out if the later one did not", async () => {
    const { sent } = carrying([[parcel("a2")], [parcel("a1")]], (lease) => (lease === "a2" ? "refused" : "taken"));
    await pass(400);
    expect(sent()).toEqual(["a2", "a1"]);
  });
});

describe("a reference to a flow", () => {
  it("goes out with the flow", async () => {
    const { channel, documentOf } = carrying([[reference("a1")]]);
    documentOf.mockResolvedValue({ name: "another", description: "Large", graph: { nodes: [{ id: "n" }] } });
    await pass();
    expect(documentOf.mock.calls).toEqual([["a", 3]]);
    const graph = { nodes: [{ id: "n" }], edges: [] };
    expect(channel.published[0]!.payload).toMatchObject({ id: "a", name: "a1", description: "Large", graph });
  });

  it("that is gone goes out with its id to stop it, and is moot to start it", async () => {
    const { mailbox, channel, sent } = carrying([[reference("a1"), reference("b2", "flow.stopping")]]);
    await pass();
    expect(sent()).toEqual(["b2"]);
    expect(channel.published[0]!.payload).toEqual({ id: "b", name: "b2", tenant: expect.any(String) });
    expect(mailbox.settled).toEqual([{ acks: ["a1", "b2"], retries: [] }]);
  });

  it("comes again, and holds up what comes after it, while the product does not answer", async () => {
    const { mailbox, sent, documentOf } = carrying([[reference("a1"), parcel("a2"), parcel("b1")]]);
    documentOf.mockRejectedValue(new Error("away"));
    await pass();
    expect(sent()).toEqual(["b1"]);
    expect(mailbox.settled[0]!.retries.map(({ lease }) => lease)).toEqual(["a1", "a2"]);
  });
});

describe("a lease", () => {
  it("that is half over has nothing published any more: another bridge may have it soon", async () => {
    const { mailbox, sent, documentOf } = carrying([[reference("a1"), parcel("a2"), parcel("b1")]]);
    documentOf.mockImplementation(() =>
      wait(LEASE_MS / 2 + 1, new AbortController().signal).then(() => ({ name: "a1" })),
    );
    await pass(LEASE_MS / 2 + 1);
    expect(sent()).toEqual(["b1"]);
    expect(mailbox.settled).toEqual([
      { acks: ["b1"], retries: ["a1", "a2"].map((lease) => ({ lease, delaySeconds: 0 })) },
    ]);
  });
});

describe("a product that is away", () => {
  it("is asked again, and nothing is published twice, until it knows what went out", async () => {
    const { mailbox, sent, state } = carrying([[parcel("a1")], [parcel("b1")]]);
    mailbox.silentSettlements = 4;
    await pass();
    expect(state.silence?.error).toBe("The product is away.");
    await pass(749);
    expect([sent(), mailbox.pulls, mailbox.settled]).toEqual([["a1"], 1, []]);
    await pass(751);
    expect(sent()).toEqual(["a1", "b1"]);
    expect(mailbox.settled.map(({ acks }) => acks)).toEqual([["a1"], ["b1"]]);
    expect(state.silence).toBeUndefined();
  });

  it("is not told any more what its lease no longer holds", async () => {
    const { mailbox } = carrying([[parcel("a1")]]);
    mailbox.silentSettlements = Infinity;
    await pass(LEASE_MS - 1);
    expect(mailbox.pulls).toBe(1);
    await pass(1);
    expect(mailbox.pulls).toBe(2);
  });

  it("is known to be, and since when", async () => {
    const { state, sent } = carrying([new Error("away"), new Error("still away"), [parcel("a1")]]);
    const since = Date.now();
    await pass(120);
    expect(state).toMatchObject({ silence: { since, error: "still away" } });
    await pass(200);
    expect(state).toMatchObject({ silence: undefined });
    expect(sent()).toEqual(["a1"]);
  });
});

it("asks for nothing while the broker is blocked", async () => {
  const { mailbox, state, sent } = carrying([[], [], [parcel("a1")]]);
  state.broker.blocked = true;
  await pass(10_000);
  const { pulls } = mailbox;
  state.broker.blocked = false;
  await pass(500);
  expect([pulls, sent()]).toEqual([1, ["a1"]]);
});

describe("the signal", () => {
  it("in the middle of a batch leaves it to its end, and what was confirmed is settled", async () => {
    const confirmed = Promise.withResolvers<Fate>();
    const batch = [parcel("a1"), parcel("a2"), parcel("b1")];
    const { mailbox, sent, stop, done } = carrying([batch], (lease) =>
      lease === "a1" ? confirmed.promise : "refused",
    );
    await pass();
    stop.abort();
    mailbox.silentSettlements = 2;
    confirmed.resolve("taken");
    await pass(300);
    await done;
    expect(sent()).toEqual(["a1", "b1", "a2"]);
    const retries = ["b1", "a2"].map((lease) => ({ lease, delaySeconds: 1 }));
    expect(mailbox).toMatchObject({ pulls: 1, settled: [{ acks: ["a1"], retries }] });
  });

  it("ends waiting for messages", async () => {
    const { mailbox, stop, done } = carrying([]);
    await pass();
    stop.abort();
    await done;
    expect(mailbox).toMatchObject({ pulls: 1, settled: [] });
  });
});
