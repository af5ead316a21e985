import { EventEmitter } from "node:events";

import type { ConfirmChannel } from "amqplib";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { logAs } from "./log.ts";
import { carryOut, Published } from "./outbound.ts";
import { wait } from "./patience.ts";
import type { Parcel, Product, Settled, Source } from "./product.ts";
import { Publisher } from "./publish.ts";
import { settingsIn } from "./settings.ts";
import { State } from "./state.ts";

const LEASE_MS = 30_000;
const settings = settingsIn({ RABBITMQ_URL: "amqp://broker", BRIDGE_TOKEN: "t" });

/** What becomes of a message at the broker: taken, returned since no queue is bound for it, refused, or never told. */
type Fate = "taken" | "returned" | "refused" | "untold";

/** A channel in memory. It knows a message by the lease of its parcel. */
class Channel extends EventEmitter {
  readonly published: { lease: string; payload: Record<string, unknown>; options: object }[] = [];
  fateOf: (lease: string) => Fate | Promise<Fate> = () => "taken";

  publish(_: string, routingKey: string, content: Buffer, options: object, told: (fault: unknown) => void): boolean {
    const { payload } = JSON.parse(content.toString()) as { payload: Record<string, unknown> };
    const lease = String(payload["name"]);
    this.published.push({ lease, payload, options });
    void Promise.resolve(this.fateOf(lease)).then((fate) => {
      if (fate === "returned") this.emit("return", { fields: { routingKey }, content });
      if (fate !== "untold") told(fate === "refused" ? new Error("message nacked") : null);
      return fate;
    });
    return true;
  }
}

/** Hands out batches as they are given, then none. */
class Mailbox implements Source {
  readonly name = "mailbox";
  readonly settled: Settled[] = [];
  batches: (readonly Parcel[] | Error)[] = [];
  pulls = 0;
  silentSettlements = 0;

  backlog = () => undefined;
  async pull(signal: AbortSignal): Promise<readonly Parcel[]> {
    this.pulls += 1;
    const next = this.batches.shift();
    if (next instanceof Error) throw next;
    if (next === undefined) await wait(1000, signal);
    return next ?? [];
  }
  async settle(settled: Settled): Promise<void> {
    this.silentSettlements -= 1;
    if (this.silentSettlements >= 0) throw new Error("The product is away.");
    this.settled.push(settled);
  }
}

/** The command `a1`: of flow a, statusSeq 1. Its flow has the name, so that it is known on the channel. */
function parcel(lease: string, name = "flow.starting", payload: object = { graph: {} }, attempts = 1): Parcel {
  const headers = { name, createdAt: 1, statusSeq: Number(lease.slice(1)) };
  return { lease, attempts, message: { headers, payload: { id: lease[0], name: lease, ...payload } } };
}
const reference = (lease: string, name?: string) => parcel(lease, name, { revision: 3, href: "/flows/a" });
function notice(lease: string): Parcel {
  const payload = { flowId: lease[0], name: lease };
  return { lease, attempts: 1, message: { headers: { name: "flowrepo.flow.modified" }, payload } };
}

const ended: (() => Promise<void>)[] = [];
/** Carries batches from a mailbox to a channel until the test is over. */
function carrying(batches: Mailbox["batches"], fateOf: Channel["fateOf"] = () => "taken") {
  const [mailbox, channel, stop] = [new Mailbox(), new Channel(), new AbortController()];
  [mailbox.batches, channel.fateOf] = [batches, fateOf];
  const documentOf = vi.fn<Product["documentOf"]>().mockResolvedValue(undefined);
  const product = { sources: [mailbox], take: async () => [], documentOf };
  const publisher = new Publisher(channel as unknown as ConfirmChannel, "event-bus");
  const by = { settings, product, publisher, state: new State(), log: logAs("silent"), published: new Published() };
  const done = carryOut(by, mailbox, stop.signal);
  ended.push(async () => {
    stop.abort();
    await done;
  });
  const sent = () => channel.published.map(({ lease }) => lease);
  return { mailbox, channel, documentOf, state: by.state, stop, done, sent };
}
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
