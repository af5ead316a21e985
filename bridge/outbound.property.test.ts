import { EventEmitter } from "node:events";

import type { ConfirmChannel } from "amqplib";
import * as fc from "fast-check";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { logAs } from "./log.ts";
import { carryOut, Published } from "./outbound.ts";
import { wait } from "./patience.ts";
import type { Parcel, Settled, Source } from "./product.ts";
import { Publisher } from "./publish.ts";
import { settingsIn } from "./settings.ts";
import { State } from "./state.ts";

const settings = settingsIn({ RABBITMQ_URL: "amqp://broker", BRIDGE_TOKEN: "t" });

interface Command {
  readonly flow: string;
  readonly seq: number;
}
/** What goes wrong next, if anything: a number below the given one. */
type Chance = (below: number) => number;

/** A queue as Cloudflare's: in no order, handed out again when a lease is over or a settlement was lost. */
class Queue implements Source {
  readonly name = "queue";
  waiting: { command: Command; due: number; attempts: number }[];
  readonly #chance: Chance;

  constructor(commands: readonly Command[], chance: Chance) {
    this.waiting = commands.map((command) => ({ command, due: 0, attempts: 0 }));
    this.#chance = chance;
  }
  backlog = () => undefined;
  async pull(signal: AbortSignal): Promise<Parcel[]> {
    await wait(100, signal);
    if (this.#chance(6) === 5) throw new Error("away");
    const batch = this.waiting.filter(({ due }) => due <= Date.now()).slice(0, 4);
    for (const one of batch) Object.assign(one, { due: Date.now() + 30_000, attempts: one.attempts + 1 });
    if (this.#chance(2) === 1) batch.reverse();
    return batch.map(({ command: { flow, seq }, attempts }) => {
      const headers = { name: "flow.starting", createdAt: seq, statusSeq: seq };
      return { lease: `${flow}${seq}`, attempts, message: { headers, payload: { id: flow } } };
    });
  }
  async settle({ acks, retries }: Settled): Promise<void> {
    const lost = this.#chance(6);
    if (lost === 5) throw new Error("away");
    const leaseOf = ({ command: { flow, seq } }: (typeof this.waiting)[number]) => `${flow}${seq}`;
    this.waiting = this.waiting.filter((one) => !acks.includes(leaseOf(one)));
    for (const one of this.waiting) {
      const retry = retries.find(({ lease }) => lease === leaseOf(one));
      if (retry !== undefined) one.due = Date.now() + retry.delaySeconds * 1000;
    }
    if (lost === 4) throw new Error("The answer was lost.");
  }
}

/** A channel of which some messages come back, and some are refused. What it took it keeps. */
class Channel extends EventEmitter {
  readonly taken: Command[] = [];
  readonly #chance: Chance;

  constructor(chance: Chance) {
    super();
    this.#chance = chance;
  }
  publish(_: string, routingKey: string, content: Buffer, __: object, told: (fault: unknown) => void): boolean {
    const { headers, payload } = JSON.parse(content.toString()) as {
      headers: { createdAt: number };
      payload: { id: string };
    };
    const fate = this.#chance(6);
    queueMicrotask(() => {
      if (fate === 5) this.emit("return", { fields: { routingKey }, content });
      else if (fate < 4) this.taken.push({ flow: payload.id, seq: headers.createdAt });
      told(fate === 4 ? new Error("message nacked") : null);
    });
    return true;
  }
}

beforeEach(() => {
  vi.useFakeTimers({ now: 1, fakeNodeBuiltins: true });
});
afterEach(() => {
  vi.useRealTimers();
});

it("brings every flow to its last command, and never back to an earlier one, whatever fails", async () => {
  const command = fc.record({ flow: fc.constantFrom("a", "b", "c"), seq: fc.integer({ min: 1, max: 6 }) });
  const commands = fc.uniqueArray(command, {
    selector: ({ flow, seq }) => `${flow}${seq}`,
    minLength: 1,
    maxLength: 12,
  });
  await fc.assert(
    fc.asyncProperty(commands, fc.array(fc.nat({ max: 59 }), { maxLength: 60 }), async (sent, faults) => {
      const luck = [...faults];
      const chance: Chance = (below) => (luck.shift() ?? 0) % below;
      const queue = new Queue(sent, chance);
      const channel = new Channel(chance);
      const stop = new AbortController();
      const publisher = new Publisher(channel as unknown as ConfirmChannel, "event-bus");
      const product = { sources: [queue], take: async () => [], documentOf: async () => undefined };
      const by = { settings, product, publisher, state: new State(), log: logAs("silent"), published: new Published() };
      const done = carryOut(by, queue, stop.signal);
      for (let times = 0; times < 100 && queue.waiting.length > 0; times += 1) {
        await vi.advanceTimersByTimeAsync(10_000);
      }
      stop.abort();
      await vi.advanceTimersByTimeAsync(60_000);
      await done;
      expect(queue.waiting).toEqual([]);
      for (const [flow, ofFlow] of Map.groupBy(channel.taken, ({ flow: id }) => id)) {
        const seqs = ofFlow.map(({ seq }) => seq);
        expect(seqs).toEqual(seqs.toSorted((one, other) => one - other));
        expect(seqs.at(-1)).toBe(Math.max(...sent.filter((one) => one.flow === flow).map(({ seq }) => seq)));
      }
      expect(new Set(channel.taken.map(({ flow }) => flow))).toEqual(new Set(sent.map(({ flow }) => flow)));
    }),
    { numRuns: 30 },
  );
});

it("knows how far it was with the flows that were published last", () => {
  const published = new Published();
  for (let flow = 0; flow <= Published.most; flow += 1) published.note(`${flow % Published.most}`, step(flow + 1));
  expect([0, 1].map((flow) => published.isBehind(`${flow}`, step(0)))).toEqual([true, true]);
  published.note("one more", step(1));
  expect([0, 1, 2].map((flow) => published.isBehind(`${flow}`, step(0)))).toEqual([true, false, true]);
  expect([0, 1, 2].map((seq) => published.isBehind("one more", step(seq)))).toEqual([true, false, false]);
});

const step = (statusSeq: number, createdAt = statusSeq) => ({ statusSeq, createdAt });

it("takes a command for a new one where the numbers of a flow begin anew", () => {
  const published = new Published();
  published.note("flow", step(7, 1000));
  expect(published.isBehind("flow", step(1, 2000))).toBe(false);
  expect(published.isBehind("flow", step(6, 1000))).toBe(true);
});
