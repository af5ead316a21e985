import type { Channel, ConsumeMessage } from "amqplib";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Carrier } from "./inbound.ts";
import { logAs } from "./log.ts";
import type { Product } from "./product.ts";
import { settingsIn } from "./settings.ts";
import { State } from "./state.ts";

type Take = Product["take"];

/** The message `a1`: about the subject a, the first of it. */
const bytesOf = (mark: string): string =>
  JSON.stringify({ headers: { name: "flow.started" }, payload: { id: mark[0], mark } });
const markOf = (message: unknown): string => (message as { payload: { mark: string } }).payload.mark;

const ended: (() => Promise<void>)[] = [];
/** Carries to a product until the test is over. */
function carrying(take: Take, batch = 100) {
  const settings = settingsIn({ RABBITMQ_URL: "amqp://broker", BRIDGE_TOKEN: "t", BRIDGE_BATCH: String(batch) });
  const calls: { at: number; marks: string[] }[] = [];
  const took: Take = (messages) => {
    calls.push({ at: Date.now(), marks: messages.map(markOf) });
    return take(messages);
  };
  const acked: string[] = [];
  const ack = vi.fn<(message: ConsumeMessage) => void>(({ content }) => {
    acked.push(content.toString());
  });
  const product = { sources: [], take: took, documentOf: async () => undefined };
  const by = { settings, product, channel: { ack } as unknown as Channel, state: new State(), log: logAs("silent") };
  const carrier = new Carrier(by);
  let deliveryTag = 0;
  const receive = (...contents: string[]): void => {
    for (const content of contents) {
      deliveryTag += 1;
      const fields = { deliveryTag, routingKey: "flow.started" };
      carrier.receive({ content: Buffer.from(content), fields } as unknown as ConsumeMessage);
    }
  };
  const stop = new AbortController();
  const done = carrier.run(stop.signal);
  ended.push(async () => {
    stop.abort();
    await done;
  });
  const bring = (...marks: string[]) => receive(...marks.map(bytesOf));
  const settled = () => acked.map((content) => markOf(JSON.parse(content)));
  const handed = () => calls.map(({ marks }) => marks);
  return { receive, bring, settled, handed, calls, acked, ack, state: by.state, stop, done };
}

const all: Take = async (messages) => messages.map(() => true);
const none: Take = async (messages) => messages.map(() => false);
/** Takes all but what is named, the first time. */
function allBut(...marks: string[]): Take {
  const refused = new Set(marks);
  return async (messages) => messages.map((message) => !refused.delete(markOf(message)));
}
const pass = (milliseconds = 0) => vi.advanceTimersByTimeAsync(milliseconds);

