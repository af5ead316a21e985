import { EventEmitter } from "node:events";

import type { ConfirmChannel } from "amqplib";
import { vi } from "vitest";

import { logAs } from "./log.ts";
import { carryOut, Published } from "./outbound.ts";
import { wait } from "./patience.ts";
import type { Parcel, Product, Settled, Source } from "./product.ts";
import { Publisher } from "./publish.ts";
import { settingsIn } from "./settings.ts";
import { State } from "./state.ts";

export const LEASE_MS = 30_000;
const settings = settingsIn({ RABBITMQ_URL: "amqp://broker", BRIDGE_TOKEN: "t" });

/** What becomes of a message at the broker: taken, returned since no queue is bound for it, refused, or never told. */
export type Fate = "taken" | "returned" | "refused" | "untold";

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
export function parcel(lease: string, name = "flow.starting", payload: object = { graph: {} }, attempts = 1): Parcel {
  const headers = { name, createdAt: 1, statusSeq: Number(lease.slice(1)) };
  return { lease, attempts, message: { headers, payload: { id: lease[0], name: lease, ...payload } } };
}
export const reference = (lease: string, name?: string) => parcel(lease, name, { revision: 3, href: "/flows/a" });
export function notice(lease: string): Parcel {
  const payload = { flowId: lease[0], name: lease };
  return { lease, attempts: 1, message: { headers: { name: "flowrepo.flow.modified" }, payload } };
}

export const ended: (() => Promise<void>)[] = [];
/** Carries batches from a mailbox to a channel until the test is over. */
export function carrying(batches: Mailbox["batches"], fateOf: Channel["fateOf"] = () => "taken") {
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