beforeEach(() => {
  vi.useFakeTimers({ now: 0, fakeNodeBuiltins: true });
  vi.spyOn(Math, "random").mockReturnValue(1);
});
afterEach(async () => {
  const ends = ended.splice(0).map((end) => end());
  await pass();
  await Promise.all(ends);
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("messages of the bus", () => {
  it.each([
    ["of many subjects", ["a1", "b1", "c1", "d1", "e1"], [["a1", "b1"], ["c1", "d1"], ["e1"]]],
    ["of one subject", ["a1", "a2", "a3"], [["a1", "a2"], ["a3"]]],
    ["mixed", ["a1", "b1", "a2", "b2", "a3"], [["a1", "a2"], ["a3", "b1"], ["b2"]]],
  ])("%s are handed over in batches, and all acknowledged", async (_, marks, batches) => {
    const { bring, handed, settled, state } = carrying(all, 2);
    bring(...marks);
    await pass();
    expect(handed()).toEqual(batches);
    expect(settled()).toEqual(batches.flat());
    expect(state).toMatchObject({ delivered: marks.length, deferred: 0 });
  });

  it("wake a carrier that has nothing to do, and it asks nothing before", async () => {
    const { bring, handed } = carrying(all);
    await pass(100_000);
    expect(handed()).toEqual([]);
    bring("a1");
    await pass();
    bring("a2");
    await pass();
    expect(handed()).toEqual([["a1"], ["a2"]]);
  });

  it("are acknowledged once the product has taken them, and not before", async () => {
    const answer = Promise.withResolvers<boolean[]>();
    const { bring, handed, settled } = carrying(async () => answer.promise);
    bring("a1", "b1");
    await pass(20_000);
    bring("c1");
    await pass();
    expect([handed(), settled()]).toEqual([[["a1", "b1"]], []]);
    answer.resolve([true, true]);
    await pass();
    expect(settled()).toEqual(["a1", "b1", "c1"]);
  });

  it("are one subject whatever the case of its id, and none if there is no id", async () => {
    const told: unknown[] = [];
    const { receive, acked } = carrying(async (messages) => {
      told.push(...messages);
      return messages.map((_, at) => told.length > 4 || at === 3);
    });
    receive(`{"payload":{"id":"AB"}}`, `{"payload":{"id":"ab"}}`, "no JSON", "7");
    await pass();
    const unreadable = { headers: { name: "unreadable" } };
    expect(told.slice(2)).toEqual([
      { ...unreadable, payload: "no JSON" },
      { ...unreadable, payload: "7" },
    ]);
    receive("8");
    await pass();
    expect(acked).toEqual(["7", "8"]);
    await pass(100);
    expect(acked.slice(2)).toEqual([`{"payload":{"id":"AB"}}`, `{"payload":{"id":"ab"}}`, "no JSON"]);
  });
});

describe("a message that is not taken", () => {
  it("holds up what is about the same, and nothing else", async () => {
    const { bring, settled, calls, state } = carrying(allBut("a1", "a2"));
    bring("a1", "b1", "a2");
    await pass(50);
    bring("a3", "b2");
    await pass(49);
    expect(settled()).toEqual(["b1", "b2"]);
    await pass(1);
    expect(calls).toEqual([
      { at: 0, marks: ["a1", "a2", "b1"] },
      { at: 50, marks: ["b2"] },
      { at: 100, marks: ["a1", "a2", "a3"] },
    ]);
    expect(settled()).toEqual(["b1", "b2", "a1", "a2", "a3"]);
    expect(state).toMatchObject({ delivered: 5, deferred: 1 });
  });

  it("does not keep from being acknowledged what was taken before it", async () => {
    const { bring, settled, handed } = carrying(allBut("a2", "a3"));
    bring("a1", "a2", "a3");
    await pass();
    expect(settled()).toEqual(["a1"]);
    await pass(100);
    expect(settled()).toEqual(["a1", "a2", "a3"]);
    expect(handed()).toEqual([
      ["a1", "a2", "a3"],
      ["a2", "a3"],
    ]);
  });

  it("comes behind the one after it if the product has taken that", async () => {
    const { bring, settled } = carrying(allBut("a1"));
    bring("a1", "a2");
    await pass(100);
    expect(settled()).toEqual(["a2", "a1"]);
  });

  it("is brought again after a time that doubles, up to half a minute", async () => {
    const { bring, calls, state } = carrying(none);
    bring("a1");
    await pass(120_000);
    const times = calls.map(({ at }) => at);
    expect(times.slice(1).map((at, before) => at - times[before]!)).toEqual([
      100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000,
    ]);
    expect(state.deferred).toBe(12);
  });

  it("begins with short times again once something of its subject was taken", async () => {
    let tries = 0;
    const { bring, calls } = carrying(async (messages) => {
      tries += 1;
      return messages.map((_, at) => tries === 4 && at === 0);
    });
    bring("a1", "a2");
    await pass(800);
    expect(calls.map(({ at }) => at)).toEqual([0, 100, 300, 700, 800]);
    expect(calls.at(-1)!.marks).toEqual(["a2"]);
  });

  it.each<[string, boolean[], string[]]>([
    ["too short", [true], ["a1"]],
    ["empty", [], []],
    ["too long", [true, true, true, true], ["a1", "b1", "c1"]],
  ])("is one of which an answer that is %s says nothing", async (_, answer, expected) => {
    const { bring, settled } = carrying(async () => answer);
    bring("a1", "b1", "c1");
    await pass(99);
    expect(settled()).toEqual(expected);
  });
});

it("acknowledges nothing while the product is away, and then brings all again", async () => {
  let isAway = true;
  const { bring, settled, handed, state } = carrying(async (messages) => {
    if (isAway) throw new Error("The product is away.");
    return all(messages);
  });
  bring("a1", "b1", "a2");
  await pass(99);
  expect([handed(), settled()]).toEqual([[["a1", "a2", "b1"]], []]);
  expect(state).toMatchObject({
    silence: { part: "reports", since: 0, error: "The product is away." },
    delivered: 0,
    deferred: 2,
  });
  isAway = false;
  await pass(1);
  expect(settled()).toEqual(["a1", "a2", "b1"]);
  expect(state).toMatchObject({ silence: undefined, delivered: 3 });
});

it("goes on when a channel that has closed refuses an acknowledgement", async () => {
  const { bring, settled, handed, ack, state } = carrying(all);
  ack.mockImplementationOnce(() => {
    throw new Error("Channel closed");
  });
  bring("a1", "a2", "b1");
  await pass();
  bring("a3");
  await pass(60_000);
  expect(handed()).toEqual([["a1", "a2", "b1"], ["a3"]]);
  expect(settled()).toEqual(["a2", "b1", "a3"]);
  expect(state.delivered).toBe(4);
});

describe("the signal", () => {
  it("ends waiting at once", async () => {
    const { stop, done, bring, handed } = carrying(none);
    bring("a1");
    await pass();
    stop.abort();
    await done;
    expect(handed()).toHaveLength(1);
  });

  it("leaves a batch that is under way to its end, and begins no other", async () => {
    const answer = Promise.withResolvers<boolean[]>();
    const { bring, handed, settled, stop, done } = carrying(async () => answer.promise, 2);
    bring("a1", "b1", "c1");
    await pass();
    stop.abort();
    await pass();
    answer.resolve([true, false]);
    await done;
    expect([handed(), settled()]).toEqual([[["a1", "b1"]], ["a1"]]);
  });
});

const ofSubject = (marks: readonly string[]) => Map.groupBy(marks, ([subject]) => subject);

it("brings everything once, and what is about the same in its order, whatever the product refuses", async () => {
  const marks = fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 20 });
  const faults = fc.array(fc.constantFrom("fine", "fine", "refused", "away"), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(marks, faults, fc.integer({ min: 1, max: 5 }), async (subjects, given, batch) => {
      const luck = [...given];
      // As the product does: what comes after one that has to come again is held up.
      const { bring, settled, stop, done } = carrying(async (messages) => {
        if (luck.at(-1) === "away") throw new Error(`${luck.pop()}`);
        const heldUp = new Set<string>();
        return messages.map((message) => {
          const [subject] = markOf(message) as unknown as [string];
          if (luck.pop() === "refused") heldUp.add(subject);
          return !heldUp.has(subject);
        });
      }, batch);
      const brought = subjects.map((subject, at) => `${subject}${at}`);
      for (const mark of brought) {
        bring(mark);
        await pass(20);
      }
      await pass(200_000);
      stop.abort();
      await done;
      expect(settled()).toHaveLength(brought.length);
      expect(ofSubject(settled())).toEqual(ofSubject(brought));
    }),
    { numRuns: 30 },
  );
});
